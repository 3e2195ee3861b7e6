"""How far the feeds of a location were read: the bulk feeds of records, and the reference data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from hlcore.store.database import Tx
from hlcore.store.dialects import upsert
from hlcore.store.tables import feeds


@dataclass(frozen=True, slots=True)
class FeedState:
    """One feed. It covers contacts added to HighLevel before `covered_at`; the last complete read of it began at
    `walked_at`; a read is under way while `began_at` is set."""

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
    """Return the feed's state; an empty one where nothing was read yet."""
    row = tx.execute(select(feeds).where(feeds.c.location_id == location_id, feeds.c.kind == kind)).one_or_none()
    return FeedState(*row) if row else FeedState(location_id, kind)


def get_all(tx: Tx, location_id: str) -> dict[str, FeedState]:
    """Return the state of every feed that was ever read, by kind."""
    rows = tx.execute(select(feeds).where(feeds.c.location_id == location_id).order_by(feeds.c.kind))
    return {row[1]: FeedState(*row) for row in rows}


def forget_future(tx: Tx, location_id: str, *, after: datetime) -> int:
    """Forget how far feeds and lists were read where a moment of that is after `after`: the clock has been turned back
    since, and it proves nothing. Return how many changed."""
    names = ("covered_at", "walked_at", "began_at", "refused_at")
    changed = 0
    for kind, state in get_all(tx, location_id).items():
        wrong = [name for name in names if (moment := getattr(state, name)) is not None and moment > after]
        if wrong:
            save(tx, location_id, kind, **dict.fromkeys(wrong), checkpoint=None, began_at=None)
            changed += 1
    return changed


def save(tx: Tx, location_id: str, kind: str, **columns: Any) -> FeedState:
    """Set these columns of the feed, keep the others; return its state. May be repeated."""
    state = replace(get(tx, location_id, kind), **columns)
    upsert(tx, feeds, [asdict(state)])
    return state
