"""A sandbox with a clock that stands still, one location, and a client that speaks to it in process."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from hlcore.sandbox import Sandbox, SandboxLocation, serve
from hlcore.sandbox.http.gate import SandboxRequest, handle
from hlcore.sandbox.routes import OPERATIONS

HEADERS = {"Authorization": "Bearer pit-dental", "Version": "2021-07-28"}


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def move(self, **span: float) -> None:
        self.at += timedelta(**span)


class Direct(httpx.BaseTransport):
    """Calls the sandbox's gate without a socket; what needs a real connection is tested with `wired`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = {key.lower(): value for key, value in request.headers.items()}
        query, base = dict(request.url.params), "http://sandbox"
        received = SandboxRequest(request.method, request.url.path, query, headers, request.read(), base)
        answer = handle(self._sandbox, OPERATIONS, received).answer
        return httpx.Response(
            answer.status, headers={"Content-Type": "application/json", **answer.headers}, content=answer.body
        )


class Api:
    """The requests that most tests make, as an integration of the location would make them."""

    def __init__(self, client: httpx.Client, location: SandboxLocation) -> None:
        self.client = client
        self.location = location

    def request(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return self.client.request(method, path, json=body, **more)

    def search(self, **body: Any) -> httpx.Response:
        return self.request("POST", "/contacts/search", {"locationId": self.location.id, "pageLimit": 10, **body})

    def list_ids(self, limit: int = 10, **body: Any) -> list[str]:
        """Return the ids of all pages, oldest first unless `sort` says otherwise."""
        ids: list[str] = []
        body = {"pageLimit": limit, "sort": [{"field": "dateAdded", "direction": "asc"}], **body}
        while rows := self.search(**body).json()["contacts"]:
            ids += [row["id"] for row in rows]
            body["searchAfter"] = rows[-1]["searchAfter"]
        return ids

    def create(self, **body: Any) -> httpx.Response:
        return self.request("POST", "/contacts/", {"locationId": self.location.id, **body})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Sandbox:
    return Sandbox(clock, seed=7)


@pytest.fixture
def location(sandbox: Sandbox) -> SandboxLocation:
    return sandbox.add_location("dental", "Wren Dental", "America/Chicago", token="pit-dental")


@pytest.fixture
def api(sandbox: Sandbox, location: SandboxLocation) -> Iterator[Api]:
    with httpx.Client(transport=Direct(sandbox), base_url="http://sandbox", headers=HEADERS) as client:
        yield Api(client, location)


@pytest.fixture
def wired(sandbox: Sandbox, location: SandboxLocation) -> Iterator[Api]:
    """The same requests over a real connection, which can be cut."""
    with serve(sandbox) as server, httpx.Client(base_url=server.url, headers=HEADERS, timeout=5) as client:
        yield Api(client, location)
