"""How many requests were sent to HighLevel for a location on a day (UTC, 'YYYY-MM-DD')."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from hlcore.store.bulk import is_postgres
from hlcore.store.engine import Tx
from hlcore.store.tables_acts import usage as table


@dataclass(frozen=True, slots=True)
class Usage:
    """Requests of one day, and the limit and rest that HighLevel's headers said last (None: never said)."""

    location_id: str
    day: str
    requests: int
    daily_limit: int | None
    daily_remaining: int | None


def add(
    tx: Tx,
    location_id: str,
    day: str,
    requests: int,
    daily_limit: int | None = None,
    daily_remaining: int | None = None,
) -> None:
    """So many more requests were sent that day. Limits that are not given stay as they were."""
    insert = (postgresql.insert if is_postgres(tx) else sqlite.insert)(table).values(
        location_id=location_id, day=day, requests=requests, daily_limit=daily_limit, daily_remaining=daily_remaining
    )
    new = insert.excluded
    values = {
        "requests": table.c.requests + new.requests,
        "daily_limit": func.coalesce(new.daily_limit, table.c.daily_limit),
        "daily_remaining": func.coalesce(new.daily_remaining, table.c.daily_remaining),
    }
    tx.execute(insert.on_conflict_do_update(index_elements=["location_id", "day"], set_=values))


def today(tx: Tx, location_id: str, day: str) -> Usage:
    """The requests of that day; zero where none was sent."""
    row = tx.execute(select(table).where(table.c.location_id == location_id, table.c.day == day)).one_or_none()
    return Usage(*row) if row else Usage(location_id, day, 0, None, None)
