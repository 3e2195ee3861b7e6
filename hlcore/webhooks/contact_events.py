"""Updates contacts and the register of deletions from webhook events, once GET by id has answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from hlcore.highlevel.webhook_signature import WebhookEvent, record_in
from hlcore.model.contact import Contact, parse_contact
from hlcore.model.deletion_causes import BULK_SPAN
from hlcore.model.lifecycle import LIVE, LOST, SETTLED, Status
from hlcore.model.recovery_window import NO_PROOF, DeletionFacts, deletion_time, life_time
from hlcore.store import Tx, Vault
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.contacts.reads import KnownContact
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions import register
from hlcore.store.deletions.queries import Disappearance, RegisterQuery
from hlcore.sync.deletion_cause import Unexplained, emails_and_phones, explain, find_merge, record_cause, record_loss
from hlcore.sync.run_context import LookupResult

MAX_ROWS = 500


@dataclass(frozen=True, slots=True)
class ContactUpdate:
    """A contact that events were about: GET's answer, the deletion events with their bodies (oldest first), whether
    another event speaks of it as alive, and when such events say they were sent."""

    answer: LookupResult
    deletions: list[tuple[WebhookEvent, bytes]]
    alive_event: bool = False
    alive_times: tuple[datetime, ...] = ()


def apply_contact_updates(
    vault: Vault, location_id: str, updates: Sequence[ContactUpdate], *, at: datetime, lag: timedelta
) -> None:
    """Make the vault say of these contacts what HighLevel says of them, in one transaction. May be repeated.

    Living contacts are refreshed, and returned if they had been lost. Contacts that are gone and whose deletion an
    event names are lost since that time; those that no event names are suspected, and the next run confirms them. A
    contact that is lost already stays so and is not reported again.
    """
    living = [update for update in updates if update.answer.raw is not None]
    unexplained: list[Unexplained] = []
    with vault.write(location_id=location_id) as tx:
        for update in (*living, *(update for update in updates if update.answer.deleted)):
            if update.answer.raw is not None:
                _refresh(tx, location_id, update, at)
            elif update.deletions:
                row = _record_deletion(tx, location_id, update, at, lag)
                unexplained += [row] if row else []
            else:
                _suspect(tx, location_id, update, at, lag)
        if unexplained:
            _explain(tx, location_id, unexplained, at)
        _explain_merges(tx, location_id, [parse_contact(update.answer.raw or b"") for update in living], at)


def _refresh(tx: Tx, location_id: str, update: ContactUpdate, at: datetime) -> None:
    """Store the contact as it is now. Where events speak only of its deletion, a lost contact does not return: GET may
    lag."""
    contact = parse_contact(update.answer.raw or b"")
    known = contact_reads.known_contacts(tx, location_id, [contact.contact_id]).get(contact.contact_id)
    lost = known is not None and known.status in (*LOST, *SETTLED)
    if lost and not update.alive_event:
        return
    contact_writes.refresh(tx, location_id, contact, at=at)
    if lost:
        register.mark_returned(tx, location_id, contact.contact_id, at=at)
    elif known is not None and known.status == Status.SUSPECTED:
        suspicions = [row.disappearance_id for row in _open_rows(tx, location_id, contact.contact_id)]
        register.withdraw(tx, suspicions, at=at, note="Asked for by id because of a webhook: alive.")


def _record_deletion(
    tx: Tx, location_id: str, update: ContactUpdate, at: datetime, lag: timedelta
) -> Unexplained | None:
    """Record the contact as lost since the time in its event. One that the vault never held is inserted from the
    event."""
    contact_id = update.answer.contact_id
    known = contact_reads.known_contacts(tx, location_id, [contact_id]).get(contact_id)
    is_new = known is None
    if known is None:
        known = _insert_from_event(tx, location_id, *update.deletions[-1], contact_id=contact_id, at=at)
    if known.status in (Status.ERASED, *SETTLED):
        return None
    facts = DeletionFacts(known.seen_at) if is_new else _deletion_facts(tx, location_id, update, at, lag)
    event_times = _possible(at, lag, (event.sent_at for event, _ in update.deletions))
    exact = deletion_time(event_times, facts, slack=lag)
    if known.status in LIVE:
        _open_row(tx, location_id, contact_id, max(facts.alive_at, exact or facts.alive_at), at, lag)
    register.record_proof_of_life(tx, location_id, contact_id, alive_at=facts.alive_at)
    if exact is not None:
        register.record_deletion_time(tx, location_id, contact_id, deleted_at=exact, at=at)
    if known.status in LOST:
        return None
    row = _open_rows(tx, location_id, contact_id)[0]
    return record_loss(tx, row, f"HighLevel sent a webhook about the deletion. {update.answer.message}", at=at)


def _insert_from_event(
    tx: Tx, location_id: str, event: WebhookEvent, body: bytes, *, contact_id: str, at: datetime
) -> KnownContact:
    """Insert a contact that was created and deleted between two runs: the event's snapshot is all there is, dated as
    the event, however late that came. That an event names channels says nothing of what search rows tell. Raises
    ValueError, BrokenAnswer for a snapshot that is not of this contact."""
    contact = msgspec.structs.replace(parse_contact(record_in(body)), has_dnd_settings=False)
    if contact.contact_id != contact_id:
        raise ValueError("the event's snapshot is of another contact")
    contact_writes.insert_contacts(tx, location_id, [contact], at=min(event.sent_at or at, at))
    return contact_reads.known_contacts(tx, location_id, [contact_id])[contact_id]


def _deletion_facts(tx: Tx, location_id: str, update: ContactUpdate, at: datetime, lag: timedelta) -> DeletionFacts:
    """Return what is known of the disappearance, by its open row if there is one, and the last proof of life: the
    vault's own, and these events'."""
    contact_id = update.answer.contact_id
    facts = DeletionFacts(
        register.proofs_of_life(tx, location_id, [contact_id], now=at, lag=lag).get(contact_id, NO_PROOF)
    )
    for row in _open_rows(tx, location_id, contact_id):
        noticed_at = None if row.detected_by == "webhook" else row.detected_at
        facts = DeletionFacts(max(row.last_seen_at, facts.alive_at), noticed_at, row.deleted_at)
    alive_at = life_time(_possible(at, lag, update.alive_times), facts, slack=lag)
    return replace(facts, alive_at=max(facts.alive_at, alive_at or facts.alive_at))


def _possible(at: datetime, lag: timedelta, sent: Iterable[datetime | None]) -> list[datetime]:
    """Return those of these times of HighLevel's clock that are not in the future, none later than ours."""
    return [min(moment, at) for moment in sent if moment is not None and moment <= at + lag]


