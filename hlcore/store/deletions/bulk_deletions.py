"""Bulk deletions: the disappearances that belong together, counted by the database.

Those above the location's threshold carry the number of their incident; smaller ones are known by their cause, `bulk`,
and by when they were noticed.

Incidents: many disappearances at once that belong together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, desc, func, insert, select, update

from hlcore.store.database import Tx
from hlcore.store.deletions.queries import CONFIRMED
from hlcore.store.dialects import among, is_postgres, one_changed
from hlcore.store.tables import contacts, incidents, records
from hlcore.store.tables import disappearances as table


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


def open_incident(tx: Tx, location_id: str, *, at: datetime, contacts: int, known: int, evidence: str) -> int:
    """A new incident waits for its proof; its id."""
    values = {"location_id": location_id, "opened_at": at, "contacts": contacts, "known": known, "evidence": evidence}
    return tx.execute(insert(incidents).values(values).returning(incidents.c.incident_id)).scalar_one()


def close_incident(tx: Tx, incident_id: int, state: str, evidence: str) -> None:
    """The incident is confirmed or dismissed, for these reasons. Raises NotFound."""
    mine = update(incidents).where(incidents.c.incident_id == incident_id)
    one_changed(tx, mine.values(state=state, evidence=evidence), "incident")


def list_incidents(tx: Tx, location_ids: Sequence[str], *, limit: int) -> list[Incident]:
    """Incidents of these locations, newest first."""
    query = select(incidents).where(among(tx, incidents.c.location_id, location_ids))
    return [Incident(*row) for row in tx.execute(query.order_by(desc(incidents.c.incident_id)).limit(limit))]


COUNTED = (*CONFIRMED, "suspected")
GONE = ("deleted", "merged")


@dataclass(frozen=True, slots=True)
class BulkDeletionKey:
    """Which disappearances: those of one incident, or those of a location without one that were noticed from `first`
    to `last` (both included) and are a bulk action. False alarms never count."""

    location_id: str
    incident_id: int | None
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class BulkDeletionTimes:
    """When it was: the earliest and latest start of the clock and moment of notice; `exact`: how many have the
    deletion's exact time, from a webhook, and the first and last of these. `open_from`: the earliest clock of those
    that are still gone."""

    clock_first: datetime
    clock_last: datetime
    noticed_first: datetime
    noticed_last: datetime
    exact: int
    exact_first: datetime | None
    exact_last: datetime | None
    open_from: datetime | None


def incidents_since(tx: Tx, location_ids: Sequence[str], since: datetime, *, limit: int) -> list[Incident]:
    """Incidents of these locations, newest first."""
    query = select(incidents).where(among(tx, incidents.c.location_id, location_ids), incidents.c.opened_at >= since)
    return [Incident(*row) for row in tx.execute(query.order_by(desc(incidents.c.incident_id)).limit(limit))]


def incident(tx: Tx, incident_id: int) -> Incident | None:
    """The incident, None when there is none."""
    row = tx.execute(select(incidents).where(incidents.c.incident_id == incident_id)).one_or_none()
    return Incident(*row) if row else None


def noticed(tx: Tx, location_id: str, since: datetime) -> list[tuple[datetime, int]]:
    """(moment of notice, how many) of the bulk deletions without an incident, ascending."""
    query = (
        select(table.c.detected_at, func.count())
        .where(table.c.location_id == location_id, table.c.detected_at >= since, *_without_incident())
        .group_by(table.c.detected_at)
        .order_by(table.c.detected_at)
    )
    return [(row[0], row[1]) for row in tx.execute(query)]


def by_status(tx: Tx, bulk: BulkDeletionKey) -> dict[str, int]:
    """Recorded status → how many."""
    return dict(_grouped(tx, table.c.status, bulk))


def top_values(tx: Tx, bulk: BulkDeletionKey, what: str, *, limit: int) -> list[tuple[str, int]]:
    """The commonest causes, evidence, ways of notice (columns of the register), owners, sources or tags of the
    contacts: (value, how many), the most first. '' stands for none."""
    if what == "tag":
        return _tags(tx, bulk, limit)
    of_contact = what in ("owner_id", "source")
    return _grouped(tx, contacts.c[what] if of_contact else table.c[what], bulk, limit=limit)


def times(tx: Tx, bulk: BulkDeletionKey) -> BulkDeletionTimes | None:
    """When it was; None when nothing belongs to it."""
    clock, seen, exact = table.c.clock_from, table.c.detected_at, table.c.deleted_at
    still = func.min(clock).filter(table.c.status.in_(GONE), table.c.ended_at.is_(None))
    columns = (func.min(clock), func.max(clock), func.min(seen), func.max(seen))
    query = select(*columns, func.count(exact), func.min(exact), func.max(exact), still).where(*_in(bulk))
    row = tx.execute(query).one()
    return None if row[0] is None else BulkDeletionTimes(*row)


def held_then(tx: Tx, bulk: BulkDeletionKey) -> int:
    """How many contacts the location held when it was noticed, those that went with it included."""
    first_seen = select(func.count()).select_from(contacts)
    known = first_seen.where(contacts.c.location_id == bulk.location_id, contacts.c.first_seen_at <= bulk.first)
    lost = select(func.count(func.distinct(table.c.contact_id))).where(
        table.c.location_id == bulk.location_id,
        table.c.detected_at < bulk.first,
        table.c.status.in_(CONFIRMED),
        (table.c.ended_at.is_(None)) | (table.c.ended_at > bulk.first) | (table.c.status == "recreated"),
    )
    return max(0, tx.execute(known).scalar_one() - tx.execute(lost).scalar_one())


def still_gone(tx: Tx, bulk: BulkDeletionKey) -> list[str]:
    """The ids of those that are confirmed as gone and have not come back."""
    query = select(table.c.contact_id).where(*_in(bulk), table.c.status.in_(GONE), table.c.ended_at.is_(None))
    return list(tx.execute(query.order_by(table.c.contact_id)).scalars())


def everybody(tx: Tx, bulk: BulkDeletionKey) -> list[str]:
    """The ids of all who belong to it."""
    query = select(func.distinct(table.c.contact_id)).where(*_in(bulk)).order_by(table.c.contact_id)
    return list(tx.execute(query).scalars())


def record_counts(tx: Tx, bulk: BulkDeletionKey, kinds: Sequence[str]) -> dict[str, int]:
    """Kind → how many records the contacts had when they went."""
    query = select(records.c.kind, func.count()).where(_belonging(bulk), among(tx, records.c.kind, kinds))
    return {row[0]: row[1] for row in tx.execute(query.group_by(records.c.kind).order_by(records.c.kind))}


def record_bytes(tx: Tx, bulk: BulkDeletionKey, kind: str, *, chunk: int = 1000) -> Iterator[bytes]:
    """The bytes of these contacts' records of one kind, in constant memory."""
    query = select(records.c.record_id, records.c.raw).where(_belonging(bulk), records.c.kind == kind)
    after = ""
    while True:
        page = query.where(records.c.record_id > after).order_by(records.c.record_id).limit(chunk)
        found = tx.execute(page).all()
        yield from (row[1] for row in found)
        if len(found) < chunk:
            return
        after = found[-1][0]


