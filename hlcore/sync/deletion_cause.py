"""Recording that a contact was lost, and why. Shared by everything that detects losses: listing, watch, webhooks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

from hlcore.model.contact import Contact, digits, parse_contact
from hlcore.model.deletion_causes import (
    FORMER_PROOF,
    Cause,
    Claim,
    bulk_cause,
    comparable_copy,
    describe_gains,
    merge_cause,
    taken_over,
    unknown_cause,
)
from hlcore.model.json_codec import decode_object
from hlcore.model.lifecycle import Status
from hlcore.model.recovery_window import last_proof_of_life
from hlcore.model.wording import plural
from hlcore.store import Tx, records
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import search as contact_search
from hlcore.store.contacts.search import Holder
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions import register
from hlcore.store.deletions.queries import Disappearance, RegisterQuery

MAX_HOLDERS = 20
"""Of how many contacts with the same e-mail or phone the copies are compared."""
MERGE_SPAN = timedelta(days=1)
"""So long after a loss was noticed what another contact gained may still prove a merge."""
CLOCK_SLACK = timedelta(minutes=5)
"""So long before the last sighting a gain may be dated: HighLevel's clock and ours differ."""
MAX_RECHECKED = 100


@dataclass(frozen=True, slots=True)
class Unexplained:
    """A confirmed disappearance without a proven cause. `evidence` is what HighLevel answered; `probable` a merge that
    is likely but not proven."""

    row_id: int
    evidence: str
    probable: Cause | None


def record_loss(tx: Tx, suspect: Disappearance, evidence: str, *, at: datetime) -> Unexplained | None:
    """Record the contact of this open row as merged where a merge is proven, and return None; as deleted otherwise.
    `evidence` is what HighLevel answered for its id. What was read of the contact since it was suspected is proof of
    life. Raises NotFound when the row has ended."""
    for known in contact_reads.known_contacts(tx, suspect.location_id, [suspect.contact_id]).values():
        proof = last_proof_of_life((known.seen_at, suspect.last_seen_at), now=at)
        register.record_proof_of_life(tx, suspect.location_id, suspect.contact_id, alive_at=proof)
    cause = find_merge(tx, suspect)
    record_cause(tx, suspect, cause or Cause("unknown", ""), at=at, answer=evidence)
    return None if cause is not None and cause.proven else Unexplained(suspect.disappearance_id, evidence, cause)


def find_merge(tx: Tx, suspect: Disappearance) -> Cause | None:
    """Return the merge that explains this disappearance: another contact now holds an e-mail or phone of the last
    copy. It is proven by what that contact took over between the last sighting and a day after the loss was noticed."""
    stored = contact_reads.get(tx, suspect.location_id, suspect.contact_id)
    if stored is None or not stored.raw:
        return None
    emails, phones = emails_and_phones(parse_contact(stored.raw))
    if not emails and not phones:
        return None
    holders = contact_search.find_holders(
        tx, suspect.location_id, emails=emails, phone_keys=phones, exclude=suspect.contact_id
    )
    lost = [decode_object(raw) for raw in (stored.raw, stored.detail) if raw]
    gained: dict[str, tuple[str, ...]] = {}
    for holder in holders:
        if holder.contact_id not in gained and len(gained) < MAX_HOLDERS:
            gained[holder.contact_id] = _gains(tx, suspect, lost, holder)
    claims = [
        Claim(holder.contact_id, holder.field, holder.additional, gained[holder.contact_id])
        for holder in holders
        if holder.contact_id in gained
    ]
    return merge_cause(claims)


