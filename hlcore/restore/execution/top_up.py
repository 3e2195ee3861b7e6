"""Adds to a living contact what it lacks of its last copy: blank fields, tags, and records. Overwrites nothing.

It is as quiet as a restore: every channel is closed first and the contact's present settings are written back at the
end, also by the next run if this one dies in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hlcore.errors import Gone
from hlcore.model.contact_fields import tag_texts
from hlcore.model.custom_fields import is_empty
from hlcore.model.json_codec import decode_object
from hlcore.model.restore.comparison import Difference, compare, explain_refused
from hlcore.restore import live_state
from hlcore.restore.execution.children import create_children
from hlcore.restore.execution.completion import write_fields
from hlcore.restore.execution.living_contact_dnd import close_channels, reopen_channels
from hlcore.restore.execution.missing_users import explain_departed
from hlcore.restore.execution.verification import verify
from hlcore.restore.job_context import VALUE_REFUSED, ItemResult, JobContext, RetryAt
from hlcore.restore.plan import PlanItem
from hlcore.restore.planning.prepare import blank_fields

NOT_REOPENED = (
    "HighLevel refused the settings from before, or they cannot be written back without opening a channel that the "
    "person closed."
)
NOT_IN_HIGHLEVEL = "It is not in HighLevel any more, so there is nothing to top up."


def top_up(context: JobContext, item: PlanItem) -> ItemResult | RetryAt:
    """Add what the living contact lacks, verify it, and report what could not be added. Never overwrites a value, never
    creates a record twice. May be repeated. Raises HighLevelError when HighLevel cannot be asked, and Cancelled."""
    contact_id = item.target_id or item.contact_id
    raw = live_state.fetch_contact(context.client, contact_id)
    if raw is None:
        return ItemResult("skipped", error=NOT_IN_HIGHLEVEL)
    try:
        return _add(context, item, contact_id, decode_object(raw))
    except Gone:
        return ItemResult("skipped", error=NOT_IN_HIGHLEVEL)


def _add(context: JobContext, item: PlanItem, contact_id: str, before: dict[str, Any]) -> ItemResult | RetryAt:
    if not (item.body or item.children or item.tags):
        return ItemResult("topped_up", contact_id, True)
    close_channels(context, item, contact_id, before)
    refused = write_fields(context, item, contact_id, blank_fields(item.body or {}, before))
    retry_at = create_children(context, item, contact_id, look_first=True)
    if retry_at is not None:
        return retry_at
    reopened = reopen_channels(context, item, contact_id)
    raw = context.client.contact(contact_id)
    after = decode_object(raw)
    lacking = [difference for difference in compare(item.body or {}, after) if is_empty(difference.found)]
    differences = (
        *explain_refused(lacking, refused, VALUE_REFUSED),
        *_missing_tags(item, after),
        *verify(context, item, contact_id, after),
    )
    if not reopened:
        differences = (*differences, Difference("dndSettings", "as it was", "closed on every channel", NOT_REOPENED))
    return ItemResult("topped_up", contact_id, not differences, explain_departed(context, differences), raw=raw)


def _missing_tags(item: PlanItem, after: Mapping[str, Any]) -> tuple[Difference, ...]:
    live = {tag.strip().casefold() for tag in tag_texts(after.get("tags"))}
    missing = [tag for tag in item.tags if tag.strip().casefold() not in live]
    reason = f"missing: {', '.join(missing)}"
    return (Difference("tags", list(item.tags), after.get("tags"), reason),) if missing else ()
