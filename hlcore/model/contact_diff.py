"""What changed between two copies of one contact, field by field.

Not counted as changes: values that HighLevel derives from others, the position in a listing, the order of tags and of
custom fields, and the difference between an empty and a missing field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hlcore.model.contact_fields import DERIVED, SAME_FIELD
from hlcore.model.custom_fields import custom_values, is_empty
from hlcore.model.dnd import ALL, CHANNELS, dnd_settings

CUSTOM = "customFields"
CHANNEL = "dndSettings"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs. `field` in HighLevel's spelling, with `customFields.<id>` and `dndSettings.SMS` for the
    parts of these; a value of None is empty or missing."""

    field: str
    before: Any
    after: Any


def field_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """Return every field in which the copies differ, in the order of the newer copy. Equal copies have none; swapping
    the copies swaps `before` and `after`."""
    old, new = flat_fields(before), flat_fields(after)
    names = [*new, *(name for name in old if name not in new)]
    compared = (FieldChange(name, old.get(name), new.get(name)) for name in names)
    return tuple(change for change in compared if not _is_same(change))


def flat_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the contact's own fields that are not empty, each custom field and channel under a name of its own. Open
    channels are left out: HighLevel may or may not name them."""
    return dict(_parts(fields))


def _parts(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    settings = dnd_settings(fields)
    for name, value in fields.items():
        if name not in DERIVED and name not in (CUSTOM, CHANNEL) and not is_empty(value):
            yield SAME_FIELD.get(name, name), settings.everywhere if name == ALL else value
    for channel in CHANNELS:
        if channel in settings.channels and settings.channels[channel]["status"] != "inactive":
            yield f"{CHANNEL}.{channel}", settings.channels[channel]["status"]
    for name in settings.others:
        yield f"{CHANNEL}.{name}", "active"
    for field_id, value in custom_values(fields.get(CUSTOM)).items():
        yield f"{CUSTOM}.{field_id}", value


def _is_same(change: FieldChange) -> bool:
    before, after = change.before, change.after
    if change.field == "tags" and isinstance(before, list) and isinstance(after, list):
        return sorted(map(str, before)) == sorted(map(str, after))
    if change.field == "dnd":
        return bool(before) == bool(after)
    return bool(before == after) and isinstance(before, bool) == isinstance(after, bool)  # 1 == True
