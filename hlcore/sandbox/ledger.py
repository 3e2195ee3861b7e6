"""Every request that the sandbox answered, and what HighLevel would have sent or started because of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

MAX_ENTRIES = 200_000


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One request. ``location``: the id that its token belongs to, or empty; ``fault``: kinds that struck it."""

    method: str
    path: str
    status: int
    location: str
    at: datetime
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class WorkflowStart:
    """An automation that a request started; ``reachable``: whether it could have sent the contact a message."""

    workflow_id: str
    contact_id: str
    reachable: bool
    at: datetime


@dataclass(slots=True)
class Ledger:
    """The newest 100,000 to 200,000 requests, as a list of `LedgerEntry`, and counters.

    ``off_contract``: requests that HighLevel's documentation rules out (path, Version, property, type, page size).
    ``rate_limited``: refused with 429; ``over_limit``: above the documented limit, refused or not.
    ``creates_without_dnd``: names of the contacts that were created without DND settings.
    ``crashes``: tracebacks of the sandbox itself; empty unless it has a bug."""

    entries: list[LedgerEntry] = field(default_factory=list)
    messages_sent: list[dict[str, Any]] = field(default_factory=list)
    workflow_starts: list[WorkflowStart] = field(default_factory=list)
    creates_without_dnd: list[str] = field(default_factory=list)
    off_contract: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    rate_limited: int = 0
    over_limit: int = 0

    def add(self, entry: LedgerEntry) -> None:
        if len(self.entries) >= MAX_ENTRIES:
            del self.entries[: MAX_ENTRIES // 2]
        self.entries.append(entry)

    @property
    def reached(self) -> list[WorkflowStart]:
        """The automations that could have sent a message."""
        return [start for start in self.workflow_starts if start.reachable]

    def requests(self, prefix: str = "") -> list[LedgerEntry]:
        """Return the entries whose ``METHOD /path`` begins with the prefix."""
        return [entry for entry in self.entries if f"{entry.method} {entry.path}".startswith(prefix)]

    def clear(self) -> None:
        for name in ("entries", "messages_sent", "workflow_starts", "creates_without_dnd", "off_contract", "crashes"):
            getattr(self, name).clear()
        self.rate_limited = self.over_limit = 0

    def __iter__(self) -> Iterator[LedgerEntry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> LedgerEntry:
        return self.entries[index]
