"""The whole copy of a contact: its columns, the bytes HighLevel sent, and the bytes that came before them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Select, func, select

from hlcore.store.bulk import among_numbers, chunked
from hlcore.store.engine import Tx
from hlcore.store.lookup import row_ids
from hlcore.store.tables import contact_bytes, contacts, details
from hlcore.store.tables import versions as version_table


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
