"""Records: what belongs to a contact (notes, tasks, …) or to the location (reference data: users, pipelines, …).

Bytes are stored as HighLevel sent them, the bytes they replace become versions. A record that vanishes is marked, never
removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, insert, literal, select, update

from hlcore.model.contact import digest
from hlcore.model.json_codec import decode_lossy_object
from hlcore.model.records import record_name
from hlcore.store.column_types import UtcDateTime
from hlcore.store.database import Tx
from hlcore.store.dialects import among, changed_rows, chunked, insert_rows, moment_value
from hlcore.store.tables import contacts, record_versions, records
from hlcore.store.text import fit

_Rows = dict[str, tuple[str, bytes, bytes]]
"""record_id → (contact_id, bytes, digest)."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record as HighLevel sent it. `contact_id` is '' for reference data; `vanished_at` is None while it exists."""

    location_id: str
    kind: str
    record_id: str
    contact_id: str
    digest: bytes
    captured_at: datetime
    seen_at: datetime
    vanished_at: datetime | None
    raw: bytes


@dataclass(frozen=True, slots=True)
class RecordVersion:
    """Bytes that a record had from `captured_at` until `replaced_at`."""

    version_id: int
    location_id: str
    kind: str
    record_id: str
    contact_id: str
    captured_at: datetime
    replaced_at: datetime
    digest: bytes
    raw: bytes


@dataclass(frozen=True, slots=True)
class RecordCounts:
    """How many records were new, and how many had other bytes than before."""

    added: int
    changed: int


def save(tx: Tx, location_id: str, kind: str, given: Sequence[tuple[str, str, bytes]], *, at: datetime) -> RecordCounts:
    """Store these records (record_id, contact_id, bytes) as seen `at`; different bytes that they had become versions. A
    vanished one is back. Records of an erased contact are left out. May be repeated."""
    added = changed = 0
    for part in chunked(_without_erased(tx, location_id, given)):
        rows = {fit(record_id, 64): (fit(contact_id, 64), raw, digest(raw)) for record_id, contact_id, raw in part}
        known = _digests(tx, location_id, kind, rows)
        new = {record_id: row for record_id, row in rows.items() if record_id not in known}
        different = {record_id: rows[record_id] for record_id in known if known[record_id] != rows[record_id][2]}
        _insert(tx, location_id, kind, new, at)
        _replace(tx, location_id, kind, different, at)
        seen = update(records).where(*_of_kind(location_id, kind), among(tx, records.c.record_id, rows))
        tx.execute(seen.values(seen_at=at, vanished_at=None))
        added, changed = added + len(new), changed + len(different)
    return RecordCounts(added, changed)


def mark_vanished(
    tx: Tx, location_id: str, kind: str, *, keep: Iterable[str], contact_id: str | None = None, at: datetime
) -> int:
    """Mark the records of this kind (of one contact, where given) that are not among `keep` as vanished `at`; return
    how many had not vanished before."""
    existing = update(records).where(*_of_kind(location_id, kind), records.c.vanished_at.is_(None))
    if contact_id is not None:
        existing = existing.where(records.c.contact_id == contact_id)
    kept = among(tx, records.c.record_id, (fit(record_id, 64) for record_id in keep))
    return changed_rows(tx, existing.where(~kept).values(vanished_at=at))


def get(tx: Tx, location_id: str, kind: str, record_id: str) -> Record | None:
    """Return the record, None when there is none."""
    query = select(records).where(*_of_kind(location_id, kind), records.c.record_id == record_id)
    row = tx.execute(query).one_or_none()
    return Record(*row) if row else None


def list_for_contact(tx: Tx, location_id: str, contact_id: str, kinds: Iterable[str] = ()) -> list[Record]:
    """Return the contact's records (of these kinds, where given), vanished ones too, by kind and id."""
    query = select(records).where(records.c.location_id == location_id, records.c.contact_id == contact_id)
    if wanted := list(kinds):
        query = query.where(among(tx, records.c.kind, wanted))
    return [Record(*row) for row in tx.execute(query.order_by(records.c.kind, records.c.record_id))]


def list_of_kind(tx: Tx, location_id: str, kind: str, *, with_vanished: bool = False) -> list[Record]:
    """Return all records of a kind of the location, by id."""
    return list(iterate(tx, location_id, kind, with_vanished=with_vanished))


def iterate(tx: Tx, location_id: str, kind: str, *, with_vanished: bool = True, chunk: int = 1000) -> Iterator[Record]:
    """Yield all records of a kind of the location, by id, in constant memory."""
    query = select(records).where(*_of_kind(location_id, kind)).order_by(records.c.record_id).limit(chunk)
    if not with_vanished:
        query = query.where(records.c.vanished_at.is_(None))
    after = ""
    while page := [Record(*row) for row in tx.execute(query.where(records.c.record_id > after))]:
        yield from page
        after = page[-1].record_id


def list_moved_by_merge(tx: Tx, location_id: str, loser_id: str, winner_id: str) -> list[Record]:
    """Return the winner's records that were the loser's before, by kind and id."""
    earlier = and_(
        record_versions.c.location_id == records.c.location_id,
        record_versions.c.kind == records.c.kind,
        record_versions.c.record_id == records.c.record_id,
        record_versions.c.contact_id == loser_id,
    )
    query = select(records).where(
        records.c.location_id == location_id, records.c.contact_id == winner_id, exists().where(earlier)
    )
    return [Record(*row) for row in tx.execute(query.order_by(records.c.kind, records.c.record_id))]


