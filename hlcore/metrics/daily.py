"""Deletions and returns per day, in the days of each location's own time zone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from hlcore.metrics.deletions import locations_by_id
from hlcore.model.moments import date_in_zone, time_zone
from hlcore.store import Tx, Vault
from hlcore.store.deletions import stats as deletion_stats
from hlcore.store.deletions.stats import DeletionEvent
from hlcore.store.locations import Location

EVENTS: tuple[DeletionEvent, ...] = ("deleted", "merged", "returned", "recreated")


@dataclass(frozen=True, slots=True)
class DailyCounts:
    """The contacts that were deleted, merged away, brought back by HighLevel's restore or created again on a day."""

    day: date
    deleted: int = 0
    merged: int = 0
    returned: int = 0
    recreated: int = 0


def daily_counts(vault: Vault, location_ids: Sequence[str], now: datetime, *, days: int = 60) -> list[DailyCounts]:
    """Return the last `days` days up to today, without gaps, oldest first. A deletion counts on the day it happened, or
    was detected where its time is not known. Memory does not grow with the register: the database adds up."""
    with vault.read() as tx:
        held = list(locations_by_id(tx, location_ids).values())
        today = max((date_in_zone(now, location.timezone) for location in held), default=now.date())
        first = today - timedelta(days=days - 1)
        counts = {event: _count(tx, held, event, first) for event in EVENTS}
    span = (first + timedelta(days=number) for number in range(days))
    return [DailyCounts(day, **{event: counts[event][day] for event in EVENTS}) for day in span]


def _count(tx: Tx, held: Sequence[Location], event: DeletionEvent, first: date) -> Counter[date]:
    counts: Counter[date] = Counter()
    for location in held:
        zone = time_zone(location.timezone)
        since = datetime.combine(first, time(), zone).astimezone(UTC)
        for at, number in deletion_stats.count_by_quarter_hour(tx, location.location_id, event, since=since):
            counts[date_in_zone(at, location.timezone)] += number
    return counts
