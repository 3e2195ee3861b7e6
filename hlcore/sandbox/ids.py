"""Ids and moments as HighLevel writes them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Ids:
    """A sequence of 20-character ids without repetition; the same seed and counter give the same id."""

    def __init__(self, seed: str, counter: int = 0) -> None:
        self._seed = seed
        self.counter = counter

    def next(self) -> str:
        self.counter += 1
        digest = hashlib.blake2b(f"{self._seed}:{self.counter}".encode(), digest_size=20).digest()
        return "".join([ALPHABET[byte % 62] for byte in digest])


def iso(moment: datetime) -> str:
    """Format as ``2026-11-23T09:00:00.000Z``: UTC with milliseconds, as in HighLevel's answers."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def millis(moment: datetime) -> int:
    """Return milliseconds since 1970, the unit of HighLevel's cursors."""
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def from_millis(value: float) -> datetime:
    """Return the moment of these milliseconds since 1970. Raises ValueError when it is out of range."""
    milliseconds = int(value)
    if abs(milliseconds) > 200_000_000_000_000:
        raise ValueError("too far away to be a date")
    return datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)


def parse_moment(value: object) -> datetime:
    """Read a datetime, an ISO 8601 text or milliseconds since 1970; without offset it counts as UTC.

    Raises ValueError for anything else."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, bool):
        raise ValueError("not a date")
    if isinstance(value, int | float):
        return from_millis(value)
    text = str(value).strip()
    if text.lstrip("-").isdigit() and len(text) > 8:
        return from_millis(int(text))
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
