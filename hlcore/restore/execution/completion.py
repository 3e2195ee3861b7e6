"""Completes a contact that was just created, and reads all of it back.

What HighLevel silently dropped is filled in, everything that belonged to the contact is created, and its own
do-not-disturb settings are written back last.
"""

from __future__ import annotations

from typing import Any

from hlcore.errors import Cancelled, Gone, HighLevelError
from hlcore.model.contact_fields import label_of
from hlcore.model.custom_fields import is_empty
from hlcore.model.dnd import simplified_update, without_closed_since
from hlcore.model.json_codec import decode_object
from hlcore.model.restore.comparison import additions, compare, explain_refused
from hlcore.model.restore.rejected_fields import missing_fields_update, named_fields
from hlcore.model.restore.restore_payload import UPDATE
from hlcore.restore.execution.children import create_children
from hlcore.restore.execution.living_contact_dnd import close_channels, reopen_channels
from hlcore.restore.execution.missing_users import explain_departed, refused_names
from hlcore.restore.execution.verification import verify
from hlcore.restore.job_context import DND_FIELDS, VALUE_REFUSED, Created, ItemResult, JobContext, RetryAt
from hlcore.restore.journal_entries import FILL, LOOKED, SETTINGS, UNSURE, WRITTEN, refused_fields, request_body
from hlcore.restore.plan import PlanItem

SOURCE = "source"


def complete_contact(context: JobContext, item: PlanItem, created: Created) -> ItemResult | RetryAt:
    """Make the created contact as planned with all that belonged to it, and report what differs. Every channel is
    closed until the very end. May be repeated. Raises HighLevelError, Cancelled."""
    target = {**(item.body or {}), **(item.after or {}), **_tags(item)}
    try:
        live = decode_object(context.client.contact(created.contact_id))
        reopened_before = dnd_restored(context, item, created.contact_id)
        if reopened_before and context.is_retried(item.contact_id):
            close_channels(context, item, created.contact_id, live)
        refused = _fill_gaps(context, item, created, live)
        if not reopened_before or context.is_retried(item.contact_id):
            retry_at = create_children(context, item, created.contact_id, look_first=reopened_before)
            if retry_at is not None:
                return retry_at
        if reopened_before:
            reopen_channels(context, item, created.contact_id)
        refused |= _restore_dnd(context, item, created.contact_id)
        raw = context.client.contact(created.contact_id)
        record_differences = verify(context, item, created.contact_id, decode_object(raw))
    except Gone:
        return _not_shown(context, item, created)
    after = decode_object(raw)
    refused_differences = explain_refused(compare(target, after), refused, VALUE_REFUSED)
    differences = (*refused_differences, *additions(target, after), *record_differences)
    differences = explain_departed(context, differences)
    return ItemResult("recreated", created.contact_id, not differences, differences, raw=raw)


def _tags(item: PlanItem) -> dict[str, Any]:
    tags = [*(item.body or {}).get("tags", ()), *item.tags]
    return {"tags": tags} if tags else {}


def dnd_restored(context: JobContext, item: PlanItem, contact_id: str) -> bool:
    """Return whether the contact's own do-not-disturb was written back already. Then nothing may be added to it unless
    the channels are closed again, because automations could message the contact."""
    return any(
        entry.step == SETTINGS and entry.note == WRITTEN and entry.result_id == contact_id
        for entry in context.entries_about(item.contact_id, contact_id)
    )


def _not_shown(context: JobContext, item: PlanItem, created: Created) -> ItemResult | RetryAt:
    """HighLevel does not show what was created: until the lag is over it may still appear. Afterwards somebody has
    deleted it, and a later restore may create it again."""
    entries = context.create_entries(item.contact_id)
    entry = next(entry for entry in entries if entry.result_id == created.contact_id)
    until = context.looked_until(entry)
    if until is None:
        context.log_response(entry, result_id=created.contact_id, note=f"created, {LOOKED}")
    if until is None or context.now() < until:
        return RetryAt(until or context.now() + context.index_lag)
    note = f"created as {created.contact_id}, and deleted again by somebody else"
    context.log_response(entry, note=note)
    return ItemResult("failed", created.contact_id, False, error="Created, and deleted again by somebody else.")


