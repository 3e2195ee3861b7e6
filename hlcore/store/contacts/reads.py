"""Reading copies of contacts by id: the columns, the bytes HighLevel sent, and the earlier bytes.

Each id is one lookup in the unique index, whatever PostgreSQL's statistics say: a first listing runs before there are
any, and asked for 500 ids the planner would read the whole location again for each page. A lateral subquery that it may
not flatten leaves it no choice (`select_by_ids`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Select, Text, func, literal, select, true

from hlcore.model.contact_snapshot import ContactSnapshot, StoredCopy, latest_snapshot
from hlcore.store.database import Tx
from hlcore.store.dialects import among, among_numbers, chunked, is_postgres
from hlcore.store.tables import contact_bytes, contact_details, contact_versions, contacts

_LONGEST_TRANSACTION = timedelta(hours=1)
"""By so much the order of version numbers and that of their moments may differ."""
_DIGESTS = {
    "sqlite": "SELECT contact_id, row_id, digest FROM contacts "
    "WHERE location_id = ? AND contact_id IN (SELECT value FROM json_each(?))",
    "postgresql": "SELECT one.* FROM (SELECT %s::text AS location_id, unnest(%s::text[]) AS id) AS asked, LATERAL ("
    "SELECT contact_id, row_id, digest FROM contacts "
    "WHERE location_id = asked.location_id AND contact_id = asked.id OFFSET 0) AS one",
}
"""As `select_by_ids`; written out because every page of a listing runs it."""


@dataclass(frozen=True, slots=True)
class KnownContact:
    """What a listing compares a contact with. The digest is SHA-256, 32 bytes."""

    contact_id: str
    digest: bytes
    status: str
    date_updated: datetime | None
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class StoredContact:
    """One contact as the vault holds it. `raw` is the search row and `detail` the answer of GET by id, exactly as
    sent (`detail` None: not captured yet; both empty once erased). `phone_key` are the phone's digits."""

    location_id: str
    contact_id: str
    status: str
    name: str
    email: str
    phone: str
    phone_key: str
    company: str
    owner_id: str
    source: str
    tags: tuple[str, ...]
    dnd: bool
    has_dnd_settings: bool
    date_added: datetime | None
    date_updated: datetime | None
    first_seen_at: datetime
    seen_at: datetime
    changed_at: datetime
    detail_at: datetime | None
    digest: bytes
    raw: bytes
    detail: bytes | None

    @property
    def row_copy(self) -> StoredCopy:
        """The search row."""
        return StoredCopy(self.raw or b"{}", False, self.changed_at)

    @property
    def detail_copy(self) -> StoredCopy | None:
        """The answer of GET by id; None: not captured yet."""
        return StoredCopy(self.detail, True, self.detail_at) if self.detail else None

    def snapshot(self, versions: Iterable[ContactVersion]) -> ContactSnapshot:
        """Return what all copies together say of the contact. Raises ValueError for one without a readable row."""
        return latest_snapshot(self.row_copy, self.detail_copy, earlier=[version.copy for version in versions])


@dataclass(frozen=True, slots=True)
class ContactVersion:
    """Bytes that a contact had from `captured_at` until `replaced_at`. `part` is 'row' or 'detail'."""

    version_id: int
    location_id: str
    contact_id: str
    part: str
    captured_at: datetime
    replaced_at: datetime
    run_id: int | None
    digest: bytes
    raw: bytes

    @property
    def copy(self) -> StoredCopy:
        """The bytes as one of the copies of the contact."""
        return StoredCopy(self.raw, self.part == "detail", self.captured_at)


_KNOWN = tuple(contacts.c[name] for name in KnownContact.__slots__)
_NAMES = StoredContact.__slots__[:-2]
_TAGS = _NAMES.index("tags")
_STORED: Select[Any] = (
    select(*(contacts.c[name] for name in _NAMES), contact_bytes.c.raw, contact_details.c.raw.label("detail"))
    .join(contact_bytes, contact_bytes.c.row_id == contacts.c.row_id)
    .outerjoin(contact_details, contact_details.c.row_id == contacts.c.row_id)
)


