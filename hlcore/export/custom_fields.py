"""Custom fields as columns. Pure: which columns there are, how they are called, and where a value goes.

The custom fields of the locations: from the catalogue as HighLevel sent it, and from the values themselves.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from hlcore.export.columns import COLUMNS, lenient
from hlcore.model.custom_fields import values_of
from hlcore.model.records import name_in
from hlcore.store import Tx, records


@dataclass(frozen=True, slots=True)
class CustomField:
    """One field of a location's catalogue. `name` is '' for one that only its values tell of."""

    location_id: str
    field_id: str
    name: str = ""
    position: float = 0.0


@dataclass(frozen=True, slots=True)
class CustomColumns:
    """`names` in order; `places`: location → field id → place in `names`."""

    names: tuple[str, ...]
    places: Mapping[str, Mapping[str, int]]

    def values(self, location_id: str, given: object) -> list[object]:
        """The values of a contact of this location with these `customFields`; None where it has none."""
        values: list[object] = [None] * len(self.names)
        places = self.places.get(location_id, {})
        for field_id, value in values_of(given).items():
            if field_id in places:
                values[places[field_id]] = value
        return values


def custom_columns(fields: Iterable[CustomField], *, taken: Sequence[str]) -> CustomColumns:
    """A column for each field, in the order of the catalogue.

    Fields of different locations that have the same name share a column. Where one location has two of one name, or
    the name is taken by another column, the field's id stands behind the name; without a name it stands alone.
    """
    ordered = sorted(fields, key=lambda field: (not field.name, field.position, field.name, field.field_id))
    twice = Counter((field.location_id, field.name) for field in ordered)
    ambiguous = {name for (_, name), times in twice.items() if times > 1} | set(taken)
    places: dict[str, dict[str, int]] = defaultdict(dict)
    order: dict[str, int] = {}
    for field in ordered:
        title = _title(field, ambiguous)
        while title in taken or field.location_id in _owners(places, order.get(title)):
            title = f"{title} ({field.field_id})"
        places[field.location_id][field.field_id] = order.setdefault(title, len(order))
    return CustomColumns(tuple(order), places)


def unknown_ids(given: object, known: Mapping[str, Any] | set[str]) -> list[str]:
    """The ids of these `customFields` that are not known yet."""
    if not isinstance(given, list):
        return []
    ids = (item.get("id") for item in given if isinstance(item, dict))
    return [found for found in ids if isinstance(found, str) and found and found not in known]


def _title(field: CustomField, ambiguous: set[str]) -> str:
    if not field.name:
        return field.field_id
    return f"{field.name} ({field.field_id})" if field.name in ambiguous else field.name


def _owners(places: Mapping[str, Mapping[str, int]], place: int | None) -> set[str]:
    """The locations that already use this column."""
    return {location for location, mine in places.items() if place is not None and place in mine.values()}


class _Entry(msgspec.Struct):
    position: Any = None
    model: Any = None


class _Value(msgspec.Struct):
    id: Any = None


class _Strict(msgspec.Struct):
    customFields: list[_Value] | None = None


_entry = msgspec.json.Decoder(_Entry)
_strict = msgspec.json.Decoder(_Strict)


def columns_for(tx: Tx, location_ids: Sequence[str], copies: Iterable[tuple[str, bytes]]) -> CustomColumns:
    """The columns for the custom fields of these locations: those of the catalogue (vanished ones too), then those
    that only occur in the copies (location, bytes), under their ids."""
    fields = [field for location_id in location_ids for field in _catalogue(tx, location_id)]
    known: dict[str, set[str]] = {location_id: set() for location_id in location_ids}
    for field in fields:
        known[field.location_id].add(field.field_id)
    for location_id, raw in copies:
        mine = known[location_id]
        for field_id in _unknown(raw, mine):
            mine.add(field_id)
            fields.append(CustomField(location_id, field_id))
    return custom_columns(fields, taken=COLUMNS)


def _catalogue(tx: Tx, location_id: str) -> list[CustomField]:
    found = []
    for record in records.iterate(tx, location_id, "custom_field"):
        entry = _read(record.raw)
        if entry.model in (None, "", "contact"):
            found.append(CustomField(location_id, record.record_id, name_in(record.raw), _number(entry.position)))
    return found


def _unknown(raw: bytes, known: set[str]) -> list[str]:
    """The field ids in these bytes that nobody knows; decodes as little as it can."""
    if b'"customFields"' not in raw:
        return []
    try:
        given = _strict.decode(raw).customFields
    except (msgspec.MsgspecError, ValueError):
        return unknown_ids(lenient(raw).get("customFields"), known)
    return [field.id for field in given or () if isinstance(field.id, str) and field.id and field.id not in known]


def _read(raw: bytes) -> _Entry:
    try:
        return _entry.decode(raw)
    except (msgspec.MsgspecError, ValueError):
        return _Entry()


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
