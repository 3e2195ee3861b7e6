"""Bulk deletions: disappearances that belong together, counted by the database.

Above the location's threshold they form an incident and carry its number; smaller ones are known by their cause,
`bulk`, and by when they were detected.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, desc, func, insert, or_, select, update

from hlcore.store.database import Tx
from hlcore.store.deletions.queries import CONFIRMED, LOST
from hlcore.store.dialects import among, change_one, contains, is_postgres
from hlcore.store.tables import contacts, disappearances, incidents, records

COUNTED = (*CONFIRMED, "suspected")
"""The statuses that count as part of a bulk deletion: false alarms never do."""


@dataclass(frozen=True, slots=True)
class Incident:
    """`contacts` of `known` were missing at once. `state` is waiting, confirmed or dismissed."""

    incident_id: int
    location_id: str
    opened_at: datetime
    contacts: int
    known: int
    state: str
    evidence: str


@dataclass(frozen=True, slots=True)
class BulkDeletionKey:
    """Which disappearances: those of an incident, or, with `incident_id` None, those of a location that belong to none,
    were detected from `first` to `last` (both included) and have the cause `bulk`."""

    location_id: str
    incident_id: int | None
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class BulkDeletionTimes:
    """The earliest and latest start of the clock and moment of detection; how many disappearances have an `exact` time,
    from a webhook, and the first and last of these. `open_from`: the earliest clock of those still missing."""

    clock_first: datetime
    clock_last: datetime
    noticed_first: datetime
    noticed_last: datetime
    exact: int
    exact_first: datetime | None
    exact_last: datetime | None
    open_from: datetime | None


def open_incident(tx: Tx, location_id: str, *, at: datetime, contacts: int, known: int, evidence: str) -> int:
    """Create an incident that waits to be confirmed; return its id."""
    values = {"location_id": location_id, "opened_at": at, "contacts": contacts, "known": known, "evidence": evidence}
    return tx.execute(insert(incidents).values(values).returning(incidents.c.incident_id)).scalar_one()


def close_incident(tx: Tx, incident_id: int, state: str, evidence: str) -> None:
    """Set the incident to confirmed or dismissed, with the reasons. Raises NotFound."""
    row = update(incidents).where(incidents.c.incident_id == incident_id)
    change_one(tx, row.values(state=state, evidence=evidence), "incident")


def get_incident(tx: Tx, incident_id: int) -> Incident | None:
    """Return the incident, None when there is none."""
    row = tx.execute(select(incidents).where(incidents.c.incident_id == incident_id)).one_or_none()
    return Incident(*row) if row else None


def list_incidents(tx: Tx, location_ids: Sequence[str], *, limit: int, since: datetime | None = None) -> list[Incident]:
    """Return incidents of these locations (opened at or after `since`, where given), newest first."""
    query = select(incidents).where(among(tx, incidents.c.location_id, location_ids))
    if since is not None:
        query = query.where(incidents.c.opened_at >= since)
    return [Incident(*row) for row in tx.execute(query.order_by(desc(incidents.c.incident_id)).limit(limit))]


def count_by_detection(tx: Tx, location_id: str, since: datetime) -> list[tuple[datetime, int]]:
    """Return (moment of detection, how many) of the bulk deletions without an incident, ascending."""
    query = (
        select(disappearances.c.detected_at, func.count())
        .where(disappearances.c.location_id == location_id, disappearances.c.detected_at >= since, *_without_incident())
        .group_by(disappearances.c.detected_at)
        .order_by(disappearances.c.detected_at)
    )
    return [(row[0], row[1]) for row in tx.execute(query)]


def count_by_status(tx: Tx, bulk: BulkDeletionKey) -> dict[str, int]:
    """Return how many disappearances have each recorded status."""
    return dict(_count_by(tx, disappearances.c.status, bulk))


def top_values(tx: Tx, bulk: BulkDeletionKey, name: str, *, limit: int) -> list[tuple[str, int]]:
    """Return the commonest values as (value, how many), the most first; '' stands for none. `name` is a column of the
    register (cause, evidence, detected_by) or 'owner_id', 'source' or 'tag' of the contacts."""
    if name == "tag":
        return _count_by_tag(tx, bulk, limit)
    table = contacts if name in ("owner_id", "source") else disappearances
    return _count_by(tx, table.c[name], bulk, limit=limit)


def load_times(tx: Tx, bulk: BulkDeletionKey) -> BulkDeletionTimes | None:
    """Return when it happened; None when nothing belongs to it."""
    clock, detected, exact = disappearances.c.clock_from, disappearances.c.detected_at, disappearances.c.deleted_at
    open_from = func.min(clock).filter(*_still_missing())
    bounds = (func.min(clock), func.max(clock), func.min(detected), func.max(detected))
    query = select(*bounds, func.count(exact), func.min(exact), func.max(exact), open_from).where(*_in(bulk))
    row = tx.execute(query).one()
    return None if row[0] is None else BulkDeletionTimes(*row)


def count_contacts_before(tx: Tx, bulk: BulkDeletionKey) -> int:
    """Return how many contacts the location held just before it was detected, including those that were deleted."""
    known = (
        select(func.count())
        .select_from(contacts)
        .where(contacts.c.location_id == bulk.location_id, contacts.c.first_seen_at <= bulk.first)
    )
    lost = select(func.count(func.distinct(disappearances.c.contact_id))).where(
        disappearances.c.location_id == bulk.location_id,
        disappearances.c.detected_at < bulk.first,
        disappearances.c.status.in_(CONFIRMED),
        or_(
            disappearances.c.ended_at.is_(None),
            disappearances.c.ended_at > bulk.first,
            disappearances.c.status == "recreated",
        ),
    )
    return max(0, tx.execute(known).scalar_one() - tx.execute(lost).scalar_one())


def list_contact_ids(tx: Tx, bulk: BulkDeletionKey) -> list[str]:
    """Return the ids of all contacts that belong to it."""
    query = select(func.distinct(disappearances.c.contact_id)).where(*_in(bulk))
    return list(tx.execute(query.order_by(disappearances.c.contact_id)).scalars())


def list_missing_ids(tx: Tx, bulk: BulkDeletionKey) -> list[str]:
    """Return the ids of the contacts that are confirmed as lost and have not come back."""
    query = select(disappearances.c.contact_id).where(*_in(bulk), *_still_missing())
    return list(tx.execute(query.order_by(disappearances.c.contact_id)).scalars())


def count_records(tx: Tx, bulk: BulkDeletionKey, kinds: Sequence[str]) -> dict[str, int]:
    """Return how many records of each kind the contacts had when they were deleted."""
    query = select(records.c.kind, func.count()).where(_has_record(bulk), among(tx, records.c.kind, kinds))
    return {row[0]: row[1] for row in tx.execute(query.group_by(records.c.kind).order_by(records.c.kind))}


def count_captured(tx: Tx, bulk: BulkDeletionKey, kinds: Sequence[str]) -> dict[str, int]:
    """Return of how many disappearances each of these kinds of records had been captured by then; of the others nobody
    knows how many there were."""
    captured = func.coalesce(disappearances.c.captured_kinds, "")
    sums = (func.coalesce(func.sum(case((contains(tx, captured, f" {kind} "), 1), else_=0)), 0) for kind in kinds)
    row = tx.execute(select(*sums).where(*_in(bulk))).one()
    return dict(zip(kinds, map(int, row), strict=True))


def iterate_record_bytes(tx: Tx, bulk: BulkDeletionKey, kind: str, *, chunk: int = 1000) -> Iterator[bytes]:
    """Yield the bytes of these contacts' records of one kind, in constant memory."""
    query = select(records.c.record_id, records.c.raw).where(_has_record(bulk), records.c.kind == kind)
    query = query.order_by(records.c.record_id).limit(chunk)
    after = ""
    while page := tx.execute(query.where(records.c.record_id > after)).all():
        yield from (row[1] for row in page)
        after = page[-1][0]


