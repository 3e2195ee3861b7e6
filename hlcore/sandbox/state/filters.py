"""Search filters: checked first, then compiled to a test of one record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hlcore.sandbox.ids import millis, moment
from hlcore.sandbox.state.record import ContactRecord, Fields

Condition = dict[str, Any]
Test = Callable[[ContactRecord], bool]
RowTest = Callable[[Fields], bool]

FIELDS = frozenset(
    [
        "id",
        "contactName",
        "firstNameLowerCase",
        "lastNameLowerCase",
        "email",
        "phone",
        "address",
        "city",
        "state",
        "country",
        "postalCode",
        "companyName",
        "businessName",
        "assignedTo",
        "source",
        "dnd",
        "isValidWhatsapp",
        "followers",
        "dateAdded",
        "dateUpdated",
        "lastEmailClickedDate",
        "lastEmailOpenedDate",
        "tags",
    ]
)
OPERATORS = frozenset({"eq", "not_eq", "contains", "not_contains", "exists", "not_exists", "range"})
ONLY = {"id": {"eq", "not_eq"}, "email": {"eq", "not_eq", "exists", "not_exists"}}
BOUNDS = frozenset({"gte", "lte", "gt", "lt"})
SPELT = {"address": "address1", "firstNameLowerCase": "firstName", "lastNameLowerCase": "lastName"}
SEARCHABLE = ("contactName", "email", "phone", "companyName")


class BadFilter(ValueError):
    """The message is what HighLevel answers with 400."""


def checked(filters: object) -> list[Condition]:
    """The filters with their dates as milliseconds. Raises BadFilter."""
    if not isinstance(filters, list):
        raise BadFilter("filters must be an array")
    return [_checked(item) for item in filters]


def _checked(item: Any) -> Condition:
    if not isinstance(item, dict):
        raise BadFilter("each value in filters must be an object")
    if "group" in item:
        if item["group"] not in ("AND", "OR"):
            raise BadFilter(f"Invalid group {item['group']}")
        return {"group": item["group"], "filters": checked(item.get("filters"))}
    name, operator = str(item.get("field")), item.get("operator")
    if name not in FIELDS and not name.startswith("customFields."):
        raise BadFilter(f"Invalid field {name}")
    if operator not in ONLY.get(name, OPERATORS):
        raise BadFilter(f"Invalid operator {operator} for field {name}")
    value = item.get("value")
    if isinstance(value, str) and len(value) > 75:
        raise BadFilter(f"Value of field {name} is longer than 75 characters")
    if operator == "range":
        value = _range(name, value)
    return {"field": name, "operator": operator, "value": value}


def _range(name: str, value: object) -> Condition:
    if not isinstance(value, dict) or not value or set(value) - BOUNDS:
        raise BadFilter(f"Invalid range value for field {name}")
    try:
        return {bound: millis(moment(limit)) for bound, limit in value.items()}
    except ValueError as exc:
        raise BadFilter(f"Invalid range value for field {name}") from exc


def compile_filters(filters: list[Condition], query: str) -> Test:
    """One test for checked filters (all must hold) and the free text."""
    tests = [_compile(item) for item in filters]
    words = query.lower().split()

    def test(record: ContactRecord) -> bool:
        row = {**record.row(), "_added": record.added, "_updated": record.updated}
        if words:
            text = " ".join(str(row.get(name, "")) for name in SEARCHABLE).lower()
            if not all(word in text for word in words):
                return False
        return all(one(row) for one in tests)

    return test


def _compile(item: Condition) -> RowTest:
    if "group" in item:
        inner = [_compile(one) for one in item["filters"]]
        joined = all if item["group"] == "AND" else any
        return lambda row: joined(test(row) for test in inner)
    name, operator, value = item["field"], item["operator"], item["value"]
    if operator == "range":
        return _ranged(name, value)
    positive = _operator(operator.removeprefix("not_"), name, value)
    if operator.startswith("not_"):
        return lambda row: not positive(row)
    return positive


def _operator(operator: str, name: str, value: Any) -> RowTest:
    if operator == "exists":
        return lambda row: bool(_values(row, name)) and _values(row, name) != [False]
    wanted = [_flat(one) for one in (value if isinstance(value, list) else [value])]
    if operator == "eq":
        return lambda row: any(_flat(one) in wanted for one in _values(row, name))
    return lambda row: any(want in _flat(one) for want in wanted for one in _values(row, name))


def _ranged(name: str, value: Condition) -> RowTest:
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
        wanted = name.partition(".")[2]
        found = [field["value"] for field in row.get("customFields", []) if field["id"] == wanted]
    else:
        found = [row.get(SPELT.get(name, name))]
    flat = [one for value in found for one in (value if isinstance(value, list) else [value])]
    return [one for one in flat if one is not None]


def _flat(value: object) -> str:
    return str(value).strip().lower()
