"""Reads the headers about rate limits. Invalid values are ignored."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

DEFAULT_RETRY_AFTER = 10.0
"""Seconds to wait after a 429 without Retry-After: HighLevel's limit is per 10 seconds."""
LONGEST_RETRY_AFTER = 60.0
"""Longer waits are cut to this; the next refusal would ask for more."""
_LONGEST_INTERVAL = 3600.0


@dataclass(frozen=True, slots=True)
class RateHeaders:
    """The `X-RateLimit-*` headers of one answer; None where absent or invalid. `interval` is in seconds.

    Names from HighLevel's OAuth documentation, "Rate limits"; Daily-Reset is not documented there.
    """

    maximum: int | None = None
    remaining: int | None = None
    interval: float | None = None
    daily_limit: int | None = None
    daily_remaining: int | None = None
    daily_reset: datetime | None = None

    @classmethod
    def parse(cls, headers: Mapping[str, str], now: datetime) -> RateHeaders:
        """Parse the headers; names match in any case if the mapping allows it."""
        milliseconds = _number(headers, "X-RateLimit-Interval-Milliseconds")
        interval = milliseconds / 1000 if milliseconds else None
        return cls(
            maximum=_number(headers, "X-RateLimit-Max") or None,
            remaining=_number(headers, "X-RateLimit-Remaining"),
            interval=interval if interval and 0.1 <= interval <= _LONGEST_INTERVAL else None,
            daily_limit=_number(headers, "X-RateLimit-Limit-Daily") or None,
            daily_remaining=_number(headers, "X-RateLimit-Daily-Remaining"),
            daily_reset=parse_reset(headers.get("X-RateLimit-Daily-Reset", ""), now),
        )


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None


def parse_reset(text: str, now: datetime) -> datetime | None:
    """Return when the day's budget begins anew, from a value whose unit HighLevel does not document.

    Seconds or milliseconds from now, seconds or milliseconds since 1970, ISO and HTTP dates are told apart by size.
    None for a moment that is not within the next 25 hours.
    """
    value = text.strip()
    number = _parse_number(value)
    if number is None:
        moment = _parse_date(value)
    elif number > 1e11:
        moment = _from_epoch(number / 1000)
    elif number > 1e9:
        moment = _from_epoch(number)
    else:
        moment = now + timedelta(seconds=number if number <= 90_000 else number / 1000)
    return moment if moment and now < moment <= now + timedelta(hours=25) else None


def retry_after(headers: Mapping[str, str], now: datetime) -> float:
    """Return the seconds that a 429 or 503 asks to wait (seconds or HTTP date), between 0 and 60; 10 when it names
    none."""
    value = headers.get("Retry-After", "").strip()
    seconds = _parse_number(value)
    if seconds is None:
        moment = _parse_date(value)
        if moment is None:
            return DEFAULT_RETRY_AFTER
        seconds = (moment - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def _parse_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _from_epoch(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _parse_date(text: str) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(text)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None
