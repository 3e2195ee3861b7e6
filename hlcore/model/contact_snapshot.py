"""The last known state of a contact, put together from the two copies that a vault may hold.

Every listing brings a search row; the detail (the answer to GET by id) is fuller but rarer and may be older. Search
rows may lack `dndSettings`, cut fields short and lower-case the first name (`firstNameRaw` then holds the true one).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hlcore.model.json_codec import decode_object
from hlcore.model.moments import parse_moment

ALWAYS_LISTED = frozenset(
    {
        *("firstName", "firstNameRaw", "lastName", "lastNameRaw", "contactName", "name", "email", "phone", "tags"),
        *("customFields", "assignedTo", "source", "dnd", "companyName"),
    }
)
"""Fields that a search row carries whenever the contact has them: if a newer row lacks one, it was emptied since."""


@dataclass(frozen=True, slots=True)
class ContactSnapshot:
    """`fields` in HighLevel's spelling; `dnd_known`: whether they state do-not-disturb for each channel."""

    fields: Mapping[str, Any]
    dnd_known: bool
    date_added: datetime | None = None
    date_updated: datetime | None = None


def latest_snapshot(row: bytes, detail: bytes | None = None, *, rows_have_dnd: bool = False) -> ContactSnapshot:
    """Return the newer copy, with those fields of the other one that the newer does not state.

    `rows_have_dnd`: search rows of this location carry `dndSettings` where a contact has them, so that a row without
    them means that all channels are open. Raises ValueError for bytes that are not a JSON object."""
    listed = _decode(row)
    row_has_dnd = rows_have_dnd or _has_dnd(listed)
    if detail is None:
        return _snapshot(listed, row_has_dnd)
    detailed = _decode(detail)
    if not _is_older(detailed, listed):
        stale = _is_older(listed, detailed)
        gaps = {key: value for key, value in listed.items() if not stale or key.endswith("Raw")}
        return _snapshot({**gaps, **detailed}, True)
    gaps = {key: value for key, value in detailed.items() if key not in ALWAYS_LISTED}
    if row_has_dnd:
        gaps.pop("dndSettings", None)
    return _snapshot({**gaps, **listed}, row_has_dnd)


def _snapshot(fields: Mapping[str, Any], dnd_known: bool) -> ContactSnapshot:
    added, updated = parse_moment(fields.get("dateAdded")), parse_moment(fields.get("dateUpdated"))
    return ContactSnapshot(fields, dnd_known, added, updated)


def _is_older(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    first, second = parse_moment(one.get("dateUpdated")), parse_moment(other.get("dateUpdated"))
    return first is not None and second is not None and first < second


def _has_dnd(fields: Mapping[str, Any]) -> bool:
    return isinstance(fields.get("dndSettings"), Mapping)


def _decode(raw: bytes) -> dict[str, Any]:
    fields = decode_object(raw)
    if not fields:
        raise ValueError("not a contact: no JSON object")
    return fields
