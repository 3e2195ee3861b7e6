"""Restore jobs that people ordered: the job, its contacts, and the outcome of each.

What was sent to HighLevel for a job is in `store.restores.journal`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, desc, func, insert, or_, select, update

from hlcore.errors import NotFound, RunInProgress
from hlcore.store.database import Tx
from hlcore.store.dialects import among, among_numbers, change_one, changed_rows, lock
from hlcore.store.leases import is_held
from hlcore.store.tables import restore_items, restore_jobs


@dataclass(frozen=True, slots=True)
class RestoreJob:
    """`state` is draft, confirmed, running, paused, cancelled or done; `total` and `finished` count its contacts."""

    job_id: int
    location_id: str
    created_at: datetime
    created_by: str
    state: str
    started_at: datetime | None
    heartbeat_at: datetime | None
    finished_at: datetime | None
    holder: str
    options: Any
    total: int
    finished: int


@dataclass(frozen=True, slots=True)
class JobItem:
    """One contact of a job. `outcome` is recreated, topped_up, skipped, failed, or '' while it waits."""

    job_id: int
    contact_id: str
    position: int
    action: str
    plan: Any
    outcome: str
    new_contact_id: str
    verified: bool | None
    differences: Any
    error: str
    finished_at: datetime | None


OPEN_STATES = ("confirmed", "running", "paused")
"""States of a job that somebody confirmed and that has not ended: its waiting contacts belong to it."""
_PASSIVE_ACTIONS = ("skip", "use_native")
_OF_JOB = restore_items.c.job_id == restore_jobs.c.job_id
_JOB: Select[Any] = select(
    restore_jobs,
    select(func.count()).where(_OF_JOB).scalar_subquery(),
    select(func.count()).where(_OF_JOB, restore_items.c.outcome != "").scalar_subquery(),
)


def create_job(
    tx: Tx,
    location_id: str,
    *,
    by: str,
    at: datetime,
    items: Sequence[tuple[str, str, dict[str, Any]]],
    options: dict[str, Any] | None,
) -> int:
    """Create a draft that restores these (contact_id, action, plan), in this order; return its id."""
    values = {"location_id": location_id, "created_at": at, "created_by": by, "options": options}
    job_id = tx.execute(insert(restore_jobs).values(values).returning(restore_jobs.c.job_id)).scalar_one()
    rows = [
        {"job_id": job_id, "contact_id": contact_id, "position": position, "action": action, "plan": plan}
        for position, (contact_id, action, plan) in enumerate(items)
    ]
    if rows:
        tx.execute(insert(restore_items), rows)
    return job_id


def get_job(tx: Tx, job_id: int) -> RestoreJob:
    """Return the job. Raises NotFound."""
    row = tx.execute(_JOB.where(restore_jobs.c.job_id == job_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such restore in this vault.")
    return RestoreJob(*row)


def list_jobs(tx: Tx, location_ids: Sequence[str], *, limit: int, offset: int = 0) -> list[RestoreJob]:
    """Return jobs of these locations, newest first."""
    query = _JOB.where(among(tx, restore_jobs.c.location_id, location_ids)).order_by(desc(restore_jobs.c.job_id))
    return [RestoreJob(*row) for row in tx.execute(query.limit(limit).offset(offset))]


def open_jobs(tx: Tx) -> list[RestoreJob]:
    """Return every confirmed job that has not ended, oldest first."""
    query = _JOB.where(restore_jobs.c.state.in_(OPEN_STATES)).order_by(restore_jobs.c.job_id)
    return [RestoreJob(*row) for row in tx.execute(query)]


def newest_job_id(tx: Tx) -> int:
    """Return the number of the newest job of the vault; 0 where there is none."""
    return tx.execute(select(func.coalesce(func.max(restore_jobs.c.job_id), 0))).scalar_one()


def jobs_of_waiting_contacts(tx: Tx, location_ids: Sequence[str]) -> dict[tuple[str, str], int]:
    """Return (location, contact) → the open job in which it waits to be written, for these locations."""
    query = (
        select(restore_jobs.c.location_id, restore_items.c.contact_id, restore_jobs.c.job_id)
        .join(restore_items, _OF_JOB)
        .where(
            among(tx, restore_jobs.c.location_id, location_ids),
            restore_jobs.c.state.in_(OPEN_STATES),
            restore_items.c.outcome == "",
            restore_items.c.action.not_in(_PASSIVE_ACTIONS),
        )
    )
    return {(row[0], row[1]): row[2] for row in tx.execute(query.order_by(desc(restore_jobs.c.job_id)))}


def waiting_jobs(tx: Tx, *, at: datetime) -> list[RestoreJob]:
    """Return jobs that nobody works on, oldest first: confirmed ones, and running ones whose process is gone."""
    query = _JOB.where(restore_jobs.c.state.in_(("confirmed", "running"))).order_by(restore_jobs.c.job_id)
    jobs = (RestoreJob(*row) for row in tx.execute(query))
    return [job for job in jobs if job.state == "confirmed" or not is_held(job.holder, job.heartbeat_at, at)]


def set_state(tx: Tx, job_id: int, state: str, *, at: datetime, only_from: Sequence[str] = ()) -> bool:
    """Change the job's state (only from one of `only_from`, where given); return whether the job is now in this state.
    The states that end a job (done, cancelled) set `finished_at`. Raises NotFound."""
    current = get_job(tx, job_id)
    statement = update(restore_jobs).where(restore_jobs.c.job_id == job_id)
    if only_from:
        statement = statement.where(restore_jobs.c.state.in_(only_from))
    ends = {"finished_at": at} if state in ("done", "cancelled") else {}
    freed = {} if state == "running" else {"holder": ""}
    return bool(changed_rows(tx, statement.values(state=state, **ends, **freed))) or current.state == state


def claim_job(tx: Tx, job_id: int, holder: str, at: datetime) -> RestoreJob:
    """Return the job, now running and held by `holder`. Raises RunInProgress while another living process works on it
    or when it is a draft, paused, cancelled or done, NotFound."""
    lock(tx, f"job:{job_id}")
    job = get_job(tx, job_id)
    if job.state not in ("confirmed", "running"):
        raise RunInProgress(f"This restore is {job.state}.", hint="Only a confirmed restore is carried out.")
    if job.holder != holder and is_held(job.holder, job.heartbeat_at, at):
        raise RunInProgress("Another process works on this restore.")
    values = {"state": "running", "holder": holder, "heartbeat_at": at, "started_at": job.started_at or at}
    tx.execute(update(restore_jobs).where(restore_jobs.c.job_id == job_id).values(values))
    return get_job(tx, job_id)


def record_heartbeat(tx: Tx, job_id: int, holder: str, at: datetime) -> bool:
    """Record that the job's process is alive. Return False when the job was paused, cancelled or taken over, so that
    the process must stop."""
    statement = update(restore_jobs).where(
        restore_jobs.c.job_id == job_id, restore_jobs.c.holder == holder, restore_jobs.c.state == "running"
    )
    return changed_rows(tx, statement.values(heartbeat_at=at)) == 1


def list_items(
    tx: Tx, job_id: int, *, after: int = -1, limit: int = 1000, outcomes: Sequence[str] | None = None
) -> list[JobItem]:
    """Return contacts of the job in its order, behind the position `after`; with `outcomes` only those ('' waits)."""
    query = select(restore_items).where(restore_items.c.job_id == job_id, restore_items.c.position > after)
    if outcomes is not None:
        query = query.where(among(tx, restore_items.c.outcome, outcomes))
    return [JobItem(*row) for row in tx.execute(query.order_by(restore_items.c.position).limit(limit))]


def items_at(tx: Tx, job_id: int, positions: Sequence[int]) -> list[JobItem]:
    """Return the contacts at these places of the job's order, in that order."""
    query = select(restore_items).where(
        restore_items.c.job_id == job_id, among_numbers(tx, restore_items.c.position, positions)
    )
    return [JobItem(*row) for row in tx.execute(query.order_by(restore_items.c.position))]


