"""What a run was asked to do, what it works with, and what came of it.

What a sync may conclude and how careful it is, for one location.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hlcore.errors import Cancelled
from hlcore.highlevel import Client
from hlcore.model.progress import Listener, Progress, silent
from hlcore.settings import Settings
from hlcore.store import Tx, Vault
from hlcore.store.runs import Run


@dataclass(frozen=True, slots=True)
class SyncRules:
    """`incident_floor` and `incident_share`: more missing at once than both is an incident. `index_lag`: contacts
    created or changed so recently are never suspected. `confirm_limit`: GETs spent on suspects in one run."""

    incident_floor: int = 50
    incident_share: float = 0.02
    index_lag: timedelta = timedelta(minutes=5)
    page_size: int = 500
    sample: int = 25
    confirm_limit: int = 1_000
    resume_within: timedelta = timedelta(hours=12)
    empty_confirm_after: timedelta = timedelta(minutes=10)
    workers: int = 8

    @classmethod
    def of(cls, settings: Settings, floor: int | None = None, share: float | None = None) -> SyncRules:
        """The rules of these settings, with the location's own floor and share where it has them."""
        rules = cls(settings.incident_floor, settings.incident_share, settings.index_lag)
        return replace(
            rules,
            incident_floor=rules.incident_floor if floor is None else floor,
            incident_share=rules.incident_share if share is None else share,
        )

    def is_incident(self, missing: int, known: int) -> bool:
        """Whether so many missing at once, of so many known, must first be proven by a sample."""
        return missing > max(self.incident_floor, self.incident_share * known)


Now = Callable[[], datetime]


def never() -> bool:
    """Nobody asks to stop."""
    return False


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one run on one location did. `outcome` is complete, incomplete or refused; `reason` says why in words,
    and on a complete run what was odd."""

    location_id: str
    outcome: str
    reason: str = ""
    seen: int = 0
    added: int = 0
    changed: int = 0
    suspected: int = 0
    deleted: int = 0
    returned: int = 0
    requests: int = 0
    seconds: float = 0.0

    @property
    def needs_attention(self) -> bool:
        """Whether a person should look: the run was not complete, or something could not be decided."""
        return self.outcome != "complete" or self.suspected > 0

    def to_json(self) -> dict[str, Any]:
        """The keys of the command line's contract."""
        return asdict(self)


@dataclass(slots=True)
class RunCounts:
    """What was counted so far."""

    added: int = 0
    changed: int = 0
    suspected: int = 0
    deleted: int = 0
    returned: int = 0
    alive: int = 0
    unsure: int = 0
    notes: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """The columns of the run."""
        return {name: getattr(self, name) for name in ("added", "changed", "suspected", "deleted", "returned")}


@dataclass(frozen=True, slots=True)
class LookupResult:
    """The answer for one id: `raw` when it is alive, `gone` when it surely does not exist, else why nobody knows."""

    contact_id: str
    raw: bytes | None = None
    gone: bool = False
    words: str = ""


@dataclass(frozen=True, slots=True)
class RunContext:
    """One run in progress: everything a step needs."""

    vault: Vault
    client: Client
    location_id: str
    run: Run
    rules: SyncRules
    now: Now
    counts: RunCounts
    listener: Listener = silent
    cancelled: Callable[[], bool] = never
    requests_before: int = 0
    gone: dict[str, LookupResult] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """Requests of this run, earlier sittings included."""
        return self.run.requests + self.client.requests - self.requests_before

    def write(self) -> AbstractContextManager[Tx]:
        """A transaction for what is the location's own; those of other locations need not wait for it."""
        return self.vault.write(of=self.location_id)

    def report_progress(self, stage: str, done: int = 0, total: int = 0, note: str = "") -> None:
        """Tell whoever waits. Raises Cancelled when somebody asked to stop."""
        if self.cancelled():
            raise Cancelled("Stopped. What was read is kept; the next run goes on from here.")
        self.listener(Progress(stage, done, total, note))
