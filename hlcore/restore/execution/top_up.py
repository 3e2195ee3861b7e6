"""Adding to a living contact what it lacks of its last copy: blanks of the contact, tags, and records. Nothing that it
has is overwritten.

It is as quiet as a restore: where something is added, every channel is closed first and the settings that the person
has now are written back at the end, also by the next run if this one dies in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hlcore.errors import Gone
from hlcore.model.custom_fields import is_empty
from hlcore.model.records import decode
from hlcore.model.restore.comparison import Difference, compare, explained
from hlcore.restore import live_state
from hlcore.restore.execution.children import attach
from hlcore.restore.execution.completion import write
from hlcore.restore.execution.dnd_guard import close, reopen
from hlcore.restore.execution.missing_users import explained as departed
from hlcore.restore.execution.verification import verify
from hlcore.restore.job_context import REFUSED, ItemResult, JobContext, RetryAt
from hlcore.restore.plan import PlanItem
from hlcore.restore.planning.prepare import blanks

AWAY = "It is not in HighLevel any more, so there is nothing to top up."


def top_up(work: JobContext, item: PlanItem) -> ItemResult | RetryAt:
    """What the living contact lacked is there, verified, or it is said what is not. Never overwrites a value, never
    makes a record twice. Raises HighLevelError when HighLevel cannot be asked, and Cancelled; may be repeated."""
    target = item.target_id or item.contact_id
    raw = live_state.alive(work.client, target)
    if raw is None:
        return ItemResult("skipped", error=AWAY)
    try:
        return _add(work, item, target, decode(raw))
    except Gone:
        return ItemResult("skipped", error=AWAY)


def _add(work: JobContext, item: PlanItem, target: str, before: dict[str, Any]) -> ItemResult | RetryAt:
    if not (item.body or item.children or item.tags):
        return ItemResult("topped_up", target, True)
    close(work, item, target, before)
    refused = write(work, item, target, blanks(item.body or {}, before))
    waits = attach(work, item, target, look_first=True)
    reopened = waits is not None or reopen(work, item, target)
    if waits is not None:
        return waits
    raw = work.client.contact(target)
    after = decode(raw)
    differences = [one for one in compare(item.body or {}, after) if is_empty(one.found)]
    told = (*explained(differences, refused, REFUSED), *_tags(item, after), *verify(work, item, target, after))
    if not reopened:
        told = (*told, Difference("dndSettings", "as it was", "closed", REFUSED))
    return ItemResult("topped_up", target, not told, departed(work, told), raw=raw)


def _tags(item: PlanItem, after: Mapping[str, Any]) -> tuple[Difference, ...]:
    there = {str(tag).strip().casefold() for tag in after.get("tags") or ()}
    missing = [tag for tag in item.tags if tag.strip().casefold() not in there]
    told = Difference("tags", list(item.tags), after.get("tags"), f"missing: {', '.join(missing)}")
    return (told,) if missing else ()
