"""What the headers of an answer say about rate limits. Nothing here trusts them to be sensible."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

DEFAULT_RETRY_AFTER = 10.0
"""Seconds to wait after a 429 without Retry-After: HighLevel's limit is per 10 seconds."""
LONGEST_RETRY_AFTER = 60.0
"""Longer waits are cut to this; the next refusal says so again."""
_LONGEST_INTERVAL = 3600.0


@dataclass(frozen=True, slots=True)
class RateHeaders:
    """The `X-RateLimit-*` headers of one answer; None where absent or senseless. `interval` is in seconds.

    Names from HighLevel's OAuth documentation, "Rate limits"; Daily-Reset is not documented there.
    """

    maximum: int | None = None
    remaining: int | None = None
    interval: float | None = None
    daily_limit: int | None = None
    daily_remaining: int | None = None
    daily_reset: datetime | None = None

    @classmethod
    def read(cls, headers: Mapping[str, str], now: datetime) -> RateHeaders:
        """The headers (looked up case-insensitively if the mapping does so)."""
        milliseconds = _number(headers, "X-RateLimit-Interval-Milliseconds")
        interval = milliseconds / 1000 if milliseconds else None
        return cls(
            maximum=_number(headers, "X-RateLimit-Max") or None,
            remaining=_number(headers, "X-RateLimit-Remaining"),
            interval=interval if interval and 0.1 <= interval <= _LONGEST_INTERVAL else None,
            daily_limit=_number(headers, "X-RateLimit-Limit-Daily") or None,
            daily_remaining=_number(headers, "X-RateLimit-Daily-Remaining"),
            daily_reset=reset_moment(headers.get("X-RateLimit-Daily-Reset", ""), now),
        )


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None


def reset_moment(text: str, now: datetime) -> datetime | None:
    """When the day's budget begins anew, out of a value whose unit HighLevel does not tell.

    Seconds or milliseconds from now, seconds or milliseconds since 1970, ISO or HTTP date are told
    apart by size; what does not end within 25 hours is no daily reset: None.
    """
    value = text.strip()
    number = _finite(value)
    if number is None:
        found = _date(value)
    elif number > 1e11:
        found = _from_epoch(number / 1000)
    elif number > 1e9:
        found = _from_epoch(number)
    else:
        found = now + timedelta(seconds=number if number <= 90_000 else number / 1000)
    return found if found and now < found <= now + timedelta(hours=25) else None


def retry_after(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds that a 429 or 503 asks to wait (seconds or HTTP date), between 0 and 60; 10 when it does not say."""
    value = headers.get("Retry-After", "").strip()
    seconds = _finite(value)
    if seconds is None:
        moment = _date(value)
        if moment is None:
            return DEFAULT_RETRY_AFTER
        seconds = (moment - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def _finite(text: str) -> float | None:
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


def _date(text: str) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = parse(text)
        except (ValueError, TypeError, IndexError):
            continue
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return None
