"""Records: what belongs to a contact (notes, tasks, …) or to the location (users, custom fields, pipelines, …),
byte for byte, with the bytes that came before. A record that vanishes is marked, never removed.

How much there is, beside the contacts: for those who want to know before they read it all.

What moved with a merge: records that belonged to the loser and are seen under the winner now.

Names for ids, from the catalogues as last copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, insert, literal, select, update

from hlcore.model.contact import digest
from hlcore.model.records import name_in
from hlcore.store.column_types import UtcDateTime
from hlcore.store.database import Tx
from hlcore.store.dialects import among, changed_rows, chunked, insert_rows, moment_value
from hlcore.store.tables import contacts, record_versions, records
from hlcore.store.tables import record_versions as version_table
from hlcore.store.tables import records as table
from hlcore.store.tables import versions as contact_versions
from hlcore.store.text import fit


@dataclass(frozen=True, slots=True)
class Record:
    """A record as HighLevel sent it. `contact_id` is '' for catalogues; `vanished_at` is None while it exists."""

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
    """How many records were new and how many had other bytes than before."""

    added: int
    changed: int


def put(tx: Tx, location_id: str, kind: str, given: Sequence[tuple[str, str, bytes]], *, at: datetime) -> RecordCounts:
    """These records (record_id, contact_id, bytes) are held as sent and were seen `at`; other bytes that they had are
    versions. One that had vanished is back. Records of an erased contact are left out. May be repeated."""
    added = changed = 0
    for part in chunked(_without_erased(tx, location_id, given)):
        rows = {fit(record_id, 64): (fit(contact_id, 64), raw, digest(raw)) for record_id, contact_id, raw in part}
        known = _digests(tx, location_id, kind, rows)
        new = [record_id for record_id in rows if record_id not in known]
        other = [record_id for record_id in known if known[record_id] != rows[record_id][2]]
        _insert(tx, location_id, kind, {record_id: rows[record_id] for record_id in new}, at)
        _replace(tx, location_id, kind, {record_id: rows[record_id] for record_id in other}, at)
        seen = update(table).where(*_in(location_id, kind), among(tx, table.c.record_id, rows))
        tx.execute(seen.values(seen_at=at, vanished_at=None))
        added, changed = added + len(new), changed + len(other)
    return RecordCounts(added, changed)


def vanish_others(
    tx: Tx, location_id: str, kind: str, *, keep: Iterable[str], contact_id: str | None = None, at: datetime
) -> int:
    """Records of this kind (of one contact, where given) that are not among `keep` have vanished; how many had not
    before."""
    gone = update(table).where(*_in(location_id, kind), table.c.vanished_at.is_(None))
    if contact_id is not None:
        gone = gone.where(table.c.contact_id == contact_id)
    kept = among(tx, table.c.record_id, (fit(record_id, 64) for record_id in keep))
    return changed_rows(tx, gone.where(~kept).values(vanished_at=at))


def of_contact(tx: Tx, location_id: str, contact_id: str, kinds: Iterable[str] = ()) -> list[Record]:
    """The contact's records (of these kinds, where given), vanished ones too, by kind and id."""
    query = select(table).where(table.c.location_id == location_id, table.c.contact_id == contact_id)
    if wanted := list(kinds):
        query = query.where(among(tx, table.c.kind, wanted))
    return [Record(*row) for row in tx.execute(query.order_by(table.c.kind, table.c.record_id))]


def catalogue(tx: Tx, location_id: str, kind: str, *, with_vanished: bool = False) -> list[Record]:
    """All records of a kind of the location, by id."""
    return list(iterate(tx, location_id, kind, with_vanished=with_vanished))


def iterate(tx: Tx, location_id: str, kind: str, *, with_vanished: bool = True, chunk: int = 1000) -> Iterator[Record]:
    """All records of a kind of the location, by id, in constant memory."""
    query = select(table).where(*_in(location_id, kind))
    if not with_vanished:
        query = query.where(table.c.vanished_at.is_(None))
    after = ""
    while found := _page(tx, query, after, chunk):
        yield from found
        after = found[-1].record_id


def seen_since(tx: Tx, location_id: str, kind: str, ids: Iterable[str], *, at: datetime) -> set[str]:
    """Those of these records that were seen at or after `at`."""
    query = select(table.c.record_id).where(
        *_in(location_id, kind), among(tx, table.c.record_id, ids), table.c.seen_at >= at
    )
    return set(tx.execute(query).scalars())


