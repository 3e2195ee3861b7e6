"""Comparing what was planned with what is there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from hlcore.model.contact_snapshot import ContactSnapshot
from hlcore.model.custom_fields import from_written, iso_date, same_value
from hlcore.model.reference_data import FieldCatalogue
from hlcore.model.restore.comparison import Difference, compare, explain_refused, same_phone
from hlcore.model.restore.restore_payload import restore_payload
from tests.support.contact_strategies import fields


def as_shown(target: dict[str, Any]) -> dict[str, Any]:
    """What a faithful HighLevel shows after this was written."""
    values = [{"id": key, "value": value} for key, value in from_written(target.get("customFields", [])).items()]
    return {**target, "customFields": values, "tags": [tag.lower() for tag in target.get("tags", [])], "id": "new"}


@given(fields)
def test_a_contact_compared_with_itself_has_no_difference(copy: dict[str, Any]) -> None:
    found = restore_payload(ContactSnapshot(copy, True), "loc1", FieldCatalogue())
    assert compare(found.target, as_shown(found.target)) == ()


@given(fields)
def test_leaving_any_text_out_is_seen(copy: dict[str, Any]) -> None:
    target = restore_payload(ContactSnapshot(copy, True), "loc1", FieldCatalogue()).target
    for key in {"email", "city", "companyName"} & target.keys():
        shown = {name: value for name, value in as_shown(target).items() if name != key}
        assert [one.field for one in compare(target, shown)] == [key]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("+1 (415) 555-0123", "+14155550123", True, id="punctuation"),
        pytest.param("415-555-0123", "+14155550123", True, id="country-code-added"),
        pytest.param("0221 555 123", "+49221555123", True, id="trunk-zero"),
        pytest.param("+14155550123", "+14155550124", False, id="another-number"),
        pytest.param("123", "+14155550123", False, id="too-short"),
        pytest.param("", "+14155550123", False, id="none"),
        pytest.param("ask at desk", "", False, id="no-number-at-all"),
    ],
)
def test_phones_are_compared_by_their_digits(one: str, other: str, same: bool) -> None:
    assert same_phone(one, other) is same


def test_tags_are_compared_without_case_and_order() -> None:
    assert compare({"tags": ["VIP", "Köln"]}, {"tags": ["köln", "vip"]}) == ()
    assert compare({"tags": ["vip"]}, {"tags": ["other"]})[0].reason == "missing: vip; more: other"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param(100, "100", True, id="number-as-text"),
        pytest.param(["b", "a"], ["a", "b"], True, id="choices-in-any-order"),
        pytest.param("2024-01-05", 1704412800000, True, id="day-as-milliseconds"),
        pytest.param("2024-01-05", "2024-01-05T00:00:00.000Z", True, id="day-as-moment"),
        pytest.param("007", "7", False, id="leading-zeros-mean-something"),
        pytest.param("a", None, False, id="missing"),
    ],
)
def test_custom_values_are_compared_whatever_their_type(one: object, other: object, same: bool) -> None:
    assert same_value(one, other) is same


@pytest.mark.parametrize("text", ["1990/09/25", "09-25-1990", "1990.9.25", "1990-09-25T00:00:00.000Z", 654220800000])
def test_every_documented_way_to_write_a_birthday_is_one_day(text: object) -> None:
    assert iso_date(text) == "1990-09-25"


def test_an_opened_channel_is_a_difference() -> None:
    target = {"dnd": False, "dndSettings": {"SMS": {"status": "active"}}}
    assert [one.field for one in compare(target, {"dnd": False})] == ["dndSettings.SMS"]


def test_channels_closed_one_by_one_equal_do_not_disturb_everywhere() -> None:
    target = {"dnd": True, "dndSettings": {"SMS": {"status": "active"}}}
    assert compare(target, {"dnd": True}) == ()


def test_a_refused_value_is_explained() -> None:
    found = explain_refused([Difference("phone", "12", None), Difference("city", "a", "b")], {"phone"}, "refused")
    assert [one.reason for one in found] == ["refused", ""]
