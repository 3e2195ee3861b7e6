"""Statistics of the register of disappearances, added up by the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, Integer, and_, case, cast, func, select

from hlcore.store.database import Tx
from hlcore.store.deletions.queries import window_opened_after
from hlcore.store.dialects import is_postgres
from hlcore.store.locations import Location
from hlcore.store.tables import disappearances

_WERE_DELETED = ("deleted", "returned", "recreated", "erased")
_QUARTER = 900
_DAY = timedelta(days=1)
_HAPPENED_AT: ColumnElement[Any] = func.coalesce(disappearances.c.deleted_at, disappearances.c.detected_at)

DeletionEvent = Literal["deleted", "merged", "returned", "recreated"]


@dataclass(frozen=True, slots=True)
class DeletionTally:
    """The register of one location in numbers. Deletions count on the day they happened, or where that is unknown on
    the day they were detected. `today`, `soon` (within a week), `later`: deleted, and when HighLevel's window closes;
    `closed`: deleted, and it has closed."""

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
        """How many contacts can still be restored in HighLevel."""
        return self.today + self.soon + self.later


def tally_deletions(tx: Tx, location: Location, now: datetime) -> DeletionTally:
    """Return the location's numbers, with one query."""
    opened_after = window_opened_after(location, now)
    status, ended_at, clock = disappearances.c.status, disappearances.c.ended_at, disappearances.c.clock_from
    at_risk = and_(status == "deleted", clock > opened_after)
    conditions = {
        "deleted_7": and_(status.in_(_WERE_DELETED), now - 7 * _DAY < _HAPPENED_AT),
        "deleted_30": and_(status.in_(_WERE_DELETED), now - 30 * _DAY < _HAPPENED_AT),
        "merged_30": and_(status == "merged", now - 30 * _DAY < _HAPPENED_AT),
        "returned_30": and_(status == "returned", ended_at > now - 30 * _DAY),
        "recreated_30": and_(status == "recreated", ended_at > now - 30 * _DAY),
        "restored": status.in_(("returned", "recreated")),
        "suspected": and_(status == "suspected", ended_at.is_(None)),
        "today": and_(at_risk, clock < opened_after + _DAY),
        "soon": and_(at_risk, clock >= opened_after + _DAY, clock < opened_after + 8 * _DAY),
        "later": and_(at_risk, clock >= opened_after + 8 * _DAY),
        "closed": and_(status == "deleted", clock <= opened_after),
    }
    sums = (func.coalesce(func.sum(case((condition, 1), else_=0)), 0) for condition in conditions.values())
    row = tx.execute(select(*sums).where(disappearances.c.location_id == location.location_id)).one()
    return DeletionTally(**dict(zip(conditions, map(int, row), strict=True)))


def count_by_quarter_hour(
    tx: Tx, location_id: str, event: DeletionEvent, *, since: datetime
) -> list[tuple[datetime, int]]:
    """Return (start of a quarter of an hour in UTC, how many) since then, ascending, without empty ones. Days begin at
    such a quarter in every time zone, so that the caller can sum up days; a day has at most 96 rows."""
    moment = disappearances.c.ended_at if event in ("returned", "recreated") else _HAPPENED_AT
    statuses = _WERE_DELETED if event == "deleted" else (event,)
    bucket = _quarter(tx, moment).label("bucket")
    query = (
        select(bucket, func.count())
        .where(disappearances.c.location_id == location_id, disappearances.c.status.in_(statuses), moment >= since)
        .group_by(bucket)
        .order_by(bucket)
    )
    return [(datetime.fromtimestamp(row[0] * _QUARTER, UTC), row[1]) for row in tx.execute(query)]


def _quarter(tx: Tx, moment: ColumnElement[Any]) -> ColumnElement[int]:
    if is_postgres(tx):
        return cast(func.floor(func.extract("epoch", moment) / _QUARTER), BigInteger)
    seconds = func.substr(moment, 1, 19)  # strftime would round the last half millisecond of a day up into the next
    return cast(func.strftime("%s", seconds), Integer).op("/")(_QUARTER)
