"""The last known state of a contact, put together from the two copies a vault may hold.

A search row is what every listing brings; the answer of GET by id is fuller but rarer and may be older. Search rows
may lack `dndSettings`, cut fields and lower-case the first name (`firstNameRaw` then holds the true one).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hlcore.model.contact import moment
from hlcore.model.records import decode

ALWAYS_LISTED = frozenset(
    {
        *("firstName", "firstNameRaw", "lastName", "lastNameRaw", "contactName", "name", "email", "phone", "tags"),
        *("customFields", "assignedTo", "source", "dnd", "companyName"),
    }
)
"""What a search row carries whenever the contact has it: missing from a newer row means emptied since."""


@dataclass(frozen=True, slots=True)
class ContactSnapshot:
    """`fields` in HighLevel's spelling; `settings_known`: whether they tell do-not-disturb for each channel."""

    fields: Mapping[str, Any]
    settings_known: bool
    date_added: datetime | None = None
    date_updated: datetime | None = None


def latest_snapshot(row: bytes, detail: bytes | None = None, *, rows_tell_settings: bool = False) -> ContactSnapshot:
    """The newest of both copies, with the other one's fields where the newest is known to be silent about them.

    `rows_tell_settings`: search rows of this location carry `dndSettings` where a contact has them, so that a row
    without them says that all channels are open. Raises ValueError for bytes that are no JSON object."""
    listed = _decode(row)
    if detail is None:
        known = rows_tell_settings or _has_settings(listed)
        return _copy(listed, known)
    read = _decode(detail)
    if not _older(read, listed):
        stale = _older(listed, read)
        gaps = {key: value for key, value in listed.items() if not stale or key.endswith("Raw")}
        return _copy({**gaps, **read}, True)
    gaps = {key: value for key, value in read.items() if key not in ALWAYS_LISTED}
    told = rows_tell_settings or _has_settings(listed)
    if told:
        gaps.pop("dndSettings", None)
    return _copy({**gaps, **listed}, told)


def _copy(fields: Mapping[str, Any], known: bool) -> ContactSnapshot:
    return ContactSnapshot(fields, known, moment(fields.get("dateAdded")), moment(fields.get("dateUpdated")))


def _older(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    first, second = moment(one.get("dateUpdated")), moment(other.get("dateUpdated"))
    return first is not None and second is not None and first < second


def _has_settings(fields: Mapping[str, Any]) -> bool:
    return isinstance(fields.get("dndSettings"), Mapping)


def _decode(raw: bytes) -> dict[str, Any]:
    found = decode(raw)
    if not found:
        raise ValueError("not a contact: no JSON object")
    return found
