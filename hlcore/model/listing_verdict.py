"""How a location's contacts are listed: split into ranges of dates, judged for completeness, repeated at an interval.

Dates are milliseconds since 1970, as HighLevel counts them.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from hlcore.model.wording import plural

NO_ID, FOREIGN, UNREADABLE = "NoId", "OtherLocation", "Unreadable"
ODD_ROWS = {NO_ID: "without a usable id", FOREIGN: "of another location", UNREADABLE: "unreadable"}
"""Why a row of a listing is not kept as a contact, as the quarantine names it, and in words."""
MIN_SPLIT_MS = 2
"""A range of fewer milliseconds is not split."""


@dataclass(slots=True)
class DateRange:
    """Contacts added between `since` and `until` (both included; None: open), and how far they are read.

    `cursor` leads to the next page; `reached` is the date of the last row read; `total` is HighLevel's newest count of
    the range (None before the first answer), `first_total` its first one; `fetched` counts rows read, `tries` useless
    answers in a row. `odd` holds for each row that is no contact the date near which it stands. The field names are
    stored, see `Checkpoint.dump`.
    """

    since: int | None = None
    until: int | None = None
    cursor: list[Any] | None = None
    reached: int | None = None
    total: int | None = None
    fetched: int = 0
    tries: int = 0
    ended: bool = False
    first_total: int | None = None
    odd: list[int] = field(default_factory=list)

    @property
    def remaining(self) -> int:
        """The number of rows still to read, as far as is known."""
        return 0 if self.ended else max(0, (self.total or 0) - self.fetched)

    def is_behind(self, moment: int | None) -> bool:
        """Whether a row of this date precedes one that was read already: HighLevel did not keep the order."""
        return moment is not None and self.reached is not None and moment < self.reached

    def split(self, upper: int) -> DateRange | None:
        """Split off the later half by time and return it; None when the range is too short. `upper` stands for an open
        end."""
        low = self.reached if self.reached is not None else self.since
        high = self.until if self.until is not None else upper
        if low is None or high - low < MIN_SPLIT_MS:
            return None
        middle = low + (high - low) // 2
        later = DateRange(since=middle + 1, until=self.until)
        self.until, self.total = middle, self.fetched + self.remaining // 2
        return later


@dataclass(slots=True)
class Checkpoint:
    """The state of a listing, stored after every page, so that a run which was killed continues from here.

    `last_total` is HighLevel's newest count of the whole location, or of those added before the listing began where it
    was split; `fetched` counts distinct contacts, `later` those of them that `last_total` leaves out; `tail` is the
    last cursor of an unsplit listing before the dates that HighLevel's index may still lack; `plain`: the location
    cannot be split, because HighLevel did not keep to the ranges; `uncounted`: the dates near which rows stand that
    HighLevel counts and the vault cannot hold.
    """

    ranges: list[DateRange] = field(default_factory=lambda: [DateRange()])
    tail: list[Any] | None = None
    last_total: int = 0
    fetched: int = 0
    plain: bool = False
    later: int = 0
    uncounted: list[int] = field(default_factory=list)

    @classmethod
    def load(cls, stored: dict[str, Any] | None) -> Checkpoint:
        """Return the checkpoint that `dump` made; a fresh one for None and for a value in another format."""
        try:
            values = dict(stored or {})
            ranges = [DateRange(**stretch) for stretch in values.pop("stretches")]
            return cls(ranges, **values)
        except (TypeError, KeyError):
            return cls()

    def dump(self) -> dict[str, Any]:
        """Return the JSON value that `load` reads. Its keys are stored in databases: never rename them."""
        values = asdict(self)
        return {"stretches": values.pop("ranges"), **values}

    @property
    def ended(self) -> bool:
        """Whether every range was read to its end."""
        return all(part.ended for part in self.ranges)

    @property
    def odd(self) -> list[int]:
        """The dates near which rows stand that are no contacts."""
        return [date for part in self.ranges for date in part.odd]

    @property
    def read(self) -> int:
        """The number of rows that `last_total` counts and that were read: contacts and odd rows."""
        return self.fetched + len(self.odd) - self.later

    @property
    def is_split(self) -> bool:
        """Whether the location is listed in several ranges."""
        return len(self.ranges) > 1


@dataclass(frozen=True, slots=True)
class ListingVerdict:
    """Whether a listing was complete; `reason` says in words why not."""

    complete: bool
    reason: str = ""


def judge_listing(checkpoint: Checkpoint) -> ListingVerdict:
    """Judge whether the listing showed the whole location.

    It is complete when every range was read to its end and at least as many rows were read as HighLevel's newest total
    says; rows that are no contacts count, unless there is nothing else. Contacts deleted meanwhile lower that total;
    contacts added meanwhile come last and are read too, or left to the next listing. A complete listing can still lack
    live contacts (reported from the field), which is why each missing contact is then looked up by its id.
    """
    if not checkpoint.ended:
        return ListingVerdict(False, "HighLevel's list did not come to its end.")
    if checkpoint.odd and not checkpoint.fetched:
        return ListingVerdict(False, "HighLevel's list holds no contact at all, only rows that are none.")
    if checkpoint.read < checkpoint.last_total:
        return ListingVerdict(
            False,
            f"HighLevel's list ended after {plural(checkpoint.read, 'contact')} although it says it holds "
            f"{checkpoint.last_total:,}.",
        )
    return ListingVerdict(True)


def describe_odd_rows(odd: Counter[str]) -> str:
    """Return a sentence about rows that were set aside, counted by why; '' for none."""
    total = odd.total()
    if not total:
        return ""
    kinds = ", ".join(f"{number:,} {ODD_ROWS.get(reason, reason)}" for reason, number in sorted(odd.items()) if number)
    were = "row of HighLevel's list was" if total == 1 else "rows of HighLevel's list were"
    return f"{total:,} odd {were} set aside: {kinds}."


LISTING_SHARE = 0.15
"""The share of a location's daily requests that full listings may use."""
PAGE_SIZE = 500


def listing_interval(minutes: int, *, contacts: int, requests_per_day: int) -> timedelta:
    """Return the time between two full listings: the configured `minutes`, or longer where listings would otherwise
    exceed `LISTING_SHARE`."""
    cost = math.ceil(contacts / PAGE_SIZE) + 10
    affordable = max(1.0, requests_per_day * LISTING_SHARE / cost)
    return max(timedelta(minutes=minutes), timedelta(days=1) / affordable)
