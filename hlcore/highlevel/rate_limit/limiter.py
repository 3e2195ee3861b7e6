"""The limiter: never more requests than HighLevel allows a location, with a part kept for restores.

HighLevel allows 100 requests in 10 seconds and 200,000 a day for each app and location (OAuth
documentation, "Rate limits"). A request holds its place from before it is sent until one interval after
its answer has come. The server sees it in between, so that in no interval *as the server sees it* there
are more than the limit, however slow the network is.

Others may use the same budget (another program, an earlier process of ours). The `X-RateLimit-*` headers
tell: what the server counts beyond our own requests is theirs, and is taken off our limit.
"""

from __future__ import annotations

import enum
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from hlcore.errors import BudgetSpent
from hlcore.highlevel.clock import STEP, Clock, stop_if
from hlcore.highlevel.rate_limit.daily_budget import DOCUMENTED_PER_DAY, DayBudget
from hlcore.highlevel.rate_limit.headers import RateHeaders

DOCUMENTED_PER_INTERVAL = 100
DOCUMENTED_INTERVAL = 10.0
_GUARD = 0.05
_POLL = 0.02
_SHORTEST_VIEW = 3.0


class Priority(enum.Enum):
    """For whom a request is sent."""

    INTERACTIVE = "interactive"
    """A person waits for it: a restore, a check of a token."""
    BACKGROUND = "background"
    """Everything else; leaves the interactive share free."""


class Permit:
    """The right to send one request. `done` must be called when its answer came or will not come."""

    __slots__ = ("_limiter", "begun", "done_at", "ended", "number", "priority")

    def __init__(self, limiter: Limiter, number: int, priority: Priority, begun: int) -> None:
        self._limiter = limiter
        self.number = number
        self.priority = priority
        self.begun = begun
        self.ended: int | None = None
        self.done_at: float | None = None

    def overlapped(self, earlier: Permit) -> bool:
        """Whether the server may have counted this earlier request after our own."""
        return earlier.number < self.number and (earlier.ended is None or earlier.ended > self.begun)

    def done(self, headers: Mapping[str, str] | None = None) -> None:
        """The request is over; the limiter has learned from its answer's headers. May be repeated."""
        self._limiter._finish(self, headers)


@dataclass(frozen=True, slots=True)
class _Reported:
    """What the newest answer said of the interval: requests left, those of others, since and until when it counts."""

    number: int
    remaining: int
    others: int
    per_second: float
    """How many requests others send, by what was seen of them."""
    at: float
    until: float

    def left(self, number: int, now: float) -> float:
        """Requests left now, after our own up to `number`, if others went on as before."""
        return self.remaining - (number - self.number) - self.per_second * (now - self.at)


