"""Recording that a contact is gone, and why: one way for all that learn it (a listing, a watch, a webhook)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hlcore.model.contact import Contact, digits, parse
from hlcore.model.deletion_causes import Cause, Claim, bulk_cause, merge_cause, unknown_cause
from hlcore.model.lifecycle import Status
from hlcore.store import Tx
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import search as contact_search
from hlcore.store.deletions import register
from hlcore.store.deletions.queries import Disappearance


@dataclass(frozen=True, slots=True)
class Unexplained:
    """A confirmed disappearance without a proven cause: its row, what GET said, and a merge that is only probable."""

    row_id: int
    words: str
    probable: Cause | None


def record_loss(tx: Tx, suspect: Disappearance, words: str, *, at: datetime) -> Unexplained | None:
    """The contact of this open row is recorded as lost, as the loser of a merge where one is proven; None then.
    `words` say what GET answered. Raises NotFound when the row has ended."""
    cause = merge_of(tx, suspect)
    merged = cause is not None and cause.proven
    register.confirm(
        tx,
        suspect.disappearance_id,
        at=at,
        status=Status.MERGED if merged else Status.DELETED,
        cause=cause.kind if cause else "unknown",
        evidence=f"{words}. {cause.evidence}" if cause else words,
        winner_id=cause.winner_id if cause else "",
    )
    return None if merged else Unexplained(suspect.disappearance_id, words, cause)


def merge_of(tx: Tx, suspect: Disappearance) -> Cause | None:
    """The merge that explains this disappearance, looked for among all e-mails and phones of the last copy."""
    stored = contact_reads.get(tx, suspect.location_id, suspect.contact_id)
    if stored is None:
        return None
    emails, phones = reachable(parse(stored.raw))
    if not emails and not phones:
        return None
    found = contact_search.holders(
        tx, suspect.location_id, emails=emails, phone_keys=phones, exclude=suspect.contact_id
    )
    claims = [
        Claim(holder.contact_id, holder.field, holder.additional, holder.since, holder.date_updated) for holder in found
    ]
    return merge_cause(claims, last_seen_at=suspect.last_seen_at)


def reachable(contact: Contact) -> tuple[list[str], list[str]]:
    """All e-mails and phone keys of a contact, the additional ones too."""
    emails = [email for email in (contact.email, *contact.other_emails) if email]
    phones = [key for key in (contact.phone_key, *map(digits, contact.other_phones)) if key]
    return emails, phones


def explain(
    tx: Tx, rows: Sequence[Unexplained], *, together: int, earliest: datetime, latest: datetime
) -> Cause | None:
    """Those without a proven merge have their cause: `together` contacts that went between `earliest` and `latest` are
    a bulk action (which is returned), else the merge is probable, else the cause is unknown."""
    bulk = bulk_cause(together, earliest=earliest, latest=latest)
    said: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in rows:
        cause = bulk or row.probable or unknown_cause(together)
        said[cause.kind, f"{row.words}. {cause.evidence}"].append(row.row_id)
    for (kind, evidence), row_ids in said.items():
        register.set_cause(tx, row_ids, cause=kind, evidence=evidence)
    return bulk
