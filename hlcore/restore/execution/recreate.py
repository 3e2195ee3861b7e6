"""Re-creates one deleted contact. Safe to be killed at any line and to be called again.

Check that it is still deleted and that no other contact holds its e-mail or phone, create it with every channel closed,
then complete it (`completion`).
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from hlcore.errors import AnswerLost, BrokenAnswer, Cancelled, Duplicate, HighLevelError, Rejected
from hlcore.model.contact import parse_contact
from hlcore.model.lifecycle import Status
from hlcore.model.restore.rejected_fields import narrow_body
from hlcore.restore import live_state
from hlcore.restore.execution.completion import complete_contact
from hlcore.restore.execution.create_outcome import (
    CreatedByUs,
    NotCreated,
    Undecided,
    equals_sent,
    is_ours,
    newest_contacts,
    resolve_create,
)
from hlcore.restore.execution.missing_users import refused_names
from hlcore.restore.job_context import DND_FIELDS, ERASED, Created, ItemResult, JobContext, RetryAt
from hlcore.restore.journal_entries import (
    CREATE,
    LOOKED,
    NOT_DONE,
    UNSURE,
    is_unsure,
    refusal_note,
    refused_fields,
    request_body,
)
from hlcore.restore.plan import Conflict, PlanItem
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.restores.journal import JournalEntry

ALIVE_AGAIN = "This person is alive again in HighLevel under the old id."

MAX_CREATES = 10
"""Create calls that one contact may cost; each is resolved as not done before the next."""


def recreate(context: JobContext, item: PlanItem) -> ItemResult | RetryAt:
    """Re-create the contact and verify it, or say why not. Never creates it twice, however often this is called.

    Raises HighLevelError when HighLevel cannot be asked, and Cancelled; the next call continues from there."""
    settled = _settled_in_vault(context, item)
    if settled is not None:
        return settled
    with nullcontext() if {"email", "phone"} & (item.body or {}).keys() else context.unaddressed_lock:
        created = _create_once(context, item)
    return complete_contact(context, item, created) if isinstance(created, Created) else created


def _settled_in_vault(context: JobContext, item: PlanItem) -> ItemResult | None:
    """Return why there is nothing left to do, as far as the vault knows: erased, or re-created by another job."""
    with context.vault.read() as tx:
        contact = contact_reads.get(tx, context.location_id, item.contact_id)
        rows = deletion_queries.list_for_contact(tx, context.location_id, item.contact_id)
    if contact is None or contact.status == Status.ERASED:
        return ItemResult("skipped", error=ERASED)
    if contact.status == Status.RECREATED:
        new_id = max(rows, key=lambda row: row.disappearance_id).new_contact_id if rows else ""
        entries = context.create_entries(item.contact_id)
        if any(entry.result_id == new_id and entry.job_id == context.job_id for entry in entries):
            return None
        return ItemResult("skipped", error=f"It already lives on as {new_id or 'another contact'}.")
    return None


def _create_once(context: JobContext, item: PlanItem) -> Created | ItemResult | RetryAt:
    """Send create calls until one surely succeeded. Every turn first resolves the calls before it: only when all of
    them surely created nothing is the next one sent, without what HighLevel refused so far."""
    while True:
        resolved = _resolve_earlier_calls(context, item)
        if resolved is not None:
            return resolved
        if (until := context.blocked_until(item.contact_id)) is not None:
            return RetryAt(until)
        entries = context.create_entries(item.contact_id)
        tried = context.current_attempt(item.contact_id, entries)
        refusals = [fields for entry in tried if (fields := refused_fields(entry)) is not None]
        body = narrow_body(item.body or {}, refusals)
        if body is None or len(tried) >= MAX_CREATES:
            return _refused_for_good(tried)
        obstacle = _obstacle(context, item, body)
        if obstacle is not None:
            return obstacle
        created = _send_create(context, item, body, entries)
        if created is not None:
            return created


def _resolve_earlier_calls(context: JobContext, item: PlanItem) -> Created | ItemResult | RetryAt | None:
    """Return what earlier create calls led to; None when they surely created nothing."""
    entries = context.create_entries(item.contact_id)
    for entry in entries:
        if entry.result_id:
            return Created(entry.result_id, request_body(entry), entry.sent_at)
    for entry in filter(is_unsure, entries):
        until = context.looked_until(entry)
        if until is not None and context.now() < until:
            return RetryAt(until)
        outcome = resolve_create(context, item, entry)
        refused = refused_fields(entry)
        if isinstance(outcome, Undecided):
            state = f"{UNSURE}, {LOOKED}"
            context.log_response(entry, note=state if refused is None else refusal_note(refused, state=state))
            return RetryAt(outcome.until)
        if isinstance(outcome, CreatedByUs):
            context.log_response(entry, result_id=outcome.contact_id, note="found by looking")
            return Created(outcome.contact_id, request_body(entry), entry.sent_at)
        context.log_response(entry, note=NOT_DONE if refused is None else refusal_note(refused))
        if not isinstance(outcome, NotCreated) and not item.beside:
            return _skip_for(outcome)
    return None


def _obstacle(context: JobContext, item: PlanItem, body: dict[str, Any]) -> ItemResult | None:
    """Return why the contact must not be created now: it is back, or another contact holds its e-mail or phone."""
    if live_state.fetch_contact(context.client, item.contact_id) is not None:
        return ItemResult("skipped", error=ALIVE_AGAIN)
    if item.beside:
        return None
    conflict = live_state.find_conflict(context.vault, context.client, item.contact_id, body)
    return _skip_for(conflict) if conflict is not None else None


def _send_create(
    context: JobContext, item: PlanItem, body: dict[str, Any], earlier: list[JournalEntry]
) -> Created | ItemResult | None:
    """Send one create call. None: it must be resolved by looking, or surely was not done."""
    assert body.keys() >= DND_FIELDS, "a create call without do-not-disturb"
    entry = context.log_request(item, CREATE, body, newest=newest_contacts(context))
    try:
        new_id = parse_contact(context.client.create_contact(body)).contact_id
    except Duplicate as exc:
        context.log_response(entry, status=exc.status, note=f"another contact holds the {exc.field or 'address'}")
        return _resolve_duplicate(context, item, exc, earlier)
    except (Rejected, BrokenAnswer) as exc:
        refused = refused_names(context, exc, body)
        if refused is None:
            context.log_response(entry, status=exc.status, note=f"not done: {type(exc).__name__}")
            raise
        context.log_response(entry, status=exc.status, note=refusal_note(refused, state=UNSURE))
        return None
    except (AnswerLost, ValueError) as exc:
        context.log_response(entry, status=getattr(exc, "status", 0), note=f"{UNSURE}: no usable answer")
        return None
    except (HighLevelError, Cancelled) as exc:
        context.log_response(entry, status=getattr(exc, "status", 0), note=f"not done: {type(exc).__name__}")
        raise
    context.log_response(entry, status=201, result_id=new_id, note="created")
    return Created(new_id, body, entry.sent_at)


def _resolve_duplicate(
    context: JobContext, item: PlanItem, exc: Duplicate, earlier: list[JournalEntry]
) -> Created | ItemResult:
    """Return who holds the e-mail or phone: perhaps the contact of an earlier call of ours that no search showed."""
    raw = live_state.fetch_contact(context.client, exc.contact_id)
    if raw is not None and exc.contact_id == item.contact_id:
        return ItemResult("skipped", error=ALIVE_AGAIN)
    for entry in earlier:
        if raw is not None and (is_ours(context, item, raw, entry) or equals_sent(context, item, raw, entry)):
            context.log_response(entry, result_id=exc.contact_id, note="found as duplicate")
            return Created(exc.contact_id, request_body(entry), entry.sent_at)
    return _skip_for(Conflict(exc.contact_id, exc.field))


def _skip_for(conflict: Conflict) -> ItemResult:
    return ItemResult("skipped", error=f"{conflict.text} Nothing was overwritten.")


def _refused_for_good(tried: list[JournalEntry]) -> ItemResult:
    status = f" Its last answer was {tried[-1].status}." if tried and tried[-1].status else ""
    return ItemResult("failed", error=f"HighLevel refused the contact again and again, whatever was left out.{status}")
