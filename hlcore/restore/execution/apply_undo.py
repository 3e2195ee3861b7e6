"""Deletes a contact that a restore created, unless it was touched since. Safe to be called again after any end.

Whether it was touched is checked in HighLevel right before it is deleted: the contact is compared with what was read
back when the restore had finished, HighLevel's time of the last change counts too, and what belongs to it must be what
the restore created. In doubt it was touched. The delete is in the journal before it is sent. Afterwards the register is
as before the restore: the contact is deleted, under its old id, and can be restored again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from hlcore.errors import AnswerLost, Cancelled, Gone, HighLevelError, Rejected, ScopeMissing, Unreachable
from hlcore.model.contact_diff import field_changes
from hlcore.model.json_codec import decode_object
from hlcore.model.moments import parse_moment, time_text
from hlcore.model.records import record_ids
from hlcore.model.restore.comparison import same_text
from hlcore.restore.job_context import ItemResult, JobContext
from hlcore.restore.journal_entries import UNSURE, read_create_entries, request_body
from hlcore.restore.live_state import fetch_contact, fetch_records
from hlcore.restore.plan import PlanItem
from hlcore.store import locations
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.deletions import register
from hlcore.store.restores import jobs as restore_jobs
from hlcore.store.restores import journal
from hlcore.store.restores.journal import JournalEntry

DELETE = "delete_contact"
UNDONE = "undone"
COMPARED = ("body", "title", "name", "status", "monetaryValue", "pipelineId", "pipelineStageId", "assignedTo", "color")
"""Properties of a record by which a change of it shows."""


def apply_undo(context: JobContext, item: PlanItem) -> ItemResult:
    """Delete the contact that the restore created, or say why it stays. May be repeated after any end.

    Raises HighLevelError when HighLevel cannot be asked, and Cancelled; the next call continues from there."""
    body = item.body or {}
    new_id, restore_id = str(body["new_id"]), int(body["job_id"])
    raw = fetch_contact(context.client, new_id)
    if raw is None:
        return _not_there(context, item, new_id)
    with context.vault.read() as tx:
        finished_at = restore_jobs.get_item(tx, restore_id, item.contact_id).finished_at
    then = contact_after_restore(context, new_id, finished_at) if finished_at is not None else None
    if then is None:
        return ItemResult("skipped", error="The state right after the restore is not held, so this contact stays.")
    restore_entries = context.job_entries(item.contact_id, restore_id)
    change = change_since_restore(context, new_id, then, decode_object(raw), restore_entries)
    if change:
        return ItemResult("skipped", error=f"{change} It stays.")
    return _delete(context, item, new_id)


def contact_after_restore(context: JobContext, new_id: str, finished_at: datetime) -> dict[str, Any] | None:
    """Return what GET by id said of the new contact when its restore had finished; None where that is not stored. It
    was stored at that very moment, so it is the first copy that was replaced after it, or the one that never was."""
    with context.vault.read() as tx:
        contact = contact_reads.get(tx, context.location_id, new_id)
        versions = contact_reads.versions(tx, context.location_id, new_id)
    replaced = [version.raw for version in versions if version.part == "detail" and version.replaced_at > finished_at]
    raw = replaced[0] if replaced else contact.detail if contact is not None else None
    return decode_object(raw) if raw is not None else None


def change_since_restore(
    context: JobContext,
    new_id: str,
    then: Mapping[str, Any],
    live: Mapping[str, Any],
    restore_entries: list[JournalEntry],
) -> str:
    """Return how the contact was touched since, in words; '' when it surely was not. `restore_entries`: what the
    restore sent for it. Raises HighLevelError."""
    changed = field_changes(then, live)
    if changed:
        names = ", ".join(dict.fromkeys(change.field.partition(".")[0] for change in changed[:4]))
        return f"It was changed since: {names}."
    before, now = parse_moment(then.get("dateUpdated")), parse_moment(live.get("dateUpdated"))
    if before is not None and now is not None and now != before:
        return f"HighLevel shows a change on {time_text(now, _timezone(context))}, after the restore."
    created = {entry.result_id: request_body(entry) for entry in restore_entries if entry.result_id}
    try:
        texts = (_unexpected_record(kind, rows, created) for kind, rows in _living_records(context, new_id))
        return next(filter(None, texts), "")
    except ScopeMissing:
        return "The token may not read all that belongs to this contact, so changes cannot be ruled out."


def _timezone(context: JobContext) -> str:
    with context.vault.read() as tx:
        location = locations.get(tx, context.location_id)
    return location.timezone if location is not None else "UTC"


def _living_records(context: JobContext, new_id: str) -> Iterable[tuple[str, list[bytes]]]:
    for kind in ("note", "task", "appointment", "opportunity"):
        yield kind, fetch_records(context.client, kind, new_id)
    yield "message", [raw for raw in _fetch_messages(context, new_id) if not _is_activity(raw)]


def _fetch_messages(context: JobContext, new_id: str) -> list[bytes]:
    """Return the first page, which is enough: any message means touched. E-mails have to be asked for separately."""
    texts, _, _ = context.client.export_messages(contact_id=new_id)
    emails, _, _ = context.client.export_messages(contact_id=new_id, extra={"channel": "Email"})
    return [*texts, *emails]


def _is_activity(raw: bytes) -> bool:
    """Return whether this is HighLevel's own note of an event ("contact created"), which nobody wrote."""
    return str(decode_object(raw).get("messageType") or "").startswith("TYPE_ACTIVITY")


