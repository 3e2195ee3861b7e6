"""Adding to a living contact what it lacks of its last copy: blanks of the contact, tags, and records. Nothing that it
has is overwritten.

It is as quiet as a restore: where something is added, every channel is closed first and the settings that the person
has now are written back at the end, also by the next run if this one dies in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hlcore.errors import Gone
from hlcore.model.custom_values import is_empty, values_of
from hlcore.model.fidelity import Difference, compare, explained
from hlcore.model.parts import decode
from hlcore.restore import live
from hlcore.restore.attach import attach
from hlcore.restore.channels import close, reopen
from hlcore.restore.departed import explained as departed
from hlcore.restore.finish import write
from hlcore.restore.outcome import REFUSED, Done, Later
from hlcore.restore.plan import PlanItem
from hlcore.restore.verify import verify
from hlcore.restore.work import Work

AWAY = "It is not in HighLevel any more, so there is nothing to top up."


def blanks(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, Any]:
    """What of these properties the living contact has no value for; custom fields one by one."""
    body = {
        key: value for key, value in wanted.items() if key not in ("customFields", "tags") and is_empty(there.get(key))
    }
    held = values_of(there.get("customFields"))
    values = [item for item in wanted.get("customFields", ()) if is_empty(held.get(item["id"]))]
    return {**body, "customFields": values} if values else body


def top_up(work: Work, item: PlanItem) -> Done | Later:
    """What the living contact lacked is there, verified, or it is said what is not. Never overwrites a value, never
    makes a record twice. Raises HighLevelError when HighLevel cannot be asked, and Cancelled; may be repeated."""
    target = item.target_id or item.contact_id
    raw = live.alive(work.client, target)
    if raw is None:
        return Done("skipped", error=AWAY)
    try:
        return _add(work, item, target, decode(raw))
    except Gone:
        return Done("skipped", error=AWAY)


def _add(work: Work, item: PlanItem, target: str, before: dict[str, Any]) -> Done | Later:
    if not (item.body or item.children or item.tags):
        return Done("topped_up", target, True)
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
    return Done("topped_up", target, not told, departed(work, told), raw=raw)


def _tags(item: PlanItem, after: Mapping[str, Any]) -> tuple[Difference, ...]:
    there = {str(tag).strip().casefold() for tag in after.get("tags") or ()}
    missing = [tag for tag in item.tags if tag.strip().casefold() not in there]
    told = Difference("tags", list(item.tags), after.get("tags"), f"missing: {', '.join(missing)}")
    return (told,) if missing else ()
