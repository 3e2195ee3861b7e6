"""The client of one location: everything that Contact Vault asks of HighLevel goes through `Client.call`.

Makes clients. In one process, all clients of a location share one limiter.
"""

from __future__ import annotations

import threading
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
from hlcore.highlevel.clock import Clock, SystemClock
from hlcore.highlevel.endpoints import ENDPOINTS
from hlcore.highlevel.rate_limit.limiter import Limiter, Priority
from hlcore.highlevel.transport import Transport
from hlcore.highlevel.types import ApiResponse, SentRequest
from hlcore.settings import Settings


class ClientOptions(TypedDict, total=False):
    """What a client may be given beside the needful.

    `transport`: the other side, for tests. `on_request`: told of each request after its end, from the
    thread that sent it. `on_refused`: told of a token that HighLevel refused, before the next one is asked for.
    `cancelled`: asked before and during every wait; true ends the call with Cancelled.
    `retries`: attempts after the first. `timeout`: seconds without a byte.
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

    Every method raises HighLevelError as drawn in `hlcore.errors`, Cancelled, or BudgetSpent, and nothing else.
    Reads, and writes that leave the same when done twice, are tried again after everything that can pass.
    The token is asked for before each attempt and kept nowhere.
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
        self._owner = True
        self._line = ClientState(
            wire=Transport(base_url, clock, options.get("timeout", 30.0), options.get("transport")),
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
        """Requests really sent, repeated ones included, by this client and those made from it."""
        return self._line.wire.requests

    @property
    def limiter(self) -> Limiter:
        """The location's budget."""
        return self._line.limiter

    def with_priority(self, priority: Priority) -> Client:
        """The same client for other purposes: it shares connections, budget and counters. Closing it does nothing."""
        other = object.__new__(Client)
        other.location_id, other.priority = self.location_id, priority
        other._line, other._owner = self._line, False
        return other

    def metered(self, meter: Callable[[], None]) -> Client:
        """The same client for work with a budget of its own: `meter` is called before every request, repeated ones
        included, one at a time and when every request before is counted; what it raises ends the call. Closing it does
        nothing."""
        other = self.with_priority(self.priority)
        other._line = replace(self._line, meter=meter)
        return other

    def call(
        self,
        endpoint_name: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> ApiResponse:
        """The answer of this endpoint: its status is a documented one, its body a whole JSON object (or empty).

        `query` members that are None or "" are left out."""
        return self._ask(endpoint_name, _checked, path=path, query=query, body=body)

    def close(self) -> None:
        """All connections are closed. May be repeated."""
        if self._owner:
            self._line.wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.location_id!r}, {self.priority.value})"

    def _ask(
        self,
        name: str,
        parse: Callable[[ApiResponse], T],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> T:
        endpoint = ENDPOINTS[name]
        filled = endpoint.fill({"locationId": self.location_id, **(path or {})})
        asked = {key: _text(value) for key, value in (query or {}).items() if value is not None and value != ""}
        return ApiCall(self._line, self.priority, endpoint, filled, asked, body, parse).run()


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _checked(answer: ApiResponse) -> ApiResponse:
    if answer.status != 204 and answer.body.strip():
        json_slices.members(answer.body)
    return answer


_lock = threading.Lock()
_limiters: dict[tuple[str, str, Clock], Limiter] = {}


def connect(
    location_id: str,
    token: Callable[[], str],
    settings: Settings,
    clock: Clock | None = None,
    *,
    spent_today: int = 0,
    **options: Unpack[ClientOptions],
) -> Client:
    """A client of this location at `settings.api_url`; no request was sent yet.

    `spent_today` (requests that earlier processes sent today) counts when this is the process' first client
    of the location; later ones share the limiter as it is."""
    used = clock or SystemClock()
    with _lock:
        key = (settings.api_url, location_id, used)
        if key not in _limiters:
            _limiters[key] = Limiter(
                used,
                per_10s=settings.requests_per_10s,
                per_day=settings.requests_per_day,
                interactive_share=settings.interactive_share,
                spent_today=spent_today,
            )
        limiter = _limiters[key]
    return Client(location_id, token, base_url=settings.api_url, limiter=limiter, clock=used, **options)
