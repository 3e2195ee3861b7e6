"""What a location knows about itself, and the stores that hang on it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from .faults import Faults
from .ids import Ids, iso
from .ledger import Ledger
from .limits import Budget
from .webhooks import Event, Keys, payload

Item = dict[str, Any]
EVENTS_KEPT = 100_000


class Host(Protocol):
    """What a location needs of the sandbox it lives in."""

    seed: int
    now: Callable[[], datetime]
    lock: threading.RLock
    ledger: Ledger
    keys: Keys


@dataclass(slots=True)
class Rows:
    """How search rows differ from the full record; the defaults are the friendly ones."""

    dnd_settings: bool = True
    additional: bool = True
    lowered_first_name: bool = False

    @property
    def plain(self) -> bool:
        return self == Rows()


@dataclass(slots=True)
class Shelves:
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

    def __init__(self, host: Host, id_: str, name: str, timezone: str) -> None:
        self.id = id_
        self.name = name
        self.timezone = timezone
        self.company_id = f"company-of-{host.seed}"
        self.allow_duplicates = False
        self.allow_duplicate_opportunities = True
        self.hipaa = False
        self.active = True
        self.country = "US"
        self.rows = Rows()
        self.cascade_events = True
        self.message_providers: set[str] = set()
        self.faults = Faults(f"{host.seed}:{id_}")
        self.budget = Budget()
        self.events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self.shelves = Shelves()
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
        self.events.append(Event(payload(kind, record, self.id, self.now(), webhook_id), self._host.keys))
