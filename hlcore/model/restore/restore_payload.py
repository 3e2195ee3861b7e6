"""What of a contact's last copy can be written back, and what cannot: the body of `POST /contacts/`.

The lists of properties are `CreateContactDto` and `UpdateContactDto` of HighLevel's OpenAPI file contacts.json; the
server refuses every other property with 422. Nothing that a copy holds is dropped silently: it is in the body, or
named as changed, or named as lost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hlcore.model import custom_fields as values
from hlcore.model.contact_fields import ALWAYS_LOST, COUNTRIES, DERIVED, TEXTS, UNWRITABLE, label_of
from hlcore.model.contact_snapshot import ContactSnapshot
from hlcore.model.custom_fields import FieldDefinition
from hlcore.model.dnd import QuietSettings, own_settings, quiet
from hlcore.model.reference_data import FieldCatalogue
from hlcore.model.restore.exclusions import LEFT_OUT, is_left

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
NEVER_WRITTEN = "HighLevel does not let it be written"
ONLY_NEW = CREATE - UPDATE - {"locationId"}
"""Properties that a living contact cannot be given."""
ONLY_NEW_WHY = "HighLevel takes it only when a contact is created"


@dataclass(frozen=True, slots=True)
class RestorePayload:
    """A copy, sorted by what can become of it.

    `body` is the create call, with all channels closed; `after` the update that brings the person's own
    do-not-disturb back, None where it stays as created. The lists are in plain words. `reasons`: property (a custom
    field as `customFields.<id>`) → why it is not in the body.
    """

    body: dict[str, Any]
    after: dict[str, Any] | None
    returns: tuple[str, ...]
    changes: tuple[str, ...]
    lost: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def target(self) -> dict[str, Any]:
        """What the contact shall be when everything is done."""
        return {**self.body, **(self.after or {})}


@dataclass(slots=True)
class _Sorting:
    body: dict[str, Any] = field(default_factory=dict)
    returns: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    leave: Collection[str] = ()
    left_out: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)

    def keep(self, key: str, value: Any, label: str = "") -> None:
        if not self.leaves(key, label or label_of(key)):
            self.body[key] = value
            self.returns.append(label or label_of(key))

    def leaves(self, name: str, label: str) -> bool:
        if is_left(name, self.leave):
            self.left_out.append(label)
            self.reasons[name] = LEFT_OUT
        return name in self.reasons

    def lose(self, name: str, words: str, reason: str = "") -> None:
        self.reasons[name] = reason or words.rpartition(" (")[2].removesuffix(")")
        if words not in self.lost:
            self.lost.append(words)


def restore_payload(
    copy: ContactSnapshot,
    location_id: str,
    catalogue: FieldCatalogue,
    *,
    attached: Sequence[str] = (),
    elsewhere: Collection[str] = (),
    leave_out: Collection[str] = (),
) -> RestorePayload:
    """Everything of this copy that HighLevel takes, as one create call that reaches nobody. Pure.

    `attached`: what else the vault holds of the person ("3 notes"), which a create call cannot carry. `elsewhere`:
    properties that other calls bring back, so that they are not named as lost. `leave_out`: names that a person leaves
    out (see `model.leaving`)."""
    found, fields = _Sorting(leave=leave_out), copy.fields
    _texts(found, fields)
    _names(found, fields)
    _country(found, fields)
    _birth(found, fields)
    _tags(found, fields)
    _custom(found, fields, catalogue)
    _owner(found, fields, catalogue)
    disturb = _disturb(found, copy)
    _identity(found, copy)
    _lost(found, {key: value for key, value in fields.items() if key not in elsewhere}, attached)
    body = {"locationId": location_id, **found.body, **disturb.create}
    return RestorePayload(
        body,
        disturb.after,
        returns=tuple(found.returns),
        changes=tuple(found.changes),
        lost=tuple(found.lost),
        left_out=tuple(found.left_out),
        reasons=found.reasons,
    )


def without(body: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The body without these properties; `customFields.2…` takes out only that value. What keeps a person from being
    messaged, and the location, always stay."""
    roots = {name for name in names if "." not in name} - {"dnd", "dndSettings", "locationId"}
    gone = {int(parts[1]) for name in names if (parts := name.split("."))[0] == "customFields" and _is_index(parts)}
    left = {key: value for key, value in body.items() if key not in roots}
    if gone and isinstance(left.get("customFields"), list):
        left["customFields"] = [item for at, item in enumerate(left["customFields"]) if at not in gone]
    if not left.get("customFields", True):
        del left["customFields"]
    return left


def _is_index(parts: Sequence[str]) -> bool:
    return len(parts) > 1 and parts[1].isascii() and parts[1].isdigit()


def _texts(found: _Sorting, fields: Mapping[str, Any]) -> None:
    for key in TEXTS:
        value = _text(fields.get(key))
        if value:
            found.keep(key, value)
        elif not values.is_empty(fields.get(key)):
            found.lose(key, f"{label_of(key)} (the copy holds no text)")


