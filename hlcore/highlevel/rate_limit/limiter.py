"""The limiter: never more requests than HighLevel allows a location, with a share reserved for restores.

HighLevel allows 100 requests in 10 seconds and 200,000 a day for each app and location (OAuth documentation, "Rate
limits"). A permit is held from before its request is sent until one interval after the answer came. The server counts
the request in between, so that no interval *as the server sees it* holds more than the limit, however slow the network
is.

Others may use the same budget (another program, an earlier process of ours). What the server counts in its
`X-RateLimit-*` headers beyond our own requests is theirs, and is subtracted from our limit.
"""

from __future__ import annotations

import enum
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from hlcore.errors import BudgetSpent
from hlcore.highlevel.clock import CANCEL_CHECK_SECONDS, Clock, raise_if_cancelled
from hlcore.highlevel.rate_limit.daily_budget import DOCUMENTED_PER_DAY, DayBudget
from hlcore.highlevel.rate_limit.headers import RateHeaders

DOCUMENTED_PER_INTERVAL = 100
DOCUMENTED_INTERVAL = 10.0
_MARGIN = 0.05
_POLL = 0.02
_SHORTEST_OBSERVATION = 3.0


class Priority(enum.Enum):
    """For whom a request is sent."""

    INTERACTIVE = "interactive"
    """A user waits for it: a restore, a check of a token."""
    BACKGROUND = "background"
    """Everything else; leaves the interactive share free."""


class Permit:
    """The right to send one request. `release` must be called when its answer came or will not come."""

    __slots__ = ("_limiter", "ended", "number", "priority", "released_at", "started")

    def __init__(self, limiter: Limiter, number: int, priority: Priority, started: int) -> None:
        self._limiter = limiter
        self.number = number
        self.priority = priority
        self.started = started
        self.ended: int | None = None
        self.released_at: float | None = None

    def overlapped(self, earlier: Permit) -> bool:
        """Whether the server may have counted this earlier request after our own."""
        return earlier.number < self.number and (earlier.ended is None or earlier.ended > self.started)

    def release(self, headers: Mapping[str, str] | None = None) -> None:
        """End the request and pass its answer's headers to the limiter. May be repeated."""
        self._limiter._finish(self, headers)


@dataclass(frozen=True, slots=True)
class _ServerReport:
    """What the newest answer said of the interval: requests `remaining`, those of `others`, from `at` until `until`."""

    number: int
    remaining: int
    others: int
    per_second: float
    """Requests of others per second, estimated."""
    at: float
    until: float

    def left(self, number: int, now: float) -> float:
        """Return the requests left now, after our own up to `number`, if others continue at the same rate."""
        return self.remaining - (number - self.number) - self.per_second * (now - self.at)


