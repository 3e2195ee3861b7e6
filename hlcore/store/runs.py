"""Runs: one piece of work on a location, who does it, and how far it has come.

A location has at most one open run of each kind (the database enforces it). A run belongs to a process: when that
one is gone, the next one takes the run over and goes on at its checkpoint.

Leases: who works on what right now, so that two processes never do the same. A lease ends by itself.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import psutil
from sqlalchemy import ColumnElement, delete, desc, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hlcore.errors import NotFound, RunInProgress
from hlcore.store.database import Tx
from hlcore.store.dialects import among, changed_rows, is_postgres, lock
from hlcore.store.tables import leases as table
from hlcore.store.tables import runs

SILENT_AFTER = timedelta(seconds=120)
LOOKS = ("listing", "watch")
"""Kinds of runs that look for deletions."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as recorded. Open while `finished_at` is None; `outcome` is complete, incomplete, refused or ''."""

    run_id: int
    location_id: str
    kind: str
    started_at: datetime
    heartbeat_at: datetime
    finished_at: datetime | None
    outcome: str
    reason: str
    seen: int
    added: int
    changed: int
    suspected: int
    deleted: int
    returned: int
    requests: int
    resumed: int
    total: int
    checkpoint: Any
    holder: str


@cache
def _this_process(pid: int) -> str:
    host = socket.gethostname().replace(":", "-")[:80] or "localhost"
    return f"{host}:{pid}:{psutil.Process(pid).create_time():.2f}"


def this_process() -> str:
    """This process as a holder: 'host:pid:start'. More may be appended after another ':' to tell threads apart."""
    return _this_process(os.getpid())


def is_gone(holder: str) -> bool:
    """Whether the holder was a process of this machine that surely does not run any more."""
    host, pid, start = (*holder.split(":"), "", "", "")[:3]
    if host != this_process().split(":")[0] or not pid.isdigit():
        return False
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" != start
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


def claim(tx: Tx, location_id: str, kind: str, *, at: datetime, holder: str, resume_within: timedelta) -> Run:
    """The open run of this kind on this location, held by `holder`.

    A run whose holder is gone (it let go, its process ended, or it was silent for two minutes) is taken over: resumed
    with its checkpoint when it began within `resume_within`, else finished as 'incomplete' / 'abandoned' and a new
    one begun.
    Raises RunInProgress while its holder is alive.
    """
    lock(tx, f"runs:{location_id}:{kind}")
    found = _open(tx, location_id, kind)
    if found is None:
        return _begin(tx, location_id, kind, at, holder)
    if found.holder and not is_gone(found.holder) and at - found.heartbeat_at < SILENT_AFTER:
        raise RunInProgress(f"A {kind} run of this location is in progress since {found.started_at:%H:%M} UTC.")
    if at - found.started_at > resume_within:
        finish(tx, found.run_id, at, outcome="incomplete", reason="abandoned")
        return _begin(tx, location_id, kind, at, holder)
    values = {"holder": holder, "heartbeat_at": at, "resumed": runs.c.resumed + 1}
    tx.execute(update(runs).where(runs.c.run_id == found.run_id).values(values))
    return get(tx, found.run_id)


def beat(tx: Tx, run_id: int, at: datetime, *, holder: str | None = None, **columns: Any) -> None:
    """The run is alive at `at` and has come as far as `columns` say (seen, added, checkpoint, …). Raises
    RunInProgress when it is finished, or held by somebody else than `holder` (where given)."""
    mine = (runs.c.run_id == run_id) & runs.c.finished_at.is_(None)
    if holder is not None:
        mine &= runs.c.holder == holder
    if not changed_rows(tx, update(runs).where(mine).values(heartbeat_at=at, **columns)):
        raise RunInProgress("Another process has taken this run over.")


def release(tx: Tx, run_id: int) -> None:
    """Nobody works on the open run any more: the next claim goes on at its checkpoint. May be repeated."""
    tx.execute(update(runs).where(runs.c.run_id == run_id, runs.c.finished_at.is_(None)).values(holder=""))


def finish(tx: Tx, run_id: int, at: datetime, *, outcome: str, reason: str, **columns: Any) -> Run:
    """The run is closed with this outcome. Raises NotFound when there is no such open run."""
    mine = (runs.c.run_id == run_id) & runs.c.finished_at.is_(None)
    values = {"finished_at": at, "heartbeat_at": at, "outcome": outcome, "reason": reason, **columns}
    if not changed_rows(tx, update(runs).where(mine).values(values)):
        raise NotFound("This run is not open.")
    return get(tx, run_id)


def record(tx: Tx, location_id: str, kind: str, *, began: datetime, at: datetime, columns: Mapping[str, Any]) -> None:
    """Work of this kind that is over already is a complete run with these columns. One that began at the same moment
    goes on: it has them now, and ends `at`."""
    same = (runs.c.location_id == location_id) & (runs.c.kind == kind) & (runs.c.started_at == began)
    ended = {"heartbeat_at": at, "finished_at": at, "outcome": "complete", **columns}
    if not changed_rows(tx, update(runs).where(same).values(ended)):
        tx.execute(insert(runs).values(location_id=location_id, kind=kind, started_at=began, **ended))


