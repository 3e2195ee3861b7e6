"""One sitting of capturing as a piece of work of its location: nobody else sits, and what it did stands among the runs.

Sittings are many and short. Those that follow each other within half an hour of one day are one run, so that days of
filling a new vault read as some lines and not as thousands.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from hlcore.errors import RunInProgress
from hlcore.model.parts import CATALOGUES
from hlcore.store import Vault, leases, runs
from hlcore.store.runs import Run
from hlcore.sync.gathering import Gathering

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
def alone(vault: Vault, location_id: str, now: Callable[[], datetime]) -> Iterator[Callable[[], None]]:
    """Nobody else captures this location; call what is yielded now and then. Raises RunInProgress."""
    name, holder = f"capture:{location_id}", f"{runs.this_process()}:{threading.get_ident()}"
    with vault.write(of=location_id) as tx:
        other = leases.holder_of(tx, name, at=now())
        if other and runs.is_gone(other):
            leases.release(tx, name, other)
        if not leases.acquire(tx, name, holder, at=now(), ttl=LEASE):
            raise RunInProgress("What belongs to this location's contacts is being captured already.")

    def beat() -> None:
        with vault.write(of=location_id) as tx:
            if not leases.acquire(tx, name, holder, at=now(), ttl=LEASE):
                raise RunInProgress("Another process has taken over capturing this location.")

    try:
        yield beat
    finally:
        with vault.write(of=location_id) as tx:
            leases.release(tx, name, holder)


def keep(g: Gathering, *, began: datetime, requests: int, why: str) -> None:
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
