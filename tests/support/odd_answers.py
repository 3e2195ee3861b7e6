"""A HighLevel whose answers are changed on their way, for what no sandbox would send."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

Change = Callable[..., Any]
BROKEN: dict[str, bytes] = {
    "no utf-8": b'"x\xff"',
    "half a letter": b'"\xc3"',
    "latin-1": '"Zo\u00eb"'.encode("latin-1"),
    "control character": b'"a\x00b"',
    "word": b"undefined",
    "hexadecimal": b"0x1F",
    "half a list": b"[1,,2]",
    "single quotes": b"{'a': 1}",
    "unknown escape": b'"\\x41"',
}
"""Bytes that stand where a JSON value should, and that no decoder reads."""
NUMBERS: dict[str, bytes] = {"NaN": b"NaN", "Infinity": b"Infinity", "-Infinity": b"-Infinity", "endless": b"1e999"}
"""Numbers that are no JSON, but that can be read."""
_PLACE = "here-stands-what-is-odd"


def with_bytes(answer: Any, item: dict[str, Any], name: str, odd: bytes) -> bytes:
    """Return the answer as JSON, with these bytes as the member `name` of one of its items."""
    item[name] = _PLACE
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    return text.encode().replace(json.dumps(_PLACE).encode(), odd)


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
