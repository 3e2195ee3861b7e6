"""The filters of a search: checked first, then compiled to a test of one record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hlcore.sandbox.ids import millis, parse_moment
from hlcore.sandbox.state.record import ContactRecord, Fields

Condition = dict[str, Any]
RecordTest = Callable[[ContactRecord], bool]
RowTest = Callable[[Fields], bool]

FIELDS = frozenset({
    "id", "contactName", "firstNameLowerCase", "lastNameLowerCase", "email", "phone", "address", "city", "state",
    "country", "postalCode", "companyName", "businessName", "assignedTo", "source", "dnd", "isValidWhatsapp",
    "followers", "dateAdded", "dateUpdated", "lastEmailClickedDate", "lastEmailOpenedDate", "tags",
})  # fmt: skip
OPERATORS = frozenset({"eq", "not_eq", "contains", "not_contains", "exists", "not_exists", "range"})
RESTRICTED_OPERATORS = {"id": {"eq", "not_eq"}, "email": {"eq", "not_eq", "exists", "not_exists"}}
BOUNDS = frozenset({"gte", "lte", "gt", "lt"})
ROW_KEYS = {"address": "address1", "firstNameLowerCase": "firstName", "lastNameLowerCase": "lastName"}
SEARCHABLE = ("contactName", "email", "phone", "companyName")


class BadFilter(ValueError):
    """A filter that HighLevel refuses with 400; the text is its message."""


def check_filters(filters: object) -> list[Condition]:
    """Return the filters with their dates as milliseconds. Raises BadFilter."""
    if not isinstance(filters, list):
        raise BadFilter("filters must be an array")
    return [_check_filter(item) for item in filters]


def _check_filter(item: Any) -> Condition:
    if not isinstance(item, dict):
        raise BadFilter("each value in filters must be an object")
    if "group" in item:
        if item["group"] not in ("AND", "OR"):
            raise BadFilter(f"Invalid group {item['group']}")
        return {"group": item["group"], "filters": check_filters(item.get("filters"))}
    name, operator = str(item.get("field")), item.get("operator")
    if name not in FIELDS and not name.startswith("customFields."):
        raise BadFilter(f"Invalid field {name}")
    if operator not in RESTRICTED_OPERATORS.get(name, OPERATORS):
        raise BadFilter(f"Invalid operator {operator} for field {name}")
    value = item.get("value")
    if isinstance(value, str) and len(value) > 75:
        raise BadFilter(f"Value of field {name} is longer than 75 characters")
    if operator == "range":
        value = _check_range(name, value)
    return {"field": name, "operator": operator, "value": value}


def _check_range(name: str, value: object) -> Condition:
    if not isinstance(value, dict) or not value or set(value) - BOUNDS:
        raise BadFilter(f"Invalid range value for field {name}")
    try:
        return {bound: millis(parse_moment(limit)) for bound, limit in value.items()}
    except ValueError as exc:
        raise BadFilter(f"Invalid range value for field {name}") from exc


def compile_filters(filters: list[Condition], query: str) -> RecordTest:
    """Return a test that holds when all checked filters do and every word of the query occurs."""
    tests = [_compile(item) for item in filters]
    words = query.lower().split()

    def test(record: ContactRecord) -> bool:
        row = {**record.row(), "_added": record.added, "_updated": record.updated}
        if words:
            text = " ".join(str(row.get(name, "")) for name in SEARCHABLE).lower()
            if not all(word in text for word in words):
                return False
        return all(holds(row) for holds in tests)

    return test


def _compile(condition: Condition) -> RowTest:
    if "group" in condition:
        tests = [_compile(item) for item in condition["filters"]]
        combine = all if condition["group"] == "AND" else any
        return lambda row: combine(test(row) for test in tests)
    name, operator, value = condition["field"], condition["operator"], condition["value"]
    if operator == "range":
        return _range_test(name, value)
    positive = _value_test(operator.removeprefix("not_"), name, value)
    if operator.startswith("not_"):
        return lambda row: not positive(row)
    return positive


def _value_test(operator: str, name: str, value: Any) -> RowTest:
    if operator == "exists":
        return lambda row: bool(_values(row, name)) and _values(row, name) != [False]
    wanted = [_comparable(item) for item in (value if isinstance(value, list) else [value])]
    if operator == "eq":
        return lambda row: any(_comparable(item) in wanted for item in _values(row, name))
    return lambda row: any(text in _comparable(item) for text in wanted for item in _values(row, name))


def _range_test(name: str, value: Condition) -> RowTest:
    key = {"dateAdded": "_added", "dateUpdated": "_updated"}.get(name)

    def test(row: Fields) -> bool:
        if key is None:
            return False
        at: int = row[key]
        return bool(
            at >= value.get("gte", at)
            and at <= value.get("lte", at)
            and at > value.get("gt", at - 1)
            and at < value.get("lt", at + 1)
        )

    return test


def _values(row: Fields, name: str) -> list[Any]:
    if name.startswith("customFields."):
        field_id = name.partition(".")[2]
        values = [field["value"] for field in row.get("customFields", []) if field["id"] == field_id]
    else:
        values = [row.get(ROW_KEYS.get(name, name))]
    flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
    return [item for item in flat if item is not None]


def _comparable(value: object) -> str:
    return str(value).strip().lower()
