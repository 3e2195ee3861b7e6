"""Restores that people asked for: the job, its contacts, and what came of each. The journal of what was sent to
HighLevel is in `store.journal`; both are reachable from here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, desc, func, insert, or_, select, update

from hlcore.errors import NotFound, RunInProgress
from hlcore.store.database import Tx
from hlcore.store.dialects import among, changed_rows, lock, one_changed
from hlcore.store.restores.journal import (
    JournalEntry,
    entries,
    id_map,
    log_request,
    log_response,
    open_entries,
    restored_from,
)
from hlcore.store.runs import SILENT_AFTER, is_gone
from hlcore.store.tables import job_items, jobs

__all__ = [
    "JobItem",
    "JournalEntry",
    "RestoreJob",
    "beat_job",
    "claim_job",
    "create_job",
    "differing",
    "entries",
    "finished_since",
    "id_map",
    "item",
    "items",
    "iterate_items",
    "job",
    "list_jobs",
    "log_request",
    "log_response",
    "of_contact",
    "open_entries",
    "progress",
    "record_item",
    "restored_from",
    "set_state",
    "waiting_jobs",
]


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


_OF_JOB = job_items.c.job_id == jobs.c.job_id
_JOB: Select[Any] = select(
    jobs,
    select(func.count()).where(_OF_JOB).scalar_subquery(),
    select(func.count()).where(_OF_JOB, job_items.c.outcome != "").scalar_subquery(),
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
    """A draft of a restore of these (contact_id, action, plan), in this order; its id."""
    values = {"location_id": location_id, "created_at": at, "created_by": by, "options": options}
    job_id = tx.execute(insert(jobs).values(values).returning(jobs.c.job_id)).scalar_one()
    rows = [
        {"job_id": job_id, "contact_id": contact_id, "position": position, "action": action, "plan": plan}
        for position, (contact_id, action, plan) in enumerate(items)
    ]
    if rows:
        tx.execute(insert(job_items), rows)
    return job_id


def job(tx: Tx, job_id: int) -> RestoreJob:
    """The job. Raises NotFound."""
    row = tx.execute(_JOB.where(jobs.c.job_id == job_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such restore in this vault.")
    return _job(row)


def list_jobs(tx: Tx, location_ids: Sequence[str], *, limit: int, offset: int = 0) -> list[RestoreJob]:
    """Jobs of these locations, newest first."""
    query = _JOB.where(among(tx, jobs.c.location_id, location_ids)).order_by(desc(jobs.c.job_id))
    return [_job(row) for row in tx.execute(query.limit(limit).offset(offset))]


def waiting_jobs(tx: Tx, *, at: datetime) -> list[RestoreJob]:
    """Jobs that somebody should carry on, oldest first: confirmed ones, and running ones whose process is gone."""
    query = _JOB.where(jobs.c.state.in_(("confirmed", "running"))).order_by(jobs.c.job_id)
    found = (_job(row) for row in tx.execute(query))
    return [one for one in found if one.state == "confirmed" or not _is_held(one, at)]


def set_state(tx: Tx, job_id: int, state: str, *, at: datetime, only_from: Sequence[str] = ()) -> bool:
    """Whether the job is now in this state: with `only_from` it changes only from one of those. What ends a job
    (done, cancelled) is dated. Raises NotFound."""
    current = job(tx, job_id)
    mine = update(jobs).where(jobs.c.job_id == job_id)
    if only_from:
        mine = mine.where(jobs.c.state.in_(only_from))
    ends = {"finished_at": at} if state in ("done", "cancelled") else {}
    freed = {} if state == "running" else {"holder": ""}
    return bool(changed_rows(tx, mine.values(state=state, **ends, **freed))) or current.state == state


def claim_job(tx: Tx, job_id: int, holder: str, at: datetime) -> RestoreJob:
    """The job is running and held by `holder`. Raises RunInProgress while another living process works on it or when it
    is not to be worked on (draft, paused, cancelled, done), NotFound."""
    lock(tx, f"job:{job_id}")
    found = job(tx, job_id)
    if found.state not in ("confirmed", "running"):
        raise RunInProgress(f"This restore is {found.state}.", hint="Only a confirmed restore is carried out.")
    if found.holder != holder and _is_held(found, at):
        raise RunInProgress("Another process works on this restore.")
    values = {"state": "running", "holder": holder, "heartbeat_at": at, "started_at": found.started_at or at}
    tx.execute(update(jobs).where(jobs.c.job_id == job_id).values(values))
    return job(tx, job_id)


def beat_job(tx: Tx, job_id: int, holder: str, at: datetime) -> bool:
    """The job's process is alive; False when the job was paused, cancelled or taken over, so that it must stop."""
    mine = update(jobs).where(jobs.c.job_id == job_id, jobs.c.holder == holder, jobs.c.state == "running")
    return changed_rows(tx, mine.values(heartbeat_at=at)) == 1


