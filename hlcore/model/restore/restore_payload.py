"""The body of `POST /contacts/` out of a contact's last copy, with what changes and what is lost.

The properties are those of `CreateContactDto` and `UpdateContactDto` in HighLevel's OpenAPI file contacts.json; the
server rejects every other property with 422. Nothing is dropped silently: whatever a copy holds is in the body, or
named as changed, or named as lost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hlcore.model import custom_fields as values
from hlcore.model.contact import fold_text
from hlcore.model.contact_fields import (
    ALWAYS_LOST,
    COUNTRIES,
    DERIVED,
    TEXTS,
    UNWRITABLE,
    label_of,
    original_text,
    tag_text,
    tag_texts,
)
from hlcore.model.contact_snapshot import ContactSnapshot
from hlcore.model.custom_fields import FieldDefinition
from hlcore.model.dnd import CLOSED, OPEN, QuietSettings, quiet_settings
from hlcore.model.json_codec import is_finite
from hlcore.model.moments import day_text
from hlcore.model.reference_data import FieldCatalogue
from hlcore.model.restore.exclusions import LEFT_OUT, is_left_out

UPDATE = frozenset(
    {
        *("firstName", "lastName", "name", "email", "phone", "address1", "city", "state", "postalCode", "website"),
        *("timezone", "dnd", "dndSettings", "inboundDndSettings", "tags", "customFields", "source", "dateOfBirth"),
        *("country", "assignedTo"),
    }
)
"""Properties that `PUT /contacts/{id}` takes."""
CREATE = UPDATE | {"locationId", "gender", "companyName"}
"""Properties that `POST /contacts/` takes."""
NO_TEXT = "the copy holds no text"
NO_DATE = "not a date that can be read in one way only"
NEVER_WRITTEN = "HighLevel does not let it be written"
ONLY_NEW = CREATE - UPDATE - {"locationId"}
"""Properties that a contact can only be created with."""
ONLY_NEW_WHY = "HighLevel takes it only when a contact is created"


@dataclass(frozen=True, slots=True)
class RestorePayload:
    """What becomes of a copy.

    `body` is the create call, with all channels closed; `dnd_update` is the update that then restores the contact's own
    do-not-disturb, None where it stays as created. The lists are in words. `reasons`: property (a custom field as
    `customFields.<id>`) → why it is not in the body; `lost_fields`: the same → the words in `lost`; `changed`: the
    properties in the body that do not say exactly what the copy says.
    """

    body: dict[str, Any]
    dnd_update: dict[str, Any] | None
    returns: tuple[str, ...]
    changes: tuple[str, ...]
    lost: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    lost_fields: Mapping[str, str] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()

    @property
    def target(self) -> dict[str, Any]:
        """What the contact is planned to be after all requests."""
        return {**self.body, **(self.dnd_update or {})}


@dataclass(slots=True)
class _Draft:
    body: dict[str, Any] = field(default_factory=dict)
    returns: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    leave: Collection[str] = ()
    left_out: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    lost_fields: dict[str, str] = field(default_factory=dict)

    def keep(self, key: str, value: Any, label: str = "") -> None:
        if not self.leaves(key, label or label_of(key)):
            self.body[key] = value
            self.returns.append(label or label_of(key))

    def leaves(self, name: str, label: str) -> bool:
        if is_left_out(name, self.leave):
            self.left_out.append(label)
            self.reasons[name] = LEFT_OUT
        return name in self.reasons

    def change(self, name: str, words: str) -> None:
        self.changed.add(name)
        self.changes.append(words)

    def lose(self, name: str, words: str, reason: str = "") -> None:
        self.reasons[name] = reason or words.rpartition(" (")[2].removesuffix(")")
        self.lost_fields[name] = words
        if words not in self.lost:
            self.lost.append(words)

    def lose_value(self, name: str, value: Any, why: str, label: str = "") -> None:
        if not values.is_empty(value):
            self.lose(name, f"{label or label_of(name)} {original_text(value)} ({why})")


def restore_payload(
    copy: ContactSnapshot,
    location_id: str,
    catalogue: FieldCatalogue,
    *,
    attached: Sequence[str] = (),
    elsewhere: Collection[str] = (),
    leave_out: Collection[str] = (),
) -> RestorePayload:
    """Return everything of this copy that HighLevel accepts, as one create call under which no message can go out.

    `attached`: what else the vault holds of the contact ("3 notes"), which a create call cannot carry; `elsewhere`:
    properties that other calls bring back, so that they are not named as lost; `leave_out`: names of `exclusions` that
    the user leaves out."""
    draft, fields = _Draft(leave=leave_out), copy.fields
    _texts(draft, fields)
    _names(draft, fields)
    _country(draft, fields)
    _birth(draft, fields)
    _tags(draft, fields)
    _custom(draft, fields, catalogue)
    _owner(draft, fields, catalogue)
    dnd = _dnd(draft, copy)
    _identity(draft, copy, catalogue.timezone)
    _lost(draft, {key: value for key, value in fields.items() if key not in elsewhere}, attached)
    body = {"locationId": location_id, **draft.body, **dnd.create}
    return RestorePayload(
        body,
        dnd.update,
        returns=tuple(draft.returns),
        changes=tuple(draft.changes),
        lost=tuple(draft.lost),
        left_out=tuple(draft.left_out),
        reasons=draft.reasons,
        lost_fields=draft.lost_fields,
        changed=frozenset(draft.changed),
    )


def without_properties(body: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return the body without these properties; `customFields.2…` removes only the value at that index. Do-not-disturb
    and the location always stay."""
    roots = {name for name in names if "." not in name} - {"dnd", "dndSettings", "locationId"}
    indexes = {int(parts[1]) for name in names if (parts := name.split("."))[0] == "customFields" and _is_index(parts)}
    kept = {key: value for key, value in body.items() if key not in roots}
    if indexes and isinstance(kept.get("customFields"), list):
        kept["customFields"] = [item for index, item in enumerate(kept["customFields"]) if index not in indexes]
    if not kept.get("customFields", True):
        del kept["customFields"]
    return kept


