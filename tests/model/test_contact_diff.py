"""What changed between two copies of a contact: what people would call a change, and nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.contact_diff import FieldChange, field_changes, flat_fields

MARA = {
    "id": "mara",
    "firstName": "Mara",
    "email": "mara@example.org",
    "tags": ["vip", "lead"],
    "customFields": [{"id": "role", "value": "Nurse"}],
    "dnd": False,
    "dndSettings": {"SMS": {"status": "inactive"}},
    "dateUpdated": "2026-11-01T00:00:00Z",
}


def test_each_changed_field_is_named_with_both_values() -> None:
    after = {**MARA, "email": "m@example.org", "companyName": "Oak & Iron"}
    assert set(field_changes(MARA, after)) == {
        FieldChange("email", "mara@example.org", "m@example.org"),
        FieldChange("companyName", None, "Oak & Iron"),
    }


def test_a_value_that_vanished_is_a_change() -> None:
    assert field_changes(MARA, {**MARA, "email": ""}) == (FieldChange("email", "mara@example.org", None),)


def test_custom_fields_are_compared_one_by_one() -> None:
    after = {**MARA, "customFields": [{"id": "pay", "value": 7}, {"id": "role", "value": "Nurse"}]}
    assert field_changes(MARA, after) == (FieldChange("customFields.pay", None, 7),)


def test_channels_are_compared_one_by_one() -> None:
    after = {**MARA, "dndSettings": {"SMS": {"status": "active"}, "Email": {"status": "inactive"}}}
    assert field_changes(MARA, after) == (FieldChange("dndSettings.SMS", None, "active"),)


@pytest.mark.parametrize(
    "unchanged",
    [
        {"tags": ["lead", "vip"]},
        {"dateUpdated": "2026-11-02T00:00:00Z"},
        {"searchAfter": [1, "mara"]},
        {"fullNameLowerCase": "mara"},
        {"website": ""},
        {"additionalEmails": []},
        {"dndSettings": {}},
    ],
    ids=["order of tags", "date updated", "cursor", "derived", "empty text", "empty list", "open channel not named"],
)
def test_what_no_person_would_call_a_change_is_none(unchanged: dict[str, Any]) -> None:
    assert field_changes(MARA, {**MARA, **unchanged}) == ()


_TEXTS = st.text(max_size=5)
_VALUES = st.one_of(_TEXTS, st.integers(), st.booleans(), st.none(), st.lists(_TEXTS, max_size=3))
_COPIES = st.dictionaries(st.sampled_from(["firstName", "email", "tags", "dnd", "city", "odd"]), _VALUES)


@given(_COPIES)
def test_equal_copies_differ_in_nothing(copy: dict[str, Any]) -> None:
    assert field_changes(copy, dict(copy)) == ()


@given(_COPIES, _COPIES)
def test_swapping_the_copies_swaps_before_and_after(one: dict[str, Any], other: dict[str, Any]) -> None:
    swapped = {FieldChange(c.field, repr(c.after), repr(c.before)) for c in field_changes(other, one)}
    assert {FieldChange(c.field, repr(c.before), repr(c.after)) for c in field_changes(one, other)} == swapped


@given(_COPIES, _COPIES)
def test_the_changes_lead_from_one_copy_to_the_other(one: dict[str, Any], other: dict[str, Any]) -> None:
    built = flat_fields(one)
    for change in field_changes(one, other):
        built.pop(change.field, None)
        if change.after is not None:
            built[change.field] = change.after
    assert not field_changes(built, flat_fields(other))
