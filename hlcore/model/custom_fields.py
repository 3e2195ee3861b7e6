"""Custom field values: read, written and compared.

A contact carries `{id, value}` (`fieldValue` or `field_value` in other versions of the API); a write takes
`{id, field_value}` (HighLevel OpenAPI contacts.json). Dates are written as `YYYY-MM-DD`; numbers come back as numbers
or as text; the order of several choices has no meaning; files cannot be written back.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hlcore.model.moments import parse_moment

FILES = frozenset({"FILE_UPLOAD", "SIGNATURE"})
DATE = "DATE"
_VALUE_KEYS = ("value", "fieldValue", "field_value")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?=$|[T ])")
_YEAR_FIRST = re.compile(r"(\d{4})([/._-])(\d{1,2})\2(\d{1,2})")
_YEAR_LAST = re.compile(r"(\d{1,2})([/._-])(\d{1,2})\2(\d{4})")


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """One custom field of a location. `data_type` is HighLevel's `dataType`; `exists`: False once it was deleted."""

    name: str
    data_type: str = ""
    exists: bool = True


def custom_values(custom_fields: object) -> dict[str, Any]:
    """Return field id → value from a contact's `customFields`, without the empty ones."""
    values: dict[str, Any] = {}
    for item in custom_fields if isinstance(custom_fields, list) else ():
        if not isinstance(item, Mapping) or not isinstance(item.get("id"), str) or not item["id"]:
            continue
        value = next((item[key] for key in _VALUE_KEYS if item.get(key) is not None), None)
        if not is_empty(value):
            values[item["id"]] = value
    return values


def is_empty(value: object) -> bool:
    """Whether HighLevel treats the value as missing."""
    return value is None or value in ("", [], {})


def is_file(value: object) -> bool:
    """Whether the value is a set of uploaded files (id → `{meta, url, documentId}`)."""
    if not isinstance(value, Mapping) or not value:
        return False
    return all(isinstance(part, Mapping) and ("url" in part or "meta" in part) for part in value.values())


def writable_value(value: Any, data_type: str) -> Any:
    """Return the value as a write takes it."""
    return iso_date(value) or value if data_type == DATE else value


def iso_date(value: object) -> str:
    """Return `YYYY-MM-DD` for a date in any of HighLevel's spellings; '' for anything else."""
    if isinstance(value, str):
        text = value.strip()
        if _ISO_DATE.match(text):
            return text[:10]
        if match := _YEAR_FIRST.fullmatch(text):
            return _joined(match[1], match[3], match[4])
        if match := _YEAR_LAST.fullmatch(text):
            return _joined(match[4], match[1], match[3])
    at = parse_moment(value)
    return at.date().isoformat() if at is not None else ""


def same_value(one: object, other: object) -> bool:
    """Whether two values of a custom field mean the same, whatever their types."""
    return _comparable(one) == _comparable(other) or _same_day(one, other) or _same_day(other, one)


def _same_day(written: object, found: object) -> bool:
    """Whether `found` is the moment (UTC) at which the written day begins: HighLevel may answer a date with it."""
    is_day = isinstance(written, str) and bool(re.fullmatch(r"\d{4}-\d{2}-\d{2}", written))
    return is_day and isinstance(found, (int, float, str)) and iso_date(found) == written


def _joined(year: str, month: str, day: str) -> str:
    return f"{year}-{int(month):02}-{int(day):02}"


def _comparable(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return sorted(map(_plain, value))
    if isinstance(value, Mapping):
        return sorted((str(key), _plain(part)) for key, part in value.items())
    return _plain(value)


def _plain(value: object) -> str:
    """Return one text for all spellings of a value: numbers by their amount, dates by their day."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return _number(float(value)) if abs(value) < 1e15 else str(value)
    text = "" if value is None else " ".join(str(value).split())
    if re.fullmatch(r"-?\d{1,15}(\.\d+)?", text) and not re.match(r"-?0\d", text):
        return _number(float(text))
    return text[:10] if re.fullmatch(r"\d{4}-\d{2}-\d{2}T00:00:00(\.0+)?Z?", text) else text


def _number(value: float) -> str:
    return str(int(value)) if math.isfinite(value) and value.is_integer() else repr(value)


def to_written(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return field id → value in the form of a write."""
    return [{"id": field_id, "field_value": value} for field_id, value in values.items()]


def from_written(written: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return field id → value of what `to_written` made."""
    return {str(item["id"]): item.get("field_value") for item in written}
