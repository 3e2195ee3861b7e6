"""One sitting of capturing: what every step of it needs.

One sitting of capturing as a piece of work of its location: nobody else sits, and what it did stands among the runs.

Sittings are many and short. Those that follow each other within half an hour of one day are one run, so that days of
filling a new vault read as some lines and not as thousands.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from hlcore.errors import (
    BudgetSpent,
    Cancelled,
    ContractError,
    LocationInactive,
    RunInProgress,
    ScopeMissing,
    TokenRefused,
    Unauthorized,
    WrongLocation,
)
from hlcore.highlevel import Client
from hlcore.model.capture_planner import Policy, Wish
from hlcore.model.progress import Listener, Progress, silent
from hlcore.model.records import CATALOGUES
from hlcore.store import Vault, runs
from hlcore.store.capture.state import Place
from hlcore.store.runs import Run
from hlcore.sync.run_context import never

ENDS = (TokenRefused, WrongLocation, LocationInactive, BudgetSpent, Cancelled)
"""Errors after which asking on makes no sense."""

CLOSED = (ScopeMissing, ContractError, Unauthorized)
"""Errors that close one kind to this token, not all of them."""


@dataclass(slots=True)
class CaptureSession:
    """`taken` counts by kind what was captured; `idle` are wishes for which nothing is left to do in this sitting;
    `tried` are contacts that failed, by purpose and kind; `places` say how far the list of contacts never captured was
    read, by kind; `notes` say what was odd. `lock` is held around every writing transaction."""

    vault: Vault
    client: Client
    location_id: str
    now: Callable[[], datetime]
    policy: Policy = field(default_factory=Policy)
    listener: Listener = silent
    cancelled: Callable[[], bool] = never
    workers: int = 8
    taken: Counter[str] = field(default_factory=Counter)
    idle: set[Wish] = field(default_factory=set)
    tried: dict[str, set[str]] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def tell(self, stage: str, done: int = 0, total: int = 0) -> None:
        """Tell whoever waits. Raises Cancelled when somebody asked to stop."""
        self.stop_if_asked()
        self.listener(Progress(stage, done, total))

    def stop_if_asked(self) -> None:
        """Raises Cancelled when somebody asked to stop."""
        if self.cancelled():
            raise Cancelled("Stopped. What was captured is kept; the next run goes on from here.")

    def note(self, text: str) -> None:
        """Say once what was odd."""
        if text not in self.notes:
            self.notes.append(text)


KIND = "capture"
LEASE = timedelta(minutes=5)
JOINS = timedelta(minutes=30)
_WORDS = {
    "detail": ("detail", "details"),
    "opportunity": ("opportunity", "opportunities"),
    "email": ("e-mail text", "e-mail texts"),
    "": ("entry of the account's lists", "entries of the account's lists"),
}


@contextmanager
def exclusive_session(vault: Vault, location_id: str, now: Callable[[], datetime]) -> Iterator[Callable[[], None]]:
    """Nobody else captures this location; call what is yielded now and then. Raises RunInProgress."""
    name, holder = f"capture:{location_id}", f"{runs.this_process()}:{threading.get_ident()}"
    with vault.write(of=location_id) as tx:
        other = runs.lease_holder(tx, name, at=now())
        if other and runs.is_gone(other):
            runs.release_lease(tx, name, other)
        if not runs.acquire_lease(tx, name, holder, at=now(), ttl=LEASE):
            raise RunInProgress("What belongs to this location's contacts is being captured already.")

    def beat() -> None:
        with vault.write(of=location_id) as tx:
            if not runs.acquire_lease(tx, name, holder, at=now(), ttl=LEASE):
                raise RunInProgress("Another process has taken over capturing this location.")

    try:
        yield beat
    finally:
        with vault.write(of=location_id) as tx:
            runs.release_lease(tx, name, holder)


def record_session(g: CaptureSession, *, began: datetime, requests: int, why: str) -> None:
    """The sitting stands among the runs with its requests and with what it captured, in words; one that asked nothing
    does not."""
    if not requests:
        return
    with g.vault.write(of=g.location_id) as tx:
        last = runs.newest(tx, g.location_id, KIND)
        before = last if last and _joins(last, began) else None
        total = Counter(_told(before) if before else {}) + g.taken
        columns = {
            "requests": requests + (before.requests if before else 0),
            "checkpoint": dict(total),
            "reason": f"{words(total)} {why}".strip(),
        }
        first = before.started_at if before else began
        runs.record(tx, g.location_id, KIND, began=first, at=g.now(), columns=columns)


def words(taken: Mapping[str, int]) -> str:
    """'612 details, 40 notes and 1 task new or changed.'"""
    counted = Counter[str]()
    for kind, number in taken.items():
        counted["" if kind in CATALOGUES else kind] += number
    found = [f"{number:,} {_noun(kind, number)}" for kind, number in counted.items() if number]
    if not found:
        return "Nothing new or changed."
    return f"{' and '.join(filter(None, (', '.join(found[:-1]), found[-1])))} new or changed."


def _noun(kind: str, number: int) -> str:
    one, many = _WORDS.get(kind, (kind, f"{kind}s"))
    return one if number == 1 else many


def _told(run: Run) -> dict[str, int]:
    kept = run.checkpoint if isinstance(run.checkpoint, dict) else {}
    return {kind: number for kind, number in kept.items() if isinstance(number, int)}


def _joins(run: Run, began: datetime) -> bool:
    ended = run.finished_at
    return ended is not None and began - ended <= JOINS and run.started_at.date() == began.date()