def _suspect(tx: Tx, location_id: str, update: ContactUpdate, at: datetime, lag: timedelta) -> None:
    """Suspect the contact if it was thought alive. The events are proof of life up to when they were sent."""
    contact_id = update.answer.contact_id
    known = contact_reads.known_contacts(tx, location_id, [contact_id]).get(contact_id)
    if known is None or known.status in (Status.ERASED, *SETTLED):
        return
    alive_at = _deletion_facts(tx, location_id, update, at, lag).alive_at
    if known.status in LIVE:
        _open_row(tx, location_id, contact_id, alive_at, at, lag)
    register.record_proof_of_life(tx, location_id, contact_id, alive_at=alive_at)


def _open_row(tx: Tx, location_id: str, contact_id: str, last_seen_at: datetime, at: datetime, lag: timedelta) -> None:
    checked_at = register.last_checked_at(tx, location_id, now=at, lag=lag)
    missing = [(contact_id, last_seen_at)]
    register.mark_suspected(tx, location_id, missing, at=at, detected_by="webhook", checked_at=checked_at)


def _open_rows(tx: Tx, location_id: str, contact_id: str) -> list[Disappearance]:
    return [row for row in deletion_queries.list_for_contact(tx, location_id, contact_id) if row.ended_at is None]


def _explain(tx: Tx, location_id: str, rows: Sequence[Unexplained], at: datetime) -> None:
    """Set the cause of these deletions; many within an hour are a bulk action, the earlier ones among them included."""
    confirmed = deletion_queries.confirmed_between(tx, location_id, at - BULK_SPAN, at)
    recent = [clock_from for _, clock_from, _ in confirmed if clock_from >= at - BULK_SPAN]
    earliest = min(recent, default=at)
    cause = explain(tx, rows, together=len(recent), earliest=earliest, latest=max(recent, default=at))
    if cause is None:
        return
    query = RegisterQuery((location_id,), statuses=("deleted",), cause="unknown", clock_from_after=earliest)
    earlier = [
        row.disappearance_id
        for row in deletion_queries.list_page(tx, query, limit=MAX_ROWS)
        if row.detected_by == "webhook"
    ]
    register.set_cause(tx, earlier, cause=cause.kind, evidence=cause.evidence)


def _explain_merges(tx: Tx, location_id: str, living: Sequence[Contact], at: datetime) -> None:
    """Mark lost contacts as merged into one of these. HighLevel reports a merge's winner after its loser: a contact
    lost within the last hour, not in a bulk action, may have been merged into one that has its e-mail or phone."""
    recent = RegisterQuery((location_id,), statuses=("deleted",), detected_since=at - BULK_SPAN)
    if not living or not deletion_queries.count(tx, recent):
        return
    values = {value for contact in living for part in emails_and_phones(contact) for value in part}
    for value in sorted(values):
        for row in deletion_queries.list_page(tx, replace(recent, text=value), limit=MAX_ROWS):
            cause = find_merge(tx, row) if row.cause in ("unknown", "merge") else None
            if cause is not None and (cause.proven or row.cause == "unknown"):
                record_cause(tx, row, cause, at=at)
