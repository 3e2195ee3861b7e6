"""A contact as columns, named as HighLevel names them (OpenAPI contacts.json, and what its answers carry).

`firstName` and `lastName` are as they were typed (`firstNameRaw` where search rows lower-case the other); `name` is
`contactName` in search rows. The derived lower-case names (`emailLowerCase`, …) and `searchAfter`, a position in a
listing, have no column. Whatever else HighLevel sends is in `otherFields` of a safe file; an exact file has the JSON
itself in `raw` and `raw_detail` instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hlcore.export.csv_cells import ExportMode
from hlcore.model.contact_snapshot import StoredCopy, latest_snapshot
from hlcore.model.json_codec import decode_lossy_object
from hlcore.model.moments import iso, parse_moment

CHANNELS = ("Call", "Email", "SMS", "WhatsApp", "GMB", "FB", "RCS")
PERSONAL_COLUMNS = (
    *("id", "locationId", "name", "firstName", "lastName", "email", "phone", "phoneLabel", "companyName", "type"),
    *("source", "assignedTo", "address1", "city", "state", "country", "postalCode", "website", "timezone"),
    *("dateOfBirth", "gender"),
)
LIST_COLUMNS = ("tags", "additionalEmails", "additionalPhones")
DND_COLUMNS = ("dnd", *(f"dndSettings.{channel}" for channel in CHANNELS), "inboundDndSettings.all")
MOMENT_COLUMNS = ("dateAdded", "dateUpdated", "lastActivity")
OTHER_COLUMNS = (
    *("businessId", "followers", "attachments", "validEmail", "ssn", "keyword", "visitorId", "createdBy"),
    *("attributionSource", "lastAttributionSource"),
)
COLUMNS = (*PERSONAL_COLUMNS, *LIST_COLUMNS, *DND_COLUMNS, *MOMENT_COLUMNS, *OTHER_COLUMNS)

_SHOWN = frozenset((*PERSONAL_COLUMNS, *LIST_COLUMNS, *MOMENT_COLUMNS, *OTHER_COLUMNS)) | {
    *("dnd", "dndSettings", "inboundDndSettings", "customFields", "searchAfter", "contactName", "firstNameRaw"),
    *("lastNameRaw", "emailLowerCase", "firstNameLowerCase", "lastNameLowerCase", "fullNameLowerCase"),
}
_CHANNEL_KEYS = tuple(channel.lower() for channel in CHANNELS)
_NO_CHANNELS = (None,) * len(CHANNELS)
_INNER = {"additionalEmails": "email", "additionalPhones": "phone"}
_PLAIN_PERSON = PERSONAL_COLUMNS[5:]


def contact_values(fields: Mapping[str, Any], mode: ExportMode) -> list[object]:
    """Return the values of `COLUMNS`; None where HighLevel sent nothing."""
    get = fields.get
    values: list[object] = [
        get("id"),
        get("locationId"),
        get("name") or get("contactName"),
        get("firstNameRaw") or get("firstName"),
        get("lastNameRaw") or get("lastName"),
    ]
    values += map(get, _PLAIN_PERSON)
    values += map(get, LIST_COLUMNS) if mode is ExportMode.EXACT else [_inner(name, get(name)) for name in LIST_COLUMNS]
    values.append(get("dnd"))
    values += _channels(get("dndSettings"))
    values.append(_status(_inbound(get("inboundDndSettings"))))
    values += [moment_value(get(name), mode) for name in MOMENT_COLUMNS]
    values += map(get, OTHER_COLUMNS)
    return values


def other_fields(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the fields that have no column; None when there are none."""
    return {key: value for key, value in fields.items() if key not in _SHOWN} or None


def moment_value(value: object, mode: ExportMode) -> object:
    """Return a moment as `2026-11-23T14:05:00.000Z`, and anything else unchanged. In an exact file a text stays as
    HighLevel wrote it."""
    if value is None or (mode is ExportMode.EXACT and isinstance(value, str)):
        return value
    if isinstance(value, str) and len(value) == 24 and value[-1] == "Z":  # is in that form already
        return value
    at = parse_moment(value)
    return value if at is None else iso(at)


def contact_fields(raw: bytes, detail: bytes | None) -> Mapping[str, Any]:
    """Return the contact's fields out of both copies; of bytes that are not quite JSON, what can be read."""
    try:
        return latest_snapshot(StoredCopy(raw, False), StoredCopy(detail, True) if detail else None).fields
    except ValueError:
        return {**decode_lossy_object(raw), **decode_lossy_object(detail or b"")}


def _inner(name: str, value: object) -> object:
    """Return the addresses themselves instead of the objects that HighLevel wraps them in."""
    key = _INNER.get(name)
    if not value or key is None or not isinstance(value, list):
        return value or None
    return [part.get(key) or part if isinstance(part, dict) else part for part in value]


def _channels(settings: object) -> Sequence[object]:
    if not isinstance(settings, dict) or not settings:
        return _NO_CHANNELS
    by_key = {str(key).lower(): value for key, value in settings.items()}
    return [_status(by_key.get(key)) for key in _CHANNEL_KEYS]


def _inbound(settings: object) -> object:
    return settings.get("all") if isinstance(settings, dict) else None


def _status(value: object) -> object:
    return value.get("status") if isinstance(value, dict) else value