def _is_blank(value: object) -> bool:
    return values.is_empty(value) or (isinstance(value, str) and not value.strip())


def _is_index(parts: Sequence[str]) -> bool:
    return len(parts) > 1 and parts[1].isascii() and parts[1].isdigit()


def _texts(draft: _Draft, fields: Mapping[str, Any]) -> None:
    for key in TEXTS:
        value = _text(fields.get(key))
        if value:
            draft.keep(key, value)
        else:
            draft.lose_value(key, fields.get(key), NO_TEXT)


def _names(draft: _Draft, fields: Mapping[str, Any]) -> None:
    """Keep first and last name in their true case; the whole name only where neither is known."""
    for key in ("firstName", "lastName"):
        own = _text(fields.get(key))
        if value := _true_case(own, _text(fields.get(key + "Raw"))):
            draft.keep(key, value)
        if not own:
            draft.lose_value(key, fields.get(key), NO_TEXT)
    own = _text(fields.get("name"))
    whole = own or _text(fields.get("contactName"))
    if not own:
        draft.lose_value("name", fields.get("name"), NO_TEXT)
    parts = [draft.body[key] for key in ("firstName", "lastName") if key in draft.body]
    if not whole:
        draft.lose_value("name", fields.get("contactName"), NO_TEXT)
    elif not ({"firstName", "lastName"} & (draft.body.keys() | draft.reasons.keys())):
        draft.keep("name", whole)
    elif parts and fold_text(" ".join(parts)) != fold_text(whole):
        draft.change("name", f"name: {original_text(whole)} becomes {original_text(' '.join(parts))}, its parts")
    elif not parts:
        draft.lose_value("name", whole, "HighLevel makes it of the first and last name")


def _true_case(name: str, raw: str) -> str:
    """Return the name as it was typed: some listings lower-case it and keep the original in `raw`."""
    if raw and (not name or (name == name.lower() and raw.casefold() == name.casefold())):
        return raw
    return name


def _country(draft: _Draft, fields: Mapping[str, Any]) -> None:
    given = _text(fields.get("country")).strip()
    code = country_code(given)
    if code:
        draft.keep("country", code)
        if "country" in draft.body and code.casefold() != given.casefold():
            draft.change("country", f"{label_of('country')}: {original_text(given)} becomes the code {code}")
    elif given:
        draft.lose("country", f"{label_of('country')} ({original_text(given)} is no two-letter code)")
    else:
        draft.lose_value("country", fields.get("country"), NO_TEXT)


def country_code(name: str) -> str:
    """Return the two-letter code of this country; '' for none."""
    code = COUNTRIES.get(name.strip().casefold(), name.strip().upper())
    return code if len(code) == 2 and code.isascii() and code.isalpha() else ""


def _birth(draft: _Draft, fields: Mapping[str, Any]) -> None:
    given, label = fields.get("dateOfBirth"), label_of("dateOfBirth")
    day = values.iso_date(given)
    if not day:
        draft.lose_value("dateOfBirth", given, NO_DATE)
        return
    draft.keep("dateOfBirth", day)
    if "dateOfBirth" in draft.body and not values.is_whole_day(given):
        draft.change("dateOfBirth", f"{label}: of {original_text(given)} only the day {day} is written")


