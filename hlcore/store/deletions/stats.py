"""Numbers over the register: added up by the database, never row by row here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, Integer, and_, case, cast, func, select

from hlcore.store.database import Tx
from hlcore.store.deletions.queries import window_opened_after
from hlcore.store.dialects import is_postgres
from hlcore.store.locations import Location
from hlcore.store.tables import disappearances as table

WERE_DELETED = ("deleted", "returned", "recreated", "erased")
QUARTER = 900
DAY = timedelta(days=1)

Happening = Literal["deleted", "merged", "returned", "recreated"]


@dataclass(frozen=True, slots=True)
class DeletionTally:
    """The register of one location in numbers. Deletions count on the day they happened, where nobody told on the day
    they were noticed. `today`, `soon` (within a week), `later`: deleted, and HighLevel's window still open for so
    long; `closed`: deleted, and it has closed."""

    deleted_7: int = 0
    deleted_30: int = 0
    merged_30: int = 0
    returned_30: int = 0
    recreated_30: int = 0
    restored: int = 0  # returned or recreated, ever
    suspected: int = 0
    today: int = 0
    soon: int = 0
    later: int = 0
    closed: int = 0

    @property
    def at_risk(self) -> int:
        """How many can still be restored in HighLevel."""
        return self.today + self.soon + self.later


def tally(tx: Tx, place: Location, now: datetime) -> DeletionTally:
    """The location's numbers, from one look at its register."""
    limit = window_opened_after(place, now)
    clock, lost = table.c.clock_from, table.c.status == "deleted"
    conditions = {
        "deleted_7": and_(table.c.status.in_(WERE_DELETED), _happened() > now - 7 * DAY),
        "deleted_30": and_(table.c.status.in_(WERE_DELETED), _happened() > now - 30 * DAY),
        "merged_30": and_(table.c.status == "merged", _happened() > now - 30 * DAY),
        "returned_30": and_(table.c.status == "returned", table.c.ended_at > now - 30 * DAY),
        "recreated_30": and_(table.c.status == "recreated", table.c.ended_at > now - 30 * DAY),
        "restored": table.c.status.in_(("returned", "recreated")),
        "suspected": and_(table.c.status == "suspected", table.c.ended_at.is_(None)),
        "today": and_(lost, clock > limit, clock < limit + DAY),
        "soon": and_(lost, clock > limit, clock >= limit + DAY, clock < limit + 8 * DAY),
        "later": and_(lost, clock > limit, clock >= limit + 8 * DAY),
        "closed": and_(lost, clock <= limit),
    }
    sums = (func.coalesce(func.sum(case((condition, 1), else_=0)), 0) for condition in conditions.values())
    row = tx.execute(select(*sums).where(table.c.location_id == place.location_id)).one()
    return DeletionTally(**dict(zip(conditions, map(int, row), strict=True)))


def by_quarter(tx: Tx, location_id: str, what: Happening, *, since: datetime) -> list[tuple[datetime, int]]:
    """(start of a quarter of an hour in UTC, how many) since then, ascending, without empty ones. Every time zone's
    days begin at such a quarter, so whoever asks can put them into days; at most 96 rows a day whatever happened."""
    moment, states = _happening(what)
    bucket = _quarter(tx, moment).label("bucket")
    query = (
        select(bucket, func.count())
        .where(table.c.location_id == location_id, table.c.status.in_(states), moment >= since)
        .group_by(bucket)
        .order_by(bucket)
    )
    return [(datetime.fromtimestamp(row[0] * QUARTER, UTC), row[1]) for row in tx.execute(query)]


def _happening(what: Happening) -> tuple[ColumnElement[Any], Sequence[str]]:
    if what == "deleted":
        return _happened(), WERE_DELETED
    return (_happened() if what == "merged" else table.c.ended_at), (what,)


def _happened() -> ColumnElement[Any]:
    return func.coalesce(table.c.deleted_at, table.c.detected_at)


def _quarter(tx: Tx, moment: ColumnElement[Any]) -> ColumnElement[int]:
    if is_postgres(tx):
        return cast(func.floor(func.extract("epoch", moment) / QUARTER), BigInteger)
    whole = func.substr(moment, 1, 19)  # strftime would round the last half millisecond of a day up into the next
    return cast(func.strftime("%s", whole), Integer).op("/")(QUARTER)