class Limiter:
    """One location's budget, shared by everything in this process that speaks for it. Thread-safe.

    `per_10s` and `per_day` are meant against the documented 100 and 200,000; when HighLevel's headers
    name another limit they change in proportion; more than the documented holds until headers say otherwise.
    `spent_today`: requests already sent today by earlier processes. Until the first answer has told how much
    is left, only as many requests are sent as fit beside a process that ended a moment ago.
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
        self._held: dict[int, Permit] = {}
        self._number = self._moment = 0
        self._told: _Reported | None = None
        self._headers_come = False
        self._started = self._paused_until = clock.monotonic()

    @property
    def spent_today(self) -> int:
        """Requests sent today, those of earlier processes included where they were named."""
        with self._lock:
            return self._day.spent

    @property
    def daily_remaining(self) -> int:
        """Requests left today, by our count or HighLevel's, whichever is less."""
        with self._lock:
            return self._day.remaining

    @property
    def daily_limit(self) -> int:
        """Requests that may be sent in a whole day: ours, or less when HighLevel grants less."""
        with self._lock:
            return self._day.cap

    @property
    def day_ends(self) -> datetime:
        """When the day's budget begins anew, as far as we know."""
        with self._lock:
            return self._day.ends

    def acquire(
        self,
        priority: Priority = Priority.BACKGROUND,
        cancelled: Callable[[], bool] | None = None,
        meter: Callable[[], None] | None = None,
    ) -> Permit:
        """Wait until one more request may be sent, and count it. `meter` is called in that moment, when all requests
        before this one are counted and no other can be; what it raises is raised, and nothing is counted.

        Raises BudgetSpent when the day allows no more to this priority, Cancelled soon after `cancelled` turns true.
        """
        while True:
            stop_if(cancelled)
            with self._lock:
                self._refuse_if_spent(priority)
                seconds = self._seconds_until_free(priority)
                if seconds <= 0:
                    if meter is not None:
                        meter()
                    return self._take(priority)
            self._clock.sleep(min(seconds, STEP))

    def pause(self, seconds: float) -> None:
        """Nothing is sent for so many seconds (after a 429). A longer pause is not shortened."""
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

    def _take(self, priority: Priority) -> Permit:
        self._number += 1
        self._moment += 1
        permit = Permit(self, self._number, priority, self._moment)
        self._held[permit.number] = permit
        self._day.count()
        return permit

    def _finish(self, permit: Permit, headers: Mapping[str, str] | None) -> None:
        with self._lock:
            if permit.done_at is not None:
                return
            permit.done_at = self._clock.monotonic()
            self._moment += 1
            permit.ended = self._moment
            if headers is not None:
                self._learn(permit, RateHeaders.read(headers, self._clock.now()))

    def _learn(self, permit: Permit, told: RateHeaders) -> None:
        """Take over what an answer says, unless a later request has already told newer things."""
        now = self._clock.monotonic()
        if self._told is not None and self._told.number > permit.number and self._told.until > now:
            return
        self._maximum = told.maximum or self._maximum
        self._interval = told.interval or self._interval
        uncounted = sum(permit.overlapped(each) for each in self._held.values())
        self._day.learn(told, self._number - permit.number + uncounted)
        if told.remaining is not None:
            others = max(0, self._maximum - told.remaining - len(self._held))
            seen = max(_SHORTEST_VIEW, min(self._interval, now - self._started))
            until = now + self._interval + _GUARD
            self._told = _Reported(permit.number, told.remaining, others, others / seen, now, until)
            self._headers_come = True

    def _seconds_until_free(self, priority: Priority) -> float:
        """0 when a request may be sent now, else how long to wait before looking again."""
        now = self._clock.monotonic()
        if now < self._paused_until:
            return self._paused_until - now
        self._forget(now)
        if not self._is_full(priority, now):
            return 0.0
        ends = [permit.done_at for permit in self._held.values() if permit.done_at is not None]
        changes = [end + self._interval + _GUARD for end in ends]
        changes += [self._told.until] if self._told else [self._started + self._interval]
        if len(ends) < len(self._held):
            changes.append(now + _POLL)
        return max(min((at for at in changes if at > now), default=now + _POLL) - now, 0.001)

    def _is_full(self, priority: Priority, now: float) -> bool:
        whole, kept = self._places()
        told = self._told
        if told is None and self._is_cold(now):
            whole = min(whole, max(1, self._maximum - whole + kept))
        mine = whole - (told.others if told else 0)
        background = priority is Priority.BACKGROUND
        if len(self._held) >= mine:
            return True
        if background and self._held_in_background() >= max(1, whole - kept) - (whole - mine):
            return True
        if told is None:
            return False
        return told.left(self._number, now) <= (kept if background else 0)

    def _places(self) -> tuple[int, int]:
        """Requests that we may send in one interval, and how many of them are kept for interactive ones."""
        whole = max(1, int(self._maximum * self._factor))
        return whole, min(whole - 1, math.ceil(whole * self._share))

    def _is_cold(self, now: float) -> bool:
        """Whether others may have used the last interval without our knowing: an earlier process of ours, at least."""
        return self._headers_come or now < self._started + self._interval

    def _held_in_background(self) -> int:
        return sum(permit.priority is Priority.BACKGROUND for permit in self._held.values())

    def _forget(self, now: float) -> None:
        """Free the places of requests that no server counts any more, and what was told too long ago."""
        edge = now - self._interval - _GUARD
        gone = [n for n, permit in self._held.items() if permit.done_at is not None and permit.done_at <= edge]
        for number in gone:
            del self._held[number]
        if self._told is not None and self._told.until <= now:
            self._told = None
