"""Putting fields back writes only what was chosen, and never opens a channel."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.custom_fields import FieldDefinition, from_written
from hlcore.model.dnd import CHANNELS, dnd_settings
from hlcore.model.reference_data import FieldCatalogue
from hlcore.model.restore.comparison import compare
from hlcore.model.restore.restore_payload import UPDATE
from hlcore.model.restore.revert import (
    changed_meanwhile,
    field_histories,
    refresh_update,
    revert_update,
    untouched_fields,
)

KNOWN = FieldCatalogue({"f1": FieldDefinition("Budget", "NUMERICAL"), "f2": FieldDefinition("Start", "DATE"),
                   "f3": FieldDefinition("Old", "TEXT", exists=False)}, frozenset({"u1", "u2"}))  # fmt: skip
TEXT = st.sampled_from(["", "a", "B c", "é", "2020-01-02", "DE", "u1", "u9"])
STATUS = st.sampled_from(["active", "inactive", "permanent"])
COPIES = st.fixed_dictionaries(
    {},
    optional={
        **{name: TEXT | st.none() for name in (
            "firstName", "lastName", "name", "email", "phone", "city", "country", "postalCode", "companyName", "gender",
            "dateOfBirth", "assignedTo", "source", "website", "type", "ssn", "firstNameRaw",
        )},
        "tags": st.lists(st.sampled_from(["vip", "lead", "x"]), unique=True),
        "dnd": st.booleans(),
        "dndSettings": st.dictionaries(
            st.sampled_from([*CHANNELS, "RCS"]), STATUS.map(lambda status: {"status": status}), max_size=4
        ),
        "customFields": st.lists(
            st.builds(lambda key, value: {"id": key, "value": value}, st.sampled_from(["f1", "f2", "f3", "f4"]),
                      st.sampled_from(["", "x", 3, ["a", "b"], "2024-05-06"])),
            max_size=3, unique_by=lambda one: one["id"],
        ),
    },
)  # fmt: skip


def fields_in(body: dict[str, Any]) -> set[str]:
    """The fields that an update names, channels aside."""
    plain = set(body) - {"customFields", "dndSettings"}
    return plain | {f"customFields.{key}" for key in from_written(body.get("customFields", []))}


@given(COPIES, COPIES, st.data(), st.booleans())
def test_only_what_was_chosen_and_differs_is_in_the_update(
    then: dict[str, Any], now: dict[str, Any], data: st.DataObject, whole: bool
) -> None:
    differing = [one.field for one in field_histories(then, now, KNOWN, whole=whole)]
    offered = [*differing, "city", "tags", "customFields.f1", "email"]
    chosen = data.draw(st.sets(st.sampled_from(offered)))
    found = revert_update(then, now, chosen, KNOWN, whole=whole)
    assert fields_in(found.body) <= chosen & set(differing)
    assert set(found.expected) | set(found.obstacles) == chosen & set(differing)
    assert not set(found.expected) & set(found.obstacles)


@given(COPIES, COPIES)
def test_the_update_is_within_what_highlevel_takes(then: dict[str, Any], now: dict[str, Any]) -> None:
    everything = {one.field for one in field_histories(then, now, KNOWN)}
    assert revert_update(then, now, everything, KNOWN).body.keys() <= UPDATE


@given(COPIES, COPIES)
def test_no_channel_that_is_closed_today_is_opened(then: dict[str, Any], now: dict[str, Any]) -> None:
    everything = {one.field for one in field_histories(then, now, KNOWN)}
    body = revert_update(then, now, everything, KNOWN).body
    assert body.get("dnd", True) is True
    before = dnd_settings(now)
    after = dnd_settings({"dnd": body.get("dnd", before.everywhere), "dndSettings": body.get("dndSettings", {})})
    if "dndSettings" in body:
        assert all(after.state(one) != "inactive" for one in before.channels if before.state(one) != "inactive")


@given(COPIES)
def test_equal_copies_leave_nothing_to_put_back(copy: dict[str, Any]) -> None:
    assert field_histories(copy, copy, KNOWN) == ()
    assert revert_update(copy, copy, {"city", "tags", "email"}, KNOWN).body == {}


@given(COPIES, COPIES)
def test_what_was_put_back_is_as_it_was_then(then: dict[str, Any], now: dict[str, Any]) -> None:
    everything = {
        one.field for one in field_histories(then, now, KNOWN) if one.field.partition(".")[0] not in ("dndSettings",)
    }
    body = revert_update(then, now, everything, KNOWN).body
    custom = {one["id"]: one for one in now.get("customFields", [])}
    custom |= {key: {"id": key, "value": value} for key, value in from_written(body.get("customFields", [])).items()}
    after = {**now, **body, "customFields": list(custom.values())}
    renamed = {f"{key}Raw" for key in body} | ({"firstNameRaw", "lastNameRaw"} if "name" in body else set())
    after = {key: value for key, value in after.items() if key not in renamed}
    assert compare({**body}, after) == ()


@pytest.mark.parametrize(
    ("then", "now", "word"),
    [
        ({"companyName": "A"}, {"companyName": "B"}, "created"),
        ({"gender": "f"}, {"gender": "m"}, "created"),
        ({"dnd": False}, {"dnd": True}, "Only the person"),
        ({}, {"dndSettings": {"SMS": {"status": "active"}}}, "Only the person"),
        ({"assignedTo": "gone"}, {"assignedTo": "u1"}, "no longer exists"),
        ({"customFields": [{"id": "f3", "value": "x"}]}, {}, "deleted"),
        ({}, {"postalCode": "123"}, "emptied"),
        ({"type": "customer"}, {"type": "lead"}, "No program"),
    ],
)
def test_what_cannot_be_put_back_says_why(then: dict[str, Any], now: dict[str, Any], word: str) -> None:
    (one,) = field_histories(then, now, KNOWN)
    assert word in one.obstacle
    assert revert_update(then, now, {one.field}, KNOWN).body == {}


def test_closing_a_channel_again_keeps_the_others_as_they_are_today() -> None:
    then = {"dndSettings": {"SMS": {"status": "active", "message": "STOP"}, "Email": {"status": "inactive"}}}
    now = {"dndSettings": {"SMS": {"status": "inactive"}, "Email": {"status": "active"}}}
    body = revert_update(then, now, {"dndSettings.SMS", "dndSettings.Email"}, KNOWN).body
    assert body["dndSettings"]["SMS"] == {"status": "active", "message": "STOP"}
    assert body["dndSettings"]["Email"]["status"] == "active"


def test_a_channel_that_the_person_closed_since_the_copy_stays_closed() -> None:
    then = {"dndSettings": {"SMS": {"status": "active"}, "Email": {"status": "inactive"}}}
    now = {"dndSettings": {"SMS": {"status": "inactive"}, "Email": {"status": "inactive"}}}
    live = {"dndSettings": {"SMS": {"status": "inactive"}, "Email": {"status": "active"}}}
    body = revert_update(then, now, {"dndSettings.SMS"}, KNOWN).body
    fresh = refresh_update(body, live, {"dndSettings.SMS"})
    assert {channel: said["status"] for channel, said in fresh["dndSettings"].items()} == {
        "SMS": "active",
        "Email": "active",
    }


def test_a_listings_row_is_silent_about_fields_that_it_never_carries() -> None:
    then, now = {"firstName": "Ada"}, {"firstName": "Ada", "website": "example.com", "source": "fair"}
    assert [one.field for one in field_histories(then, now, KNOWN, whole=False)] == ["source"]


def test_true_spelling_of_names_is_what_counts() -> None:
    then, now = {"firstName": "mary", "firstNameRaw": "Mary"}, {"firstName": "Mary"}
    assert field_histories(then, now, KNOWN) == ()


def test_what_changed_meanwhile_is_named() -> None:
    live = {"city": "Kiel", "tags": ["b", "a"]}
    assert changed_meanwhile({"city": "Bonn", "tags": ["a", "b"], "source": None}, live) == ("city",)


@given(COPIES, st.sampled_from(["city", "tags", "customFields.f1", "email", "firstName"]))
def test_the_rest_does_not_depend_on_what_is_put_back(copy: dict[str, Any], field: str) -> None:
    root, _, part = field.partition(".")
    changed = dict(copy)
    if part:
        others = [one for one in copy.get("customFields", []) if one["id"] != part]
        changed["customFields"] = [*others, {"id": part, "value": "new"}]
    else:
        changed[root] = "new"
    assert untouched_fields(changed, {field}) == untouched_fields(copy, {field})
