"""A location without its contacts: identity, settings, rate limit, related data, events.

HighLevel's rate limit per location: 100 requests in 10 seconds and 200,000 a day (Authorization page).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from hlcore.sandbox.faults import Faults
from hlcore.sandbox.ids import Ids, iso
from hlcore.sandbox.ledger import Ledger
from hlcore.sandbox.webhooks import SandboxEvent, SigningKeys, build_payload

DAY = 86_400.0


@dataclass(slots=True)
class SandboxRateLimit:
    """Counts always, refuses only when ``enforced``.

    ``real_time``: measure with the monotonic clock instead of the sandbox's own."""

    enforced: bool = False
    real_time: bool = False
    burst: int = 100
    interval: float = 10.0
    daily: int = 200_000
    recent: deque[float] = field(default_factory=deque)
    day: int = -1
    used_today: int = 0

    def take(self, now: datetime) -> bool:
        """Count one request and return whether it is within the limit. A refused request does not count."""
        at = time.monotonic() if self.real_time else now.timestamp()
        day = int(now.timestamp() // DAY)
        if day != self.day:
            self.day, self.used_today = day, 0
        while self.recent and not 0 <= at - self.recent[0] < self.interval:
            self.recent.popleft()
        is_within = len(self.recent) < self.burst and self.used_today < self.daily
        if is_within or not self.enforced:
            self.recent.append(at)
            self.used_today += 1
        return is_within

    def headers(self) -> dict[str, str]:
        """Return HighLevel's rate-limit headers. A limit that is not enforced shows nearly all of it as left."""
        remaining = self.burst - len(self.recent) if self.enforced else self.burst - 1
        return {
            "X-RateLimit-Limit-Daily": str(self.daily),
            "X-RateLimit-Daily-Remaining": str(max(0, self.daily - self.used_today)),
            "X-RateLimit-Interval-Milliseconds": str(int(self.interval * 1000)),
            "X-RateLimit-Max": str(self.burst),
            "X-RateLimit-Remaining": str(max(0, remaining)),
        }


Item = dict[str, Any]
MAX_EVENTS = 100_000


class LocationHost(Protocol):
    """What a location needs of its sandbox."""

    seed: int
    now: Callable[[], datetime]
    lock: threading.RLock
    ledger: Ledger
    keys: SigningKeys


@dataclass(slots=True)
class RowOptions:
    """How search rows differ from the full record; by default they lack nothing."""

    dnd_settings: bool = True
    additional: bool = True
    lowered_first_name: bool = False
    street_as_address: bool = False

    @property
    def is_default(self) -> bool:
        return self == RowOptions()


@dataclass(slots=True)
class RelatedData:
    """Everything of a location but its contacts, by id. Notes and tasks: by contact id, then by their own."""

    notes: dict[str, dict[str, Item]] = field(default_factory=dict)
    tasks: dict[str, dict[str, Item]] = field(default_factory=dict)
    opportunities: dict[str, Item] = field(default_factory=dict)
    appointments: dict[str, Item] = field(default_factory=dict)
    conversations: dict[str, Item] = field(default_factory=dict)
    messages: dict[str, Item] = field(default_factory=dict)
    users: dict[str, Item] = field(default_factory=dict)
    custom_fields: dict[str, Item] = field(default_factory=dict)
    custom_values: dict[str, Item] = field(default_factory=dict)
    pipelines: dict[str, Item] = field(default_factory=dict)
    lost_reasons: dict[str, Item] = field(default_factory=dict)
    tags: dict[str, Item] = field(default_factory=dict)
    businesses: dict[str, Item] = field(default_factory=dict)
    calendars: dict[str, Item] = field(default_factory=dict)
    campaigns: dict[str, Item] = field(default_factory=dict)
    workflows: dict[str, Item] = field(default_factory=dict)


class LocationBase:
    """Identity, settings, faults, events and clock of one location."""

    def __init__(self, host: LocationHost, id_: str, name: str, timezone: str) -> None:
        self.id = id_
        self.name = name
        self.timezone = timezone
        self.company_id = f"company-of-{host.seed}"
        self.allow_duplicates = False
        self.allow_duplicate_opportunities = True
        self.hipaa = False
        self.active = True
        self.country = "US"
        self.row_options = RowOptions()
        self.cascade_events = True
        self.message_providers: set[str] = set()
        self.faults = Faults(f"{host.seed}:{id_}")
        self.rate_limit = SandboxRateLimit()
        self.events: deque[SandboxEvent] = deque(maxlen=MAX_EVENTS)
        self.related = RelatedData()
        self.exports: dict[str, Any] = {}
        self._conversation_ids: dict[str, str] = {}
        self.ids = Ids(f"{host.seed}:{id_}")
        self._host = host

    @property
    def lock(self) -> threading.RLock:
        return self._host.lock

    @property
    def ledger(self) -> Ledger:
        return self._host.ledger

    def now(self) -> datetime:
        return self._host.now()

    def now_iso(self) -> str:
        return iso(self.now())

    def emit(self, kind: str, record: Item) -> None:
        """Add a webhook event to ``events``, which keeps the newest 100,000."""
        webhook_id = self.ids.next()
        self.events.append(SandboxEvent(build_payload(kind, record, self.id, self.now(), webhook_id), self._host.keys))
