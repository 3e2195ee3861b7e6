"""What a copy allows to write back: nothing outside the whitelist, nothing dropped silently."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given

from hlcore.model.contact_snapshot import ContactSnapshot, latest_snapshot
from hlcore.model.custom_fields import FieldDefinition
from hlcore.model.reference_data import FieldCatalogue
from hlcore.model.restore.restore_payload import CREATE, UPDATE, RestorePayload, restore_payload, without_properties
from tests.support.contact_strategies import fields

CATALOGUE = FieldCatalogue(
    {
        "cf1": FieldDefinition("Budget", "NUMERICAL"),
        "cf2": FieldDefinition("Start", "DATE"),
        "cf3": FieldDefinition("Contract", "FILE_UPLOAD"),
        "old": FieldDefinition("Old one", exists=False),
    },
    frozenset({"user1"}),
)
OBJECTS: dict[str, type] = {"dndSettings": dict, "inboundDndSettings": dict}
TYPES: dict[str, type] = {"dnd": bool, "tags": list, "customFields": list, **OBJECTS}


def of(*, known: bool = True, **copy: Any) -> RestorePayload:
    return restore_payload(ContactSnapshot(copy, known), "loc1", CATALOGUE)


def test_every_writable_field_of_a_full_copy_is_in_the_body() -> None:
    copy = {name: f"a {name}" for name in CREATE - {"locationId", "name", *TYPES}} | {
        "country": "US",
        "assignedTo": "user1",
        "dateOfBirth": "1990-09-25T00:00:00.000Z",
        "tags": ["vip"],
        "customFields": [{"id": "cf1", "value": 5}],
        "inboundDndSettings": {"all": {"status": "active"}},
    }
    assert of(**copy).body.keys() == CREATE - {"name"}


def test_the_true_case_of_a_lowered_first_name_is_written() -> None:
    assert of(firstName="mcara", firstNameRaw="McAra").body["firstName"] == "McAra"


def test_the_whole_name_is_written_only_where_its_parts_are_unknown() -> None:
    assert of(contactName="Ana Abara").body["name"] == "Ana Abara"
    assert "name" not in of(contactName="Ana Abara", lastName="Abara").body


def test_custom_fields_are_written_by_id_and_dates_as_days() -> None:
    found = of(customFields=[{"id": "cf1", "fieldValue": 7}, {"id": "cf2", "value": 1704412800000}])
    assert found.body["customFields"] == [{"id": "cf1", "field_value": 7}, {"id": "cf2", "field_value": "2024-01-05"}]


def test_files_and_deleted_custom_fields_are_lost_by_name() -> None:
    found = of(customFields=[{"id": "cf3", "value": {"u": {"url": "x"}}}, {"id": "old", "value": "1"}])
    assert "customFields" not in found.body
    assert "custom field Contract (files cannot be written back)" in found.lost
    assert "custom field Old one (the field was deleted in HighLevel)" in found.lost


def test_an_owner_who_no_longer_exists_is_left_out_and_named() -> None:
    found = of(assignedTo="ghost")
    assert "assignedTo" not in found.body
    assert "owner (this user no longer exists)" in found.lost


def test_an_unknown_catalogue_leaves_the_judgement_to_highlevel() -> None:
    copy = ContactSnapshot({"assignedTo": "ghost", "customFields": [{"id": "any", "value": "1"}]}, True)
    body = restore_payload(copy, "loc1", FieldCatalogue()).body
    assert (body["assignedTo"], body["customFields"][0]["id"]) == ("ghost", "any")


def test_country_names_become_codes_and_others_are_lost() -> None:
    assert of(country="united states").body["country"] == "US"
    assert "country" not in of(country="Atlantis").body
    assert any("Atlantis" in one for one in of(country="Atlantis").lost)


def test_without_takes_out_single_custom_values_but_never_do_not_disturb() -> None:
    body = of(customFields=[{"id": "cf1", "value": 1}, {"id": "cf2", "value": "2024-01-05"}]).body
    left = without_properties(body, ["customFields.0.field_value", "dnd", "dndSettings", "locationId"])
    assert [one["id"] for one in left["customFields"]] == ["cf2"]
    assert {"dnd", "dndSettings", "locationId"} <= left.keys()


@given(fields)
def test_no_body_ever_leaves_the_whitelist_or_has_a_wrong_type(copy: dict[str, Any]) -> None:
    found = of(**copy)
    assert found.body.keys() <= CREATE
    assert (found.dnd_update or {}).keys() <= UPDATE
    assert all(isinstance(value, TYPES.get(key, str)) for key, value in found.target.items())
    assert all(item.keys() == {"id", "field_value"} for item in found.body.get("customFields", []))


@given(fields)
def test_do_not_disturb_is_in_every_create_call(copy: dict[str, Any]) -> None:
    body = of(**copy).body
    assert body["dnd"] is True
    assert {value["status"] for value in body["dndSettings"].values()} == {"active"}
    assert len(body["dndSettings"]) == 6


@given(fields)
def test_no_text_of_a_copy_disappears_silently(copy: dict[str, Any]) -> None:
    found = of(**copy)
    told = {"email": "e-mail", "city": "city", "unheardOf": "unheardOf", "ssn": "social security", "gender": "gender"}
    for key, words in told.items():
        if isinstance(copy.get(key), str) and copy[key].strip():
            assert key in found.body or any(words in line for line in found.lost)


def test_a_newer_row_wins_over_an_older_detail_and_what_it_always_lists_is_not_filled_in() -> None:
    row = msgspec.json.encode({"id": "a", "firstName": "New", "dateUpdated": "2026-02-01T00:00:00Z"})
    detail = msgspec.json.encode(
        {
            **{"id": "a", "firstName": "Old", "email": "old@example.com", "gender": "female"},
            "dateUpdated": "2026-01-01T00:00:00Z",
            "dndSettings": {},
        }
    )
    found = latest_snapshot(row, detail)
    assert (found.fields["firstName"], found.fields.get("email"), found.fields["gender"]) == ("New", None, "female")
    assert not found.dnd_known


def test_a_detail_of_the_same_age_tells_the_settings() -> None:
    row = msgspec.json.encode({"id": "a", "firstName": "anna", "firstNameRaw": "Anna"})
    detail = msgspec.json.encode({"id": "a", "firstName": "Anna", "dndSettings": {"SMS": {"status": "active"}}})
    found = latest_snapshot(row, detail)
    assert found.dnd_known
    assert found.fields["dndSettings"]["SMS"]["status"] == "active"


def test_a_row_without_settings_says_something_only_where_rows_carry_them() -> None:
    row = msgspec.json.encode({"id": "a"})
    assert not latest_snapshot(row).dnd_known
    assert latest_snapshot(row, rows_have_dnd=True).dnd_known