def _fill_gaps(context: JobContext, item: PlanItem, created: Created, live: dict[str, Any]) -> frozenset[str]:
    """Write once more what was planned and is still empty; never what HighLevel shows a value for or refused by name.
    A source that the copy does not have is emptied. Return the names of what it refused, now or before."""
    planned = {key: value for key, value in (item.body or {}).items() if key not in DND_FIELDS}
    empty = [difference.field for difference in compare(planned, live) if is_empty(difference.found)]
    refused_before = frozenset[str]().union(
        *(
            named_fields(request_body(entry), fields)
            for entry in context.create_entries(item.contact_id)
            if (fields := refused_fields(entry))
        )
    )
    update = missing_fields_update(planned, empty, refused_before, UPDATE)
    if SOURCE not in planned and label_of(SOURCE) not in item.left_out and not is_empty(live.get(SOURCE)):
        update[SOURCE] = None  # HighLevel enters a default of its own
    return refused_before | write_fields(context, item, created.contact_id, update)


def _restore_dnd(context: JobContext, item: PlanItem, contact_id: str) -> frozenset[str]:
    """Write the contact's own do-not-disturb back in one request. Channels that the contact closed since it was created
    stay closed; where HighLevel refuses, all of them do."""
    if item.after is None or dnd_restored(context, item, contact_id):
        return frozenset()
    own = without_closed_since(item.after, decode_object(context.client.contact(contact_id)))
    if _send_update(context, item, contact_id, SETTINGS, own):
        return frozenset()
    simple = simplified_update(own)
    if simple != own and _send_update(context, item, contact_id, SETTINGS, simple):
        return frozenset()
    return DND_FIELDS


def write_fields(context: JobContext, item: PlanItem, contact_id: str, body: dict[str, Any]) -> frozenset[str]:
    """Write the fields as far as HighLevel accepts them: a refused update is halved until the refused field is alone.
    Return the names of the refused fields."""
    if not body or _send_update(context, item, contact_id, FILL, body):
        return frozenset()
    parts = _split(body)
    if not parts:
        return frozenset({_field_name(body)})
    return frozenset[str]().union(*(write_fields(context, item, contact_id, part) for part in parts))


def _send_update(context: JobContext, item: PlanItem, contact_id: str, step: str, body: dict[str, Any]) -> bool:
    """Return whether HighLevel accepted the update. Raises HighLevelError for everything but a refusal."""
    entry = context.log_request(item, step, body, target_id=contact_id)
    try:
        context.client.update_contact(contact_id, body)
    except (HighLevelError, Cancelled) as exc:
        if refused_names(context, exc, body) is not None:
            context.log_response(entry, status=getattr(exc, "status", 0), note="refused")
            return False
        context.log_response(entry, status=getattr(exc, "status", 0), note=f"{UNSURE}: {type(exc).__name__}")
        raise
    result_id = contact_id if step == SETTINGS else ""
    context.log_response(entry, status=200, result_id=result_id, note=WRITTEN)
    return True


def _split(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the update in two halves; nothing when it is one value."""
    values = body.get("customFields", [])
    if len(body) > 1:
        keys = list(body)
        half = len(keys) // 2
        return [{key: body[key] for key in keys[:half]}, {key: body[key] for key in keys[half:]}]
    if len(values) > 1:
        half = len(values) // 2
        return [{"customFields": values[:half]}, {"customFields": values[half:]}]
    return []


def _field_name(body: dict[str, Any]) -> str:
    key = next(iter(body))
    return f"customFields.{body[key][0]['id']}" if key == "customFields" else key
