"""Why a contact disappeared, as far as the evidence reaches.

HighLevel tells neither who deleted a contact nor why, and sends no event for a merge or a bulk action. Two causes
leave traces: after a merge another live contact holds the e-mail or phone (the winner gains the loser's as an
additional one; help article 48001202210), and a bulk action removes many within minutes.

Many deletions at once, as one thing: which moments of detection belong together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

BULK_CONTACTS = 10
BULK_SPAN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Claim:
    """A live contact that holds an e-mail or phone of the one that disappeared.

    `since`: first seen holding it. `touched_at`: when HighLevel last changed it.
    """

    contact_id: str
    field: str
    additional: bool
    since: datetime | None
    touched_at: datetime | None


@dataclass(frozen=True, slots=True)
class Cause:
    """`kind` is merge, bulk or unknown; `proven` says whether the evidence leaves little doubt."""

    kind: str
    evidence: str
    winner_id: str = ""
    proven: bool = False


def merge_cause(claims: Sequence[Claim], *, last_seen_at: datetime) -> Cause | None:
    """The merge that explains the disappearance; None when no live contact holds its e-mail or phone.

    Proven when the holder gained the value, or was changed by HighLevel, after the lost contact was last seen.
    """
    if not claims:
        return None
    best = max(claims, key=lambda claim: (_gained(claim, last_seen_at), claim.additional, claim.contact_id))
    proven = _gained(best, last_seen_at)
    noun = "e-mail" if best.field == "email" else "phone number"
    place = f"additional {noun}" if best.additional else noun
    words = (
        f"Contact {best.contact_id} holds this {noun} as its {place} and was changed after this contact was last "
        "seen: the two were merged."
        if proven
        else f"Contact {best.contact_id} holds the same {noun}: probably a merge of two copies of one person."
    )
    return Cause("merge", words, best.contact_id, proven)


def _gained(claim: Claim, last_seen_at: datetime) -> bool:
    moments = (claim.since if claim.additional else None, claim.touched_at)
    return any(moment is not None and moment >= last_seen_at for moment in moments)


def bulk_cause(together: int, *, earliest: datetime, latest: datetime) -> Cause | None:
    """The bulk action that explains it: `together` contacts disappeared between `earliest` and `latest`."""
    if together < BULK_CONTACTS or latest - earliest > BULK_SPAN:
        return None
    minutes = max(1, round((latest - earliest).total_seconds() / 60))
    return Cause(
        "bulk",
        f"{together} contacts disappeared within {minutes} minute{'s' if minutes > 1 else ''}: "
        "a bulk action, a workflow or a program.",
    )


def unknown_cause(together: int) -> Cause:
    """No trace of a cause, in words that say what was looked at."""
    others = f" {together - 1} others disappeared between the same two looks." if together > 1 else ""
    return Cause(
        "unknown",
        "No other contact holds this e-mail or phone, and it was not part of a bulk action."
        + others
        + " HighLevel's Audit Logs (Settings → Audit Logs, kept 60 days) may name who did it.",
    )


APART = timedelta(hours=1)
"""Deletions that were noticed with a longer quiet time between them are two things."""


@dataclass(frozen=True, slots=True)
class DeletionBurst:
    """Deletions noticed from `first` to `last`, both included."""

    first: datetime
    last: datetime
    contacts: int


def deletion_bursts(noticed: Iterable[tuple[datetime, int]], *, apart: timedelta = APART) -> list[DeletionBurst]:
    """(moment, how many) put together, oldest first: what is no further apart than this belongs to one spell. Pure;
    every deletion is in exactly one spell."""
    found: list[DeletionBurst] = []
    for at, number in sorted(noticed):
        if found and at - found[-1].last <= apart:
            found[-1] = DeletionBurst(found[-1].first, at, found[-1].contacts + number)
        else:
            found.append(DeletionBurst(at, at, number))
    return found
