"""What one session of capturing may spend: every request is counted before it is sent, retries included."""

from __future__ import annotations

from datetime import datetime, timedelta

from hlcore.errors import BudgetSpent
from hlcore.highlevel import Limiter
from hlcore.model.capture_planner import Allowance, Purpose
from hlcore.model.wording import plural
from hlcore.settings import Settings


class CaptureBudget:
    """The budget of one session. `keep`: share of the day's requests that stays unused; `paced`: work that can wait is
    spread over the day; `at_most`: requests of this session; `per_second`: how fast requests are sent. The limiter
    calls `take` for one request at a time."""

    def __init__(
        self,
        limiter: Limiter,
        *,
        keep: float = 0.2,
        paced: bool = False,
        at_most: int | None = None,
        per_second: float = 8.0,
    ) -> None:
        self._limiter = limiter
        self._keep = keep
        self._paced = paced
        self._at_most = at_most
        self.per_second = per_second
        self.spent = 0

    @classmethod
    def of(
        cls, settings: Settings, limiter: Limiter, *, paced: bool = False, at_most: int | None = None
    ) -> CaptureBudget:
        """Return the budget that these settings give."""
        speed = settings.requests_per_10s * (1 - settings.interactive_share) / 10
        return cls(limiter, keep=settings.unused_share, paced=paced, at_most=at_most, per_second=speed)

    @property
    def kept(self) -> int:
        """Return the requests of the day that capturing leaves unused."""
        return self.allowance().reserved

    def allowance(self) -> Allowance:
        """Return what may be spent, for the planner."""
        rest = None if self._at_most is None else max(0, self._at_most - self.spent)
        left, limit = self._limiter.daily_remaining, self._limiter.daily_limit
        return Allowance(limit, left, self._keep, self._limiter.day_ends - timedelta(days=1), self._paced, rest)

    def take(self) -> None:
        """Count one more request before it is sent. Raises BudgetSpent when it must not be."""
        if self._at_most is not None and self.spent >= self._at_most:
            raise BudgetSpent(f"This sitting was given {plural(self._at_most, 'request')}; all are used.")
        if self._limiter.daily_remaining <= self.kept:
            raise BudgetSpent(
                f"Only {plural(self.kept, 'request')} left today, which stay unused.",
                hint="Capturing goes on tomorrow by itself; the setting UNUSED_SHARE says how many stay unused.",
            )
        self.spent += 1

    def reason(self, now: datetime) -> str:
        """Return why nothing more may be spent now; '' when it may."""
        allowance = self.allowance()
        if self._at_most is not None and self.spent >= self._at_most:
            return "The requests of this sitting are used up."
        if allowance.allows(Purpose.CHANGED, now) <= 0:
            return "The rest of the day's requests stays unused; it goes on tomorrow."
        if allowance.allows(Purpose.FIRST, now) <= 0:
            return "The day's requests are spread over the day; it goes on later."
        return ""