def _unexpected_record(kind: str, rows: list[bytes], created: Mapping[str, Mapping[str, Any]]) -> str:
    """Return how one of these records differs from what the restore created, by id; '' when none does."""
    for raw in rows:
        record_id, _ = record_ids(raw)
        sent = created.get(record_id)
        if sent is None:
            return f"It has a new {kind}."
        live = decode_object(raw)
        if any(name in sent and not same_text(sent[name], live.get(name)) for name in COMPARED):
            return f"A {kind} that the restore made was changed since."
    return ""


def _delete(context: JobContext, item: PlanItem, new_id: str) -> ItemResult:
    entry = context.log_request(item, DELETE, {}, target_id=new_id)
    try:
        context.client.delete_contact(new_id)
    except Gone:
        pass
    except Rejected as exc:
        context.log_response(entry, status=exc.status, note="refused")
        return ItemResult("failed", error="HighLevel refused to delete this contact.")
    except (AnswerLost, Unreachable):
        if fetch_contact(context.client, new_id) is not None:
            context.log_response(entry, note=f"{UNSURE}: no usable answer, and the contact is still there")
            raise
    except (HighLevelError, Cancelled) as exc:
        context.log_response(entry, status=getattr(exc, "status", 0), note=f"not done: {type(exc).__name__}")
        raise
    context.log_response(entry, status=200, note="deleted")
    return _record_undone(context, item.contact_id, new_id)


def _not_there(context: JobContext, item: PlanItem, new_id: str) -> ItemResult:
    """Tell whether the contact is missing because of our own call, whose answer was not logged, or somebody else's."""
    entries = context.job_entries(item.contact_id, context.job_id)
    deletes = [entry for entry in entries if entry.step == DELETE]
    if not deletes:
        return ItemResult("skipped", error="Somebody else has deleted this contact. The next sync records that.")
    for entry in deletes:
        if entry.answered_at is None or entry.note.startswith(UNSURE):
            context.log_response(entry, note="deleted, found by looking")
    return _record_undone(context, item.contact_id, new_id)


def _record_undone(context: JobContext, contact_id: str, new_id: str) -> ItemResult:
    """Record in the vault that the old contact is lost again and may be re-created, and that we deleted the new one."""
    at = context.now()
    with context.write() as tx:
        register.reopen_disappearance(tx, context.location_id, contact_id)
        evidence = f"Contact Vault deleted this contact: the restore of {contact_id} was undone."
        register.record_own_deletion(tx, context.location_id, new_id, at=at, evidence=evidence)
        for entry in read_create_entries(tx, context.location_id, contact_id):
            if entry.result_id == new_id:
                note = f"created as {new_id}; the restore was undone"
                journal.log_response(tx, entry.entry_id, at=at, status=entry.status, result_id="", note=note)
    return ItemResult(UNDONE, verified=True)
