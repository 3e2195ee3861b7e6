"""What happened on each day, in the days of the location's own time zone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hlcore.metrics.deletions import places_of
from hlcore.store import Tx, Vault
from hlcore.store.deletions import stats as deletion_stats
from hlcore.store.deletions.stats import Happening
from hlcore.store.locations import Location

WHAT: tuple[Happening, ...] = ("deleted", "merged", "returned", "recreated")


@dataclass(frozen=True, slots=True)
class DailyCounts:
    """How many contacts were deleted, merged away, came back by HighLevel's restore, or were made anew that day."""

    day: date
    deleted: int = 0
    merged: int = 0
    returned: int = 0
    recreated: int = 0


def per_day(vault: Vault, location_ids: Sequence[str], now: datetime, *, days: int = 60) -> list[DailyCounts]:
    """Each of the last `days` days up to today, without gaps, oldest first. A deletion counts on the day it happened,
    where nobody told on the day it was noticed. The database adds up; memory does not grow with the register."""
    with vault.read() as tx:
        places = list(places_of(tx, location_ids).values())
        today = max((now.astimezone(zone_of(place)).date() for place in places), default=now.date())
        first = today - timedelta(days=days - 1)
        counted = {what: _counted(tx, places, what, first) for what in WHAT}
    span = (first + timedelta(days=number) for number in range(days))
    return [DailyCounts(day, **{what: counted[what][day] for what in WHAT}) for day in span]


def zone_of(place: Location) -> ZoneInfo:
    """The location's time zone; UTC where it has none that is known."""
    try:
        return ZoneInfo(place.timezone)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def _counted(tx: Tx, places: Sequence[Location], what: Happening, first: date) -> Counter[date]:
    found: Counter[date] = Counter()
    for place in places:
        zone = zone_of(place)
        since = datetime.combine(first, time(), zone).astimezone(UTC)
        for moment, number in deletion_stats.by_quarter(tx, place.location_id, what, since=since):
            found[moment.astimezone(zone).date()] += number
    return found