def get(tx: Tx, run_id: int) -> Run:
    """The run. Raises NotFound."""
    row = tx.execute(select(runs).where(runs.c.run_id == run_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such run in this vault.")
    return Run(*row)


def last_complete(tx: Tx, location_id: str, kind: str = "listing") -> Run | None:
    """The newest complete run of this kind, None before the first."""
    query = select(runs).where(runs.c.location_id == location_id, runs.c.kind == kind, runs.c.outcome == "complete")
    row = tx.execute(query.order_by(desc(runs.c.started_at), desc(runs.c.run_id)).limit(1)).one_or_none()
    return Run(*row) if row else None


def newest(tx: Tx, location_id: str, kind: str) -> Run | None:
    """The run of this kind that was begun last, whatever became of it."""
    query = select(runs).where(runs.c.location_id == location_id, runs.c.kind == kind)
    row = tx.execute(query.order_by(desc(runs.c.started_at), desc(runs.c.run_id)).limit(1)).one_or_none()
    return Run(*row) if row else None


def forget_quiet_watches(tx: Tx, before: datetime) -> int:
    """Watches that began before this moment, were complete and found nothing are forgotten; how many."""
    quiet = (runs.c.kind == "watch") & (runs.c.outcome == "complete") & (runs.c.reason == "")
    nothing = [runs.c[name] == 0 for name in ("added", "changed", "suspected", "deleted", "returned")]
    return changed_rows(tx, delete(runs).where(quiet, *nothing, runs.c.started_at < before))


def recent(
    tx: Tx,
    location_ids: Sequence[str],
    *,
    limit: int,
    offset: int = 0,
    outcomes: Sequence[str] = (),
    kinds: Sequence[str] = (),
) -> list[Run]:
    """Runs of these locations, newest first; with `outcomes` only those that ended so ('' for open ones), with `kinds`
    only of these."""
    query = select(runs).where(_of(tx, location_ids, outcomes))
    if kinds:
        query = query.where(runs.c.kind.in_(kinds))
    return [Run(*row) for row in tx.execute(query.order_by(desc(runs.c.run_id)).limit(limit).offset(offset))]


def count(tx: Tx, location_ids: Sequence[str], *, outcomes: Sequence[str] = ()) -> int:
    """How many runs these locations have; with `outcomes` only those that ended so."""
    return tx.execute(select(func.count()).select_from(runs).where(_of(tx, location_ids, outcomes))).scalar_one()


def open_runs(tx: Tx) -> list[Run]:
    """Runs that are not finished, oldest first, whoever holds them."""
    return [Run(*row) for row in tx.execute(select(runs).where(runs.c.finished_at.is_(None)).order_by(runs.c.run_id))]


def _of(tx: Tx, location_ids: Sequence[str], outcomes: Sequence[str]) -> ColumnElement[bool]:
    here = among(tx, runs.c.location_id, location_ids)
    return here & runs.c.outcome.in_(outcomes) if outcomes else here


def _open(tx: Tx, location_id: str, kind: str) -> Run | None:
    query = select(runs).where(runs.c.location_id == location_id, runs.c.kind == kind, runs.c.finished_at.is_(None))
    row = tx.execute(query).one_or_none()
    return Run(*row) if row else None


def _begin(tx: Tx, location_id: str, kind: str, at: datetime, holder: str) -> Run:
    values = {"location_id": location_id, "kind": kind, "started_at": at, "heartbeat_at": at, "holder": holder}
    run_id = tx.execute(insert(runs).values(values).returning(runs.c.run_id)).scalar_one()
    return get(tx, run_id)


def acquire_lease(tx: Tx, name: str, holder: str, *, at: datetime, ttl: timedelta) -> bool:
    """Whether `holder` has the lease until `at + ttl`: it was free, had run out, or was its own already."""
    insert = (postgresql.insert if is_postgres(tx) else sqlite.insert)(table).values(
        name=name, holder=holder, expires_at=at + ttl
    )
    free = or_(table.c.holder == holder, table.c.expires_at <= at)
    taken = {"holder": insert.excluded.holder, "expires_at": insert.excluded.expires_at}
    return changed_rows(tx, insert.on_conflict_do_update(index_elements=["name"], set_=taken, where=free)) == 1


def renew_lease(tx: Tx, name: str, holder: str, *, at: datetime, ttl: timedelta) -> bool:
    """Whether the lease was still the holder's; then it is until `at + ttl`."""
    mine = update(table).where(table.c.name == name, table.c.holder == holder, table.c.expires_at > at)
    return changed_rows(tx, mine.values(expires_at=at + ttl)) == 1


def release_lease(tx: Tx, name: str, holder: str) -> None:
    """The lease is free, if it was the holder's. May be repeated."""
    tx.execute(delete(table).where(table.c.name == name, table.c.holder == holder))


def lease_holder(tx: Tx, name: str, *, at: datetime) -> str:
    """Who has the lease at `at`; '' when nobody does."""
    query = select(table.c.holder).where(table.c.name == name, table.c.expires_at > at)
    return tx.execute(query).scalar_one_or_none() or ""
