"""What of a contact is left out of a restore on the user's choice: fields, records, or whole kinds of records.

A name is HighLevel's own: a property of `POST /contacts/` ("city"), one custom field ("customFields.<id>") or all of
them ("customFields"), a kind of record ("note"), or one record ("note.<id>"). Do-not-disturb can never be left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hlcore.model.json_codec import decode_object
from hlcore.model.records import record_title

CUSTOM = "customFields"
FIELDS = (
    *("firstName", "lastName", "name", "email", "phone", "companyName", "address1", "city", "state", "postalCode"),
    *("country", "website", "timezone", "gender", "source", "assignedTo", "dateOfBirth", "tags", CUSTOM),
)
"""Properties of a contact that can be left out."""
KINDS: Mapping[str, str] = {
    "note": "notes",
    "task": "tasks",
    "opportunity": "opportunities",
    "appointment": "appointments",
    "message": "messages",
    "followers": "followers",
    "businessId": "link to the business",
}
"""Kinds that can be left out → what people call them."""
_ON_CONTACT = ("followers", "businessId")
_WITH = {"message": ("message", "email")}
"""Kinds of stored records that are left out together under one kind."""
LEFT_OUT = "left out, as you asked"


def can_be_left_out(name: str) -> bool:
    """Whether this name stands for something that can be left out."""
    root, _, rest = name.partition(".")
    return (root in FIELDS and (root == CUSTOM or not rest)) or root in KINDS


def is_left_out(field: str, leave: Collection[str]) -> bool:
    """Whether this property ("city", "customFields.<id>") or record ("note.<id>") is left out."""
    root = field.partition(".")[0]
    return can_be_left_out(field) and (field in leave or root in leave)


@dataclass(frozen=True, slots=True)
class ExcludedChildren:
    """What comes back of a contact. `left`: (name, what to call it) of each record and link that is left out."""

    fields: Mapping[str, Any]
    rows: Mapping[str, Sequence[tuple[str, bytes]]]
    left: tuple[tuple[str, str], ...]

    @property
    def words(self) -> tuple[str, ...]:
        """What is left out, counted by kind, in words."""
        kinds = [name.partition(".")[0] for name, _ in self.left]
        return tuple(
            KINDS[kind]
            if kind in _ON_CONTACT
            else f"{kinds.count(kind)} {KINDS[kind] if kinds.count(kind) > 1 else kind}"
            for kind in dict.fromkeys(kinds)
        )


def exclude_children(
    fields: Mapping[str, Any], rows: Mapping[str, Sequence[tuple[str, bytes]]], leave: Collection[str]
) -> ExcludedChildren:
    """Return the contact's properties and its records by kind without those that are left out."""
    links = [name for name in _ON_CONTACT if name in leave and fields.get(name)]
    left = [(name, KINDS[name]) for name in links]
    kept: dict[str, Sequence[tuple[str, bytes]]] = {}
    for kind, records in rows.items():
        name = next((name for name, stored in _WITH.items() if kind in stored), kind)
        kept[kind] = [record for record in records if not is_left_out(f"{name}.{record[0]}", leave)]
        if name == kind and len(kept[kind]) < len(records):
            left += [
                (f"{kind}.{record_id}", record_title(decode_object(raw), kind))
                for record_id, raw in records
                if is_left_out(f"{kind}.{record_id}", leave)
            ]
    return ExcludedChildren({key: value for key, value in fields.items() if key not in links}, kept, tuple(left))
