"""Why a contact disappeared, as far as there is evidence, and which deletions belong together.

HighLevel does not say who deleted a contact or why, and sends no event for a merge or a bulk action. Two causes leave
traces: after a merge another live contact has the e-mail or phone (the winner gains the loser's as an additional one;
help article 48001202210), and a bulk action removes many contacts within minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

BULK_CONTACTS = 10
BULK_SPAN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Claim:
    """A live contact that has an e-mail or phone of the one that disappeared, first seen with it at `since` and last
    changed by HighLevel at `touched_at`."""

    contact_id: str
    field: str
    additional: bool
    since: datetime | None
    touched_at: datetime | None


@dataclass(frozen=True, slots=True)
class Cause:
    """`kind` is merge, bulk or unknown; `evidence` is in words; `proven`: the evidence leaves little doubt."""

    kind: str
    evidence: str
    winner_id: str = ""
    proven: bool = False


def merge_cause(claims: Sequence[Claim], *, last_seen_at: datetime) -> Cause | None:
    """Return the merge that explains the disappearance; None when no live contact has its e-mail or phone. It is proven
    when that contact gained the value, or was changed by HighLevel, after the lost one was last seen."""
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
    """Return the bulk action that explains why `together` contacts disappeared between `earliest` and `latest`; None
    when they are too few or too far apart."""
    if together < BULK_CONTACTS or latest - earliest > BULK_SPAN:
        return None
    minutes = max(1, round((latest - earliest).total_seconds() / 60))
    return Cause(
        "bulk",
        f"{together} contacts disappeared within {minutes} minute{'s' if minutes > 1 else ''}: "
        "a bulk action, a workflow or a program.",
    )


def unknown_cause(together: int) -> Cause:
    """Return the cause `unknown`, with words that say what was checked."""
    others = f" {together - 1} others disappeared between the same two looks." if together > 1 else ""
    return Cause(
        "unknown",
        "No other contact holds this e-mail or phone, and it was not part of a bulk action."
        + others
        + " HighLevel's Audit Logs (Settings → Audit Logs, kept 60 days) may name who did it.",
    )


BURST_GAP = timedelta(hours=1)
"""A longer time between two detections starts a new burst."""


@dataclass(frozen=True, slots=True)
class DeletionBurst:
    """Deletions detected from `first` to `last`, both included."""

    first: datetime
    last: datetime
    contacts: int


def deletion_bursts(detected: Iterable[tuple[datetime, int]]) -> list[DeletionBurst]:
    """Group (moment, number of contacts) into bursts, oldest first. Every deletion is in exactly one burst; within a
    burst no two neighbours are further apart than `BURST_GAP`."""
    bursts: list[DeletionBurst] = []
    for at, number in sorted(detected):
        if bursts and at - bursts[-1].last <= BURST_GAP:
            bursts[-1] = DeletionBurst(bursts[-1].first, at, bursts[-1].contacts + number)
        else:
            bursts.append(DeletionBurst(at, at, number))
    return bursts
