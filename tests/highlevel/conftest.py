"""A simulated clock, a scripted HighLevel, and a client between them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from hlcore.highlevel import Client, Limiter

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TOKEN = "pit-0f0f0f0f-aaaa-bbbb-cccc-123412341234"
Step = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class FakeClock:
    """Time that passes only when somebody sleeps. Safe to use from several threads."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.seconds += seconds
            self.slept.append(seconds)


class ScriptedServer:
    """Answers with the steps in order, then with the last one for ever."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        step = self.steps[min(len(self.requests), len(self.steps)) - 1]
        if isinstance(step, Exception):
            raise step
        if callable(step):
            return step(request)
        return httpx.Response(step.status_code, headers=step.headers, content=step.read())

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]


Connect = Callable[..., tuple[Client, ScriptedServer]]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def hl(clock: FakeClock) -> Iterator[Connect]:
    """Return `hl(step, …)`, which makes a client of location `loc1` and its scripted server."""
    clients: list[Client] = []

    def connect(*steps: Step, **options: Any) -> tuple[Client, ScriptedServer]:
        server = ScriptedServer(*steps)
        options = {"transport": httpx.MockTransport(server), **options}
        token = options.pop("token", lambda: TOKEN)
        limiter = options.pop("limiter", None) or Limiter(clock)
        client = Client("loc1", token, base_url="https://hl.test", limiter=limiter, clock=clock, **options)
        clients.append(client)
        return client, server

    yield connect
    for client in clients:
        client.close()


def error(status: int, message: object, **more: Any) -> httpx.Response:
    """An error body as HighLevel writes it."""
    return httpx.Response(status, json={"statusCode": status, "message": message, "traceId": "3f2c1b7e-01aa", **more})


def good_contact(contact_id: str = "c1", **fields: Any) -> httpx.Response:
    return httpx.Response(200, json={"contact": {"id": contact_id, **fields}, "traceId": "3f2c1b7e-01aa"})


def page(*ids: str, total: int | None = None) -> httpx.Response:
    rows = [{"id": each, "searchAfter": [1700000000000 + n, each]} for n, each in enumerate(ids)]
    return httpx.Response(200, json={"contacts": rows, "total": len(ids) if total is None else total})
