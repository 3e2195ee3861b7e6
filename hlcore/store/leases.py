"""Leases: who works on what right now, so that two processes never do the same. A lease ends by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hlcore.store.bulk import changed_rows, is_postgres
from hlcore.store.engine import Tx
from hlcore.store.tables_acts import leases as table


def acquire(tx: Tx, name: str, holder: str, *, at: datetime, ttl: timedelta) -> bool:
    """Whether `holder` has the lease until `at + ttl`: it was free, had run out, or was its own already."""
    insert = (postgresql.insert if is_postgres(tx) else sqlite.insert)(table).values(
        name=name, holder=holder, expires_at=at + ttl
    )
    free = or_(table.c.holder == holder, table.c.expires_at <= at)
    taken = {"holder": insert.excluded.holder, "expires_at": insert.excluded.expires_at}
    return changed_rows(tx, insert.on_conflict_do_update(index_elements=["name"], set_=taken, where=free)) == 1


def renew(tx: Tx, name: str, holder: str, *, at: datetime, ttl: timedelta) -> bool:
    """Whether the lease was still the holder's; then it is until `at + ttl`."""
    mine = update(table).where(table.c.name == name, table.c.holder == holder, table.c.expires_at > at)
    return changed_rows(tx, mine.values(expires_at=at + ttl)) == 1


def release(tx: Tx, name: str, holder: str) -> None:
    """The lease is free, if it was the holder's. May be repeated."""
    tx.execute(delete(table).where(table.c.name == name, table.c.holder == holder))


def holder_of(tx: Tx, name: str, *, at: datetime) -> str:
    """Who has the lease at `at`; '' when nobody does."""
    query = select(table.c.holder).where(table.c.name == name, table.c.expires_at > at)
    return tx.execute(query).scalar_one_or_none() or ""
