"""When a listing may be believed, and how it is cut into stretches. Pure: the walk collects the facts, this decides.

All moments are milliseconds since 1970, as HighLevel counts them.

How often what is asked of HighLevel. Pure.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

SHORTEST = 2
"""A stretch of fewer milliseconds is not cut."""


@dataclass(slots=True)
class DateRange:
    """Contacts added between `since` and `until` (both included; None: open), and how far the walk has come.

    `cursor` leads to the next page, `reached` is the moment of the last row taken, `total` what HighLevel said last
    that the stretch holds (None before the first answer), `fetched` the rows taken, `tries` the useless answers in a
    row.
    """

    since: int | None = None
    until: int | None = None
    cursor: list[Any] | None = None
    reached: int | None = None
    total: int | None = None
    fetched: int = 0
    tries: int = 0
    ended: bool = False

    @property
    def remaining(self) -> int:
        """How many rows are still to come, as far as is known."""
        return 0 if self.ended else max(0, (self.total or 0) - self.fetched)

    def is_behind(self, moment: int | None) -> bool:
        """Whether a row of this moment lies before what was taken already: HighLevel turned back."""
        return moment is not None and self.reached is not None and moment < self.reached

    def cut(self, upper: int) -> DateRange | None:
        """The later half by time, which is no longer part of this stretch; None where nothing can be cut. `upper` is
        the moment to count with where the end is open."""
        low = self.reached if self.reached is not None else self.since
        high = self.until if self.until is not None else upper
        if low is None or high - low < SHORTEST:
            return None
        middle = low + (high - low) // 2
        later = DateRange(since=middle + 1, until=self.until)
        self.until, self.total = middle, self.fetched + self.remaining // 2
        return later


@dataclass(slots=True)
class Checkpoint:
    """Where a walk stands; kept after every page so that a killed run goes on from here.

    `last_total` is the newest total HighLevel told for the whole location, `fetched` counts different contacts;
    `tail` is the last cursor of an uncut walk before the moments that HighLevel's index may still be missing;
    `plain`: the location cannot be cut, because HighLevel did not keep to the ranges.
    """

    ranges: list[DateRange] = field(default_factory=lambda: [DateRange()])
    tail: list[Any] | None = None
    last_total: int = 0
    fetched: int = 0
    plain: bool = False

    @classmethod
    def load(cls, kept: dict[str, Any] | None) -> Checkpoint:
        """The checkpoint in this JSON value; a fresh one where there is none or it is of another make."""
        try:
            values = dict(kept or {})
            ranges = [DateRange(**one) for one in values.pop("stretches")]
            return cls(ranges, **values)
        except (TypeError, KeyError):
            return cls()

    def dump(self) -> dict[str, Any]:
        """The JSON value that `load` reads; its keys are kept in databases and never renamed."""
        values = asdict(self)
        return {"stretches": values.pop("ranges"), **values}

    @property
    def ended(self) -> bool:
        """Whether every stretch came to its end."""
        return all(stretch.ended for stretch in self.ranges)

    @property
    def cut(self) -> bool:
        """Whether the location is walked in several stretches."""
        return len(self.ranges) > 1


@dataclass(frozen=True, slots=True)
class ListingVerdict:
    """Whether a listing was complete, and if not, why, in words."""

    complete: bool
    reason: str = ""


def judge(checkpoint: Checkpoint) -> ListingVerdict:
    """Whether this walk showed the whole location.

    Complete when every cursor ended by itself and at least as many contacts were fetched as HighLevel's newest
    total says. Contacts deleted during the walk lower that total; those added during it come last and are fetched
    too. A listing that is complete by this measure can still have left out live contacts (field reports say it
    happens): that is what asking for each missing one by its id is for.
    """
    if not checkpoint.ended:
        return ListingVerdict(False, "HighLevel's list did not come to its end.")
    if checkpoint.fetched < checkpoint.last_total:
        return ListingVerdict(
            False,
            f"HighLevel's list ended after {checkpoint.fetched:,} contacts although it says it holds "
            f"{checkpoint.last_total:,}.",
        )
    return ListingVerdict(True)


LISTING_SHARE = 0.15
"""Full listings may use so much of a location's day."""
PAGE = 500


def listing_every(minutes: int, *, contacts: int, requests_per_day: int) -> timedelta:
    """The time between two full listings of a location with so many contacts: the wish, or as much longer as it takes
    for listings to stay within their share of the day's requests. The watch looks in between."""
    cost = math.ceil(contacts / PAGE) + 10
    affordable = max(1.0, requests_per_day * LISTING_SHARE / cost)
    return max(timedelta(minutes=minutes), timedelta(days=1) / affordable)
