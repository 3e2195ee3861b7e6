"""What of a contact a person leaves out of a restore: single fields, single records, or whole kinds of records.

A name is HighLevel's own: a property of `POST /contacts/` ("city"), one custom field ("customFields.<id>") or all of
them ("customFields"), a kind of record ("note"), or one record ("note.<id>"). What keeps a person from being messaged
can never be left out. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hlcore.model.records import decode

CUSTOM = "customFields"
FIELDS = (
    *("firstName", "lastName", "name", "email", "phone", "companyName", "address1", "city", "state", "postalCode"),
    *("country", "website", "timezone", "gender", "source", "assignedTo", "dateOfBirth", "tags", CUSTOM),
)
"""Properties of a contact that can be left out. Do-not-disturb is not among them."""
KINDS: Mapping[str, str] = {
    "note": "notes",
    "task": "tasks",
    "opportunity": "opportunities",
    "appointment": "appointments",
    "message": "messages",
    "followers": "followers",
    "businessId": "link to the business",
}
"""What belongs to a contact → how people call it."""
_ON_CONTACT = ("followers", "businessId")
_WITH = {"message": ("message", "email")}
"""Kinds of stored records behind one kind that people see."""
LEFT_OUT = "left out, as you asked"


def is_known(name: str) -> bool:
    """Whether something can be left out under this name."""
    root, _, rest = name.partition(".")
    return (root in FIELDS and (root == CUSTOM or not rest)) or root in KINDS


def is_left(field: str, leave: Collection[str]) -> bool:
    """Whether this property ("city", "customFields.<id>") or record ("note.<id>") is left out."""
    root = field.partition(".")[0]
    return is_known(field) and (field in leave or root in leave)


@dataclass(frozen=True, slots=True)
class ExcludedChildren:
    """What is to come back of a contact's belongings. `left`: (name, how people call it) of each that is left out."""

    fields: Mapping[str, Any]
    rows: Mapping[str, Sequence[tuple[str, bytes]]]
    left: tuple[tuple[str, str], ...]

    @property
    def words(self) -> tuple[str, ...]:
        """What is left out, counted by kind."""
        kinds = [name.partition(".")[0] for name, _ in self.left]
        return tuple(
            KINDS[kind]
            if kind in _ON_CONTACT
            else f"{kinds.count(kind)} {KINDS[kind] if kinds.count(kind) > 1 else kind}"
            for kind in dict.fromkeys(kinds)
        )


def belongings(
    fields: Mapping[str, Any], rows: Mapping[str, Sequence[tuple[str, bytes]]], leave: Collection[str]
) -> ExcludedChildren:
    """The contact's properties without the followers and the business that are left out, and its records by kind
    without those that are."""
    gone = {name for name in _ON_CONTACT if name in leave and fields.get(name)}
    kept = {key: value for key, value in fields.items() if key not in gone}
    left = [(name, KINDS[name]) for name in _ON_CONTACT if name in gone]
    some: dict[str, Sequence[tuple[str, bytes]]] = {}
    for kind, held in rows.items():
        seen = next((name for name, stored in _WITH.items() if kind in stored), kind)
        some[kind] = [one for one in held if not is_left(f"{seen}.{one[0]}", leave)]
        if seen == kind and len(some[kind]) < len(held):
            left += [(f"{kind}.{key}", _title(raw, kind)) for key, raw in held if is_left(f"{kind}.{key}", leave)]
    return ExcludedChildren(kept, some, tuple(left))


def _title(raw: bytes, kind: str) -> str:
    row = decode(raw)
    lines = str(row.get("title") or row.get("name") or row.get("body") or "").strip().splitlines()
    return lines[0][:80] if lines else kind