def items(
    tx: Tx, job_id: int, *, after: int = -1, limit: int = 1000, outcomes: Sequence[str] | None = None
) -> list[JobItem]:
    """Contacts of the job in its order, behind the position `after`; with `outcomes` only those ('' waits)."""
    query = select(job_items).where(job_items.c.job_id == job_id, job_items.c.position > after)
    if outcomes is not None:
        query = query.where(among(tx, job_items.c.outcome, outcomes))
    return [_item(row) for row in tx.execute(query.order_by(job_items.c.position).limit(limit))]


def iterate_items(tx: Tx, job_id: int, *, chunk: int = 500) -> Iterator[JobItem]:
    """All contacts of the job in its order, in constant memory."""
    after = -1
    while found := items(tx, job_id, after=after, limit=chunk):
        yield from found
        after = found[-1].position


def item(tx: Tx, job_id: int, contact_id: str) -> JobItem:
    """One contact of the job. Raises NotFound."""
    query = select(job_items).where(job_items.c.job_id == job_id, job_items.c.contact_id == contact_id)
    row = tx.execute(query).one_or_none()
    if row is None:
        raise NotFound("This contact is not part of the restore.")
    return _item(row)


def record_item(
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
    """What came of this contact; an outcome of '' makes it wait again. Raises NotFound."""
    values = {
        "outcome": outcome,
        "new_contact_id": new_contact_id,
        "verified": verified,
        "differences": differences,
        "error": error,
        "finished_at": at if outcome else None,
    }
    mine = update(job_items).where(job_items.c.job_id == job_id, job_items.c.contact_id == contact_id)
    one_changed(tx, mine.values(values), "contact of this restore")


def progress(tx: Tx, job_id: int) -> dict[str, int]:
    """outcome → how many contacts of the job have it ('' waits)."""
    query = select(job_items.c.outcome, func.count()).where(job_items.c.job_id == job_id)
    return {row[0]: row[1] for row in tx.execute(query.group_by(job_items.c.outcome).order_by(job_items.c.outcome))}


def differing(tx: Tx, job_id: int) -> int:
    """How many contacts of the job were made again and are not, or not surely, as planned."""
    made = job_items.c.outcome.in_(("recreated", "topped_up"))
    query = select(func.count()).where(job_items.c.job_id == job_id, made, job_items.c.verified.is_not(True))
    return tx.execute(query).scalar_one()


def finished_since(tx: Tx, job_id: int, since: datetime) -> list[datetime]:
    """When contacts of the job were finished since then, in time order; at most the newest 5,000."""
    at = job_items.c.finished_at
    query = select(at).where(job_items.c.job_id == job_id, job_items.c.outcome != "", at >= since)
    return sorted(tx.execute(query.order_by(desc(at)).limit(5_000)).scalars())


def of_contact(tx: Tx, location_id: str, contact_id: str) -> list[dict[str, Any]]:
    """Every restore in which this contact took part, as the lost or as the new one, oldest first; ready for JSON."""
    query = (
        select(job_items, jobs.c.created_at, jobs.c.created_by, jobs.c.state)
        .join(jobs, _OF_JOB)
        .where(
            jobs.c.location_id == location_id,
            or_(job_items.c.contact_id == contact_id, job_items.c.new_contact_id == contact_id),
        )
    )
    return [_told(row._mapping) for row in tx.execute(query.order_by(job_items.c.job_id))]


def _told(row: Mapping[Any, Any]) -> dict[str, Any]:
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


def _is_held(found: RestoreJob, at: datetime) -> bool:
    """Whether a living process works on it."""
    if not found.holder or is_gone(found.holder) or found.heartbeat_at is None:
        return False
    return at - found.heartbeat_at < SILENT_AFTER


def _job(row: Sequence[Any]) -> RestoreJob:
    return RestoreJob(*row)


def _item(row: Sequence[Any]) -> JobItem:
    return JobItem(*row)
