"""A contact's fields as people read them: under plain names, in groups, dates in the account's time zone. Pure.

Nothing that HighLevel sent is left out: what has no place of its own stands under "More".

Names for ids: who owns a contact, what a custom field is called. From the catalogues as last copied.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hlcore.model.contact import moment as parse_moment
from hlcore.model.contact_diff import CHANNEL, CUSTOM, flat
from hlcore.model.contact_fields import LABELS
from hlcore.model.custom_fields import is_empty, is_file
from hlcore.model.dnd import CHANNELS, CLOSED, FOREVER, OPEN, OwnSettings, own_settings
from hlcore.model.records import name_in
from hlcore.store import Tx, records
from hlcore.ui.components import formatting


@dataclass(frozen=True, slots=True)
class Names:
    """User id → name and custom field id → name, of the accounts on show; vanished ones are still known."""

    users: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)

    def user(self, user_id: str) -> str:
        """The user's name; the id where it is not known; '' for nobody."""
        return self.users.get(user_id) or user_id

    def custom(self, field_id: str) -> str:
        """The field's name; the id where it is not known."""
        return self.fields.get(field_id) or field_id


def names_of(tx: Tx, location_ids: Sequence[str]) -> Names:
    """The names that these locations' catalogues tell."""
    found: dict[str, str] = {}
    for location_id in location_ids:
        for record in records.catalogue(tx, location_id, "custom_field", with_vanished=True):
            found[record.record_id] = name_in(record.raw)
    return Names(records.user_names(tx, location_ids), found)


GROUPS: Mapping[str, tuple[str, ...]] = {
    "Person": ("firstName", "lastName", "name", "companyName", "dateOfBirth", "gender", "type", "timezone"),
    "Reach": ("email", "additionalEmails", "phone", "additionalPhones", "website"),
    "Address": ("address1", "city", "state", "postalCode", "country"),
    "In the account": ("assignedTo", "followers", "source", "tags", "dateAdded", "dateUpdated", "lastActivity"),
}
MORE, FIELDS = "More", "Custom fields"
MOMENTS = frozenset({"dateAdded", "dateUpdated", "lastActivity", "lastSessionActivityAt"})
PEOPLE = frozenset({"assignedTo", "followers"})
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
_CHANNEL_WORDS = {"GMB": "Google Business", "FB": "Facebook", "Email": "E-mail", "Call": "Calls"}
_STATES = {OPEN: "open", CLOSED: "closed", FOREVER: "closed for good"}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Some fields under one heading: pairs of label and text."""

    title: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ChannelState:
    """A way to reach the person, and whether it is open (None: the copy does not tell); `state` in words."""

    name: str
    open: bool | None
    state: str


def label(name: str, names: Names) -> str:
    """How people call this field (HighLevel's spelling, `customFields.<id>`, `dndSettings.SMS`)."""
    root, _, part = name.partition(".")
    if root == CUSTOM and part:
        return names.custom(part)
    if root == CHANNEL and part:
        return f"Do not disturb: {channel_name(part)}"
    found = _OTHER_LABELS.get(name) or LABELS.get(name)
    return _capital(found or " ".join(_CAMEL.split(name)).lower())


def text(name: str, value: object, names: Names, tz: str) -> str:
    """The value in words; '–' for none."""
    if is_empty(value):
        return formatting.NOTHING
    if name in PEOPLE:
        return ", ".join(names.user(str(one)) for one in (value if isinstance(value, list) else [value]))
    if name in MOMENTS and (at := parse_moment(value)) is not None:
        return formatting.moment(at, tz)
    if name.startswith(CHANNEL):
        return _STATES.get(str(value), str(value))
    return _plain(value)


def groups(fields: Mapping[str, Any], names: Names, tz: str) -> list[FieldGroup]:
    """All fields that hold something, in groups; groups without any are left out."""
    left = {**flat(fields), **{name: fields[name] for name in MOMENTS if fields.get(name)}}
    for name in ("firstName", "lastName"):
        if isinstance(fields.get(name + "Raw"), str) and fields[name + "Raw"]:
            left[name] = fields[name + "Raw"]
    if "firstName" in left or "lastName" in left:
        left.pop("name", None)
    left = {name: value for name, value in left.items() if name != "dnd" and not name.startswith(CHANNEL)}
    found = [FieldGroup(title, tuple(_take(left, wanted, names, tz))) for title, wanted in GROUPS.items()]
    custom = [name for name in left if name.startswith(CUSTOM)]
    custom.sort(key=lambda name: label(name, names).casefold())
    found.append(FieldGroup(FIELDS, tuple(_take(left, tuple(custom), names, tz))))
    found.append(FieldGroup(MORE, tuple(_take(left, tuple(left), names, tz))))
    return [group for group in found if group.rows]


def channels(fields: Mapping[str, Any], *, known: bool) -> list[ChannelState]:
    """Each channel with its state. `known`: the copy tells the state of every channel."""
    settings = own_settings(fields)
    found = [_channel(name, settings, known=known or name in settings.channels) for name in CHANNELS]
    return found + [ChannelState(channel_name(name), False, _STATES[CLOSED]) for name in settings.others]


def _channel(name: str, settings: OwnSettings, *, known: bool) -> ChannelState:
    is_open, state = settings.is_open(name), settings.state(name)
    if is_open and not known:
        return ChannelState(channel_name(name), None, "not told")
    return ChannelState(channel_name(name), is_open, _STATES[CLOSED if state == OPEN and not is_open else state])


def channel_name(channel: str) -> str:
    """'E-mail' for 'Email', 'Google Business' for 'GMB'."""
    return _CHANNEL_WORDS.get(channel, channel)


def _take(left: dict[str, Any], wanted: tuple[str, ...], names: Names, tz: str) -> list[tuple[str, str]]:
    return [(label(name, names), text(name, left.pop(name), names, tz)) for name in wanted if name in left]


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_plain(_inner(part)) for part in value)
    if is_file(value) and isinstance(value, dict):
        return formatting.many(len(value), "file")
    if isinstance(value, dict):
        parts = [f"{_capital(str(key))}: {_plain(part)}" for key, part in value.items() if not is_empty(part)]
        return "; ".join(parts)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _inner(part: object) -> object:
    """Of `{email: …}` and `{phone: …}` the address itself."""
    if isinstance(part, dict):
        return next((part[key] for key in ("email", "phone", "name") if isinstance(part.get(key), str)), part)
    return part


def _capital(words_: str) -> str:
    return words_[:1].upper() + words_[1:]
