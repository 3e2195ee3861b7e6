"""Puts the planned fields of one living contact back, safe to be killed at any line and to be called again.

Right before the contact is written it is read from HighLevel: where a chosen field is not as the plan says, somebody
has changed it since, and the contact is left alone. Afterwards it is read again: the chosen fields must be as they
were, and everything else as it was before, byte for byte.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from hlcore.errors import Cancelled, Duplicate, HighLevelError, NotFound, Rejected
from hlcore.model.contact_fields import label_of
from hlcore.model.json_codec import decode_object
from hlcore.model.restore.comparison import Difference, compare
from hlcore.model.restore.revert import changed_meanwhile, refresh_update, untouched_fields
from hlcore.restore import live_state
from hlcore.restore.job_context import ItemResult, JobContext
from hlcore.restore.journal_entries import UNSURE, request_body
from hlcore.restore.plan import PlanItem
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.restores.journal import JournalEntry

STEP = "put_back"
PUT_BACK = "put_back"
NOT_ASKED = "This was not asked for."


def apply_revert(context: JobContext, item: PlanItem) -> ItemResult:
    """Put the contact's chosen fields back, or say why not. Nothing newer is overwritten.

    Raises HighLevelError when HighLevel cannot be asked, and Cancelled; the next call continues from there."""
    planned = item.body or {}
    expected: dict[str, Any] = planned["expected"]
    raw = live_state.fetch_contact(context.client, item.contact_id)
    if raw is None:
        return ItemResult("skipped", error="It is not in HighLevel any more.")
    live = decode_object(raw)
    sent = _last_request(context, item.contact_id)
    if sent is not None and not compare(request_body(sent), live):
        context.log_response(sent, note="written, found by looking")
        before = _stored_before(context, item.contact_id) or live
        return _verify(context, item.contact_id, request_body(sent), expected, before, raw)
    changed = changed_meanwhile(expected, live)
    if changed:
        names = ", ".join(dict.fromkeys(label_of(field.partition(".")[0]) for field in changed))
        return ItemResult("skipped", error=f"Changed in HighLevel since the last copy: {names}. The newer value stays.")
    _store_detail(context, item.contact_id, raw)
    return _write(context, item, refresh_update(planned["put"], live, expected), expected, live)


def _write(
    context: JobContext, item: PlanItem, body: dict[str, Any], expected: Mapping[str, Any], before: Mapping[str, Any]
) -> ItemResult:
    entry = context.log_request(item, STEP, body, target_id=item.contact_id)
    try:
        context.client.update_contact(item.contact_id, body)
    except Duplicate as exc:
        context.log_response(entry, status=exc.status, note="refused: duplicate")
        return ItemResult("skipped", error="Another contact holds this e-mail or phone now. Nothing was changed.")
    except Rejected as exc:
        context.log_response(entry, status=exc.status, note="refused")
        fields = f": {', '.join(exc.fields)}" if exc.fields else ""
        return ItemResult("failed", error=f"HighLevel refused the update{fields}. Nothing was changed.")
    except (HighLevelError, Cancelled) as exc:
        context.log_response(entry, status=getattr(exc, "status", 0), note=f"{UNSURE}: {type(exc).__name__}")
        raise
    context.log_response(entry, status=200, note="written")
    raw = context.client.contact(item.contact_id)
    return _verify(context, item.contact_id, body, expected, before, raw)


def _verify(
    context: JobContext,
    contact_id: str,
    body: Mapping[str, Any],
    chosen: Collection[str],
    before: Mapping[str, Any],
    raw: bytes,
) -> ItemResult:
    """Store the contact as HighLevel shows it, and report where a chosen field is not as planned or another changed."""
    after = decode_object(raw)
    differences = (*compare(body, after), *_unplanned_changes(before, after, chosen))
    _store_detail(context, contact_id, raw)
    return ItemResult(PUT_BACK, verified=not differences, differences=differences)


def _unplanned_changes(
    before: Mapping[str, Any], after: Mapping[str, Any], chosen: Collection[str]
) -> list[Difference]:
    was, now = untouched_fields(before, chosen), untouched_fields(after, chosen)
    names = [*was, *(name for name in now if name not in was)]
    return [
        Difference(name, was.get(name), now.get(name), NOT_ASKED) for name in names if was.get(name) != now.get(name)
    ]


def _last_request(context: JobContext, contact_id: str) -> JournalEntry | None:
    """Return what this job sent for the contact before, unless HighLevel refused it."""
    entries = context.job_entries(contact_id, context.job_id)
    sent = [entry for entry in entries if entry.step == STEP and not entry.note.startswith("refused")]
    return sent[-1] if sent else None


def _stored_before(context: JobContext, contact_id: str) -> Mapping[str, Any] | None:
    """Return the contact as it was before the earlier call, which was stored before anything was sent."""
    with context.vault.read() as tx:
        contact = contact_reads.get(tx, context.location_id, contact_id)
    return decode_object(contact.detail) if contact is not None and contact.detail is not None else None


def _store_detail(context: JobContext, contact_id: str, raw: bytes) -> None:
    """Store what HighLevel shows as the contact's copy; the copy before it is kept as a version."""
    try:
        with context.write() as tx:
            contact_writes.store_detail(tx, context.location_id, contact_id, raw, context.now())
    except NotFound:
        return