class Limiter:
    """One location's budget, shared by everything in this process that uses its token. Thread-safe.

    `per_10s` and `per_day` relate to the documented 100 and 200,000; when HighLevel's headers name another limit they
    change in proportion. More than the documented limit is used only until headers name it. `spent_today`: requests
    that earlier processes sent today. Until the first answer tells how much is left, only as many requests are sent as
    fit beside a process that ended a moment ago.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        per_10s: int = 90,
        per_day: int = DOCUMENTED_PER_DAY,
        interactive_share: float = 0.1,
        spent_today: int = 0,
    ) -> None:
        self._clock = clock
        self._factor = min(1.0, per_10s / DOCUMENTED_PER_INTERVAL)
        self._share = interactive_share
        self._lock = threading.RLock()
        self._day = DayBudget(clock, per_day=per_day, share=interactive_share, spent=spent_today)
        self._maximum = max(DOCUMENTED_PER_INTERVAL, per_10s)
        self._interval = DOCUMENTED_INTERVAL
        self._permits: dict[int, Permit] = {}
        self._number = self._moment = 0
        self._report: _ServerReport | None = None
        self._seen_headers = False
        self._started = self._paused_until = clock.monotonic()

    @property
    def spent_today(self) -> int:
        """Requests sent today, including `spent_today` of earlier processes."""
        with self._lock:
            return self._day.spent

    @property
    def daily_remaining(self) -> int:
        """Requests left today, by our count or HighLevel's, whichever is less."""
        with self._lock:
            return self._day.remaining

    @property
    def daily_limit(self) -> int:
        """Requests that may be sent in a whole day: ours, or fewer when HighLevel grants fewer."""
        with self._lock:
            return self._day.cap

    @property
    def day_ends(self) -> datetime:
        """When the day's budget begins anew, as far as known."""
        with self._lock:
            return self._day.ends

    def acquire(
        self,
        priority: Priority = Priority.BACKGROUND,
        cancelled: Callable[[], bool] | None = None,
        meter: Callable[[], None] | None = None,
    ) -> Permit:
        """Wait until one more request may be sent, and count it.

        `meter` is called at that moment, when all earlier requests are counted and no other can be; when it raises,
        nothing is counted. Raises BudgetSpent when the day allows no more to this priority, Cancelled soon after
        `cancelled` turns True.
        """
        while True:
            raise_if_cancelled(cancelled)
            with self._lock:
                self._refuse_if_spent(priority)
                seconds = self._seconds_until_free(priority)
                if seconds <= 0:
                    if meter is not None:
                        meter()
                    return self._issue(priority)
            self._clock.sleep(min(seconds, CANCEL_CHECK_SECONDS))

    def pause(self, seconds: float) -> None:
        """Send nothing for this many seconds (after a 429). A longer pause is not shortened."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def _refuse_if_spent(self, priority: Priority) -> None:
        interactive = priority is Priority.INTERACTIVE
        if self._day.allows(interactive=interactive):
            return
        left = self._day.remaining
        what = f"only {left:,} are left, kept for restores" if left and not interactive else "none is left"
        raise BudgetSpent(
            f"Of the requests that HighLevel allows this location in a day, {what}",
            hint=f"Work goes on by itself; the next day of the budget begins at about {self._day.ends:%H:%M} UTC.",
        )

    def _issue(self, priority: Priority) -> Permit:
        self._number += 1
        self._moment += 1
        permit = Permit(self, self._number, priority, self._moment)
        self._permits[permit.number] = permit
        self._day.count()
        return permit

    def _finish(self, permit: Permit, headers: Mapping[str, str] | None) -> None:
        with self._lock:
            if permit.released_at is not None:
                return
            permit.released_at = self._clock.monotonic()
            self._moment += 1
            permit.ended = self._moment
            if headers is not None:
                self._learn(permit, RateHeaders.parse(headers, self._clock.now()))

    def _learn(self, permit: Permit, headers: RateHeaders) -> None:
        """Take over what an answer says, unless a later request has already reported something newer."""
        now = self._clock.monotonic()
        if self._report is not None and self._report.number > permit.number and self._report.until > now:
            return
        self._maximum = headers.maximum or self._maximum
        self._interval = headers.interval or self._interval
        uncounted = sum(permit.overlapped(earlier) for earlier in self._permits.values())
        self._day.update(headers, self._number - permit.number + uncounted)
        if headers.remaining is not None:
            others = max(0, self._maximum - headers.remaining - len(self._permits))
            seen = max(_SHORTEST_OBSERVATION, min(self._interval, now - self._started))
            until = now + self._interval + _MARGIN
            self._report = _ServerReport(permit.number, headers.remaining, others, others / seen, now, until)
            self._seen_headers = True

    def _seconds_until_free(self, priority: Priority) -> float:
        """Return 0 when a request may be sent now, else how long to wait before checking again."""
        now = self._clock.monotonic()
        if now < self._paused_until:
            return self._paused_until - now
        self._expire(now)
        if not self._is_full(priority, now):
            return 0.0
        ends = [permit.released_at for permit in self._permits.values() if permit.released_at is not None]
        changes = [end + self._interval + _MARGIN for end in ends]
        changes += [self._report.until] if self._report else [self._started + self._interval]
        if len(ends) < len(self._permits):
            changes.append(now + _POLL)
        return max(min((at for at in changes if at > now), default=now + _POLL) - now, 0.001)

    def _is_full(self, priority: Priority, now: float) -> bool:
        slots, reserved = self._slots()
        report = self._report
        if report is None and self._may_share_interval(now):
            slots = min(slots, max(1, self._maximum - slots + reserved))
        ours = slots - (report.others if report else 0)
        background = priority is Priority.BACKGROUND
        if len(self._permits) >= ours:
            return True
        if background and self._background_permits() >= max(1, slots - reserved) - (slots - ours):
            return True
        if report is None:
            return False
        return report.left(self._number, now) <= (reserved if background else 0)

    def _slots(self) -> tuple[int, int]:
        """Return the requests that we may send in one interval, and how many of them are reserved for interactive
        ones."""
        slots = max(1, int(self._maximum * self._factor))
        return slots, min(slots - 1, math.ceil(slots * self._share))

    def _may_share_interval(self, now: float) -> bool:
        """Whether others may have used this interval without our knowing: at least an earlier process of ours."""
        return self._seen_headers or now < self._started + self._interval

    def _background_permits(self) -> int:
        return sum(permit.priority is Priority.BACKGROUND for permit in self._permits.values())

    def _expire(self, now: float) -> None:
        """Drop the permits that no server counts any more, and a report that is too old."""
        edge = now - self._interval - _MARGIN
        expired = [
            number
            for number, permit in self._permits.items()
            if permit.released_at is not None and permit.released_at <= edge
        ]
        for number in expired:
            del self._permits[number]
        if self._report is not None and self._report.until <= now:
            self._report = None
