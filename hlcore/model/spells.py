"""Many deletions at once, as one thing: which moments of detection belong together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

APART = timedelta(hours=1)
"""Deletions that were noticed with a longer quiet time between them are two things."""


@dataclass(frozen=True, slots=True)
class Spell:
    """Deletions noticed from `first` to `last`, both included."""

    first: datetime
    last: datetime
    contacts: int


def spells(noticed: Iterable[tuple[datetime, int]], *, apart: timedelta = APART) -> list[Spell]:
    """(moment, how many) put together, oldest first: what is no further apart than this belongs to one spell. Pure;
    every deletion is in exactly one spell."""
    found: list[Spell] = []
    for at, number in sorted(noticed):
        if found and at - found[-1].last <= apart:
            found[-1] = Spell(found[-1].first, at, found[-1].contacts + number)
        else:
            found.append(Spell(at, at, number))
    return found