def iterate_items(tx: Tx, job_id: int, *, chunk: int = 500) -> Iterator[JobItem]:
    """Yield all contacts of the job in its order, in constant memory."""
    after = -1
    while page := list_items(tx, job_id, after=after, limit=chunk):
        yield from page
        after = page[-1].position


def get_item(tx: Tx, job_id: int, contact_id: str) -> JobItem:
    """Return one contact of the job. Raises NotFound."""
    query = select(restore_items).where(restore_items.c.job_id == job_id, restore_items.c.contact_id == contact_id)
    row = tx.execute(query).one_or_none()
    if row is None:
        raise NotFound("This contact is not part of the restore.")
    return JobItem(*row)


def record_outcome(
    tx: Tx,
    job_id: int,
    contact_id: str,
    *,
    at: datetime,
    outcome: str,
    new_contact_id: str = "",
    verified: bool | None = None,
    differences: Any = None,
    error: str = "",
) -> None:
    """Record the outcome of this contact; '' makes it wait again. Raises NotFound."""
    values = {
        "outcome": outcome,
        "new_contact_id": new_contact_id,
        "verified": verified,
        "differences": differences,
        "error": error,
        "finished_at": at if outcome else None,
    }
    statement = update(restore_items).where(restore_items.c.job_id == job_id, restore_items.c.contact_id == contact_id)
    change_one(tx, statement.values(values), "contact of this restore")


