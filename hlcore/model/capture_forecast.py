"""When everything will be captured: the planner's order projected into the future.

tests/benchmarks/planner_days.py measures the forecast against simulated days.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hlcore.model.capture_planner import DAY, MAX_LEAD, Allowance, CaptureFacts

_HORIZON = 10_000


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast work goes. `per_second`: requests when nothing else holds them back; `other_requests`: a day, by
    listings, the watch and restores; `changes`: a day, to read contacts that change."""

    per_second: float = 8.0
    other_requests: float = 0.0
    changes: float = 0.0


def forecast(facts: CaptureFacts, allowance: Allowance, now: datetime, pace: Pace) -> dict[str, datetime | None]:
    """Return kind → when it will be safe for every contact: `now` where it is already, None where it never will be
    (nothing is left to spend, or the token may not read it)."""
    pace = _discounted(facts, pace)
    readable = [state for state in facts.kinds if state.readable]
    by_feed = [state for state in readable if state.feed and not state.feed.covered]
    spent = float(facts.lists + facts.emails) + sum(state.changed_calls for state in readable)
    moments: dict[str, datetime | None] = {}
    for state in sorted(by_feed, key=lambda state: state.first_calls):
        spent += state.first_calls
        moments[state.kind] = completion_time(spent, allowance, now, pace)
    everything = spent + sum(state.first_calls for state in readable if state not in by_feed)
    for state in facts.kinds:
        if state.kind in moments:
            continue
        if not state.readable:
            moments[state.kind] = None
        elif state.never:
            moments[state.kind] = completion_time(everything, allowance, now, pace)
        else:
            moments[state.kind] = completion_time(spent, allowance, now, pace) if state.changed else now
    return moments


def _discounted(facts: CaptureFacts, pace: Pace) -> Pace:
    """Return the pace with the mean cost of changes until all is captured: a change of what was not captured yet costs
    nothing."""
    shares = [state.share for state in facts.kinds if state.readable and not state.feed]
    mean = sum(shares) / len(shares) if shares else 1.0
    return replace(pace, changes=pace.changes * (1 + mean) / 2)


def completion_time(calls: float, allowance: Allowance, now: datetime, pace: Pace) -> datetime | None:
    """Return when this many requests will have been spent on capturing; None for never."""
    if calls <= 0:
        return now
    today = _completion_today(calls, allowance, now, pace)
    if today is not None:
        return today
    rest = calls - _room_today(allowance, now, pace)
    others = pace.other_requests if allowance.paced else 0.0
    daily = min(allowance.usable, pace.per_second * DAY.total_seconds()) - others - pace.changes
    if daily <= 0:
        return None
    days = math.ceil(rest / daily) - 1
    if days > _HORIZON:
        return None
    last_day = allowance.day_ends + days * DAY
    return last_day + _time_into_day(rest - days * daily, daily, allowance, pace)


def _room_today(allowance: Allowance, now: datetime, pace: Pace) -> float:
    """Return the requests that capturing may still spend today. Without pacing it takes them before others can."""
    seconds = max(0.0, (allowance.day_ends - now).total_seconds())
    demand = (pace.other_requests + pace.changes) * seconds / DAY.total_seconds() if allowance.paced else 0.0
    return max(0.0, min(allowance.left - allowance.reserved - demand, seconds * pace.per_second))


def _completion_today(calls: float, allowance: Allowance, now: datetime, pace: Pace) -> datetime | None:
    """Return when this many requests will have been spent; None when today is not enough."""
    if calls > _room_today(allowance, now, pace) or allowance.usable <= 0:
        return None
    quickest = now + timedelta(seconds=calls / pace.per_second)
    if not allowance.paced:
        return quickest
    used = allowance.per_day - allowance.left
    elapsed = (now - allowance.day_began) / DAY
    drift = (pace.other_requests + pace.changes) / allowance.usable
    share = (used + calls - drift * allowance.usable * elapsed) / (allowance.usable * max(0.01, 1 - drift))
    return max(quickest, allowance.day_began + share * DAY - MAX_LEAD)


def _time_into_day(calls: float, daily: float, allowance: Allowance, pace: Pace) -> timedelta:
    quickest = timedelta(seconds=calls / pace.per_second)
    return max(quickest, calls / daily * DAY - MAX_LEAD) if allowance.paced else quickest
