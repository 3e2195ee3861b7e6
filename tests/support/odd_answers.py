"""A HighLevel whose answers are changed on their way, for what no sandbox would send."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

Change = Callable[..., Any]


class Changing(httpx.HTTPTransport):
    """The sandbox over HTTP; the good answers to requests that begin with `where` pass through `change`, which gets the
    decoded JSON (`with_request`: behind the request) and returns what is sent instead: a value, or bytes as they
    are."""

    def __init__(self, where: str, change: Change, *, with_request: bool = False) -> None:
        super().__init__()
        self.where, self.change, self.with_request = where, change, with_request

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        name = f"{request.method} {request.url.path}"
        response = super().handle_request(request)
        if not name.startswith(self.where) or response.status_code >= 300:
            return response
        answer = json.loads(response.read())
        changed = self.change(request, answer) if self.with_request else self.change(answer)
        content = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
        return httpx.Response(response.status_code, headers={"content-type": "application/json"}, content=content)
