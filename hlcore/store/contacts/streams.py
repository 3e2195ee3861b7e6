"""Whole tables as streams, for files: narrow rows in the order in which they were stored, in constant memory.

The order is that of the row ids, so that a million contacts are read from one end of the disk to the other; the
location is therefore compared in a way that no index answers (`_of`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, case, func, select

from hlcore.store.contacts.search import ContactQuery, filters
from hlcore.store.database import Tx
from hlcore.store.dialects import among
from hlcore.store.tables import contact_bytes, contacts, details, disappearances, records
from hlcore.store.tables import versions as version_table

CHUNK = 2_000


class ContactCopy(NamedTuple):
    """The bytes of a contact, and what a file says beside them. `clock_from`: of a deleted one, when the recovery
    clock started."""

    row_id: int
    location_id: str
    contact_id: str
    status: str
    owner_id: str
    clock_from: datetime | None
    raw: bytes
    detail: bytes | None


class OldCopy(NamedTuple):
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


_CLOCK = case(
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
_COPY = (
    select(
        *(contacts.c[name] for name in ContactCopy._fields[:-3]),
        _CLOCK.label("clock_from"),
        contact_bytes.c.raw,
        details.c.raw.label("detail"),
    )
    .join(contact_bytes, contact_bytes.c.row_id == contacts.c.row_id)
    .outerjoin(details, details.c.row_id == contacts.c.row_id)
)
_OLD = select(*(version_table.c[name] for name in OldCopy._fields))
_RECORD = select(*(records.c[name] for name in RecordCopy._fields))


def copies(tx: Tx, query: ContactQuery, *, but: Sequence[str] = ("erased",)) -> Iterator[ContactCopy]:
    """Every contact that matches, except those in the states `but`, in the order in which they came to the vault."""
    matching = [_of(contacts.c.location_id, query.location_ids), *filters(tx, query)]
    matching += [contacts.c.status != status for status in but]
    for row in _pages(tx, _COPY.where(*matching), contacts.c.row_id):
        yield ContactCopy._make(row)


def copies_of(
    tx: Tx, location_id: str, ids: Sequence[str], *, but: Sequence[str] = ("erased",)
) -> dict[str, ContactCopy]:
    """The copies of these contacts (not more than a page of them) by id."""
    query = _COPY.where(contacts.c.location_id == location_id, among(tx, contacts.c.contact_id, ids))
    found = (ContactCopy._make(row) for row in tx.execute(query.where(contacts.c.status.not_in(but))))
    return {copy.contact_id: copy for copy in found}


def old_copies(tx: Tx, location_ids: Sequence[str], ids: Sequence[str] | None = None) -> Iterator[OldCopy]:
    """Every earlier copy of the contacts of these locations, or of those with these ids, oldest first."""
    query = _OLD.where(version_table.c.location_id.in_(location_ids))
    if ids is not None:
        query = query.where(among(tx, version_table.c.contact_id, ids))
    for row in _pages(tx, query, version_table.c.version_id):
        yield OldCopy._make(row)


def record_copies(
    tx: Tx, location_ids: Sequence[str], kind: str, ids: Sequence[str] | None = None
) -> Iterator[RecordCopy]:
    """Every record of this kind, or those of the contacts with these ids, by location and id."""
    for location_id in sorted(set(location_ids)):
        query = _RECORD.where(records.c.location_id == location_id, records.c.kind == kind)
        if ids is not None:
            query = query.where(among(tx, records.c.contact_id, ids))
        after = ""
        while found := tx.execute(
            query.where(records.c.record_id > after).order_by(records.c.record_id).limit(CHUNK)
        ).all():
            yield from (RecordCopy._make(row) for row in found)
            after = found[-1].record_id


def raws(tx: Tx, location_id: str, kind: str, ids: Sequence[str]) -> dict[str, bytes]:
    """The bytes of these records, vanished ones too, by id; without those that the vault does not hold."""
    query = select(records.c.record_id, records.c.raw).where(
        records.c.location_id == location_id, records.c.kind == kind, among(tx, records.c.record_id, ids)
    )
    return {row[0]: row[1] for row in tx.execute(query)} if ids else {}


def _pages(tx: Tx, query: Select[Any], key: ColumnElement[int]) -> Iterator[Sequence[Any]]:
    """All rows by their key, which stands first in them."""
    after = 0
    while found := tx.execute(query.where(key > after).order_by(key).limit(CHUNK)).all():
        yield from found
        after = found[-1][0]


def _of(column: ColumnElement[str], location_ids: Sequence[str]) -> ColumnElement[bool]:
    """One of these locations, compared so that SQLite keeps to the order of the row ids."""
    return func.coalesce(column, "").in_(location_ids)
