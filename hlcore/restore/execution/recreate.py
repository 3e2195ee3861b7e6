"""Making one lost contact anew, safe to be killed at any line and to be called again.

Look whether it is still lost and nobody else holds its address → create with every channel closed → `finish`.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from hlcore.errors import AnswerLost, BrokenAnswer, Cancelled, Duplicate, HighLevelError, Rejected
from hlcore.model.contact import parse
from hlcore.model.lifecycle import Status
from hlcore.model.restore.rejected_fields import narrowed
from hlcore.restore import live_state
from hlcore.restore.execution.completion import finish
from hlcore.restore.execution.create_outcome import CreatedByUs, NotCreated, Undecided, is_ours, resolve_create
from hlcore.restore.execution.missing_users import refusal
from hlcore.restore.job_context import (
    CLOSED,
    CREATE,
    ERASED,
    LOOKED,
    NOT_DONE,
    UNSURE,
    Created,
    ItemResult,
    JobContext,
    RetryAt,
    body_of,
    is_unsure,
    refusal_note,
    refused_fields,
)
from hlcore.restore.plan import Conflict, PlanItem
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.restores.journal import JournalEntry

MOST_CREATES = 10
"""How many create calls one contact may cost; each was settled as not done before the next."""
__all__ = ["ItemResult", "RetryAt", "recreate"]


def recreate(work: JobContext, item: PlanItem) -> ItemResult | RetryAt:
    """The contact is made anew, verified, or it is said why not. Never made twice, however often this is called.

    Raises HighLevelError when HighLevel cannot be asked, and Cancelled; the next call goes on from there."""
    over = _over(work, item)
    if over is not None:
        return over
    with nullcontext() if {"email", "phone"} & (item.body or {}).keys() else work.unaddressed_lock:
        made = _make(work, item)
    return finish(work, item, made) if isinstance(made, Created) else made


def _make(work: JobContext, item: PlanItem) -> Created | ItemResult | RetryAt:
    planned = item.body or {}
    while True:
        entries = work.creates(item.contact_id)
        known = _settled(work, item, entries)
        if known is not None:
            return known
        if (until := work.waits_until(item.contact_id)) is not None:
            return RetryAt(until)
        entries = work.creates(item.contact_id)
        tried = work.attempt(item.contact_id, entries)
        body = narrowed(planned, [fields for one in tried if (fields := refused_fields(one)) is not None])
        stop = _obstacle(work, item, tried, body)
        if stop is not None:
            return stop
        assert body is not None
        made = _create(work, item, body, entries)
        if made is not None:
            return made


def _settled(work: JobContext, item: PlanItem, entries: list[JournalEntry]) -> Created | ItemResult | RetryAt | None:
    """What earlier create calls led to; None when they surely made nothing."""
    for entry in entries:
        if entry.result_id:
            return Created(entry.result_id, body_of(entry), entry.sent_at)
    for entry in filter(is_unsure, entries):
        if LOOKED in entry.note and work.now() < entry.sent_at + work.lag:
            return RetryAt(entry.sent_at + work.lag)
        found = resolve_create(work, item, entry)
        told = refused_fields(entry)
        if isinstance(found, Undecided):
            state = f"{UNSURE}, {LOOKED}"
            work.log_response(entry, note=state if told is None else refusal_note(told, state=state))
            return RetryAt(found.until)
        if isinstance(found, CreatedByUs):
            work.log_response(entry, result_id=found.contact_id, note="found by looking")
            return Created(found.contact_id, body_of(entry), entry.sent_at)
        work.log_response(entry, note=NOT_DONE if told is None else refusal_note(told))
        if not isinstance(found, NotCreated) and not item.beside:
            return _conflict(found)
    return None


def _over(work: JobContext, item: PlanItem) -> ItemResult | None:
    """Why there is nothing to be done any more, as the vault knows: erased, or re-created by another job."""
    with work.vault.read() as tx:
        held = contact_reads.get(tx, work.location_id, item.contact_id)
        rows = deletion_queries.of_contact(tx, work.location_id, item.contact_id)
    if held is None or held.status == Status.ERASED:
        return ItemResult("skipped", error=ERASED)
    if held.status == Status.RECREATED:
        new_id = max(rows, key=lambda row: row.disappearance_id).new_contact_id if rows else ""
        if any(one.result_id == new_id and one.job_id == work.job_id for one in work.creates(item.contact_id)):
            return None
        return ItemResult("skipped", error=f"It already lives on as {new_id or 'another contact'}.")
    return None


def _obstacle(
    work: JobContext, item: PlanItem, entries: list[JournalEntry], body: dict[str, Any] | None
) -> ItemResult | None:
    """Why the contact must not be created now, by what was tried and by HighLevel."""
    if body is None or len(entries) >= MOST_CREATES:
        return _failed(entries, "HighLevel refused the contact again and again, whatever was left out.")
    if live_state.alive(work.client, item.contact_id) is not None:
        return ItemResult("skipped", error="It is alive again in HighLevel under its old id.")
    if item.beside:
        return None
    conflict = live_state.conflict_of(work.vault, work.client, item.contact_id, body)
    return _conflict(conflict) if conflict is not None else None


def _create(
    work: JobContext, item: PlanItem, body: dict[str, Any], earlier: list[JournalEntry]
) -> Created | ItemResult | None:
    """One create call. None: it is to be settled by looking, or surely was not done."""
    assert body.keys() >= CLOSED, "a create call without do-not-disturb"
    sent_at = work.now()
    entry_id = work.log_request(item, CREATE, body)
    try:
        new_id = parse(work.client.create_contact(body)).contact_id
    except Duplicate as exc:
        work.log_response(entry_id, status=exc.status, note=f"another contact holds the {exc.field or 'address'}")
        return _duplicate(work, item, exc, earlier)
    except (Rejected, BrokenAnswer) as exc:
        told = refusal(work, exc, body)
        if told is None:
            work.log_response(entry_id, status=exc.status, note=f"not done: {type(exc).__name__}")
            raise
        work.log_response(entry_id, status=exc.status, note=refusal_note(told, state=UNSURE))
        return None
    except (AnswerLost, ValueError) as exc:
        work.log_response(entry_id, status=getattr(exc, "status", 0), note=f"{UNSURE}: no usable answer")
        return None
    except (HighLevelError, Cancelled) as exc:
        work.log_response(entry_id, status=getattr(exc, "status", 0), note=f"not done: {type(exc).__name__}")
        raise
    work.log_response(entry_id, status=201, result_id=new_id, note="created")
    return Created(new_id, body, sent_at)


def _duplicate(work: JobContext, item: PlanItem, exc: Duplicate, earlier: list[JournalEntry]) -> Created | ItemResult:
    """Somebody holds the address: perhaps what an earlier call of ours made, and a search did not show."""
    raw = live_state.alive(work.client, exc.contact_id)
    if raw is not None and exc.contact_id == item.contact_id:
        return ItemResult("skipped", error="It is alive again in HighLevel under its old id.")
    for entry in earlier:
        if raw is not None and is_ours(work, item, raw, entry):
            work.log_response(entry, result_id=exc.contact_id, note="found as duplicate")
            return Created(exc.contact_id, body_of(entry), entry.sent_at)
    return _conflict(Conflict(exc.contact_id, exc.field))


def _conflict(conflict: Conflict) -> ItemResult:
    return ItemResult("skipped", error=f"{conflict.words} Nothing was overwritten.")


def _failed(entries: list[JournalEntry], words: str) -> ItemResult:
    last = entries[-1] if entries else None
    status = f" Its last answer was {last.status}." if last is not None and last.status else ""
    return ItemResult("failed", error=words + status)