def count_by_outcome(tx: Tx, job_id: int) -> dict[str, int]:
    """Return how many contacts of the job have each outcome ('' waits)."""
    query = select(restore_items.c.outcome, func.count()).where(restore_items.c.job_id == job_id)
    return {
        row[0]: row[1] for row in tx.execute(query.group_by(restore_items.c.outcome).order_by(restore_items.c.outcome))
    }


def count_differing(tx: Tx, job_id: int) -> int:
    """Return how many re-created or topped-up contacts of the job are not verified to be as planned."""
    made = restore_items.c.outcome.in_(("recreated", "topped_up"))
    query = select(func.count()).where(restore_items.c.job_id == job_id, made, restore_items.c.verified.is_not(True))
    return tx.execute(query).scalar_one()


def finish_times_since(tx: Tx, job_id: int, since: datetime) -> list[datetime]:
    """Return when contacts of the job were finished since then, in time order; at most the newest 5,000."""
    at = restore_items.c.finished_at
    query = select(at).where(restore_items.c.job_id == job_id, restore_items.c.outcome != "", at >= since)
    return sorted(tx.execute(query.order_by(desc(at)).limit(5_000)).scalars())


def history_of_contact(tx: Tx, location_id: str, contact_id: str) -> list[dict[str, Any]]:
    """Return every restore of which this contact is the lost or the new one, oldest first; ready for JSON."""
    query = (
        select(restore_items, restore_jobs.c.created_at, restore_jobs.c.created_by, restore_jobs.c.state)
        .join(restore_jobs, _OF_JOB)
        .where(
            restore_jobs.c.location_id == location_id,
            or_(restore_items.c.contact_id == contact_id, restore_items.c.new_contact_id == contact_id),
        )
    )
    return [_history_entry(row._mapping) for row in tx.execute(query.order_by(restore_items.c.job_id))]


def _history_entry(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "job_id": row["job_id"],
        "contact_id": row["contact_id"],
        "asked_at": row["created_at"].isoformat().replace("+00:00", "Z"),
        "asked_by": row["created_by"],
        "state": row["state"],
        "action": row["action"],
        "outcome": row["outcome"],
        "new_id": row["new_contact_id"],
        "verified": row["verified"],
        "differences": row["differences"],
        "error": row["error"],
    }