def _grouped(
    tx: Tx, what: ColumnElement[Any], bulk: BulkDeletionKey, *, limit: int | None = None
) -> list[tuple[str, int]]:
    number = func.count()
    query = select(what, number).select_from(_joined()).where(*_in(bulk)).group_by(what)
    return [(row[0], row[1]) for row in tx.execute(query.order_by(desc(number), what).limit(limit))]


def _tags(tx: Tx, bulk: BulkDeletionKey, limit: int) -> list[tuple[str, int]]:
    expand = func.jsonb_array_elements_text if is_postgres(tx) else func.json_each
    each = expand(contacts.c.tags).table_valued("value", joins_implicitly=True)
    number, value = func.count(), each.c.value
    query: Select[Any] = (
        select(value, number)
        .select_from(_joined(), each)
        .where(*_in(bulk))
        .group_by(value)
        .order_by(desc(number), value)
        .limit(limit)
    )
    return [(str(row[0]), row[1]) for row in tx.execute(query)]


def _joined() -> FromClause:
    mine = and_(contacts.c.location_id == table.c.location_id, contacts.c.contact_id == table.c.contact_id)
    return table.join(contacts, mine)


def _in(bulk: BulkDeletionKey) -> tuple[ColumnElement[bool], ...]:
    mine = (table.c.location_id == bulk.location_id, table.c.status.in_(COUNTED))
    if bulk.incident_id is not None:
        return (*mine, table.c.incident_id == bulk.incident_id)
    return (*mine, table.c.detected_at >= bulk.first, table.c.detected_at <= bulk.last, *_without_incident())


def _without_incident() -> tuple[ColumnElement[bool], ...]:
    return table.c.incident_id.is_(None), table.c.cause == "bulk"


def _belonging(bulk: BulkDeletionKey) -> ColumnElement[bool]:
    """Records of these contacts that had not vanished before they went. HighLevel deletes opportunities and
    conversations with the contact, so that a later look may have found them gone."""
    ids = select(table.c.contact_id).where(*_in(bulk))
    went = select(func.min(table.c.clock_from)).where(*_in(bulk)).scalar_subquery()
    lasted = records.c.vanished_at.is_(None) | (records.c.vanished_at >= went)
    return and_(records.c.location_id == bulk.location_id, records.c.contact_id.in_(ids), lasted)