def select_by_ids(tx: Tx, location_id: Any, ids: Sequence[str], *columns: ColumnElement[Any]) -> Select[Any]:
    """Return a SELECT of these columns of these contacts, unordered. `location_id` may be an SQL expression."""
    if not is_postgres(tx):
        return select(*columns).where(contacts.c.location_id == location_id, among(tx, contacts.c.contact_id, ids))
    asked = func.unnest(literal(list(ids), ARRAY(Text))).table_valued("id").render_derived()
    one = select(*columns).where(contacts.c.location_id == location_id, contacts.c.contact_id == asked.c.id)
    lateral = one.offset(0).lateral()
    return select(*lateral.c).select_from(asked.join(lateral, true()))


def select_stored() -> Select[Any]:
    """Return a SELECT of everything that `to_stored_contact` needs."""
    return _STORED


def to_stored_contact(row: Sequence[Any]) -> StoredContact:
    """Return the contact in a row of `select_stored`."""
    values = list(row)
    values[_TAGS] = tuple(values[_TAGS])
    return StoredContact(*values)


def get(tx: Tx, location_id: str, contact_id: str) -> StoredContact | None:
    """Return the copy of this contact, None when there is none."""
    return next(iter(get_many(tx, location_id, [contact_id])), None)


def get_many(tx: Tx, location_id: str, ids: Iterable[str]) -> list[StoredContact]:
    """Return the copies of these contacts, ordered by id; ids without a copy are left out."""
    copies: list[StoredContact] = []
    for part in chunked(list(ids)):
        query = _STORED.where(among_numbers(tx, contacts.c.row_id, row_ids(tx, location_id, part)))
        copies += (to_stored_contact(row) for row in tx.execute(query))
    return sorted(copies, key=lambda contact: contact.contact_id)


def list_newest(tx: Tx, location_id: str, *, limit: int) -> list[tuple[str, datetime]]:
    """Return (id, when it was added by HighLevel's clock) of the contacts with a date, the newest first."""
    dated = contacts.c.location_id == location_id, contacts.c.date_added.is_not(None)
    query = select(contacts.c.contact_id, contacts.c.date_added).where(*dated)
    query = query.order_by(contacts.c.date_added.desc(), contacts.c.contact_id.desc()).limit(limit)
    return [(row[0], row[1]) for row in tx.execute(query)]


def find_in_all_locations(tx: Tx, contact_id: str) -> list[StoredContact]:
    """Return every location's copy of the contact with this id."""
    copies = (get(tx, location_id, contact_id) for location_id in _location_ids(tx))
    return [contact for contact in copies if contact is not None]


def row_ids(tx: Tx, location_id: str, ids: Sequence[str]) -> list[int]:
    """Return the `row_id`s of these contacts, ascending; ids without a copy are left out."""
    rows: list[int] = []
    for part in chunked(ids):
        rows += tx.execute(select_by_ids(tx, location_id, part, contacts.c.row_id)).scalars()
    return sorted(rows)


def raw_by_id(tx: Tx, location_id: str, ids: Sequence[str]) -> dict[str, bytes]:
    """Return the bytes of these contacts by id; ids without a copy are left out."""
    raws: dict[str, bytes] = {}
    query = select(contacts.c.contact_id, contact_bytes.c.raw).join(
        contact_bytes, contact_bytes.c.row_id == contacts.c.row_id
    )
    for part in chunked(ids):
        rows = among_numbers(tx, contacts.c.row_id, row_ids(tx, location_id, part))
        raws.update((row[0], row[1]) for row in tx.execute(query.where(rows)))
    return raws


def known_contacts(tx: Tx, location_id: str, ids: Sequence[str]) -> dict[str, KnownContact]:
    """Return those of these contacts that the vault holds, by id."""
    known: dict[str, KnownContact] = {}
    for part in chunked(ids):
        rows = tx.execute(select_by_ids(tx, location_id, part, *_KNOWN))
        known.update((row[0], KnownContact(*row)) for row in rows)
    return known


