"""Custom field values: read, written and compared.

A contact carries `{id, value}` (`fieldValue` or `field_value` in other versions of the API); a write takes
`{id, field_value}` (HighLevel OpenAPI contacts.json). Dates are written as `YYYY-MM-DD`; numbers come back as numbers
or as text; the order of several choices has no meaning; files cannot be written back. Of dates with the year last
HighLevel documents only those with the month first, and people write both: such a date is read only where it has one
meaning, and a number only where it is the beginning of a day.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from hlcore.model.moments import EPOCH, parse_moment

FILES = frozenset({"FILE_UPLOAD", "SIGNATURE"})
DATE = "DATE"
_VALUE_KEYS = ("value", "fieldValue", "field_value")
_DESCRIBING = frozenset({"id", "key", "fieldKey", "name", "type", "dataType"})
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
    """Return field id → value from `customFields`, without the empty ones; of a field given twice the last value."""
    return dict(_values(custom_fields))


def unreadable_values(custom_fields: object) -> list[Any]:
    """Return what of `customFields` holds something and is not in `custom_values`: all of it where it is no list,
    items without an id or with a value under an unknown name, and earlier values of a field given twice."""
    if not isinstance(custom_fields, list):
        return [] if is_empty(custom_fields) else [custom_fields]
    given = list(_values(custom_fields))
    last = dict(given)
    odd = [item for item in custom_fields if not is_empty(item) and not _is_readable(item)]
    return odd + [value for field_id, value in given if not same_value(value, last[field_id])]


def _values(custom_fields: object) -> Iterator[tuple[str, Any]]:
    for item in custom_fields if isinstance(custom_fields, list) else ():
        if isinstance(item, Mapping) and isinstance(item.get("id"), str) and item["id"]:
            value = _value(item)
            if not is_empty(value):
                yield item["id"], value


def _value(item: Mapping[str, Any]) -> Any:
    """Return the value of one item; its key varies with version and type (HighLevel API issue 87)."""
    keys = [*_VALUE_KEYS, *(key for key in item if key.startswith("fieldValue"))]
    return next((item[key] for key in keys if not is_empty(item.get(key))), None)


def _is_readable(item: object) -> bool:
    if not isinstance(item, Mapping) or not isinstance(item.get("id"), str) or not item["id"]:
        return False
    others = (value for key, value in item.items() if key not in _DESCRIBING)
    return not is_empty(_value(item)) or all(map(is_empty, others))


def is_empty(value: object) -> bool:
    """Whether HighLevel treats the value as missing."""
    return value is None or value in ("", [], {})


def is_file(value: object) -> bool:
    """Whether the value is a set of uploaded files (id → `{meta, url, documentId}`)."""
    if not isinstance(value, Mapping) or not value:
        return False
    return all(isinstance(part, Mapping) and ("url" in part or "meta" in part) for part in value.values())


def writable_value(value: Any, data_type: str) -> Any:
    """Return the value as a write takes it; None for one that no write can carry: a number that JSON does not have, a
    date that cannot be read."""
    if data_type == DATE:
        return iso_date(value) or None
    return value if is_plain_json(value) else None


def is_plain_json(value: object) -> bool:
    """Whether JSON can carry the value as it is: no NaN or Infinity in it, and not nested without end."""
    try:
        return _is_finite(value)
    except RecursionError:
        return False


def _is_finite(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return all(map(_is_finite, parts))


def iso_date(value: object) -> str:
    """Return `YYYY-MM-DD` for a date in any of HighLevel's spellings; '' for anything else, for days that no calendar
    has, and for what can be read in two ways."""
    if isinstance(value, str):
        text = value.strip()
        if _ISO_DATE.match(text):
            return _day(*text[:10].split("-")) if len(text) == 10 or parse_moment(text) is not None else ""
        if match := _YEAR_FIRST.fullmatch(text):
            return _day(match[1], match[3], match[4])
        if match := _YEAR_LAST.fullmatch(text):
            return _day(match[4], match[1], match[3]) if int(match[3]) > 12 or int(match[1]) == int(match[3]) else ""
    at = parse_moment(value)
    if at is None or (_is_number(value) and (at == EPOCH or at.time() != time())):
        return ""
    return at.date().isoformat()


def is_whole_day(value: object) -> bool:
    """Whether the value that `iso_date` reads holds no time of day."""
    at = parse_moment(value.strip() if isinstance(value, str) else value)
    return at is None or at.time() == time()


def same_value(one: object, other: object) -> bool:
    """Whether two values of a custom field mean the same, whatever their types."""
    return _comparable(one) == _comparable(other) or _same_day(one, other) or _same_day(other, one)


def _same_day(written: object, found: object) -> bool:
    """Whether `found` is the moment (UTC) at which the written day begins: HighLevel may answer a date with it."""
    is_day = isinstance(written, str) and bool(re.fullmatch(r"\d{4}-\d{2}-\d{2}", written))
    at = parse_moment(found)
    return is_day and written in (iso_date(found), at.date().isoformat() if at is not None else "")


def _day(year: str, month: str, day: str) -> str:
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return ""


def _is_number(value: object) -> bool:
    text = value.strip() if isinstance(value, str) else ""
    return isinstance(value, (int, float)) or (text.isdigit() and len(text) != len("20261123"))


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
