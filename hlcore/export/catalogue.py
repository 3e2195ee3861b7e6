"""The custom fields of the locations: from the catalogue as HighLevel sent it, and from the values themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from hlcore.export.custom import CustomColumns, CustomField, custom_columns, unknown_ids
from hlcore.export.fields import COLUMNS, lenient
from hlcore.model.naming import name_in
from hlcore.store import Tx, records


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
