"""One session of capturing: its state, its exclusive lease, and its entry in the activity log.

Sessions are many and short. Those that follow each other within half an hour of one day are logged as one run, so that
filling a new vault takes some lines of the log and not thousands.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from hlcore.errors import ContractError, RunInProgress, ScopeMissing, Unauthorized
from hlcore.location_context import LocationContext
from hlcore.model.capture_planner import CapturePolicy, WorkItem
from hlcore.model.moments import CLOCK_SLACK, is_recent
from hlcore.model.records import KINDS, REFERENCE_LISTS
from hlcore.model.wording import joined, plural
from hlcore.store import Tx, leases, runs
from hlcore.store.capture import feeds
from hlcore.store.capture import state as capture_state
from hlcore.store.capture.state import ContactCursor
from hlcore.store.runs import Run

CLOSED = (ScopeMissing, ContractError, Unauthorized)
"""Errors that close one kind of record to this token, not all of them."""

RUN_KIND = "capture"
LEASE_TTL = timedelta(minutes=5)
RETRY_AFTER = timedelta(hours=1)
MAX_AHEAD = RETRY_AFTER + CLOCK_SLACK
"""No moment of capturing lies further ahead: what could not be read is due again after an hour."""
SAME_RUN_WITHIN = timedelta(minutes=30)
_NOUNS = {"email": ("e-mail text",), "": ("entry of the account's lists", "entries of the account's lists")}


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureSession(LocationContext):
    """The state of one session. `captured` counts records by kind; `idle` are wishes with nothing left to do in this
    session; `failed` are subjects not to be tried again, by purpose and kind; `cursors` say how far the contacts never
    captured were read, by kind; `notes` are sentences about anomalies; `odd` counts records set aside, by kind;
    `answered` are kinds that HighLevel showed of some contact;
    `refusals` how often it refused a kind of single contacts in a row; `troubled` are the references of records
    in quarantine; `unreachable` is set when the session ended because HighLevel could not be reached."""

    policy: CapturePolicy = field(default_factory=CapturePolicy)
    workers: int = 8
    captured: Counter[str] = field(default_factory=Counter)
    idle: set[WorkItem] = field(default_factory=set)
    failed: dict[str, set[str]] = field(default_factory=dict)
    cursors: dict[str, ContactCursor] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    odd: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    answered: set[str] = field(default_factory=set)
    unreachable: threading.Event = field(default_factory=threading.Event)
    troubled: frozenset[str] = frozenset()
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """Open a transaction as `LocationContext.write` does; the session's threads queue here, not in the database."""
        with self._lock, self.vault.write(location_id=self.location_id) as tx:
            yield tx

    def count_odd(self, kind: str, number: int) -> None:
        """Count odd records that were set aside. May be called from any thread."""
        with self._lock:
            self.odd[kind] += number

    def note(self, text: str) -> None:
        """Add a note unless it is there already."""
        if text not in self.notes:
            self.notes.append(text)


@contextmanager
def exclusive_session(context: LocationContext) -> Iterator[Callable[[], None]]:
    """Hold the lease for capturing this location; call the yielded function regularly to renew it. Both raise
    RunInProgress while another process holds the lease."""
    name, holder = f"capture:{context.location_id}", f"{leases.this_process()}:{threading.get_ident()}"

    def acquire(refusal: str) -> None:
        with context.write() as tx:
            if not leases.acquire(tx, name, holder, at=context.now(), ttl=LEASE_TTL):
                raise RunInProgress(refusal)

    acquire("What belongs to this location's contacts is being captured already.")
    _forget_future(context)
    try:
        yield lambda: acquire("Another process has taken over capturing this location.")
    finally:
        with context.write() as tx:
            leases.release(tx, name, holder)


def _forget_future(context: LocationContext) -> None:
    """Forget what a clock that has been turned back since recorded: nothing is due before its date otherwise."""
    after = context.now() + MAX_AHEAD
    with context.write() as tx:
        feeds.forget_future(tx, context.location_id, after=after)
        capture_state.forget_future(tx, context.location_id, (*KINDS, "email"), after=after, at=context.now())


def record_session(
    session: CaptureSession, *, began: datetime, requests: int, reason: str, outcome: str = "complete"
) -> None:
    """Log the session as a run, or as part of the run before it. A session without requests is not logged."""
    if not requests:
        return
    with session.write() as tx:
        last = runs.newest(tx, session.location_id, RUN_KIND, at=session.now())
        before = last if last and _continues(last, began) else None
        total = Counter(_captured_in(before) if before else {}) + session.captured
        columns = {
            "outcome": outcome,
            "requests": requests + (before.requests if before else 0),
            "checkpoint": dict(total),
            "reason": " ".join(filter(None, [describe_captured(total), describe_odd(session.odd), reason])),
        }
        first = before.started_at if before else began
        runs.record_finished(tx, session.location_id, RUN_KIND, began=first, at=session.now(), columns=columns)


def describe_captured(captured: Mapping[str, int]) -> str:
    """Return a sentence like '612 details, 40 notes and 1 task new or changed.'"""
    counts = Counter[str]()
    for kind, number in captured.items():
        counts["" if kind in REFERENCE_LISTS else kind] += number
    parts = [plural(number, *_NOUNS.get(kind, (kind,))) for kind, number in counts.items() if number]
    return f"{joined(parts)} new or changed." if parts else "Nothing new or changed."


def describe_odd(odd: Mapping[str, int]) -> str:
    """Return a sentence like '2 odd records were set aside (note).'; '' for none."""
    total = sum(odd.values())
    if not total:
        return ""
    return f"{plural(total, 'odd record was', 'odd records were')} set aside ({', '.join(sorted(odd))})."


def _captured_in(run: Run) -> dict[str, int]:
    checkpoint = run.checkpoint if isinstance(run.checkpoint, dict) else {}
    return {kind: number for kind, number in checkpoint.items() if isinstance(number, int)}


def _continues(run: Run, began: datetime) -> bool:
    ended = run.finished_at
    return is_recent(ended, began, SAME_RUN_WITHIN) and run.started_at.date() == began.date()
