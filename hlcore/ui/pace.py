"""How fast a restore goes and when it will be done, from what was finished lately. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from hlcore.ui.words import count, duration, many, moment

LATELY = timedelta(minutes=1)
"""The pace is that of the last minute: a pause or a wait before it does not count."""
_ENOUGH = 3


def pace(times: list[datetime], now: datetime, remaining: int, tz: str) -> str:
    """'About 4 people a second. Done at about 24 Nov 2026, 14:05 CET, in 3 min 20 s.' from the moments at which people
    were finished in the last minute; says that it is too early where these are too few."""
    span = (now - min(times)).total_seconds() if times else 0.0
    if not remaining:
        return ""
    if len(times) < _ENOUGH or span <= 0:
        return "The pace and the finish time show once a few people are done."
    per_second = len(times) / span
    left = remaining / per_second
    end = moment(now + timedelta(seconds=left), tz)
    return f"{_speed(per_second)}. Done at about {end}, in {duration(left)}."


def _speed(per_second: float) -> str:
    if per_second >= 1.5:
        return f"About {count(round(per_second))} people a second"
    return f"About {many(max(1, round(per_second * 60)), 'person', 'people')} a minute"
