"""What changed between two copies of one contact, field by field.

Only what a person would call a change: values that HighLevel derives from others, the place in a listing, the order of
tags and of custom fields, and the difference between an empty and a missing field are none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hlcore.model.contact_fields import DERIVED
from hlcore.model.custom_fields import is_empty, values_of
from hlcore.model.dnd import CHANNELS, own_settings

CUSTOM = "customFields"
CHANNEL = "dndSettings"


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs. `field` in HighLevel's spelling, parts by their own name (`customFields.<id>`,
    `dndSettings.SMS`); None stands for an empty or missing value."""

    field: str
    before: Any
    after: Any


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Every field in which the copies differ, in the order in which people read a contact. Pure; nothing differs
    between equal copies, and swapping the copies swaps `before` and `after`."""
    old, new = flat(before), flat(after)
    names = [*new, *(name for name in old if name not in new)]
    found = (Change(name, old.get(name), new.get(name)) for name in names)
    return tuple(change for change in found if not _same(change))


def flat(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The contact's own fields that are not empty, custom fields and channels each under a name of their own. A
    channel that is open is left out, as HighLevel itself may or may not name it."""
    return dict(_parts(fields))


def _parts(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if name not in DERIVED and name not in (CUSTOM, CHANNEL) and not is_empty(value):
            yield name, value
    settings = own_settings(fields)
    for channel in CHANNELS:
        if channel in settings.channels and settings.channels[channel]["status"] != "inactive":
            yield f"{CHANNEL}.{channel}", settings.channels[channel]["status"]
    for name in settings.others:
        yield f"{CHANNEL}.{name}", "active"
    for field_id, value in values_of(fields.get(CUSTOM)).items():
        yield f"{CUSTOM}.{field_id}", value


def _same(change: Change) -> bool:
    one, other = change.before, change.after
    if change.field == "tags" and isinstance(one, list) and isinstance(other, list):
        return sorted(map(str, one)) == sorted(map(str, other))
    if change.field == "dnd":
        return bool(one) == bool(other)
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
