"""Check the capture planner over simulated days: it keeps its order, its share of the budget, and its forecast.

    python -m tests.benchmarks.planner_days

Simulates 100,000 contacts with 20,000 requests to spend a day, and one morning with 20,000 left of 200,000. Prints
the forecast beside what then happened.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hlcore.model.capture_forecast import Pace, forecast
from hlcore.model.capture_planner import (
    Allowance,
    CaptureFacts,
    CaptureStep,
    FeedFacts,
    KindState,
    Purpose,
    next_step,
    work_items,
)
from hlcore.model.records import CALLS_PER_CONTACT, KINDS, PER_CONTACT_KINDS, ROWS_PER_CALL

START = datetime(2026, 3, 2, tzinfo=UTC)
BEAT = timedelta(minutes=15)
PER_SECOND = 8.0
Wish = tuple[Purpose, str, str]


@dataclass
class Days:
    """One location. `others`: requests a day of rounds and watch; `changes`: contacts that change a day."""

    contacts: int = 100_000
    per_day: int = 25_000
    keep: float = 0.2
    others: int = 1_000
    changes: int = 300
    spent: int = 0
    paced: bool = True
    seed: int = 1
    now: datetime = START
    parts: dict[str, KindState] = field(default_factory=dict)
    most_spent: int = 0
    steps: list[CaptureStep] = field(default_factory=list)
    done_at: datetime | None = None

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        for kind in KINDS:
            calls = self.contacts // ROWS_PER_CALL.get(kind, 1) + 1
            feed = None if kind in PER_CONTACT_KINDS else FeedFacts(calls)
            self.parts[kind] = KindState(kind, self.contacts, self.contacts, cost=CALLS_PER_CONTACT[kind], feed=feed)

    @property
    def facts(self) -> CaptureFacts:
        return CaptureFacts(tuple(self.parts.values()))

    @property
    def allowance(self) -> Allowance:
        began = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        return Allowance(self.per_day, self.per_day - self.spent, self.keep, began, self.paced)

    @property
    def pace(self) -> Pace:
        return Pace(PER_SECOND, self.others, 3.0 * self.changes)

    def promise(self) -> datetime:
        """When everything will be safe, says the forecast."""
        moments = [at for at in forecast(self.facts, self.allowance, self.now, self.pace).values() if at]
        assert len(moments) == len(KINDS)
        return max(moments)

    def live(self, until: datetime) -> None:
        """Until then, or until all is safe for the first time."""
        while self.now < until and self.done_at is None:
            self._beat()

    def _beat(self) -> None:
        """A quarter of an hour: a round, some changes, and as many steps as there is time and budget for."""
        ends = self.now + BEAT
        self._use(self._share_of(self.others))
        self._change(self._share_of(self.changes))
        while self.now < ends and (step := next_step(self.facts, self.allowance, self.now)):
            assert (step.purpose, step.kind, step.way) == next(iter(work_items(self.facts)))
            self._do(step)
            if not any(part.never for part in self.parts.values()):
                self.done_at = self.now
                return
        day = self.now.date()
        self.now = max(self.now, ends)
        if self.now.date() != day:
            self.spent = 0

    def _share_of(self, whole: int) -> int:
        """A day's number, spread at random over its quarters of an hour."""
        return sum(self.random.random() < 1 / 96 for _ in range(whole))

    def _change(self, contacts: int) -> None:
        for kind in PER_CONTACT_KINDS:
            part = self.parts[kind]
            captured = round(contacts * part.share)
            self.parts[kind] = replace(part, changed=min(part.contacts - part.never, part.changed + captured))

    def _do(self, step: CaptureStep) -> None:
        self.steps.append(step)
        part = self.parts[step.kind]
        if step.way == "feed":
            assert part.feed
            calls = min(step.calls, part.feed.calls)
            left = replace(part.feed, calls=part.feed.calls - calls, covered=calls == part.feed.calls)
            part = replace(part, feed=left, never=0 if left.covered else part.never)
        elif step.purpose is Purpose.CHANGED:
            calls = min(step.calls, part.changed)
            part = replace(part, changed=part.changed - calls)
        else:
            calls = min(step.calls, part.never)
            part = replace(part, never=part.never - calls)
        self.parts[step.kind] = part
        self._use(calls)
        assert self.allowance.left >= self.allowance.reserved
        self.now += timedelta(seconds=calls / PER_SECOND)

    def _use(self, calls: int) -> None:
        self.spent += calls
        self.most_spent = max(self.most_spent, self.spent)


def error_of(days: Days, *, after: timedelta = timedelta(0)) -> float:
    """By how much the forecast made after so much time misses what then happens, as a share of the time it takes."""
    days.live(START + after)
    asked, promised = days.now, days.promise()
    days.live(START + timedelta(days=10_000))
    assert days.done_at
    return abs(promised - days.done_at) / (days.done_at - asked)


def main() -> None:
    cases = {
        "20,000 to spend a day": Days(),
        "20,000 to spend a day, 5 days later": Days(),
        "20,000 left of 200,000 today": Days(per_day=200_000, spent=180_000),
        "fresh day of 200,000": Days(per_day=200_000),
        "without pacing": Days(paced=False),
        "many changes": Days(changes=2_000),
    }
    for name, days in cases.items():
        late = timedelta(days=5) if "later" in name else timedelta(0)
        error = error_of(days, after=late)
        allowed = max(days.per_day - days.allowance.reserved, 180_000 if "left" in name else 0) + days.others
        took = days.done_at - START if days.done_at else None
        print(
            f"{name:38} took {took}  forecast off by {error:6.1%}  "
            f"most requests in a day / allowed: {days.most_spent / allowed:.3f}  steps {len(days.steps):,}"
        )


if __name__ == "__main__":
    main()
