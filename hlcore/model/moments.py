"""Moments: read as HighLevel writes them, written for HighLevel and for programs, and shown to people.

HighLevel writes a moment as ISO 8601 text or as milliseconds since 1970, both in UTC. A `datetime` in this program is
always aware. No function here raises for a moment that a calendar can hold: what lies outside of it when it is moved to
UTC counts as no moment, and what a time zone cannot show is shown in UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import overload
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

CLOCK_SLACK = timedelta(minutes=2)
"""How far the clocks of the machines that share a vault may differ."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_NUMBER = 20


def parse_moment(value: object) -> datetime | None:
    """Return the moment in UTC that this ISO 8601 text or number of milliseconds means; None if it is neither, or
    outside of the years 1 to 9999 in UTC. A text without a time zone is UTC; a text of digits alone is a number, unless
    it has the eight of a date."""
    if not isinstance(value, str):
        return _from_number(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    if value.isascii() and value.isdigit() and len(value) != len("20261123"):
        return _from_number(int(value)) if len(value) <= LONGEST_NUMBER else None
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is UTC:
            return at
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _from_number(value: float) -> datetime | None:
    try:
        return EPOCH + timedelta(milliseconds=value)
    except (OverflowError, ValueError):
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


def is_future(at: datetime, now: datetime) -> bool:
    """Whether a stored moment lies in the future by more than the clocks of several machines differ: the clock has been
    turned back since, and the moment proves nothing."""
    return at - now > CLOCK_SLACK


def age(since: datetime | None, now: datetime) -> timedelta | None:
    """Return how long ago a stored moment was, at least zero; None where there is none, or one in the future. Every
    decision that a stored moment is recent, or not due yet, goes through this function."""
    if since is None or is_future(since, now):
        return None
    return max(timedelta(0), now - since)


def is_recent(since: datetime | None, now: datetime, within: timedelta) -> bool:
    """Whether something surely happened less than `within` ago."""
    passed = age(since, now)
    return passed is not None and passed < within


def time_zone(name: str) -> ZoneInfo:
    """Return the time zone of this name; UTC for '' and for names that this machine does not know."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def in_zone(at: datetime, timezone: str) -> datetime:
    """Return the moment in this time zone; in UTC where that would leave the calendar."""
    try:
        return at.astimezone(time_zone(timezone))
    except (OverflowError, ValueError):
        return at.astimezone(UTC)


def date_in_zone(at: datetime, timezone: str) -> date:
    """Return the day on which the moment falls in this time zone."""
    return in_zone(at, timezone).date()


def time_text(at: datetime, timezone: str, *, with_zone: bool = True) -> str:
    """Return `23 Nov 2026, 14:05 CET`, as people read a moment everywhere: on pages, in plans, in receipts.
    `with_zone`: False in a table, which states its zone once."""
    local = in_zone(at, timezone)
    return f"{local.day} {local:%b %Y, %H:%M}{f' {zone_label(local)}' if with_zone else ''}"


def day_text(at: datetime, timezone: str) -> str:
    """Return `23 Nov 2026`, the day on which the moment falls in this time zone."""
    local = in_zone(at, timezone)
    return f"{local.day} {local:%b %Y}"


def zone_label(local: datetime) -> str:
    """Return 'CET' where the zone of this local time has a name of its own, else 'UTC+05:30'."""
    name = local.tzname() or "UTC"
    if name[:1] not in "+-":
        return name
    offset = local.utcoffset() or timedelta(0)
    minutes = int(offset.total_seconds() // 60)
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def original_time(at: datetime, timezone: str) -> str:
    """Return `23 November 2026, 14:05 (Europe/Berlin)`, as a note in HighLevel states when its original was written.
    The style never changes: a note that was restored before is recognised by its text."""
    local = in_zone(at, timezone)
    return f"{local.day} {local:%B %Y, %H:%M} ({local.tzinfo})"
