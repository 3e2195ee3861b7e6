"""Custom field values: how they are read, written and compared.

Read as `{id, value}` (`fieldValue` or `field_value` in other generations of the API), written as `{id, field_value}`
(HighLevel OpenAPI contacts.json). Dates want `YYYY-MM-DD`; numbers come back as numbers or as text; several choices
are a list whose order means nothing; files are objects that cannot be written as they were.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hlcore.model.contact import moment

FILES = frozenset({"FILE_UPLOAD", "SIGNATURE"})
DATE = "DATE"
_VALUE_KEYS = ("value", "fieldValue", "field_value")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?=$|[T ])")
_YEAR_FIRST = re.compile(r"(\d{4})([/._-])(\d{1,2})\2(\d{1,2})")
_YEAR_LAST = re.compile(r"(\d{1,2})([/._-])(\d{1,2})\2(\d{4})")


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """One custom field of a location: its name and HighLevel's `dataType`; `exists` is False once it vanished."""

    name: str
    data_type: str = ""
    exists: bool = True


def values_of(given: object) -> dict[str, Any]:
    """Field id → value, without the empty ones, from a contact's `customFields`."""
    found: dict[str, Any] = {}
    for item in given if isinstance(given, list) else ():
        if not isinstance(item, Mapping) or not isinstance(item.get("id"), str) or not item["id"]:
            continue
        value = next((item[key] for key in _VALUE_KEYS if item.get(key) is not None), None)
        if not is_empty(value):
            found[item["id"]] = value
    return found


def is_empty(value: object) -> bool:
    """Whether HighLevel treats the value as none at all."""
    return value is None or value in ("", [], {})


def is_file(value: object) -> bool:
    """Whether the value is a set of uploaded files (id → `{meta, url, documentId}`)."""
    if not isinstance(value, Mapping) or not value:
        return False
    return all(isinstance(part, Mapping) and ("url" in part or "meta" in part) for part in value.values())


def writable_value(value: Any, data_type: str) -> Any:
    """The value as a write wants it."""
    return iso_date(value) or value if data_type == DATE else value


def iso_date(value: object) -> str:
    """`YYYY-MM-DD` out of any way in which HighLevel writes a date without a time; '' when it is none."""
    if isinstance(value, str):
        text = value.strip()
        if _ISO_DATE.match(text):
            return text[:10]
        if found := _YEAR_FIRST.fullmatch(text):
            return _joined(found[1], found[3], found[4])
        if found := _YEAR_LAST.fullmatch(text):
            return _joined(found[4], found[1], found[3])
    at = moment(value)
    return at.date().isoformat() if at is not None else ""


def same_value(one: object, other: object) -> bool:
    """Whether two values of a custom field say the same, whatever their types."""
    return _comparable(one) == _comparable(other) or _same_day(one, other) or _same_day(other, one)


def _same_day(written: object, found: object) -> bool:
    """A date was written as a day; HighLevel may answer with the moment at which that day begins (UTC)."""
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
    """One text for all spellings of a value: numbers by their size, dates by their day."""
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


def as_written(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Field id → value as the write wants it."""
    return [{"id": field_id, "field_value": value} for field_id, value in values.items()]


def as_read(written: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Field id → value of what was written."""
    return {str(item["id"]): item.get("field_value") for item in written}
