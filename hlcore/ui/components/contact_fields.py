"""A contact's fields as people read them: named, grouped, ids replaced by names, dates in the account's time zone.

Nothing that HighLevel sent is left out: a field without a group of its own is listed under "More".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hlcore.model.contact_diff import CHANNEL, CUSTOM, flat_fields
from hlcore.model.contact_fields import LABELS
from hlcore.model.custom_fields import is_empty, is_file
from hlcore.model.dnd import CHANNELS, CLOSED, FOREVER, OPEN, Consent, DndSettings
from hlcore.model.moments import parse_moment
from hlcore.model.records import record_name
from hlcore.store import Tx, records
from hlcore.ui.components import formatting
from hlcore.ui.components.formatting import capitalized

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Person": ("firstName", "lastName", "name", "companyName", "dateOfBirth", "gender", "type", "timezone"),
    "Reach": ("email", "additionalEmails", "phone", "additionalPhones", "website"),
    "Address": ("address1", "city", "state", "postalCode", "country"),
    "In the account": ("assignedTo", "followers", "source", "tags", "dateAdded", "dateUpdated", "lastActivity"),
}
MORE, CUSTOM_FIELDS = "More", "Custom fields"
TIME_FIELDS = frozenset({"dateAdded", "dateUpdated", "lastActivity", "lastSessionActivityAt"})
USER_FIELDS = frozenset({"assignedTo", "followers"})
_OTHER_LABELS = {
    "additionalEmails": "Additional e-mails",
    "additionalPhones": "Additional phones",
    "dateAdded": "Added",
    "dateUpdated": "Changed in HighLevel",
    "lastActivity": "Last activity",
    "followers": "Followers",
    "type": "Type",
    "attributionSource": "First attribution",
    "lastAttributionSource": "Last attribution",
    "dnd": "Do not disturb everywhere",
}
_CHANNEL_NAMES = {"GMB": "Google Business", "FB": "Facebook", "Email": "E-mail", "Call": "Calls"}
_STATE_LABELS = {OPEN: "open", CLOSED: "closed", FOREVER: "closed for good"}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Names:
    """User id → name and custom field id → name. Users and fields that HighLevel no longer has keep their
    names; such a user is marked as “left”."""

    users: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)

    def user(self, user_id: str) -> str:
        """The user's name; the id where it is not known; '' for ''."""
        return self.users.get(user_id) or user_id

    def custom(self, field_id: str) -> str:
        """The custom field's name; the id where it is not known."""
        return self.fields.get(field_id) or field_id


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Fields under one heading, as pairs of label and text."""

    title: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ChannelState:
    """A way to reach the contact, and whether it is open (None: the copy does not say); `state` is the text for it."""

    name: str
    open: bool | None
    state: str


def load_names(tx: Tx, location_ids: Sequence[str]) -> Names:
    """Return the names in the reference data of these locations, as last copied."""
    fields: dict[str, str] = {}
    for location_id in location_ids:
        for record in records.list_of_kind(tx, location_id, "custom_field", with_vanished=True):
            fields[record.record_id] = record_name(record.raw)
    return Names(records.user_labels(tx, location_ids), fields)


def field_label(name: str, names: Names) -> str:
    """Return what people call this field (HighLevel's spelling, `customFields.<id>`, `dndSettings.SMS`)."""
    root, _, part = name.partition(".")
    if root == CUSTOM and part:
        return names.custom(part)
    if root == CHANNEL and part:
        return f"Do not disturb: {channel_name(part)}"
    known = _OTHER_LABELS.get(name) or LABELS.get(name)
    return capitalized(known or " ".join(_CAMEL.split(name)).lower())


def value_text(name: str, value: object, names: Names, tz: str) -> str:
    """Return the value of this field as text that a page can show; '–' for none."""
    return formatting.displayable(_value_text(name, value, names, tz)) if not is_empty(value) else formatting.NOTHING


def _value_text(name: str, value: object, names: Names, tz: str) -> str:
    if name in USER_FIELDS:
        return ", ".join(names.user(str(user_id)) for user_id in (value if isinstance(value, list) else [value]))
    if name in TIME_FIELDS and (at := parse_moment(value)) is not None:
        return formatting.moment(at, tz)
    if name.startswith(CHANNEL):
        return _STATE_LABELS.get(str(value), str(value))
    return _json_text(value)


def field_groups(fields: Mapping[str, Any], names: Names, tz: str) -> list[FieldGroup]:
    """Return all fields that hold something, in groups; a group without any is left out."""
    remaining = {**flat_fields(fields), **{name: fields[name] for name in TIME_FIELDS if fields.get(name)}}
    for name in ("firstName", "lastName"):
        if isinstance(fields.get(name + "Raw"), str) and fields[name + "Raw"]:
            remaining[name] = fields[name + "Raw"]
    if "firstName" in remaining or "lastName" in remaining:
        remaining.pop("name", None)
    remaining = {name: value for name, value in remaining.items() if name != "dnd" and not name.startswith(CHANNEL)}
    groups = [FieldGroup(title, tuple(_take(remaining, members, names, tz))) for title, members in GROUPS.items()]
    custom = [name for name in remaining if name.startswith(CUSTOM)]
    custom.sort(key=lambda name: field_label(name, names).casefold())
    groups.append(FieldGroup(CUSTOM_FIELDS, tuple(_take(remaining, tuple(custom), names, tz))))
    groups.append(FieldGroup(MORE, tuple(_take(remaining, tuple(remaining), names, tz))))
    return [group for group in groups if group.rows]


def channel_states(consent: Consent) -> list[ChannelState]:
    """Return the state of each channel, as a restore takes it from all copies."""
    settings, known = consent.settings, consent.known
    states = [_channel_state(name, settings, known=known or name in settings.channels) for name in CHANNELS]
    return states + [ChannelState(channel_name(name), False, _STATE_LABELS[CLOSED]) for name in settings.others]


def _channel_state(name: str, settings: DndSettings, *, known: bool) -> ChannelState:
    is_open, state = settings.is_open(name), settings.state(name)
    if is_open and not known:
        return ChannelState(channel_name(name), None, "not told")
    return ChannelState(channel_name(name), is_open, _STATE_LABELS[CLOSED if state == OPEN and not is_open else state])


def channel_name(channel: str) -> str:
    """Return 'E-mail' for 'Email', 'Google Business' for 'GMB'."""
    return _CHANNEL_NAMES.get(channel, channel)


def _take(remaining: dict[str, Any], members: tuple[str, ...], names: Names, tz: str) -> list[tuple[str, str]]:
    """Remove these fields from `remaining` and return them as pairs of label and text."""
    return [
        (field_label(name, names), value_text(name, remaining.pop(name), names, tz))
        for name in members
        if name in remaining
    ]


def _json_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_json_text(_unwrapped(part)) for part in value)
    if is_file(value) and isinstance(value, dict):
        return formatting.plural(len(value), "file")
    if isinstance(value, dict):
        parts = [f"{capitalized(str(key))}: {_json_text(part)}" for key, part in value.items() if not is_empty(part)]
        return "; ".join(parts)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _unwrapped(part: object) -> object:
    """Return the address itself of `{email: …}` and `{phone: …}`."""
    if isinstance(part, dict):
        return next((part[key] for key in ("email", "phone", "name") if isinstance(part.get(key), str)), part)
    return part
