"""What a copy allows to write back: nothing outside the whitelist, nothing dropped silently."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hlcore.model.contact import fold_text
from hlcore.model.contact_fields import DERIVED
from hlcore.model.contact_snapshot import ContactSnapshot
from hlcore.model.custom_fields import FieldDefinition, custom_values, is_empty, same_value, unreadable_values
from hlcore.model.json_codec import encode
from hlcore.model.reference_data import FieldCatalogue
from hlcore.model.restore.restore_payload import CREATE, UPDATE, RestorePayload, restore_payload, without_properties
from tests.support.contact_strategies import any_json, fields

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


def test_a_date_that_can_be_read_in_two_ways_or_none_is_lost_with_its_text() -> None:
    for text in ("25/12/1990", "03/04/1990", "12/25/90", "31.02.1990", "1990-02-30", "1990-12-25 or so", 19901225):
        found = of(dateOfBirth=text, customFields=[{"id": "cf2", "value": text}])
        assert found.body.keys().isdisjoint({"dateOfBirth", "customFields"}), text
        assert sum(f"“{text}”" in line for line in found.lost) == 2
    assert of(dateOfBirth="12/25/1990").body["dateOfBirth"] == "1990-12-25"
    assert of(dateOfBirth="05.05.1990").body["dateOfBirth"] == "1990-05-05"
    assert of(dateOfBirth=662083200000).body["dateOfBirth"] == "1990-12-25"


def test_a_time_of_day_that_a_date_loses_is_said() -> None:
    found = of(dateOfBirth="1990-12-25T23:30:00Z")
    assert found.body["dateOfBirth"] == "1990-12-25"
    assert "“1990-12-25T23:30:00Z”" in " ".join(found.changes)


def test_tags_in_one_text_come_back_one_by_one() -> None:
    assert of(tags="vip,hot lead").body["tags"] == ["vip", "hot lead"]


def test_a_tag_that_is_no_text_is_lost_by_name() -> None:
    found = of(tags=["vip", {"name": "hot"}, None, 7])
    assert found.body["tags"] == ["vip", "7"]
    assert any("hot" in line for line in found.lost)


def test_custom_fields_in_another_form_are_lost_by_value() -> None:
    odd = [{"cf1": "Blue"}, "Red", {"id": "cf1", "value": 1}, {"id": "cf1", "value": 2}, {"id": "cf1", "odd": "Green"}]
    found = of(customFields=odd)
    assert found.body["customFields"] == [{"id": "cf1", "field_value": 2}]
    assert all(any(text in line for line in found.lost) for text in ("Blue", "Red", "“1”", "Green"))
    assert any("Blue" in line for line in of(customFields={"cf1": "Blue"}).lost)


def test_a_whole_name_that_is_no_text_is_lost() -> None:
    assert all("name" in of(firstName="Ana", name=value).lost_fields for value in (False, ["Ana"], {"a": 1}))


def test_a_whole_name_that_its_parts_do_not_make_is_said() -> None:
    assert "“Dr Ana Abara”" in " ".join(of(firstName="Ana", lastName="Abara", name="Dr Ana Abara").changes)
    assert "name" not in of(firstName="Ana", lastName="Abara", name="ana abara").changed


ANY_FIELD = [*sorted(CREATE - {"locationId", "dnd", "dndSettings"}), "unheardOf", "type", "ssn", "additionalEmails"]


@settings(max_examples=200)
@given(fields | st.dictionaries(st.sampled_from(ANY_FIELD), any_json, max_size=6))
def test_whatever_a_copy_holds_is_returned_changed_or_lost_in_words(copy: dict[str, Any]) -> None:
    found = of(**copy)
    encode(found.target)
    for name in copy.keys() - DERIVED - {"customFields", "dnd", "dndSettings"}:
        held, written = copy[name], found.body.get(name)
        if is_blank(held) or (name, held) == ("type", "lead"):
            continue
        named = name in found.changed or any(key.partition(".")[0] == name for key in found.lost_fields)
        parts = " ".join(str(found.body.get(key, "")) for key in ("firstName", "lastName"))
        same = plain(written) == plain(held) or (name == "name" and fold_text(parts) == fold_text(str(held)))
        one_tag = name == "tags" and isinstance(held, str) and written == [held.strip()]
        raw = copy.get(f"{name}Raw")
        assert same or one_tag or named or (raw and plain(written) == plain(raw))
    held_values, written_values = custom_values(copy.get("customFields")), values_of(found.body)
    for field_id, value in held_values.items():
        name = f"customFields.{field_id}"
        assert same_value(written_values.get(field_id), value) or name in found.changed or name in found.lost_fields
    lost = sum(key.startswith("customFields.unreadable") for key in found.lost_fields)
    assert lost == len(unreadable_values(copy.get("customFields")))


def is_blank(value: Any) -> bool:
    """Whether a value shows nothing: empty, or texts of white space alone."""
    if isinstance(value, list):
        return all(is_blank(part) for part in value)
    return is_empty(value) or (isinstance(value, str) and not value.strip())


def values_of(body: dict[str, Any]) -> dict[str, Any]:
    """The custom field values in a create call."""
    return {item["id"]: item["field_value"] for item in body.get("customFields", ())}


def plain(value: Any) -> Any:
    """A value without what people do not see: case of e-mails aside, numbers as text, tags in any order."""
    if isinstance(value, list):
        return sorted(str(part) for part in value if not is_blank(part))
    if isinstance(value, str) and "," in value:
        return sorted(part.strip() for part in value.split(",") if part.strip())
    if isinstance(value, dict) and isinstance(value.get("all"), dict):
        return {key: str(part).strip().lower() for key, part in value["all"].items()}
    return str(value).strip().lower()
