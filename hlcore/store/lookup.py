"""Contacts by id: one look into the unique index for each, whatever the database believes about its tables.

PostgreSQL plans by statistics, and a first listing runs before there are any: asked for 500 ids it would read the
whole location again for each page. A lateral subquery that it may not flatten leaves it no choice.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Select, Text, func, literal, select, true

from hlcore.store.bulk import among, among_numbers, chunked, is_postgres
from hlcore.store.engine import Tx
from hlcore.store.tables import contact_bytes, contacts


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
