"""Recording that a contact was lost, and why. Shared by everything that detects losses: listing, watch, webhooks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hlcore.model.contact import Contact, digits, parse_contact
from hlcore.model.deletion_causes import Cause, Claim, bulk_cause, merge_cause, unknown_cause
from hlcore.model.lifecycle import Status
from hlcore.store import Tx
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import search as contact_search
from hlcore.store.deletions import register
from hlcore.store.deletions.queries import Disappearance


@dataclass(frozen=True, slots=True)
class Unexplained:
    """A confirmed disappearance without a proven cause. `evidence` is what HighLevel answered; `probable` a merge that
    is likely but not proven."""

    row_id: int
    evidence: str
    probable: Cause | None


def record_loss(tx: Tx, suspect: Disappearance, evidence: str, *, at: datetime) -> Unexplained | None:
    """Record the contact of this open row as merged where a merge is proven, and return None; as deleted otherwise.
    `evidence` is what HighLevel answered for its id. Raises NotFound when the row has ended."""
    cause = find_merge(tx, suspect)
    merged = cause is not None and cause.proven
    register.confirm(
        tx,
        suspect.disappearance_id,
        at=at,
        status=Status.MERGED if merged else Status.DELETED,
        cause=cause.kind if cause else "unknown",
        evidence=f"{evidence}. {cause.evidence}" if cause else evidence,
        winner_id=cause.winner_id if cause else "",
    )
    return None if merged else Unexplained(suspect.disappearance_id, evidence, cause)


def find_merge(tx: Tx, suspect: Disappearance) -> Cause | None:
    """Return the merge that explains this disappearance: another contact now holds an e-mail or phone of the last
    copy."""
    stored = contact_reads.get(tx, suspect.location_id, suspect.contact_id)
    if stored is None:
        return None
    emails, phones = emails_and_phones(parse_contact(stored.raw))
    if not emails and not phones:
        return None
    holders = contact_search.find_holders(
        tx, suspect.location_id, emails=emails, phone_keys=phones, exclude=suspect.contact_id
    )
    claims = [
        Claim(holder.contact_id, holder.field, holder.additional, holder.since, holder.date_updated)
        for holder in holders
    ]
    return merge_cause(claims, last_seen_at=suspect.last_seen_at)


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
