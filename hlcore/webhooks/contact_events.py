"""What webhooks about contacts lead to in the vault, once GET by id has answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hlcore.highlevel.webhook_signature import WebhookEvent, snapshot
from hlcore.model.contact import Contact, parse
from hlcore.model.deletion_causes import BULK_SPAN
from hlcore.model.lifecycle import LIVE, LOST, SETTLED, Status
from hlcore.model.recovery_window import DeletionFacts, deletion_time
from hlcore.store import Tx, Vault, runs
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.contacts.writes import KnownContact
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions import register
from hlcore.store.deletions.queries import Disappearance, RegisterQuery
from hlcore.sync.deletion_cause import Unexplained, explain, merge_of, reachable, record_loss
from hlcore.sync.run_context import LookupResult

DOUBTS = 500


@dataclass(frozen=True, slots=True)
class Seen:
    """A contact that events were about: what GET says, the deletions that were told (with their bodies, oldest first),
    and whether another event speaks of it as alive."""

    answer: LookupResult
    told: list[tuple[WebhookEvent, bytes]]
    spoken_of: bool = False


def keep_contacts(vault: Vault, location_id: str, seen: Sequence[Seen], *, at: datetime, lag: timedelta) -> None:
    """The vault says of these contacts what HighLevel says of them: the living are refreshed, and returned where they
    had been lost; the gone whose deletion was told are lost, with its exact time; the gone of whom nobody told are
    suspected, and the next round confirms them. May be repeated. What is lost already stays so, and is told nobody a
    second time."""
    living = [each for each in seen if each.answer.raw is not None]
    open_questions: list[Unexplained] = []
    with vault.write(of=location_id) as tx:
        for each in (*living, *(each for each in seen if each.answer.gone)):
            if each.answer.raw is not None:
                _refresh(tx, location_id, each, at)
            elif each.told:
                question = _lose(tx, location_id, each, at, lag)
                open_questions += [question] if question else []
            else:
                _suspect(tx, location_id, each.answer.contact_id, at)
        if open_questions:
            _explain(tx, location_id, open_questions, at)
        for each in living:
            _explain_by(tx, location_id, parse(each.answer.raw or b""), at)


def _refresh(tx: Tx, location_id: str, seen: Seen, at: datetime) -> None:
    """The contact is held as it is. An event that tells of its deletion only is no reason to call it back: GET may be
    a moment behind."""
    contact = parse(seen.answer.raw or b"")
    known = contact_writes.held(tx, location_id, [contact.contact_id]).get(contact.contact_id)
    lost = known is not None and known.status in (*LOST, *SETTLED)
    if lost and not seen.spoken_of:
        return
    contact_writes.refresh(tx, location_id, contact, at=at)
    if lost:
        register.returned(tx, location_id, contact.contact_id, at=at)
    elif known is not None and known.status == Status.SUSPECTED:
        doubted = [row.disappearance_id for row in _open(tx, location_id, contact.contact_id)]
        register.withdraw(tx, doubted, at=at, note="Asked for by id because of a webhook: it is alive.")


def _lose(tx: Tx, location_id: str, seen: Seen, at: datetime, lag: timedelta) -> Unexplained | None:
    """The contact is lost since the time that was told. One the vault never held is known from that message alone."""
    contact_id = seen.answer.contact_id
    known = contact_writes.held(tx, location_id, [contact_id]).get(contact_id)
    if known is None:
        known = _introduce(tx, location_id, *seen.told[-1], contact_id=contact_id, at=at)
    if known.status in (Status.ERASED, *SETTLED):
        return None
    told = [min(event.sent_at, at) for event, _ in seen.told if event.sent_at and event.sent_at <= at + lag]
    facts = _facts(tx, location_id, known)
    exact = deletion_time(told, facts, slack=lag)
    if exact is not None:
        register.recorded(tx, location_id, contact_id, deleted_at=exact, at=at)
    elif known.status in LIVE:
        register.suspect(tx, location_id, [(contact_id, facts.alive_at)], at=at, detected_by="webhook")
    if known.status in LOST:
        return None
    row = _open(tx, location_id, contact_id)[0]
    return record_loss(tx, row, f"HighLevel sent a webhook about its deletion. {seen.answer.words}", at=at)


def _introduce(
    tx: Tx, location_id: str, event: WebhookEvent, body: bytes, *, contact_id: str, at: datetime
) -> KnownContact:
    """A contact that was made and deleted between two looks: its last snapshot, out of the webhook, is all there is. It
    is as old as the message, however late that came."""
    contact_writes.insert(tx, location_id, [parse(snapshot(body))], at=min(event.sent_at or at, at))
    return contact_writes.held(tx, location_id, [contact_id])[contact_id]


def _facts(tx: Tx, location_id: str, known: KnownContact) -> DeletionFacts:
    """What is known of the disappearance: by its open row; else from when the contact was read last, or shown by the
    last complete listing."""
    for row in _open(tx, location_id, known.contact_id):
        noticed_at = None if row.detected_by == "webhook" else row.detected_at
        return DeletionFacts(row.last_seen_at, noticed_at, row.deleted_at)
    last = runs.last_complete(tx, location_id) if known.status in LIVE else None
    return DeletionFacts(max(known.seen_at, last.started_at) if last else known.seen_at)


def _suspect(tx: Tx, location_id: str, contact_id: str, at: datetime) -> None:
    known = contact_writes.held(tx, location_id, [contact_id]).get(contact_id)
    if known is not None and known.status in LIVE:
        register.suspect(tx, location_id, [(contact_id, known.seen_at)], at=at, detected_by="webhook")


def _open(tx: Tx, location_id: str, contact_id: str) -> list[Disappearance]:
    return [row for row in deletion_queries.of_contact(tx, location_id, contact_id) if row.ended_at is None]


def _explain(tx: Tx, location_id: str, rows: Sequence[Unexplained], at: datetime) -> None:
    """Many within an hour are a bulk action, those of before the tenth too."""
    confirmed = deletion_queries.confirmed_between(tx, location_id, at - BULK_SPAN, at)
    recent = [clock_from for _, clock_from, _ in confirmed if clock_from >= at - BULK_SPAN]
    earliest = min(recent, default=at)
    bulk = explain(tx, rows, together=len(recent), earliest=earliest, latest=max(recent, default=at))
    if bulk is None:
        return
    query = RegisterQuery((location_id,), statuses=("deleted",), cause="unknown", clock_from_after=earliest)
    before = [
        row.disappearance_id
        for row in deletion_queries.listing(tx, query, limit=DOUBTS)
        if row.detected_by == "webhook"
    ]
    register.set_cause(tx, before, cause=bulk.kind, evidence=bulk.evidence)


def _explain_by(tx: Tx, location_id: str, living: Contact, at: datetime) -> None:
    """HighLevel tells of a merge's winner after its loser: whoever was lost within the last hour without a known cause,
    and whose e-mail or phone this contact now has as an additional one, was merged into it."""
    if not living.other_emails and not living.other_phones:
        return
    values = {value for part in reachable(living) for value in part}
    for value in sorted(values):
        query = RegisterQuery(
            (location_id,), statuses=("deleted",), cause="unknown", text=value, detected_since=at - BULK_SPAN
        )
        for row in deletion_queries.listing(tx, query, limit=DOUBTS):
            cause = merge_of(tx, row)
            if cause is not None and row.contact_id != living.contact_id:
                register.confirm(
                    tx,
                    row.disappearance_id,
                    at=at,
                    status=Status.MERGED if cause.proven else Status.DELETED,
                    cause=cause.kind,
                    evidence=cause.evidence,
                    winner_id=cause.winner_id,
                )
