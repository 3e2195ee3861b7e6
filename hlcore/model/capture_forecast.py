"""When everything will be safe: the planner's order, lived forward in numbers.

Pure. Measured by tests/benchmarks/planner_days.py against what then happens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hlcore.model.capture_planner import DAY, LEAD, Allowance, CaptureFacts

_HORIZON = 10_000


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast work goes. `others`: requests a day that other work takes (rounds, watch, restores); `changes`: a day
    that changing contacts will take; `per_second`: how fast requests go when nothing else holds them back."""

    per_second: float = 8.0
    others: float = 0.0
    changes: float = 0.0


def forecast(facts: CaptureFacts, allowance: Allowance, now: datetime, pace: Pace) -> dict[str, datetime | None]:
    """When each kind will be safe for every contact, at this pace; None for a kind that never will be (nothing is left
    to spend, or the token may not read it). A kind that is safe already: `now`."""
    pace = _counting_only_captured(facts, pace)
    spent = float(facts.catalogues + facts.emails)
    for part in facts.parts:
        spent += part.changed_calls if part.open else 0
    found: dict[str, datetime | None] = {}
    fed = [part for part in facts.parts if part.open and part.feed and not part.feed.covered]
    for part in sorted(fed, key=lambda each: each.first_calls):
        spent += part.first_calls
        found[part.kind] = when(spent, allowance, now, pace)
    whole = spent + sum(part.first_calls for part in facts.parts if part.open and part not in fed)
    for part in facts.parts:
        if part.kind in found:
            continue
        if not part.open:
            found[part.kind] = None
        elif part.never:
            found[part.kind] = when(whole, allowance, now, pace)
        else:
            found[part.kind] = when(spent, allowance, now, pace) if part.wanted else now
    return found


def _counting_only_captured(facts: CaptureFacts, pace: Pace) -> Pace:
    """A change costs only where something was captured already: on the way from here to all, in the mean."""
    alone = [part.share for part in facts.parts if part.open and not part.feed]
    mean = sum(alone) / len(alone) if alone else 1.0
    return replace(pace, changes=pace.changes * (1 + mean) / 2)


def when(calls: float, allowance: Allowance, now: datetime, pace: Pace) -> datetime | None:
    """The moment at which so many requests will have been spent on capturing; None when that never comes."""
    if calls <= 0:
        return now
    used = allowance.per_day - allowance.left
    first = _in_day(calls, allowance, now, pace, used)
    if first is not None:
        return first
    rest = calls - max(0.0, _room(allowance, now, pace))
    others = pace.others if allowance.paced else 0.0
    daily = min(allowance.usable, pace.per_second * DAY.total_seconds()) - others - pace.changes
    if daily <= 0:
        return None
    days = math.ceil(rest / daily) - 1
    if days > _HORIZON:
        return None
    morning = allowance.day_ends + days * DAY
    return morning + _into_day(rest - days * daily, daily, allowance, pace)


def _room(allowance: Allowance, now: datetime, pace: Pace) -> float:
    """Requests that capturing may still spend today. Without pacing it takes them before others can."""
    seconds = max(0.0, (allowance.day_ends - now).total_seconds())
    demand = (pace.others + pace.changes) * seconds / DAY.total_seconds() if allowance.paced else 0.0
    return max(0.0, min(allowance.left - allowance.kept - demand, seconds * pace.per_second))


def _in_day(calls: float, allowance: Allowance, now: datetime, pace: Pace, used: int) -> datetime | None:
    """When so many are spent today; None when today is not enough."""
    if calls > _room(allowance, now, pace) or allowance.usable <= 0:
        return None
    quickest = now + timedelta(seconds=calls / pace.per_second)
    if not allowance.paced:
        return quickest
    lasting = (now - allowance.day_began) / DAY
    drift = (pace.others + pace.changes) / allowance.usable
    share = (used + calls - drift * allowance.usable * lasting) / (allowance.usable * max(0.01, 1 - drift))
    return max(quickest, allowance.day_began + share * DAY - LEAD)


def _into_day(calls: float, daily: float, allowance: Allowance, pace: Pace) -> timedelta:
    quickest = timedelta(seconds=calls / pace.per_second)
    return max(quickest, calls / daily * DAY - LEAD) if allowance.paced else quickest
