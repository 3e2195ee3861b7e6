"""A contact as columns. Names are HighLevel's own (HighLevel OpenAPI contacts.json and what its answers carry).

`firstName` and `lastName` are in the case the person wrote (`firstNameRaw` where search rows lower-case the other);
`name` is `contactName` in search rows. The derived lower-case names (`emailLowerCase`, …) and `searchAfter`, which is
a place in a listing, have no column of their own. Whatever else HighLevel sends stands in `otherFields` of a safe
file; an exact file carries the very JSON in `raw` and `raw_detail` instead.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hlcore.export.csv_cells import ExportMode
from hlcore.model.contact import moment
from hlcore.model.contact_snapshot import latest_snapshot

CHANNELS = ("Call", "Email", "SMS", "WhatsApp", "GMB", "FB", "RCS")
PERSON = (
    *("id", "locationId", "name", "firstName", "lastName", "email", "phone", "phoneLabel", "companyName", "type"),
    *("source", "assignedTo", "address1", "city", "state", "country", "postalCode", "website", "timezone"),
    *("dateOfBirth", "gender"),
)
LISTS = ("tags", "additionalEmails", "additionalPhones")
DND = ("dnd", *(f"dndSettings.{channel}" for channel in CHANNELS), "inboundDndSettings.all")
MOMENTS = ("dateAdded", "dateUpdated", "lastActivity")
REST = (
    *("businessId", "followers", "attachments", "validEmail", "ssn", "keyword", "visitorId", "createdBy"),
    *("attributionSource", "lastAttributionSource"),
)
COLUMNS = (*PERSON, *LISTS, *DND, *MOMENTS, *REST)

_SHOWN = frozenset(
    {
        *PERSON, *LISTS, *MOMENTS, *REST, "dnd", "dndSettings", "inboundDndSettings", "customFields", "searchAfter",
        *("contactName", "firstNameRaw", "lastNameRaw", "emailLowerCase", "firstNameLowerCase", "lastNameLowerCase"),
        "fullNameLowerCase",
    }
)  # fmt: skip
_CHANNEL_KEYS = tuple(channel.lower() for channel in CHANNELS)
_NO_CHANNELS = (None,) * len(CHANNELS)
_INNER = {"additionalEmails": "email", "additionalPhones": "phone"}
_PLAIN_PERSON = PERSON[5:]


def contact_values(fields: Mapping[str, Any], mode: ExportMode) -> list[object]:
    """The values of `COLUMNS`; None where HighLevel sent nothing."""
    get = fields.get
    values: list[object] = [
        get("id"),
        get("locationId"),
        get("name") or get("contactName"),
        get("firstNameRaw") or get("firstName"),
        get("lastNameRaw") or get("lastName"),
    ]
    values += map(get, _PLAIN_PERSON)
    values += map(get, LISTS) if mode is ExportMode.EXACT else [_inner(name, get(name)) for name in LISTS]
    values.append(get("dnd"))
    values += _channels(get("dndSettings"))
    values.append(_status(_all(get("inboundDndSettings"))))
    values += [instant(get(name)) for name in MOMENTS]
    values += map(get, REST)
    return values


def others(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """What no column shows; None when there is nothing of the kind."""
    found = {key: value for key, value in fields.items() if key not in _SHOWN}
    return found or None


def instant(value: object) -> object:
    """A moment as `2026-11-23T14:05:00.000Z`; text in that form, and what is no moment, as it came."""
    if value is None or (isinstance(value, str) and len(value) == 24 and value[-1] == "Z"):
        return value
    found = moment(value)
    return value if found is None else iso(found)


def iso(at: datetime | None) -> str:
    """The moment in UTC, ISO 8601 with a Z; '' for none."""
    return "" if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fields_of(raw: bytes, detail: bytes | None, *, rows_tell_settings: bool = False) -> Mapping[str, Any]:
    """The contact's fields, from both copies. Bytes that are not quite JSON give what can be read of them."""
    try:
        return latest_snapshot(raw, detail, rows_tell_settings=rows_tell_settings).fields
    except ValueError:
        return lenient(raw) if detail is None else {**lenient(raw), **lenient(detail)}


def lenient(raw: bytes) -> dict[str, Any]:
    """The JSON object in these bytes as far as it can be read; empty when it cannot."""
    try:
        found = json.loads(raw.decode("utf-8", "replace"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _inner(name: str, value: object) -> object:
    """For people: the addresses themselves, not the objects they come in."""
    key = _INNER.get(name)
    if not value or key is None or not isinstance(value, list):
        return value or None
    return [part.get(key) or part if isinstance(part, dict) else part for part in value]


def _channels(settings: object) -> Sequence[object]:
    if not isinstance(settings, dict) or not settings:
        return _NO_CHANNELS
    by_key = {str(key).lower(): value for key, value in settings.items()}
    return [_status(by_key.get(key)) for key in _CHANNEL_KEYS]


def _all(settings: object) -> object:
    return settings.get("all") if isinstance(settings, dict) else None


def _status(value: object) -> object:
    return value.get("status") if isinstance(value, dict) else value
