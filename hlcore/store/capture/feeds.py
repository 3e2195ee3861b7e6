"""How far the feeds of a location were read: the bulk feeds of records, and the catalogues."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from hlcore.store.database import Tx
from hlcore.store.dialects import upsert
from hlcore.store.tables import feeds as table


@dataclass(frozen=True, slots=True)
class FeedState:
    """One feed. Whoever was in HighLevel before `covered_at` is safe by it; `walked_at` is the begin of the last
    complete walk over everything; a walk is under way while `began_at` is set."""

    location_id: str
    kind: str
    covered_at: datetime | None = None
    walked_at: datetime | None = None
    began_at: datetime | None = None
    checkpoint: Any = None
    rows: int = 0
    fails: int = 0
    refused_at: datetime | None = None
    note: str = ""


def get(tx: Tx, location_id: str, kind: str) -> FeedState:
    """The feed; a fresh one where nothing was read yet."""
    row = tx.execute(select(table).where(table.c.location_id == location_id, table.c.kind == kind)).one_or_none()
    return FeedState(*row) if row else FeedState(location_id, kind)


def all_of(tx: Tx, location_id: str) -> dict[str, FeedState]:
    """Every feed that was ever read, by kind."""
    rows = tx.execute(select(table).where(table.c.location_id == location_id).order_by(table.c.kind))
    return {row[1]: FeedState(*row) for row in rows}


def save(tx: Tx, location_id: str, kind: str, **columns: Any) -> FeedState:
    """The feed has these values; the others stay. May be repeated."""
    before = get(tx, location_id, kind)
    whole = {name: getattr(before, name) for name in FeedState.__slots__} | columns
    upsert(tx, table, [whole])
    return FeedState(**whole)
