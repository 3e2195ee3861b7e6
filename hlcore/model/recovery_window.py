"""When a contact was deleted, and how long HighLevel's own restore can still bring it back.

HighLevel publishes no binding figure: its help articles say 60 days (48001211386, 155000000583), its security overview
says 30 days (155000000574), and accounts under HIPAA have no restore at all (48001211386). The default is therefore
the shorter one. The clock starts at the deletion where a webhook stated its time, else at the last proof of life, the
last moment at which the contact was surely present: the cautious end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

DEFAULT_DAYS = 30
DEFAULT_REASON = (
    "HighLevel's own pages disagree: the security overview says 30 days, the help articles say 60. "
    "Contact Vault counts with the shorter one."
)
HIPAA_REASON = "HighLevel offers no restore on accounts under HIPAA."
HIPAA_POLICY = (
    "This account is under HIPAA. Whether deleted people may be re-created here is a decision of your organisation: "
    "somebody who may change settings switches it on under Settings."
)


NO_PROOF = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for the last proof of life of a contact that has none: no window is promised."""


@dataclass(frozen=True, slots=True)
class RecoveryWindow:
    """A location's recovery window in whole days, and why it is that long."""

    days: int
    reason: str

    def __post_init__(self) -> None:
        if not 0 <= self.days <= 3650:
            raise ValueError("a recovery window has 0 to 3650 days")


@dataclass(frozen=True, slots=True)
class RemainingTime:
    """What is left of the window. `days_left`: whole days, rounded down, 0 when closed; `exact`: the clock starts at
    the time of the deletion itself."""

    starts_at: datetime
    ends_at: datetime
    open: bool
    days_left: int
    exact: bool

    @property
    def clock(self) -> str:
        """What the clock starts at, in words."""
        return "time of the deletion" if self.exact else "last time the contact was surely there"


def recovery_window(days: int | None, *, hipaa: bool = False, reason: str = "") -> RecoveryWindow:
    """Return the window of a location with these settings. `days` None: the default."""
    if hipaa:
        return RecoveryWindow(0, HIPAA_REASON)
    if days is None:
        return RecoveryWindow(DEFAULT_DAYS, DEFAULT_REASON)
    return RecoveryWindow(days, reason or f"Set to {days} days on the Settings page.")


def remaining_time(
    window: RecoveryWindow, *, deleted_at: datetime | None, last_seen_at: datetime, now: datetime
) -> RemainingTime:
    """Return how much of the window is left at `now`."""
    starts = clock_start(deleted_at, last_seen_at)
    ends = starts + timedelta(days=window.days)
    left = max(timedelta(0), ends - now)
    return RemainingTime(
        starts_at=starts,
        ends_at=ends,
        open=now < ends,
        days_left=math.floor(left / timedelta(days=1)),
        exact=deleted_at is not None,
    )


def clock_start(deleted_at: datetime | None, last_seen_at: datetime) -> datetime:
    """Return when the recovery clock starts: at the deletion, but never before the last proof of life, which two clocks
    may date a little later."""
    return last_seen_at if deleted_at is None else max(deleted_at, last_seen_at)


def last_proof_of_life(proofs: Iterable[datetime | None], *, now: datetime) -> datetime:
    """Return the newest of these moments at which a contact surely existed; `NO_PROOF` when there is none. A moment
    later than `now` proves nothing: a clock was wrong."""
    return max((at for at in proofs if at is not None and at <= now), default=NO_PROOF)


def urgency(left: RemainingTime) -> str:
    """Return how soon somebody must act: closed, today, soon (within a week) or later."""
    if not left.open:
        return "closed"
    if left.days_left < 1:
        return "today"
    return "soon" if left.days_left <= 7 else "later"


@dataclass(frozen=True, slots=True)
class DeletionFacts:
    """What is known of a disappearance. `alive_at`: when the contact was surely there; `noticed_at`: when a listing
    missed it (None: a webhook came first); `deleted_at`: the time that an earlier webhook stated."""

    alive_at: datetime
    noticed_at: datetime | None = None
    deleted_at: datetime | None = None


def deletion_time(reported: Iterable[datetime], known: DeletionFacts, *, slack: timedelta) -> datetime | None:
    """Return the newest of the times reported by webhooks that can be the time of this deletion; None when none can, or
    when a time at least as new is known already.

    A time before the contact was last alive belongs to an earlier deletion of the same contact. One after a listing had
    missed it is the time of a delivery, or of a deletion that was not noticed: the cautious clock, which starts
    earlier, stays. `slack`: how far HighLevel's clocks, and the index that listings read, may be off."""
    after = known.alive_at - slack
    before = known.noticed_at + slack if known.noticed_at is not None else None
    possible = [at for at in reported if at >= after and (before is None or at <= before)]
    best = max(possible, default=None)
    if best is None or (known.deleted_at is not None and best <= known.deleted_at):
        return None
    return best


def life_time(reported: Iterable[datetime], known: DeletionFacts, *, slack: timedelta) -> datetime | None:
    """Return the newest of the times at which webhooks spoke of the contact as alive; None where none can be right.

    HighLevel does not document whether it dates a delivery anew when it sends it again. A time after the stated
    deletion, or after a listing had missed the contact, is therefore no proof."""
    ends = [at + slack for at in (known.noticed_at, known.deleted_at) if at is not None]
    return max((at for at in reported if all(at <= end for end in ends)), default=None)