def existing(tx: Tx, location_id: str, kind: str, contact_id: str) -> dict[str, bytes]:
    """The bytes of the contact's records of this kind that had not vanished, by id."""
    query = select(table.c.record_id, table.c.raw).where(
        *_in(location_id, kind), table.c.contact_id == contact_id, table.c.vanished_at.is_(None)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def get(tx: Tx, location_id: str, kind: str, record_id: str) -> Record | None:
    """The record, None when there is none."""
    row = tx.execute(select(table).where(*_in(location_id, kind), table.c.record_id == record_id)).one_or_none()
    return Record(*row) if row else None


def versions(tx: Tx, location_id: str, kind: str, record_id: str) -> list[RecordVersion]:
    """The bytes this record had before the present ones, oldest first."""
    query = select(version_table).where(
        version_table.c.location_id == location_id,
        version_table.c.kind == kind,
        version_table.c.record_id == record_id,
    )
    return [RecordVersion(*row) for row in tx.execute(query.order_by(version_table.c.version_id))]


Given = dict[str, tuple[str, bytes, bytes]]
"""record_id → (contact_id, bytes, digest)."""


def _page(tx: Tx, query: Select[Any], after: str, limit: int) -> list[Record]:
    page = query.where(table.c.record_id > after).order_by(table.c.record_id).limit(limit)
    return [Record(*row) for row in tx.execute(page)]


def _in(location_id: str, kind: str) -> tuple[ColumnElement[bool], ...]:
    return table.c.location_id == location_id, table.c.kind == kind


def _without_erased(
    tx: Tx, location_id: str, given: Sequence[tuple[str, str, bytes]]
) -> Sequence[tuple[str, str, bytes]]:
    owners = {contact_id for _, contact_id, _ in given if contact_id}
    if not owners:
        return given
    query = select(contacts.c.contact_id).where(
        contacts.c.location_id == location_id,
        contacts.c.status == "erased",
        among(tx, contacts.c.contact_id, sorted(owners)),
    )
    erased = set(tx.execute(query).scalars())
    return [row for row in given if row[1] not in erased] if erased else given


def _digests(tx: Tx, location_id: str, kind: str, ids: Iterable[str]) -> dict[str, bytes]:
    query = select(table.c.record_id, table.c.digest).where(*_in(location_id, kind), among(tx, table.c.record_id, ids))
    return {row[0]: row[1] for row in tx.execute(query)}


def _insert(tx: Tx, location_id: str, kind: str, rows: Given, at: datetime) -> None:
    names = ("location_id", "kind", "record_id", "contact_id", "digest", "captured_at", "seen_at", "raw")
    moment = moment_value(tx, at)
    values = [
        (location_id, kind, record_id, contact_id, fresh, moment, moment, raw)
        for record_id, (contact_id, raw, fresh) in rows.items()
    ]
    insert_rows(tx, table, names, values)


def _replace(tx: Tx, location_id: str, kind: str, rows: Given, at: datetime) -> None:
    if not rows:
        return
    names = ("location_id", "kind", "record_id", "contact_id", "captured_at", "replaced_at", "digest", "raw")
    columns = [literal(at, UtcDateTime) if name == "replaced_at" else table.c[name] for name in names]
    earlier = select(*columns).where(*_in(location_id, kind), among(tx, table.c.record_id, rows))
    tx.execute(insert(version_table).from_select(names, earlier.order_by(table.c.record_id)))
    for record_id, (contact_id, raw, fresh) in rows.items():
        mine = update(table).where(*_in(location_id, kind), table.c.record_id == record_id)
        tx.execute(mine.values(contact_id=contact_id, raw=raw, digest=fresh, captured_at=at))


def records_by_kind(tx: Tx, location_ids: Sequence[str]) -> dict[str, int]:
    """Kind → how many records of these locations are held, vanished ones too."""
    mine = select(records.c.kind, func.count()).where(among(tx, records.c.location_id, location_ids))
    return {row[0]: row[1] for row in tx.execute(mine.group_by(records.c.kind))}


def old_copies(tx: Tx, location_ids: Sequence[str]) -> int:
    """How many earlier copies of contacts of these locations are held."""
    mine = (
        select(func.count())
        .select_from(contact_versions)
        .where(among(tx, contact_versions.c.location_id, location_ids))
    )
    return tx.execute(mine).scalar_one()


def records_moved_by_merge(tx: Tx, location_id: str, loser_id: str, winner_id: str) -> list[Record]:
    """The winner's records that were the loser's before, by kind and id."""
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


def user_names(tx: Tx, location_ids: Sequence[str]) -> dict[str, str]:
    """User id → name, of the users of these locations, those that have left as well; without those that have none."""
    found: dict[str, str] = {}
    for location_id in location_ids:
        for record in iterate(tx, location_id, "user"):
            if name := name_in(record.raw):
                found[record.record_id] = name
    return found
