"""Moments: read as HighLevel writes them, written for HighLevel and for programs, and shown to people.

HighLevel writes a moment as ISO 8601 text or as milliseconds since 1970, both in UTC. A `datetime` in this program is
always aware.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import overload
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_moment(value: object) -> datetime | None:
    """Return the moment in UTC that this ISO 8601 text or number of milliseconds means; None if it is neither. A text
    without a time zone is UTC."""
    if not isinstance(value, str):
        return _from_number(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return _from_number(int(value)) if value.isascii() and value.isdigit() else None
    if at.tzinfo is UTC:
        return at
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _from_number(value: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None


@overload
def milliseconds(at: datetime) -> int: ...
@overload
def milliseconds(at: None) -> None: ...
def milliseconds(at: datetime | None) -> int | None:
    """Return the milliseconds since 1970, rounded down; None for None."""
    return None if at is None else (at - EPOCH) // timedelta(milliseconds=1)


def from_milliseconds(value: int) -> datetime:
    """Return the moment, in UTC, that is this many milliseconds after 1970 began."""
    return EPOCH + timedelta(milliseconds=value)


@overload
def iso(at: datetime) -> str: ...
@overload
def iso(at: datetime | None) -> str | None: ...
def iso(at: datetime | None) -> str | None:
    """Return `2026-11-23T14:05:00.000Z`, as HighLevel writes moments: UTC, cut to milliseconds; None for None."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def time_zone(name: str) -> ZoneInfo:
    """Return the time zone of this name; UTC for '' and for names that this machine does not know."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def local_time(at: datetime, timezone: str) -> str:
    """Return `23 November 2026, 14:05 (Europe/Berlin)`: the moment to the minute in this time zone."""
    zone = time_zone(timezone)
    return f"{at.astimezone(zone):%-d %B %Y, %H:%M} ({zone.key})"