def _tags(draft: _Draft, fields: Mapping[str, Any]) -> None:
    given = fields.get("tags")
    tags, label = tag_texts(given), label_of("tags")
    odd = [item for item in given if not _is_blank(item) and not tag_text(item)] if isinstance(given, list) else []
    if tags:
        draft.keep("tags", tags, f"{label} ({len(tags)})")
        if "tags" in draft.body and any(tag != tag.lower() for tag in tags):
            draft.change("tags", "tags: HighLevel writes them in small letters")
    elif not odd:
        draft.lose_value("tags", None if _is_blank(given) or isinstance(given, list) else given, "no list of texts")
    if odd:
        draft.lose_value("tags.unreadable", odd, "no texts", label)


def _custom(draft: _Draft, fields: Mapping[str, Any], catalogue: FieldCatalogue) -> None:
    kept: dict[str, Any] = {}
    for field_id, value in values.custom_values(fields.get("customFields")).items():
        known = None if catalogue.fields is None else catalogue.fields.get(field_id, FieldDefinition("", exists=False))
        label, name = catalogue.label(field_id), f"customFields.{field_id}"
        data_type = known.data_type if known else ""
        written = values.writable_value(value, data_type)
        if known is not None and not known.exists:
            draft.lose(name, f"{label} (the field was deleted in HighLevel)")
        elif values.is_file(value) or data_type in values.FILES:
            draft.lose(name, f"{label} (files cannot be written back)")
        elif written is None:
            draft.lose_value(name, value, NO_DATE if data_type == values.DATE else "JSON has no such number", label)
        elif not draft.leaves(name, label):
            kept[field_id] = written
            draft.returns.append(label)
            if data_type == values.DATE and not values.is_whole_day(value):
                draft.change(name, f"{label}: of {original_text(value)} only the day {written} is written")
    if kept:
        draft.body["customFields"] = values.to_written(kept)
    for number, odd in enumerate(values.unreadable_values(fields.get("customFields"))):
        draft.lose_value(f"customFields.unreadable{number}", odd, "its form is not HighLevel's", "custom field value")


def _owner(draft: _Draft, fields: Mapping[str, Any], catalogue: FieldCatalogue) -> None:
    owner = _text(fields.get("assignedTo"))
    if not owner:
        draft.lose_value("assignedTo", fields.get("assignedTo"), "it is no user's id")
    elif catalogue.users is not None and owner not in catalogue.users:
        name = " ".join(filter(None, (label_of("assignedTo"), catalogue.names.get(owner))))
        draft.lose("assignedTo", f"{name} (this user no longer exists)")
    else:
        draft.keep("assignedTo", owner)


def _dnd(draft: _Draft, copy: ContactSnapshot) -> QuietSettings:
    draft.returns.append(label_of("dndSettings"))
    consent = copy.consent
    dnd = quiet_settings(consent.settings, known=consent.known)
    draft.changes.extend(note for note in (dnd.note, *consent.notes) if note)
    inbound = copy.fields.get("inboundDndSettings")
    everything = inbound.get("all") if isinstance(inbound, Mapping) else None
    status = everything.get("status") if isinstance(everything, Mapping) else None
    state = status.strip().lower() if isinstance(status, str) else ""
    if isinstance(everything, Mapping) and state in (CLOSED, OPEN):
        message = everything.get("message")
        draft.keep("inboundDndSettings", {"all": {"status": state, **({"message": message} if message else {})}})
    elif not values.is_empty(inbound):
        draft.lose_value("inboundDndSettings", inbound, "it cannot be read")
    return dnd


def _identity(draft: _Draft, copy: ContactSnapshot, timezone: str) -> None:
    draft.changes.append("contact id: HighLevel gives a new one")
    if copy.date_added is not None:
        draft.changes.append(
            f"date added: becomes today; {day_text(copy.date_added, timezone)} stays on record in Contact Vault"
        )


def _lost(draft: _Draft, fields: Mapping[str, Any], attached: Sequence[str]) -> None:
    for key, value in fields.items():
        if key in CREATE or key in DERIVED or values.is_empty(value):
            continue
        words: str | Callable[[Any], str] = UNWRITABLE.get(key, f"{key} (HighLevel does not let it be written)")
        text = words if isinstance(words, str) else words(value)
        if text:
            draft.lose(key, text, NEVER_WRITTEN)
    draft.lost.extend(f"{text} (kept in Contact Vault)" for text in attached)
    draft.lost.extend(ALWAYS_LOST)


def _text(value: object) -> str:
    """Return a text as it is, a number as text, '' for anything else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value) if is_finite(value) else ""
    return value if isinstance(value, str) and value.strip() else ""