def _gains(tx: Tx, suspect: Disappearance, lost: Sequence[Mapping[str, Any]], holder: Holder) -> tuple[str, ...]:
    """Return what the holder took over of the lost contact, in words. Beside records that moved, one that was not there
    yet when the lost contact was last seen took over nothing."""
    moved = records.list_moved_by_merge(tx, suspect.location_id, suspect.contact_id, holder.contact_id)
    counts = sorted(Counter(record.kind for record in moved).items())
    words = [plural(number, kind.replace("_", " ")) for kind, number in counts]
    if holder.date_added is not None and holder.date_added > suspect.last_seen_at:
        return tuple(words)
    history = contact_reads.copies(tx, suspect.location_id, holder.contact_id)
    span = suspect.last_seen_at - CLOCK_SLACK, suspect.detected_at + MERGE_SPAN
    rows, details = (_copies_within(history[part], *span) for part in ("row", "detail"))
    had_detail = bool(details) and history["detail"][0][0] <= span[0]
    keys: set[str] = set()
    for copies in (rows, details):
        earlier = [*copies[:1], *rows[:1], *(details[:1] if had_detail else ())]
        for later in copies[1:]:
            keys |= set.intersection(*(taken_over(lost, copy, later) for copy in earlier))
    if rows and details and not had_detail:
        for detail in details:
            keys |= taken_over(lost, rows[0], comparable_copy(rows[0], detail))
    return (*describe_gains(keys), *words)


def _copies_within(history: Sequence[tuple[datetime, bytes]], since: datetime, until: datetime) -> list[dict[str, Any]]:
    """Return the copies that were the newest at some moment from `since` to `until`, oldest first."""
    ends = [at for at, _ in history[1:]]
    spans = zip_longest(history, ends)
    return [decode_object(raw) for (at, raw), end in spans if at <= until and (end is None or end > since)]


def recheck_merges(tx: Tx, location_id: str, *, at: datetime) -> int:
    """Correct the open losses of this location whose merge newer evidence proves, and those once called proven only
    because the holder had changed; return how many. May be repeated."""
    likely = RegisterQuery((location_id,), statuses=("deleted",), cause="merge", detected_since=at - MERGE_SPAN)
    former = RegisterQuery((location_id,), statuses=("merged",), cause="merge", evidence=FORMER_PROOF)
    corrected = 0
    for row in deletion_queries.list_page(tx, likely, limit=MAX_RECHECKED):
        cause = find_merge(tx, row)
        if cause is not None and cause.proven:
            record_cause(tx, row, cause, at=at)
            corrected += 1
    for row in deletion_queries.list_page(tx, former, limit=MAX_RECHECKED):
        record_cause(tx, row, find_merge(tx, row) or unknown_cause(1), at=at)
        corrected += 1
    return corrected


def record_cause(tx: Tx, row: Disappearance, cause: Cause, *, at: datetime, answer: str = "") -> None:
    """Record the contact of this open row as merged where the cause is a proven merge, else as deleted. `answer`: what
    HighLevel said of its id. Raises NotFound when the row has ended."""
    register.confirm(
        tx,
        row.disappearance_id,
        at=at,
        status=Status.MERGED if cause.proven else Status.DELETED,
        cause=cause.kind,
        evidence=". ".join(filter(None, (answer, cause.evidence))),
        winner_id=cause.winner_id,
    )


def emails_and_phones(contact: Contact) -> tuple[list[str], list[str]]:
    """Return all e-mails and all phone keys of a contact, the additional ones included."""
    emails = [email for email in (contact.email, *contact.other_emails) if email]
    phones = [key for key in (contact.phone_key, *map(digits, contact.other_phones)) if key]
    return emails, phones


def explain(
    tx: Tx, losses: Sequence[Unexplained], *, together: int, earliest: datetime, latest: datetime
) -> Cause | None:
    """Set the cause of these losses: a bulk action when the `together` contacts lost between `earliest` and `latest`
    amount to one (it is returned), else the probable merge, else unknown."""
    bulk = bulk_cause(together, earliest=earliest, latest=latest)
    rows_by_cause: dict[tuple[str, str], list[int]] = defaultdict(list)
    for loss in losses:
        cause = bulk or loss.probable or unknown_cause(together)
        rows_by_cause[cause.kind, f"{loss.evidence}. {cause.evidence}"].append(loss.row_id)
    for (kind, evidence), row_ids in rows_by_cause.items():
        register.set_cause(tx, row_ids, cause=kind, evidence=evidence)
    return bulk
