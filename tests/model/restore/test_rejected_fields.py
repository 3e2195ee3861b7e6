"""What is left out when HighLevel refuses."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.contact_snapshot import ContactSnapshot
from hlcore.model.reference_data import FieldCatalogue
from hlcore.model.restore.rejected_fields import missing_fields_update, named_fields, narrow_body
from hlcore.model.restore.restore_payload import UPDATE, restore_payload
from tests.support.contact_strategies import fields

BODY: dict[str, Any] = {
    **{"locationId": "loc1", "dnd": True, "dndSettings": {}, "email": "a@example.com", "phone": "12", "city": "Köln"},
    "customFields": [{"id": "cf1", "field_value": 1}, {"id": "cf2", "field_value": 2}],
}


def test_a_named_property_is_left_out() -> None:
    assert narrow_body(BODY, [("phone",)]) == {key: value for key, value in BODY.items() if key != "phone"}


def test_a_refusal_that_names_nothing_costs_the_custom_fields_first() -> None:
    found = narrow_body(BODY, [()])
    assert found is not None
    assert found.keys() == BODY.keys() - {"customFields"}


def test_the_names_of_a_refusal_follow_the_values_into_their_list() -> None:
    assert named_fields(BODY, ["customFields.1.field_value", "phone"]) == {"customFields.cf2", "phone"}


def test_gaps_are_filled_except_with_what_was_refused() -> None:
    missing = ["city", "phone", "customFields.cf1", "customFields.cf2"]
    found = missing_fields_update(BODY, missing, frozenset({"phone", "customFields.cf2"}), UPDATE)
    assert found == {"city": "Köln", "customFields": [{"id": "cf1", "field_value": 1}]}


names = st.sampled_from([*sorted(UPDATE), "locationId", "customFields.0.field_value", "companyName", "unknown"])


@given(fields, st.lists(st.lists(names, max_size=2), max_size=12))
def test_whatever_is_refused_do_not_disturb_stays_and_it_ends(copy: dict[str, Any], refusals: list[list[str]]) -> None:
    body = restore_payload(ContactSnapshot(copy, True), "loc1", FieldCatalogue()).body
    found = narrow_body(body, refusals)
    if found is not None:
        assert {"dnd", "dndSettings", "locationId"} <= found.keys() <= body.keys()
        assert not refusals or found != body


@given(fields)
def test_refusals_without_end_end_with_nothing(copy: dict[str, Any]) -> None:
    body = restore_payload(ContactSnapshot(copy, True), "loc1", FieldCatalogue()).body
    assert narrow_body(body, [()] * 6) is None