def digests(tx: Tx, location_id: str, ids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
    """Return (`row_id`, SHA-256 of the bytes) of those of these contacts that the vault holds, by id."""
    known: dict[str, tuple[int, bytes]] = {}
    for part in chunked(ids):
        given = list(part) if is_postgres(tx) else json.dumps(part)
        rows = tx.exec_driver_sql(_DIGESTS[tx.dialect.name], (location_id, given)).all()
        known.update({contact_id: (row_id, digest) for contact_id, row_id, digest in rows})
    return known


def versions(tx: Tx, location_id: str, contact_id: str) -> list[ContactVersion]:
    """Return the bytes the contact had before the present ones, oldest first."""
    return versions_by_contact(tx, location_id, [contact_id]).get(contact_id, [])


def versions_by_contact(tx: Tx, location_id: str, ids: Iterable[str]) -> dict[str, list[ContactVersion]]:
    """Return the bytes these contacts had before the present ones, by id, oldest first; contacts without any are left
    out."""
    earlier: dict[str, list[ContactVersion]] = {}
    columns = [contact_versions.c[name] for name in ContactVersion.__slots__]
    for part in chunked(list(ids)):
        query = select(*columns).where(
            contact_versions.c.location_id == location_id, among(tx, contact_versions.c.contact_id, part)
        )
        for row in tx.execute(query.order_by(contact_versions.c.version_id)):
            earlier.setdefault(row[2], []).append(ContactVersion(*row))
    return earlier


def copies(tx: Tx, location_id: str, contact_id: str) -> dict[str, list[tuple[datetime, bytes]]]:
    """Return 'row' and 'detail' → (since when, bytes) of every copy of this contact, oldest first, the present ones
    last; [] for what the vault never had."""
    history: dict[str, list[tuple[datetime, bytes]]] = {"row": [], "detail": []}
    for version in versions(tx, location_id, contact_id):
        history[version.part].append((version.captured_at, version.raw))
    own = contacts.c.location_id == location_id, contacts.c.contact_id == contact_id
    row = select(contacts.c.changed_at, contact_bytes.c.raw).join(
        contact_bytes, contact_bytes.c.row_id == contacts.c.row_id
    )
    detail = select(contact_details.c.captured_at, contact_details.c.raw).join(
        contacts, contacts.c.row_id == contact_details.c.row_id
    )
    for part, query in (("row", row), ("detail", detail)):
        history[part] += [(at, raw) for at, raw in tx.execute(query.where(*own)) if raw]
    return history


def count_versions(tx: Tx, location_ids: Sequence[str]) -> int:
    """Return how many earlier copies of contacts of these locations are held."""
    query = select(func.count()).select_from(contact_versions)
    return tx.execute(query.where(among(tx, contact_versions.c.location_id, location_ids))).scalar_one()


def ids_changed_between(tx: Tx, location_id: str, start: datetime, end: datetime, *, limit: int) -> list[str]:
    """Return the ids, ascending, of at most `limit` contacts of which bytes were replaced from `start` until before
    `end`.

    Versions are only ever appended, so their numbers follow time but for the length of a transaction: the period is
    found by bisecting the numbers, without an index by moment that every change would have to pay for.
    """
    first = _first_version_at(tx, start - _LONGEST_TRANSACTION)
    last = _first_version_at(tx, end + _LONGEST_TRANSACTION)
    query = (
        select(contact_versions.c.contact_id)
        .distinct()
        .where(
            contact_versions.c.version_id >= first,
            contact_versions.c.version_id <= last,
            contact_versions.c.location_id == location_id,
            contact_versions.c.replaced_at >= start,
            contact_versions.c.replaced_at < end,
        )
        .order_by(contact_versions.c.contact_id)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


def _first_version_at(tx: Tx, at: datetime) -> int:
    """Return the smallest version number from which on everything was replaced at or after `at` (up to
    `_LONGEST_TRANSACTION`); one more than the largest where nothing was."""
    number, replaced_at = contact_versions.c.version_id, contact_versions.c.replaced_at
    ends = tx.execute(select(func.min(number), func.max(number))).one()
    low, high = int(ends[0] or 0), int(ends[1] or 0) + 1
    while low < high:
        middle = (low + high) // 2
        query = select(number, replaced_at).where(number >= middle).order_by(number).limit(1)
        row = tx.execute(query).one_or_none()
        if row is None or row[1] >= at:
            high = middle
        else:
            low = int(row[0]) + 1
    return low


def _location_ids(tx: Tx) -> Iterator[str]:
    """Yield the locations that have contacts, with one lookup in the index each."""
    after = tx.execute(select(func.min(contacts.c.location_id))).scalar()
    while after is not None:
        yield after
        after = tx.execute(select(func.min(contacts.c.location_id)).where(contacts.c.location_id > after)).scalar()
