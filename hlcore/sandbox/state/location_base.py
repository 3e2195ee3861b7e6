"""What a location knows about itself, and the stores that hang on it.

HighLevel's budget per location: 100 requests in 10 seconds and 200,000 a day (Authorization page).
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
from hlcore.sandbox.webhooks import SandboxEvent, SigningKeys, payload

DAY = 86_400.0


@dataclass(slots=True)
class SandboxBudget:
    """Counts always, refuses only when ``enforced``.

    ``real_time``: measure with the monotonic clock instead of the sandbox's own ``now``."""

    enforced: bool = False
    real_time: bool = False
    burst: int = 100
    interval: float = 10.0
    daily: int = 200_000
    recent: deque[float] = field(default_factory=deque)
    day: int = -1
    used_today: int = 0

    def take(self, now: datetime) -> bool:
        """Count one request; False when it is over the documented limit (and then it is not counted)."""
        at = time.monotonic() if self.real_time else now.timestamp()
        day = int(now.timestamp() // DAY)
        if day != self.day:
            self.day, self.used_today = day, 0
        while self.recent and not 0 <= at - self.recent[0] < self.interval:
            self.recent.popleft()
        within = len(self.recent) < self.burst and self.used_today < self.daily
        if within or not self.enforced:
            self.recent.append(at)
            self.used_today += 1
        return within

    def headers(self) -> dict[str, str]:
        """The header names are HighLevel's. A budget that is not enforced shows itself nearly full."""
        left = self.burst - len(self.recent) if self.enforced else self.burst - 1
        return {
            "X-RateLimit-Limit-Daily": str(self.daily),
            "X-RateLimit-Daily-Remaining": str(max(0, self.daily - self.used_today)),
            "X-RateLimit-Interval-Milliseconds": str(int(self.interval * 1000)),
            "X-RateLimit-Max": str(self.burst),
            "X-RateLimit-Remaining": str(max(0, left)),
        }


Item = dict[str, Any]
EVENTS_KEPT = 100_000


class LocationHost(Protocol):
    """What a location needs of the sandbox it lives in."""

    seed: int
    now: Callable[[], datetime]
    lock: threading.RLock
    ledger: Ledger
    keys: SigningKeys


@dataclass(slots=True)
class RowOptions:
    """How search rows differ from the full record; the defaults are the friendly ones."""

    dnd_settings: bool = True
    additional: bool = True
    lowered_first_name: bool = False

    @property
    def plain(self) -> bool:
        return self == RowOptions()


@dataclass(slots=True)
class RelatedData:
    """Everything of a location but its contacts. Notes and tasks: by contact id, then by their own id."""

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
    """Identity, settings, faults, events and clock of one sub-account."""

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
        self.rows = RowOptions()
        self.cascade_events = True
        self.message_providers: set[str] = set()
        self.faults = Faults(f"{host.seed}:{id_}")
        self.budget = SandboxBudget()
        self.events: deque[SandboxEvent] = deque(maxlen=EVENTS_KEPT)
        self.related = RelatedData()
        self.exports: dict[str, Any] = {}
        self._talk_of: dict[str, str] = {}
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

    def stamp(self) -> str:
        return iso(self.now())

    def emit(self, kind: str, record: Item) -> None:
        """Put a signed event into ``events`` (the newest 100,000 stay)."""
        webhook_id = self.ids.next()
        self.events.append(SandboxEvent(payload(kind, record, self.id, self.now(), webhook_id), self._host.keys))