def _names(found: _Sorting, fields: Mapping[str, Any]) -> None:
    """First and last name in their true case; the whole name only where neither is known."""
    for key in ("firstName", "lastName"):
        value = _true_case(_text(fields.get(key)), _text(fields.get(key + "Raw")))
        if value:
            found.keep(key, value)
    whole = _text(fields.get("name")) or _text(fields.get("contactName"))
    if whole and not ({"firstName", "lastName"} & (found.body.keys() | found.reasons.keys())):
        found.keep("name", whole)


def _true_case(name: str, raw: str) -> str:
    """Some accounts' listings lower-case the first name and keep the true one beside it."""
    if raw and (not name or (name == name.lower() and raw.casefold() == name.casefold())):
        return raw
    return name


def _country(found: _Sorting, fields: Mapping[str, Any]) -> None:
    given = _text(fields.get("country")).strip()
    code = COUNTRIES.get(given.casefold(), given.upper())
    if len(code) == 2 and code.isascii() and code.isalpha():
        found.keep("country", code)
    elif given:
        found.lose("country", f"{label_of('country')} (“{given}” is no two-letter code)")


def _birth(found: _Sorting, fields: Mapping[str, Any]) -> None:
    given = fields.get("dateOfBirth")
    day = values.iso_date(given)
    if day:
        found.keep("dateOfBirth", day)
    elif not values.is_empty(given):
        found.lose("dateOfBirth", f"{label_of('dateOfBirth')} (not a date)")


def _tags(found: _Sorting, fields: Mapping[str, Any]) -> None:
    given = fields.get("tags")
    tags = [tag for tag in given if isinstance(tag, str) and tag.strip()] if isinstance(given, list) else []
    if not tags:
        return
    found.keep("tags", tags, f"{label_of('tags')} ({len(tags)})")
    if "tags" in found.body and any(tag != tag.lower() for tag in tags):
        found.changes.append("tags: HighLevel writes them in small letters")


def _custom(found: _Sorting, fields: Mapping[str, Any], catalogue: FieldCatalogue) -> None:
    kept: dict[str, Any] = {}
    for field_id, value in values.values_of(fields.get("customFields")).items():
        known = None if catalogue.fields is None else catalogue.fields.get(field_id, FieldDefinition("", exists=False))
        label, name = catalogue.label(field_id), f"customFields.{field_id}"
        if known is not None and not known.exists:
            found.lose(name, f"{label} (the field was deleted in HighLevel)")
        elif values.is_file(value) or (known is not None and known.data_type in values.FILES):
            found.lose(name, f"{label} (files cannot be written back)")
        elif not found.leaves(name, label):
            kept[field_id] = values.writable_value(value, known.data_type if known else "")
            found.returns.append(label)
    if kept:
        found.body["customFields"] = values.as_written(kept)


def _owner(found: _Sorting, fields: Mapping[str, Any], catalogue: FieldCatalogue) -> None:
    owner = _text(fields.get("assignedTo"))
    if owner and catalogue.users is not None and owner not in catalogue.users:
        found.lose("assignedTo", f"{label_of('assignedTo')} (this user no longer exists)")
    elif owner:
        found.keep("assignedTo", owner)


def _disturb(found: _Sorting, copy: ContactSnapshot) -> QuietSettings:
    found.returns.append(label_of("dndSettings"))
    disturb = quiet(own_settings(copy.fields), known=copy.settings_known)
    if disturb.note:
        found.changes.append(disturb.note)
    inbound = copy.fields.get("inboundDndSettings")
    everything = inbound.get("all") if isinstance(inbound, Mapping) else None
    if isinstance(everything, Mapping) and everything.get("status") in ("active", "inactive"):
        kept = {key: everything[key] for key in ("status", "message") if isinstance(everything.get(key), str)}
        found.keep("inboundDndSettings", {"all": kept})
    return disturb


def _identity(found: _Sorting, copy: ContactSnapshot) -> None:
    found.changes.append("contact id: HighLevel gives a new one")
    if copy.date_added is not None:
        found.changes.append(f"date added: becomes today; {copy.date_added:%Y-%m-%d} stays on record in Contact Vault")


def _lost(found: _Sorting, fields: Mapping[str, Any], attached: Sequence[str]) -> None:
    for key, value in fields.items():
        if key in CREATE or key in DERIVED or values.is_empty(value):
            continue
        words: str | Callable[[Any], str] = UNWRITABLE.get(key, f"{key} (HighLevel does not let it be written)")
        text = words if isinstance(words, str) else words(value)
        if text:
            found.lose(key, text, NEVER_WRITTEN)
    found.lost.extend(f"{one} (kept in Contact Vault)" for one in attached)
    found.lost.extend(ALWAYS_LOST)


def _text(value: object) -> str:
    """Texts as they are; numbers as text; anything else is none."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, (int, float)):
        return str(value)
    return value if isinstance(value, str) and value.strip() else ""
