"""The whole copy of a contact: its columns, the bytes HighLevel sent, and the bytes that came before them.

Contacts by id: one look into the unique index for each, whatever the database believes about its tables.

PostgreSQL plans by statistics, and a first listing runs before there are any: asked for 500 ids it would read the
whole location again for each page. A lateral subquery that it may not flatten leaves it no choice.

What changed when: contacts whose bytes were replaced in a period.

Versions are only ever appended, so their numbers follow time but for the length of a transaction. The period is found
by halving over the numbers; an index by moment, which every change would have to pay for, is not needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Select, Text, func, literal, select, true

from hlcore.store.database import Tx
from hlcore.store.dialects import among, among_numbers, chunked, is_postgres
from hlcore.store.tables import contact_bytes, contacts, details
from hlcore.store.tables import versions as table
from hlcore.store.tables import versions as version_table


def by_id(tx: Tx, location_id: Any, ids: Sequence[str], *columns: ColumnElement[Any]) -> Select[Any]:
    """A SELECT of these columns of the contacts with these ids, in no order. `location_id` may be an expression."""
    if not is_postgres(tx):
        return select(*columns).where(contacts.c.location_id == location_id, among(tx, contacts.c.contact_id, ids))
    asked = func.unnest(literal(list(ids), ARRAY(Text))).table_valued("id").render_derived()
    one = select(*columns).where(contacts.c.location_id == location_id, contacts.c.contact_id == asked.c.id)
    found = one.offset(0).lateral()
    return select(*found.c).select_from(asked.join(found, true()))


def row_ids(tx: Tx, location_id: str, ids: Sequence[str]) -> list[int]:
    """The `row_id` of each of these contacts that there is, ascending."""
    found: list[int] = []
    for part in chunked(ids):
        found += tx.execute(by_id(tx, location_id, part, contacts.c.row_id)).scalars()
    return sorted(found)


def rows_of(tx: Tx, location_id: str, ids: Sequence[str]) -> dict[str, bytes]:
    """The bytes of each of these contacts that there is, by id."""
    found: dict[str, bytes] = {}
    of_these = select(contacts.c.contact_id, contact_bytes.c.raw).join(
        contact_bytes, contact_bytes.c.row_id == contacts.c.row_id
    )
    for part in chunked(ids):
        here = among_numbers(tx, contacts.c.row_id, row_ids(tx, location_id, part))
        found.update((row[0], row[1]) for row in tx.execute(of_these.where(here)))
    return found


_DIGESTS = {
    "sqlite": "SELECT contact_id, row_id, digest FROM contacts "
    "WHERE location_id = ? AND contact_id IN (SELECT value FROM json_each(?))",
    "postgresql": "SELECT one.* FROM (SELECT %s::text AS location_id, unnest(%s::text[]) AS id) AS asked, LATERAL ("
    "SELECT contact_id, row_id, digest FROM contacts "
    "WHERE location_id = asked.location_id AND contact_id = asked.id OFFSET 0) AS one",
}
"""As `by_id`; ready made, because every page of a listing asks it."""


def digests(tx: Tx, location_id: str, ids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
    """Which of these contacts the vault holds, by id: its `row_id` and the SHA-256 of its bytes."""
    found: dict[str, tuple[int, bytes]] = {}
    for part in chunked(ids):
        asked = list(part) if is_postgres(tx) else json.dumps(part)
        of_these = tx.exec_driver_sql(_DIGESTS[tx.dialect.name], (location_id, asked)).all()
        found.update({contact_id: (row_id, kept) for contact_id, row_id, kept in of_these})
    return found


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


@dataclass(frozen=True, slots=True)
class Version:
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


_NAMES = StoredContact.__slots__[:-2]
_TAGS = _NAMES.index("tags")
_WHOLE = (
    select(*(contacts.c[name] for name in _NAMES), contact_bytes.c.raw, details.c.raw.label("detail"))
    .join(contact_bytes, contact_bytes.c.row_id == contacts.c.row_id)
    .outerjoin(details, details.c.row_id == contacts.c.row_id)
)


def whole() -> Select[Any]:
    """A SELECT of everything that `stored` needs."""
    return _WHOLE


def stored(row: Sequence[Any]) -> StoredContact:
    """The contact in a row of `whole`."""
    values = list(row)
    values[_TAGS] = tuple(values[_TAGS])
    return StoredContact(*values)


def get(tx: Tx, location_id: str, contact_id: str) -> StoredContact | None:
    """The copy of this contact, None when there is none."""
    found = get_many(tx, location_id, [contact_id])
    return found[0] if found else None


def get_many(tx: Tx, location_id: str, ids: Iterable[str]) -> list[StoredContact]:
    """The copies of these contacts by id; ids without a copy are left out."""
    found: list[StoredContact] = []
    for part in chunked(list(ids)):
        query = whole().where(among_numbers(tx, contacts.c.row_id, row_ids(tx, location_id, part)))
        found += (stored(row) for row in tx.execute(query))
    return sorted(found, key=lambda contact: contact.contact_id)


def find(tx: Tx, contact_id: str) -> list[StoredContact]:
    """Every location's copy of the contact with this id."""
    found = (get(tx, location_id, contact_id) for location_id in _locations(tx))
    return [contact for contact in found if contact is not None]


