"""When was a contact deleted? What a webhook says, held against what is known otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a disappearance. `alive_at`: the contact was surely there. `noticed_at`: when a listing missed
    it; None where a webhook told first. `deleted_at`: the time that an earlier webhook told."""

    alive_at: datetime
    noticed_at: datetime | None = None
    deleted_at: datetime | None = None


def deletion_time(told: Iterable[datetime], known: Known, *, slack: timedelta) -> datetime | None:
    """The newest of the told moments that can be the time of this deletion; None when none can, or none is news.

    A moment before the contact was last alive belongs to an earlier deletion of the same contact. One after a
    listing had missed it is the time of a delivery, or belongs to a deletion that nobody has noticed: the cautious
    clock, which starts earlier, stays. Once a time is known only a newer one takes its place. `slack`: how far
    HighLevel's clocks, and the index that listings read, may be off."""
    after = known.alive_at - slack
    before = known.noticed_at + slack if known.noticed_at is not None else None
    possible = [at for at in told if at >= after and (before is None or at <= before)]
    best = max(possible, default=None)
    if best is None or (known.deleted_at is not None and best <= known.deleted_at):
        return None
    return best
