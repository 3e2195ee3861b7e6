"""The day's budget of one location. Not thread-safe: the limiter holds its lock around every use."""

from __future__ import annotations

from datetime import datetime, timedelta

from hlcore.highlevel.clock import Clock
from hlcore.highlevel.rate_limit.headers import RateHeaders

DOCUMENTED_PER_DAY = 200_000
PROBE_AFTER = timedelta(minutes=15)
"""A budget that HighLevel called spent, without saying until when, is asked about again after so long."""


class DayBudget:
    """How many requests the day still allows, by our own count and by what HighLevel says.

    Our count begins anew at midnight UTC, or when HighLevel says that its day does. `per_day` is meant
    against the documented 200,000: when HighLevel grants another limit, it changes in proportion, but
    never above what was set.
    """

    def __init__(self, clock: Clock, *, per_day: int, share: float, spent: int) -> None:
        self._clock = clock
        self._per_day = per_day
        self._share = share
        self._spent = spent
        self._granted: int | None = None
        self._remaining: int | None = None
        self._since = 0
        self._told_at: datetime | None = None
        self._ends = _next_midnight(clock.now())

    @property
    def spent(self) -> int:
        """Requests sent in this day."""
        self._roll()
        return self._spent

    @property
    def cap(self) -> int:
        """Requests that we may send in a day."""
        if self._granted is None:
            return self._per_day
        return min(self._per_day, int(self._granted * min(1.0, self._per_day / DOCUMENTED_PER_DAY)))

    @property
    def remaining(self) -> int:
        """Requests left today, by the stricter of both counts."""
        self._roll()
        own = self.cap - self._spent
        told = own if self._remaining is None else self._remaining - self._since
        return max(0, min(own, told))

    @property
    def ends(self) -> datetime:
        """When the budget begins anew, as far as we know."""
        return self._ends

    def allows(self, *, interactive: bool) -> bool:
        """Whether one more request may be sent; others than interactive leave the share kept for restores."""
        self._roll()
        kept = 0.0 if interactive else self._share
        if self._spent >= self.cap - int(self.cap * kept):
            return self._may_probe()
        if self._remaining is None:
            return True
        reserve = int((self._granted or DOCUMENTED_PER_DAY) * kept)
        return self._remaining - self._since > reserve or self._may_probe()

    def count(self) -> None:
        """One request is about to be sent."""
        self._spent += 1
        self._since += 1

    def learn(self, told: RateHeaders, sent_since: int) -> None:
        """What the newest answer says; `sent_since` of our requests may not be in its numbers: those sent after it, and
        those that the server may have met in another order."""
        self._granted = told.daily_limit or self._granted
        if told.daily_remaining is not None:
            self._remaining, self._since, self._told_at = told.daily_remaining, sent_since, self._clock.now()
            if self._granted is not None:
                self._spent = min(self._spent, max(0, self._granted - told.daily_remaining) + sent_since)
        if told.daily_reset is not None:
            self._ends = told.daily_reset

    def _may_probe(self) -> bool:
        if self._told_at is None or self._clock.now() - self._told_at < PROBE_AFTER:
            return False
        self._told_at = self._clock.now()
        return True

    def _roll(self) -> None:
        now = self._clock.now()
        if now < self._ends:
            return
        self._spent = self._since = 0
        self._remaining = None
        while self._ends <= now:
            self._ends += timedelta(days=1)


def _next_midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
