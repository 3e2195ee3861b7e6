"""Why a contact disappeared, as far as there is evidence, and which deletions belong together.

HighLevel does not say who deleted a contact or why, and sends no event for a merge or a bulk action. Two causes leave
traces. A merge's winner takes over what it lacked: e-mails and phones as additional ones, tags, custom values, records
(help article 48001202210). A bulk action removes many contacts within minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hlcore.model.contact import digits, fold_text
from hlcore.model.contact_snapshot import ALWAYS_LISTED
from hlcore.model.custom_fields import custom_values
from hlcore.model.json_codec import encode_sorted
from hlcore.model.wording import plural

BULK_CONTACTS = 10
BULK_SPAN = timedelta(hours=1)


PROBABLY = "probably a merge of two copies of one person"
"""Says in a cause's evidence that it is not proven."""
FORMER_PROOF = "was changed after this contact was last seen: the two were merged"
"""How the evidence of merges ended that were taken for proven because the holder had merely changed."""
_PLACES = {
    "email": "e-mail",
    "additionalEmails": "e-mail",
    "phone": "phone number",
    "additionalPhones": "phone number",
    "tags": "tag",
    "customFields": "custom value",
}
"""Where a contact keeps what a merge carries over, and what it is called."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A live contact that has an e-mail or phone of the one that disappeared. `gained`: what it took over of the lost
    one and lacked before, in words ("2 tags")."""

    contact_id: str
    field: str
    additional: bool
    gained: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cause:
    """`kind` is merge, bulk or unknown; `evidence` is in words; `proven`: the evidence leaves little doubt."""

    kind: str
    evidence: str
    winner_id: str = ""
    proven: bool = False


def merge_cause(claims: Sequence[Claim]) -> Cause | None:
    """Return the merge that explains the disappearance; None when no live contact has its e-mail or phone. It is proven
    when that contact took over something of the lost one that it lacked before. Two contacts that share an address
    prove nothing, nor does a change of one of them."""
    if not claims:
        return None
    best = max(claims, key=lambda claim: (len(claim.gained), claim.additional, claim.contact_id))
    noun = "e-mail" if best.field == "email" else "phone number"
    place = f"additional {noun}" if best.additional else noun
    words = (
        f"Contact {best.contact_id} holds this {noun} as its {place} and took over what it lacked before "
        f"({', '.join(best.gained)}): the two were merged."
        if best.gained
        else f"Contact {best.contact_id} holds the same {noun}: {PROBABLY}."
    )
    return Cause("merge", words, best.contact_id, bool(best.gained))


def taken_over(lost: Iterable[Mapping[str, Any]], earlier: Mapping[str, Any], later: Mapping[str, Any]) -> set[str]:
    """Return what of the lost contact the holder lacked in its `earlier` copy and has in a `later` one: opaque keys for
    `describe_gains`. `lost`: the copies of the lost contact. A place that a later copy of another sort states and the
    earlier one could not is no evidence, so give two copies of one sort or those of `comparable_copy`."""
    theirs = {key for copy in lost for key in _belongings(copy)}
    return (theirs & set(_belongings(later))) - set(_belongings(earlier))


def comparable_copy(row: Mapping[str, Any], detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return the detail without the places that the row does not state and might have had all the same."""
    stated = {*row, *ALWAYS_LISTED}
    for pair in (("email", "additionalEmails"), ("phone", "additionalPhones")):
        if pair[1] not in row:
            stated -= {*pair}
    return {name: value for name, value in detail.items() if name in stated}


def describe_gains(keys: Iterable[str]) -> tuple[str, ...]:
    """Return the keys of `taken_over` counted, in words without personal data: ("1 e-mail", "2 tags")."""
    kinds = [key.partition(":")[0] for key in keys]
    return tuple(plural(kinds.count(kind), kind) for kind in dict.fromkeys(_PLACES.values()) if kind in kinds)


def is_proven_merge(cause: str, evidence: str) -> bool:
    """Whether the register's entry says that the contact was surely merged."""
    return cause == "merge" and PROBABLY not in evidence and FORMER_PROOF not in evidence


def _belongings(copy: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a merge carries over, as "kind:value". Names, places, owners and sources are left out: two people of
    one household or one form share them."""
    for place, kind in _PLACES.items():
        value = copy.get(place)
        if place == "customFields":
            values = custom_values(value).items()
            yield from (f"{kind}:{name}={encode_sorted(given).decode('utf-8', 'replace')}" for name, given in values)
            continue
        for item in value if isinstance(value, (list, tuple)) else (value,):
            given = (item.get("email") or item.get("phone")) if isinstance(item, Mapping) else item
            text = given if isinstance(given, str) else ""
            if key := digits(text) if kind == "phone number" else fold_text(text):
                yield f"{kind}:{key}"


def bulk_cause(together: int, *, earliest: datetime, latest: datetime) -> Cause | None:
    """Return the bulk action that explains why `together` contacts disappeared between `earliest` and `latest`; None
    when they are too few or too far apart."""
    if together < BULK_CONTACTS or latest - earliest > BULK_SPAN:
        return None
    minutes = max(1, round((latest - earliest).total_seconds() / 60))
    return Cause(
        "bulk",
        f"{plural(together, 'contact')} disappeared within {plural(minutes, 'minute')}: "
        "a bulk action, a workflow or a program.",
    )


def unknown_cause(together: int) -> Cause:
    """Return the cause `unknown`, with words that say what was checked."""
    others = f" {plural(together - 1, 'other')} disappeared between the same two looks." if together > 1 else ""
    return Cause(
        "unknown",
        "No other contact holds this e-mail or phone, and no bulk action was noticed."
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
