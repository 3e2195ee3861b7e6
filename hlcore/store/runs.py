"""Runs: one sync of a location, who works on it, and how far it has come.

A location has at most one open run of each kind (the database enforces it). A run belongs to a process: when that one
is gone (`leases.is_held`), the next one takes the run over and continues at its checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, desc, func, insert, select, update

from hlcore.errors import NotFound, RunInProgress
from hlcore.model.moments import CLOCK_SLACK, is_recent
from hlcore.store.database import Tx
from hlcore.store.dialects import among, changed_rows, lock
from hlcore.store.leases import is_held
from hlcore.store.tables import runs

DETECTION_KINDS = ("listing", "watch")
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


def claim(tx: Tx, location_id: str, kind: str, *, at: datetime, holder: str, resume_within: timedelta) -> Run:
    """Return the open run of this kind on this location, now held by `holder`.

    A run that nobody holds any more is resumed with its checkpoint when it began within `resume_within`; an older one
    is finished as 'incomplete' / 'abandoned', and a new one begins. Raises RunInProgress while its holder is alive.
    """
    lock(tx, f"runs:{location_id}:{kind}")
    current = _first(tx, _of_kind(location_id, kind).where(runs.c.finished_at.is_(None)))
    if current is None:
        return _begin(tx, location_id, kind, at, holder)
    if is_held(current.holder, current.heartbeat_at, at):
        raise RunInProgress(f"A {kind} run of this location is in progress since {current.started_at:%H:%M} UTC.")
    if not is_recent(current.started_at, at, resume_within):
        finish(tx, current.run_id, at, outcome="incomplete", reason="abandoned")
        return _begin(tx, location_id, kind, at, holder)
    values = {"holder": holder, "heartbeat_at": at, "resumed": runs.c.resumed + 1}
    tx.execute(update(runs).where(runs.c.run_id == current.run_id).values(values))
    return get(tx, current.run_id)


def record_heartbeat(tx: Tx, run_id: int, at: datetime, *, holder: str | None = None, **columns: Any) -> None:
    """Record that the run is alive at `at` and how far it has come (columns such as seen, added, checkpoint). Raises
    RunInProgress when it is finished, or held by somebody else than `holder` (where given)."""
    open_run = (runs.c.run_id == run_id) & runs.c.finished_at.is_(None)
    if holder is not None:
        open_run &= runs.c.holder == holder
    if not changed_rows(tx, update(runs).where(open_run).values(heartbeat_at=at, **columns)):
        raise RunInProgress("Another process has taken this run over.")


def release(tx: Tx, run_id: int) -> None:
    """Let go of the open run: the next claim continues at its checkpoint. May be repeated."""
    tx.execute(update(runs).where(runs.c.run_id == run_id, runs.c.finished_at.is_(None)).values(holder=""))


def finish(tx: Tx, run_id: int, at: datetime, *, outcome: str, reason: str, **columns: Any) -> Run:
    """Close the run with this outcome. Raises NotFound when there is no such open run."""
    open_run = (runs.c.run_id == run_id) & runs.c.finished_at.is_(None)
    values = {"finished_at": at, "heartbeat_at": at, "outcome": outcome, "reason": reason, **columns}
    if not changed_rows(tx, update(runs).where(open_run).values(values)):
        raise NotFound("This run is not open.")
    return get(tx, run_id)


def record_finished(
    tx: Tx, location_id: str, kind: str, *, began: datetime, at: datetime, columns: Mapping[str, Any]
) -> None:
    """Record finished work as a complete run with these columns. A run of this kind that began at the same moment is
    overwritten and now ends `at`."""
    same = (runs.c.location_id == location_id) & (runs.c.kind == kind) & (runs.c.started_at == began)
    ended = {"heartbeat_at": at, "finished_at": at, "outcome": "complete", **columns}
    if not changed_rows(tx, update(runs).where(same).values(ended)):
        tx.execute(insert(runs).values(location_id=location_id, kind=kind, started_at=began, **ended))


def get(tx: Tx, run_id: int) -> Run:
    """Return the run. Raises NotFound."""
    run = _first(tx, select(runs).where(runs.c.run_id == run_id))
    if run is None:
        raise NotFound("There is no such run in this vault.")
    return run


def last_complete(tx: Tx, location_id: str, kind: str = "listing", *, at: datetime) -> Run | None:
    """Return the newest complete run of this kind, None before the first. Runs that began or ended in the future (of
    `at`) prove nothing and are left out."""
    past = runs.c.finished_at <= at + CLOCK_SLACK
    return _first(tx, _until(_of_kind(location_id, kind), at).where(runs.c.outcome == "complete", past))


def newest(tx: Tx, location_id: str, kind: str, *, at: datetime) -> Run | None:
    """Return the run of this kind that began last, whatever its outcome, without those that began in the future."""
    return _first(tx, _until(_of_kind(location_id, kind), at))


def list_recent(
    tx: Tx,
    location_ids: Sequence[str],
    *,
    limit: int,
    offset: int = 0,
    outcomes: Sequence[str] = (),
    kinds: Sequence[str] = (),
) -> list[Run]:
    """Return runs of these locations, newest first; only those with one of these outcomes ('' is open) and kinds, where
    given."""
    query = select(runs).where(_matching(tx, location_ids, outcomes))
    if kinds:
        query = query.where(runs.c.kind.in_(kinds))
    return [Run(*row) for row in tx.execute(query.order_by(desc(runs.c.run_id)).limit(limit).offset(offset))]


def count(tx: Tx, location_ids: Sequence[str], *, outcomes: Sequence[str] = ()) -> int:
    """Return how many runs these locations have; only those with one of these outcomes, where given."""
    query = select(func.count()).select_from(runs).where(_matching(tx, location_ids, outcomes))
    return tx.execute(query).scalar_one()


def open_runs(tx: Tx) -> list[Run]:
    """Return the unfinished runs of all locations, oldest first."""
    return [Run(*row) for row in tx.execute(select(runs).where(runs.c.finished_at.is_(None)).order_by(runs.c.run_id))]


def delete_quiet_watches(tx: Tx, before: datetime) -> int:
    """Delete complete watches that began before this moment and found nothing; return how many."""
    quiet = (runs.c.kind == "watch") & (runs.c.outcome == "complete") & (runs.c.reason == "")
    nothing = [runs.c[name] == 0 for name in ("added", "changed", "suspected", "deleted", "returned")]
    return changed_rows(tx, delete(runs).where(quiet, *nothing, runs.c.started_at < before))


def _begin(tx: Tx, location_id: str, kind: str, at: datetime, holder: str) -> Run:
    values = {"location_id": location_id, "kind": kind, "started_at": at, "heartbeat_at": at, "holder": holder}
    run_id = tx.execute(insert(runs).values(values).returning(runs.c.run_id)).scalar_one()
    return get(tx, run_id)


def _of_kind(location_id: str, kind: str) -> Select[Any]:
    """Select the runs of this kind, newest first."""
    query = select(runs).where(runs.c.location_id == location_id, runs.c.kind == kind)
    return query.order_by(desc(runs.c.started_at), desc(runs.c.run_id))


def _until(query: Select[Any], at: datetime) -> Select[Any]:
    return query.where(runs.c.started_at <= at + CLOCK_SLACK)


def _first(tx: Tx, query: Select[Any]) -> Run | None:
    row = tx.execute(query.limit(1)).one_or_none()
    return Run(*row) if row else None


def _matching(tx: Tx, location_ids: Sequence[str], outcomes: Sequence[str]) -> ColumnElement[bool]:
    of_locations = among(tx, runs.c.location_id, location_ids)
    return of_locations & runs.c.outcome.in_(outcomes) if outcomes else of_locations
