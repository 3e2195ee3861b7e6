"""From a contact that was just created to one that is whole: what HighLevel silently dropped is filled in, everything
that belonged to it is attached, the person's own do-not-disturb is written back last, and all of it is read back."""

from __future__ import annotations

from typing import Any

from hlcore.errors import Cancelled, Gone, HighLevelError
from hlcore.model.custom_fields import is_empty
from hlcore.model.dnd import plainer
from hlcore.model.records import decode
from hlcore.model.restore.comparison import compare, explained
from hlcore.model.restore.rejected_fields import gaps, named
from hlcore.model.restore.restore_payload import UPDATE
from hlcore.restore.execution.children import attach
from hlcore.restore.execution.dnd_guard import close, reopen
from hlcore.restore.execution.missing_users import explained as departed
from hlcore.restore.execution.missing_users import refusal
from hlcore.restore.execution.verification import verify
from hlcore.restore.job_context import (
    CLOSED,
    FILL,
    LOOKED,
    REFUSED,
    SETTINGS,
    UNSURE,
    WRITTEN,
    Created,
    ItemResult,
    JobContext,
    RetryAt,
    body_of,
    refused_fields,
)
from hlcore.restore.plan import PlanItem


def finish(work: JobContext, item: PlanItem, made: Created) -> ItemResult | RetryAt:
    """The contact that exists is as planned with all that belonged to it, or the differences are told. Until the very
    end every channel is closed. May be repeated. Raises HighLevelError, Cancelled."""
    target = {**(item.body or {}), **(item.after or {}), **_tags(item)}
    try:
        found = decode(work.client.contact(made.contact_id))
        again = dnd_restored(work, item, made.contact_id)
        if again and work.is_retried(item.contact_id):
            close(work, item, made.contact_id, found)
        refused = _fill(work, item, made, found)
        if not again or work.is_retried(item.contact_id):
            waits = attach(work, item, made.contact_id, look_first=again)
            if waits is not None:
                return waits
        if again:
            reopen(work, item, made.contact_id)
        refused |= _own_settings(work, item, made.contact_id)
        raw = work.client.contact(made.contact_id)
        told = verify(work, item, made.contact_id, decode(raw))
    except Gone:
        return _not_shown(work, item, made)
    differences = (*explained(compare(target, decode(raw)), refused, REFUSED), *told)
    return ItemResult("recreated", made.contact_id, not differences, departed(work, differences), raw=raw)


def _tags(item: PlanItem) -> dict[str, Any]:
    tags = [*(item.body or {}).get("tags", ()), *item.tags]
    return {"tags": tags} if tags else {}


def dnd_restored(work: JobContext, item: PlanItem, contact_id: str) -> bool:
    """Whether the person's own do-not-disturb was written back already: then nothing is attached any more, because
    automations could reach the person, unless the channels are closed anew."""
    return any(
        one.step == SETTINGS and one.note == WRITTEN and one.result_id == contact_id
        for one in work.entries_about(item.contact_id, contact_id)
    )


def _not_shown(work: JobContext, item: PlanItem, made: Created) -> ItemResult | RetryAt:
    """HighLevel does not show what was made. Until the lag is over that may still come; afterwards somebody has deleted
    it, and a later restore may make it again."""
    entry = next(one for one in work.creates(item.contact_id) if one.result_id == made.contact_id)
    due = made.at + work.lag
    if work.now() < due:
        work.log_response(entry, result_id=made.contact_id, note=f"created, {LOOKED}")
        return RetryAt(due)
    work.log_response(entry, note=f"created as {made.contact_id}, and deleted again by somebody else")
    return ItemResult("failed", made.contact_id, False, error="It was created, and deleted again by somebody else.")


def _fill(work: JobContext, item: PlanItem, made: Created, found: dict[str, Any]) -> frozenset[str]:
    """What was planned and is still empty is written once more; never what HighLevel shows a value for, nor what it
    refused by name. The names of what it refused, now or before."""
    planned = {key: value for key, value in (item.body or {}).items() if key not in CLOSED}
    missing = [one.field for one in compare(planned, found) if is_empty(one.found)]
    before = frozenset[str]().union(
        *(named(body_of(one), fields) for one in work.creates(item.contact_id) if (fields := refused_fields(one)))
    )
    update = gaps(planned, missing, before, UPDATE)
    return before | write(work, item, made.contact_id, update)


def _own_settings(work: JobContext, item: PlanItem, contact_id: str) -> frozenset[str]:
    """The person's own do-not-disturb is back, in one request; where HighLevel refuses, channels stay closed."""
    if item.after is None or dnd_restored(work, item, contact_id) or _put(work, item, contact_id, SETTINGS, item.after):
        return frozenset()
    simple = plainer(item.after)
    if simple != item.after and _put(work, item, contact_id, SETTINGS, simple):
        return frozenset()
    return CLOSED


def write(work: JobContext, item: PlanItem, contact_id: str, body: dict[str, Any]) -> frozenset[str]:
    """This update is done as far as HighLevel takes it: what it refuses is halved until the culprit is alone. The
    names of the culprits."""
    if not body or _put(work, item, contact_id, FILL, body):
        return frozenset()
    parts = _halves(body)
    if not parts:
        return frozenset({_name(body)})
    return frozenset[str]().union(*(write(work, item, contact_id, part) for part in parts))


def _put(work: JobContext, item: PlanItem, contact_id: str, step: str, body: dict[str, Any]) -> bool:
    """Whether HighLevel took the update. Raises HighLevelError for everything but a refusal."""
    entry_id = work.log_request(item, step, body, of=contact_id)
    try:
        work.client.update_contact(contact_id, body)
    except (HighLevelError, Cancelled) as exc:
        if refusal(work, exc, body) is not None:
            work.log_response(entry_id, status=getattr(exc, "status", 0), note="refused")
            return False
        work.log_response(entry_id, status=getattr(exc, "status", 0), note=f"{UNSURE}: {type(exc).__name__}")
        raise
    mine = contact_id if step == SETTINGS else ""
    work.log_response(entry_id, status=200, result_id=mine, note=WRITTEN)
    return True


def _halves(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The update in two parts; none when it is one value."""
    values = body.get("customFields", [])
    if len(body) > 1:
        keys = list(body)
        half = len(keys) // 2
        return [{key: body[key] for key in keys[:half]}, {key: body[key] for key in keys[half:]}]
    if len(values) > 1:
        half = len(values) // 2
        return [{"customFields": values[:half]}, {"customFields": values[half:]}]
    return []


def _name(body: dict[str, Any]) -> str:
    key = next(iter(body))
    return f"customFields.{body[key][0]['id']}" if key == "customFields" else key
