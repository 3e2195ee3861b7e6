"""The client of one location: every request that Contact Vault sends to HighLevel is one of its methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Self, TypedDict, Unpack

import httpx

from hlcore.highlevel import json_slices
from hlcore.highlevel.api.contacts import ContactCalls
from hlcore.highlevel.api.conversations import ConversationCalls
from hlcore.highlevel.api.location import LocationCalls
from hlcore.highlevel.api.records import RecordCalls
from hlcore.highlevel.calls import ApiCall, ClientState, T
from hlcore.highlevel.clock import Clock
from hlcore.highlevel.endpoints import ENDPOINTS
from hlcore.highlevel.rate_limit.limiter import Limiter, Priority
from hlcore.highlevel.transport import Transport
from hlcore.highlevel.types import ApiResponse, SentRequest


class ClientOptions(TypedDict, total=False):
    """Optional arguments of a client.

    `transport`: httpx transport, for tests. `on_request`: called after each request, in the thread that sent it.
    `on_refused`: called with a token that HighLevel refused, before the next one is fetched. `cancelled`: checked
    before and during every wait; True ends the call with Cancelled. `retries`: attempts after the first. `timeout`:
    seconds without a byte.
    """

    transport: httpx.BaseTransport | None
    priority: Priority
    on_request: Callable[[SentRequest], None] | None
    on_refused: Callable[[str], None] | None
    cancelled: Callable[[], bool] | None
    retries: int
    timeout: float


class Client(ContactCalls, RecordCalls, ConversationCalls, LocationCalls):
    """HighLevel, as one location's token may use it. Thread-safe; a context manager.

    Every method raises HighLevelError as drawn in `hlcore.errors`, or Cancelled, and nothing else. Reads, and writes
    that may be repeated, are tried again after every temporary failure. The token is fetched before each attempt and
    never stored.
    """

    def __init__(
        self,
        location_id: str,
        token: Callable[[], str],
        *,
        base_url: str,
        limiter: Limiter,
        clock: Clock,
        **options: Unpack[ClientOptions],
    ) -> None:
        self.location_id = location_id
        self.priority = options.get("priority", Priority.BACKGROUND)
        self._owns_connections = True
        self._state = ClientState(
            transport=Transport(base_url, clock, options.get("timeout", 30.0), options.get("transport")),
            limiter=limiter,
            clock=clock,
            token=token,
            retries=options.get("retries", 6),
            on_request=options.get("on_request"),
            cancelled=options.get("cancelled"),
            on_refused=options.get("on_refused"),
        )

    @property
    def requests(self) -> int:
        """Number of requests sent, retries included, by this client and those made from it."""
        return self._state.transport.requests

    @property
    def limiter(self) -> Limiter:
        """The location's limiter."""
        return self._state.limiter

    def with_priority(self, priority: Priority) -> Client:
        """Return a client of this priority that shares connections, limiter and counters. Closing it does nothing."""
        other = object.__new__(Client)
        other.location_id, other.priority = self.location_id, priority
        other._state, other._owns_connections = self._state, False
        return other

    def with_meter(self, meter: Callable[[], None]) -> Client:
        """Return a client that calls `meter` before every request, retries included.

        The calls come one at a time, when every earlier request is counted; what `meter` raises ends the call.
        Connections, limiter and counters are shared. Closing it does nothing.
        """
        other = self.with_priority(self.priority)
        other._state = replace(self._state, meter=meter)
        return other

    def call(
        self,
        endpoint_name: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> ApiResponse:
        """Send a request to this endpoint and return its answer: a documented status, and a whole JSON object or
        nothing.

        `query` members that are None or "" are left out.
        """
        return self._request(endpoint_name, _check_object, path=path, query=query, body=body)

    def close(self) -> None:
        """Close all connections. May be repeated."""
        if self._owns_connections:
            self._state.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.location_id!r}, {self.priority.value})"

    def _request(
        self,
        name: str,
        parse: Callable[[ApiResponse], T],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> T:
        endpoint = ENDPOINTS[name]
        filled_path = endpoint.fill({"locationId": self.location_id, **(path or {})})
        params = {key: _text(value) for key, value in (query or {}).items() if value is not None and value != ""}
        return ApiCall(self._state, self.priority, endpoint, filled_path, params, body, parse).run()


def _text(value: object) -> str:
    """Return the value as a query states it; half a character (a lone surrogate), which no address can hold, as '?'."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text.encode("utf-8", "replace").decode()


def _check_object(answer: ApiResponse) -> ApiResponse:
    if answer.status != 204 and answer.body.strip():
        json_slices.require_utf8(answer.body)
    return answer
