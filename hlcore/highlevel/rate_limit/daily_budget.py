"""The daily budget of one location. Not thread-safe: the limiter holds its lock around every use."""

from __future__ import annotations

from datetime import datetime, timedelta

from hlcore.highlevel.clock import Clock
from hlcore.highlevel.rate_limit.headers import RateHeaders
from hlcore.model.moments import is_recent

DOCUMENTED_PER_DAY = 200_000
LONGEST_DAY = timedelta(hours=26)
PROBE_AFTER = timedelta(minutes=15)
"""After this time one request is sent to learn whether a budget that HighLevel called spent has been renewed."""


class DayBudget:
    """How many requests the day still allows, by our own count and by HighLevel's headers.

    Our count starts anew at midnight UTC, or when HighLevel's day does. `per_day` relates to the documented 200,000:
    when HighLevel grants another limit it changes in proportion, but never above the set value.
    """

    def __init__(self, clock: Clock, *, per_day: int, share: float, spent: int) -> None:
        self._clock = clock
        self._per_day = per_day
        self._share = share
        self._spent = spent
        self._granted: int | None = None
        self._remaining: int | None = None
        self._since = 0
        self._reported_at: datetime | None = None
        self._ends = _next_midnight(clock.now())

    @property
    def spent(self) -> int:
        """Requests sent on this day."""
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
        reported = own if self._remaining is None else self._remaining - self._since
        return max(0, min(own, reported))

    @property
    def ends(self) -> datetime:
        """When the budget begins anew, as far as known."""
        return self._ends

    def allows(self, *, interactive: bool) -> bool:
        """Whether one more request may be sent; only interactive ones may use the share reserved for restores."""
        self._roll()
        reserved = 0.0 if interactive else self._share
        if self._spent >= self.cap - int(self.cap * reserved):
            return self._may_probe()
        if self._remaining is None:
            return True
        reserve = int((self._granted or DOCUMENTED_PER_DAY) * reserved)
        return self._remaining - self._since > reserve or self._may_probe()

    def count(self) -> None:
        """Count a request that is about to be sent."""
        self._spent += 1
        self._since += 1

    def update(self, headers: RateHeaders, sent_since: int) -> None:
        """Take over what the newest answer says. `sent_since`: our requests that may be missing from its numbers,
        because they were sent after it or the server may have received them in another order."""
        self._granted = headers.daily_limit or self._granted
        if headers.daily_remaining is not None:
            self._remaining, self._since, self._reported_at = headers.daily_remaining, sent_since, self._clock.now()
            if self._granted is not None:
                self._spent = min(self._spent, max(0, self._granted - headers.daily_remaining) + sent_since)
        if headers.daily_reset is not None:
            self._ends = headers.daily_reset

    def _may_probe(self) -> bool:
        if self._reported_at is None or is_recent(self._reported_at, self._clock.now(), PROBE_AFTER):
            return False
        self._reported_at = self._clock.now()
        return True

    def _roll(self) -> None:
        now = self._clock.now()
        if self._ends - now > LONGEST_DAY:  # the clock was turned back
            self._ends = _next_midnight(now)
        if now < self._ends:
            return
        self._spent = self._since = 0
        self._remaining = None
        self._ends += timedelta(days=1) * ((now - self._ends) // timedelta(days=1) + 1)


def _next_midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
