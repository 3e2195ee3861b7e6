"""Custom fields as columns: which there are, what they are called, and which column a value goes to.

The fields are those of the locations' lists, deleted ones too, and those that only occur in contacts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from hlcore.export.columns import COLUMNS
from hlcore.model.custom_fields import custom_values
from hlcore.model.json_codec import decode_lossy_object
from hlcore.model.records import record_name
from hlcore.store import Tx, records


@dataclass(frozen=True, slots=True)
class CustomField:
    """One field of a location. `name`: '' for a field that only occurs in contacts."""

    location_id: str
    field_id: str
    name: str = ""
    position: float = 0.0


@dataclass(frozen=True, slots=True)
class CustomColumns:
    """`names` in order; `positions`: location → field id → index in `names`."""

    names: tuple[str, ...]
    positions: Mapping[str, Mapping[str, int]]

    def values(self, location_id: str, custom_fields: object) -> list[object]:
        """Return the values of a contact of this location with these `customFields`; None where it has none."""
        values: list[object] = [None] * len(self.names)
        positions = self.positions.get(location_id, {})
        for field_id, value in custom_values(custom_fields).items():
            if field_id in positions:
                values[positions[field_id]] = value
        return values


def custom_columns(fields: Iterable[CustomField], *, taken: Sequence[str]) -> CustomColumns:
    """Return a column for each field, in HighLevel's order.

    Fields of different locations that have the same name share a column. Where one location has two of one name, or
    the name is taken by another column, the field's id follows the name; a field without a name has its id as name.
    """
    ordered = sorted(fields, key=lambda field: (not field.name, field.position, field.name, field.field_id))
    uses = Counter((field.location_id, field.name) for field in ordered)
    ambiguous = {name for (_, name), number in uses.items() if number > 1} | set(taken)
    positions: dict[str, dict[str, int]] = defaultdict(dict)
    order: dict[str, int] = {}
    for field in ordered:
        title = _title(field, ambiguous)
        while title in taken or field.location_id in _owners(positions, order.get(title)):
            title = f"{title} ({field.field_id})"
        positions[field.location_id][field.field_id] = order.setdefault(title, len(order))
    return CustomColumns(tuple(order), positions)


def _title(field: CustomField, ambiguous: set[str]) -> str:
    if not field.name:
        return field.field_id
    return f"{field.name} ({field.field_id})" if field.name in ambiguous else field.name


def _owners(positions: Mapping[str, Mapping[str, int]], position: int | None) -> set[str]:
    """Return the locations that use this column already."""
    return {
        location_id for location_id, used in positions.items() if position is not None and position in used.values()
    }


class _Entry(msgspec.Struct):
    position: Any = None
    model: Any = None


class _Value(msgspec.Struct):
    id: Any = None


class _ContactFields(msgspec.Struct):
    customFields: list[_Value] | None = None


_entry_decoder = msgspec.json.Decoder(_Entry)
_contact_decoder = msgspec.json.Decoder(_ContactFields)


def columns_for(tx: Tx, location_ids: Sequence[str], copies: Iterable[tuple[str, bytes]]) -> CustomColumns:
    """Return the columns for the custom fields of these locations: those of their lists (deleted ones too), then those
    that only occur in the copies (location id, bytes)."""
    fields = [field for location_id in location_ids for field in _listed_fields(tx, location_id)]
    known: dict[str, set[str]] = {location_id: set() for location_id in location_ids}
    for field in fields:
        known[field.location_id].add(field.field_id)
    for location_id, raw in copies:
        for field_id in _unknown_ids(raw, known[location_id]):
            known[location_id].add(field_id)
            fields.append(CustomField(location_id, field_id))
    return custom_columns(fields, taken=COLUMNS)


def _listed_fields(tx: Tx, location_id: str) -> list[CustomField]:
    fields = []
    for record in records.iterate(tx, location_id, "custom_field"):
        entry = _decode_entry(record.raw)
        if entry.model in (None, "", "contact"):
            position = entry.position if isinstance(entry.position, (int, float)) else 0.0
            fields.append(CustomField(location_id, record.record_id, record_name(record.raw), position))
    return fields


def _unknown_ids(raw: bytes, known: set[str]) -> list[str]:
    """Return the field ids in these bytes that are not known; decodes as little as it can."""
    if b'"customFields"' not in raw:
        return []
    try:
        ids = [value.id for value in _contact_decoder.decode(raw).customFields or ()]
    except (ValueError, RecursionError):
        values = decode_lossy_object(raw).get("customFields")
        ids = [value.get("id") for value in values if isinstance(value, dict)] if isinstance(values, list) else []
    return [field_id for field_id in ids if isinstance(field_id, str) and field_id and field_id not in known]


def _decode_entry(raw: bytes) -> _Entry:
    try:
        return _entry_decoder.decode(raw)
    except (ValueError, RecursionError):
        return _Entry()