def raw_by_id(tx: Tx, location_id: str, kind: str, ids: Sequence[str]) -> dict[str, bytes]:
    """Return the bytes of these records by id, vanished ones too; ids that the vault does not hold are left out."""
    query = select(records.c.record_id, records.c.raw).where(
        *_of_kind(location_id, kind), among(tx, records.c.record_id, ids)
    )
    return {row[0]: row[1] for row in tx.execute(query)} if ids else {}


def raw_of_contact(tx: Tx, location_id: str, kind: str, contact_id: str) -> dict[str, bytes]:
    """Return the bytes of the contact's records of this kind that have not vanished, by id."""
    query = select(records.c.record_id, records.c.raw).where(
        *_of_kind(location_id, kind), records.c.contact_id == contact_id, records.c.vanished_at.is_(None)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def ids_seen_since(tx: Tx, location_id: str, kind: str, ids: Iterable[str], *, at: datetime) -> set[str]:
    """Return those of these records that were seen at or after `at`."""
    query = select(records.c.record_id).where(
        *_of_kind(location_id, kind), among(tx, records.c.record_id, ids), records.c.seen_at >= at
    )
    return set(tx.execute(query).scalars())


def versions(tx: Tx, location_id: str, kind: str, record_id: str) -> list[RecordVersion]:
    """Return the bytes this record had before the present ones, oldest first."""
    query = select(record_versions).where(
        record_versions.c.location_id == location_id,
        record_versions.c.kind == kind,
        record_versions.c.record_id == record_id,
    )
    return [RecordVersion(*row) for row in tx.execute(query.order_by(record_versions.c.version_id))]


def count_by_kind(tx: Tx, location_ids: Sequence[str]) -> dict[str, int]:
    """Return how many records of each kind these locations have, vanished ones too."""
    query = select(records.c.kind, func.count()).where(among(tx, records.c.location_id, location_ids))
    return {row[0]: row[1] for row in tx.execute(query.group_by(records.c.kind))}


def user_names(tx: Tx, location_ids: Sequence[str]) -> dict[str, str]:
    """Return the names of these locations' users by id, of those that have left too; users without a name are left
    out."""
    names: dict[str, str] = {}
    for location_id in location_ids:
        for record in iterate(tx, location_id, "user"):
            if name := record_name(record.raw):
                names[record.record_id] = name
    return names


def user_labels(tx: Tx, location_ids: Sequence[str]) -> dict[str, str]:
    """As `user_names`, for people: 'Ana Ruiz (left)' for a user who is in none of these locations any more."""
    present, left = dict[str, str](), dict[str, str]()
    for location_id in location_ids:
        for record in iterate(tx, location_id, "user"):
            if name := record_name(record.raw):
                gone = record.vanished_at is not None or decode_lossy_object(record.raw).get("deleted") is True
                (left if gone else present)[record.record_id] = name
    return {user_id: f"{name} (left)" for user_id, name in left.items()} | present


def _of_kind(location_id: str, kind: str) -> tuple[ColumnElement[bool], ...]:
    return records.c.location_id == location_id, records.c.kind == kind


def _without_erased(
    tx: Tx, location_id: str, given: Sequence[tuple[str, str, bytes]]
) -> Sequence[tuple[str, str, bytes]]:
    contact_ids = {contact_id for _, contact_id, _ in given if contact_id}
    if not contact_ids:
        return given
    query = select(contacts.c.contact_id).where(
        contacts.c.location_id == location_id,
        contacts.c.status == "erased",
        among(tx, contacts.c.contact_id, sorted(contact_ids)),
    )
    erased = set(tx.execute(query).scalars())
    return [row for row in given if row[1] not in erased] if erased else given


def _digests(tx: Tx, location_id: str, kind: str, ids: Iterable[str]) -> dict[str, bytes]:
    query = select(records.c.record_id, records.c.digest).where(
        *_of_kind(location_id, kind), among(tx, records.c.record_id, ids)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def _insert(tx: Tx, location_id: str, kind: str, rows: _Rows, at: datetime) -> None:
    names = ("location_id", "kind", "record_id", "contact_id", "digest", "captured_at", "seen_at", "raw")
    moment = moment_value(tx, at)
    values = [
        (location_id, kind, record_id, contact_id, fresh, moment, moment, raw)
        for record_id, (contact_id, raw, fresh) in rows.items()
    ]
    insert_rows(tx, records, names, values)


def _replace(tx: Tx, location_id: str, kind: str, rows: _Rows, at: datetime) -> None:
    if not rows:
        return
    names = ("location_id", "kind", "record_id", "contact_id", "captured_at", "replaced_at", "digest", "raw")
    columns = [literal(at, UtcDateTime) if name == "replaced_at" else records.c[name] for name in names]
    earlier = select(*columns).where(*_of_kind(location_id, kind), among(tx, records.c.record_id, rows))
    tx.execute(insert(record_versions).from_select(names, earlier.order_by(records.c.record_id)))
    for record_id, (contact_id, raw, fresh) in rows.items():
        row = update(records).where(*_of_kind(location_id, kind), records.c.record_id == record_id)
        tx.execute(row.values(contact_id=contact_id, raw=raw, digest=fresh, captured_at=at))
