"""What changed when: contacts whose bytes were replaced in a period.

Versions are only ever appended, so their numbers follow time but for the length of a transaction. The period is found
by halving over the numbers; an index by moment, which every change would have to pay for, is not needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import func, select

from hlcore.store.bulk import among, chunked
from hlcore.store.copies import Version
from hlcore.store.engine import Tx
from hlcore.store.tables import versions as table

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