def _count_by(
    tx: Tx, value: ColumnElement[Any], bulk: BulkDeletionKey, *, limit: int | None = None
) -> list[tuple[str, int]]:
    number = func.count()
    query = select(value, number).select_from(_with_contacts()).where(*_in(bulk)).group_by(value)
    return [(row[0], row[1]) for row in tx.execute(query.order_by(desc(number), value).limit(limit))]


def _count_by_tag(tx: Tx, bulk: BulkDeletionKey, limit: int) -> list[tuple[str, int]]:
    expand = func.jsonb_array_elements_text if is_postgres(tx) else func.json_each
    tags = expand(contacts.c.tags).table_valued("value", joins_implicitly=True)
    number, value = func.count(), tags.c.value
    query: Select[Any] = select(value, number).select_from(_with_contacts(), tags).where(*_in(bulk)).group_by(value)
    return [(str(row[0]), row[1]) for row in tx.execute(query.order_by(desc(number), value).limit(limit))]


def _with_contacts() -> FromClause:
    same_contact = and_(
        contacts.c.location_id == disappearances.c.location_id, contacts.c.contact_id == disappearances.c.contact_id
    )
    return disappearances.join(contacts, same_contact)


def _in(bulk: BulkDeletionKey) -> tuple[ColumnElement[bool], ...]:
    counted = (disappearances.c.location_id == bulk.location_id, disappearances.c.status.in_(COUNTED))
    if bulk.incident_id is not None:
        return (*counted, disappearances.c.incident_id == bulk.incident_id)
    detected = (disappearances.c.detected_at >= bulk.first, disappearances.c.detected_at <= bulk.last)
    return (*counted, *detected, *_without_incident())


def _without_incident() -> tuple[ColumnElement[bool], ...]:
    return disappearances.c.incident_id.is_(None), disappearances.c.cause == "bulk"


def _still_missing() -> tuple[ColumnElement[bool], ...]:
    return disappearances.c.status.in_(LOST), disappearances.c.ended_at.is_(None)


def _has_record(bulk: BulkDeletionKey) -> ColumnElement[bool]:
    """Return the condition on records of these contacts that had not vanished before the deletion. HighLevel deletes
    opportunities and conversations with the contact, so that a later capture may have marked them as vanished."""
    ids = select(disappearances.c.contact_id).where(*_in(bulk))
    deleted_from = select(func.min(disappearances.c.clock_from)).where(*_in(bulk)).scalar_subquery()
    lasted = or_(records.c.vanished_at.is_(None), records.c.vanished_at >= deleted_from)
    return and_(records.c.location_id == bulk.location_id, records.c.contact_id.in_(ids), lasted)