def iterate_ids(tx: Tx, location_id: str, ids: Iterable[str], *, chunk: int = 1000) -> Iterator[StoredContact]:
    """The copies of these contacts, in the order of the ids, in constant memory; ids without a copy are left out."""
    source = iter(ids)
    while part := list(islice(source, chunk)):
        found = {contact.contact_id: contact for contact in get_many(tx, location_id, part)}
        yield from (found[contact_id] for contact_id in part if contact_id in found)


def versions(tx: Tx, location_id: str, contact_id: str) -> list[Version]:
    """The bytes this contact had before the present ones, oldest first."""
    query = select(*(version_table.c[name] for name in Version.__slots__)).where(
        version_table.c.location_id == location_id, version_table.c.contact_id == contact_id
    )
    return [_version(row) for row in tx.execute(query.order_by(version_table.c.version_id))]


def _version(row: Sequence[Any]) -> Version:
    return Version(*row)


def _locations(tx: Tx) -> Iterator[str]:
    """The locations that have contacts, one look into the index each."""
    after = tx.execute(select(func.min(contacts.c.location_id))).scalar()
    while after is not None:
        yield after
        after = tx.execute(select(func.min(contacts.c.location_id)).where(contacts.c.location_id > after)).scalar()


SLACK = timedelta(hours=1)
"""Longer than any transaction: so far may the order of numbers and moments differ."""


def changed_between(tx: Tx, location_id: str, start: datetime, end: datetime, *, limit: int) -> list[str]:
    """Ids of the contacts of which earlier bytes were replaced from `start` until before `end`, in their order, at most
    `limit`."""
    first, last = _number_at(tx, start - SLACK), _number_at(tx, end + SLACK)
    query = (
        select(table.c.contact_id)
        .distinct()
        .where(table.c.version_id >= first, table.c.version_id <= last, table.c.location_id == location_id)
        .where(table.c.replaced_at >= start, table.c.replaced_at < end)
        .order_by(table.c.contact_id)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


def versions_of(tx: Tx, location_id: str, ids: Iterable[str]) -> dict[str, list[Version]]:
    """Contact → the bytes it had before the present ones, oldest first; contacts without any are left out."""
    found: dict[str, list[Version]] = {}
    columns = [table.c[name] for name in Version.__slots__]
    for part in chunked(list(ids)):
        mine = select(*columns).where(table.c.location_id == location_id, among(tx, table.c.contact_id, part))
        for row in tx.execute(mine.order_by(table.c.version_id)):
            found.setdefault(row[2], []).append(Version(*row))
    return found


def _number_at(tx: Tx, at: datetime) -> int:
    """The smallest version number from which on everything was replaced at or after this moment, give or take the
    slack; one more than the largest where nothing was."""
    ends = tx.execute(select(func.min(table.c.version_id), func.max(table.c.version_id))).one()
    low, high = int(ends[0] or 0), int(ends[1] or 0) + 1
    while low < high:
        middle = (low + high) // 2
        query = select(table.c.version_id, table.c.replaced_at).where(table.c.version_id >= middle)
        row = tx.execute(query.order_by(table.c.version_id).limit(1)).one_or_none()
        if row is None or row[1] >= at:
            high = middle
        else:
            low = int(row[0]) + 1
    return low
