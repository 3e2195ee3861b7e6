"""Ids and dates in HighLevel's spelling."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
JsonObject = dict[str, object]


class Ids:
    """20-character ids as HighLevel writes them; the same seed and counter give the same id, none comes twice."""

    def __init__(self, seed: str, counter: int = 0) -> None:
        self._seed = seed
        self.counter = counter

    def next(self) -> str:
        self.counter += 1
        digest = hashlib.blake2b(f"{self._seed}:{self.counter}".encode(), digest_size=20).digest()
        return "".join([ALPHABET[byte % 62] for byte in digest])


def iso(moment: datetime) -> str:
    """``2026-11-23T09:00:00.000Z``: UTC, milliseconds, as in every HighLevel answer."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def millis(moment: datetime) -> int:
    """Milliseconds since 1970, the unit of HighLevel's cursors."""
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def from_millis(value: float) -> datetime:
    whole = int(value)
    if abs(whole) > 200_000_000_000_000:
        raise ValueError("too far away to be a date")
    return datetime.fromtimestamp(whole // 1000, UTC).replace(microsecond=whole % 1000 * 1000)


def moment(value: object) -> datetime:
    """A datetime from what a caller or a request gives: datetime, ISO text, or milliseconds.

    A text without offset counts as UTC. Raises ValueError for anything else."""
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
