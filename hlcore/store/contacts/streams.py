"""Streams of contacts, their versions and records for export files: narrow rows, in constant memory.

Contacts and versions come in the order of their row ids, so that a million of them are read from one end of the disk to
the other; the location is therefore compared in a way that no index answers (`_of_locations`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from hlcore.store.contacts import reads
from hlcore.store.contacts.search import ContactQuery, filter_conditions
from hlcore.store.database import Tx
from hlcore.store.dialects import among
from hlcore.store.tables import contact_bytes, contact_details, contact_versions, contacts, disappearances, records

CHUNK = 2_000
_NOT_ERASED = contacts.c.status != "erased"


class ContactCopy(NamedTuple):
    """The bytes of a contact, and what a file says beside them. `clock_from`: when the recovery clock of a deleted
    contact started. `fields`: what all its copies together say, where the two last ones alone do not tell;
    {} where that cannot be read."""

    row_id: int
    location_id: str
    contact_id: str
    status: str
    owner_id: str
    clock_from: datetime | None
    raw: bytes
    detail: bytes | None
    fields: Mapping[str, Any] | None = None


class VersionCopy(NamedTuple):
    """Earlier bytes of a contact."""

    version_id: int
    location_id: str
    contact_id: str
    part: str
    captured_at: datetime
    replaced_at: datetime
    raw: bytes


class RecordCopy(NamedTuple):
    """The bytes of a record."""

    location_id: str
    record_id: str
    contact_id: str
    captured_at: datetime
    vanished_at: datetime | None
    raw: bytes


_CLOCK_FROM = case(
    (
        contacts.c.status == "deleted",
        select(disappearances.c.clock_from)
        .where(
            disappearances.c.location_id == contacts.c.location_id,
            disappearances.c.contact_id == contacts.c.contact_id,
            disappearances.c.ended_at.is_(None),
        )
        .scalar_subquery(),
    ),
    else_=None,
)
_NEEDS_EARLIER = and_(
    contact_details.c.row_id.is_not(None),
    or_(contacts.c.changed_at > contact_details.c.captured_at, contacts.c.date_updated.is_(None)),
)
"""Whether earlier copies have a say: a row newer than the detail leaves out what was emptied (`contact_snapshot`)."""
_COPY = (
    select(
        *(contacts.c[name] for name in ContactCopy._fields[:-4]),
        _CLOCK_FROM.label("clock_from"),
        contact_bytes.c.raw,
        contact_details.c.raw.label("detail"),
        _NEEDS_EARLIER.label("needs_earlier"),
    )
    .join(contact_bytes, contact_bytes.c.row_id == contacts.c.row_id)
    .outerjoin(contact_details, contact_details.c.row_id == contacts.c.row_id)
)
_VERSION = select(*(contact_versions.c[name] for name in VersionCopy._fields))
_RECORD = select(*(records.c[name] for name in RecordCopy._fields))


def iterate_copies(tx: Tx, query: ContactQuery) -> Iterator[ContactCopy]:
    """Yield every contact that matches, except erased ones, in the order in which they came to the vault."""
    matching = [_of_locations(contacts.c.location_id, query.location_ids), *filter_conditions(tx, query), _NOT_ERASED]
    for page in _pages(tx, _COPY.where(*matching), contacts.c.row_id):
        yield from _copies(tx, page)


def copies_by_id(tx: Tx, location_id: str, ids: Sequence[str]) -> dict[str, ContactCopy]:
    """Return the copies of these contacts (a page of them at most), except erased ones, by id."""
    query = _COPY.where(contacts.c.location_id == location_id, among(tx, contacts.c.contact_id, ids), _NOT_ERASED)
    return {copy.contact_id: copy for copy in _copies(tx, tx.execute(query).all())}


def iterate_version_copies(
    tx: Tx, location_ids: Sequence[str], ids: Sequence[str] | None = None
) -> Iterator[VersionCopy]:
    """Yield every earlier copy of the contacts of these locations (with these ids, where given), oldest first."""
    query = _VERSION.where(contact_versions.c.location_id.in_(location_ids))
    if ids is not None:
        query = query.where(among(tx, contact_versions.c.contact_id, ids))
    for page in _pages(tx, query, contact_versions.c.version_id):
        yield from map(VersionCopy._make, page)


def iterate_record_copies(
    tx: Tx, location_ids: Sequence[str], kind: str, ids: Sequence[str] | None = None
) -> Iterator[RecordCopy]:
    """Yield every record of this kind (of the contacts with these ids, where given), by location and id."""
    for location_id in sorted(set(location_ids)):
        query = _RECORD.where(records.c.location_id == location_id, records.c.kind == kind)
        if ids is not None:
            query = query.where(among(tx, records.c.contact_id, ids))
        query = query.order_by(records.c.record_id).limit(CHUNK)
        after = ""
        while page := tx.execute(query.where(records.c.record_id > after)).all():
            yield from (RecordCopy._make(row) for row in page)
            after = page[-1].record_id


def _copies(tx: Tx, page: Sequence[Sequence[Any]]) -> Iterator[ContactCopy]:
    """Yield the copies in the rows of `_COPY`, with all their fields where earlier copies have a say."""
    by_location: dict[str, list[str]] = {}
    for row in page:
        if row[-1]:
            by_location.setdefault(row[1], []).append(row[2])
    fields = {
        (location_id, contact_id): told
        for location_id, ids in by_location.items()
        for contact_id, told in _fields_of_all_copies(tx, location_id, ids)
    }
    for row in page:
        yield ContactCopy._make((*row[:-1], fields.get((row[1], row[2]))))


def _fields_of_all_copies(tx: Tx, location_id: str, ids: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    versions = reads.versions_by_contact(tx, location_id, ids)
    for stored in reads.get_many(tx, location_id, ids):
        try:
            yield stored.contact_id, stored.snapshot(versions.get(stored.contact_id, [])).fields
        except ValueError:
            yield stored.contact_id, {}


def _pages(tx: Tx, query: Select[Any], key: ColumnElement[int]) -> Iterator[Sequence[Sequence[Any]]]:
    """Yield all rows, a page at a time, ordered by their key, which is their first column."""
    after = 0
    while page := tx.execute(query.where(key > after).order_by(key).limit(CHUNK)).all():
        yield page
        after = page[-1][0]


def _of_locations(column: ColumnElement[str], location_ids: Sequence[str]) -> ColumnElement[bool]:
    """Return a condition on the location that keeps SQLite to the order of the row ids."""
    return func.coalesce(column, "").in_(location_ids)
