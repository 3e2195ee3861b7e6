"""What a person leaves out is never written, whatever the copy holds, and nothing else changes by it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.contact_snapshot import ContactSnapshot
from hlcore.model.custom_fields import FieldDefinition, custom_values
from hlcore.model.reference_data import FieldCatalogue, ReferenceData
from hlcore.model.restore.exclusions import FIELDS, KINDS, can_be_left_out, exclude_children, is_left_out
from hlcore.model.restore.restore_payload import CREATE, RestorePayload, restore_payload
from hlcore.model.restore.stages import resolve_stage, unresolved_stage
from tests.support.contact_strategies import fields

CATALOGUE = FieldCatalogue(
    {"cf1": FieldDefinition("Budget"), "cf2": FieldDefinition("Start", "DATE")}, frozenset({"user1"})
)
names = st.sets(st.sampled_from([*FIELDS, *KINDS, "customFields.cf1", "customFields.cf2", "dnd", "dndSettings", "x"]))


def of(copy: dict[str, Any], leave: set[str]) -> RestorePayload:
    return restore_payload(ContactSnapshot(copy, True), "loc1", CATALOGUE, leave_out=leave)


@given(fields, names)
def test_nothing_that_is_left_out_is_written_and_all_else_is(copy: dict[str, Any], leave: set[str]) -> None:
    found, whole = of(copy, leave), of(copy, set())
    assert not {name for name in found.body if is_left_out(name, leave)}
    assert found.body.keys() <= whole.body.keys()
    rest = {key: value for key, value in whole.body.items() if not is_left_out(key, leave) and key != "customFields"}
    assert {key: value for key, value in found.body.items() if key != "customFields"} == rest
    custom = custom_values(whole.body.get("customFields"))
    assert custom_values(found.body.get("customFields")) == {
        key: value for key, value in custom.items() if not is_left_out(f"customFields.{key}", leave)
    }


@given(fields, names)
def test_do_not_disturb_and_the_location_are_never_left_out(copy: dict[str, Any], leave: set[str]) -> None:
    found, whole = of(copy, leave | {"locationId"}), of(copy, set())
    for name in ("dnd", "dndSettings", "locationId", "inboundDndSettings"):
        assert found.body.get(name) == whole.body.get(name)
    assert found.dnd_update == whole.dnd_update


@given(fields, names)
def test_what_is_left_out_is_named_once_and_is_neither_kept_nor_lost(copy: dict[str, Any], leave: set[str]) -> None:
    found, whole = of(copy, leave), of(copy, set())
    assert len(found.returns) + len(found.left_out) == len(whole.returns)
    assert found.lost == whole.lost


def test_unticking_both_parts_of_a_name_does_not_bring_it_back_as_a_whole() -> None:
    copy = {"firstName": "Ana", "lastName": "Abara", "contactName": "Ana Abara"}
    assert not {"firstName", "lastName", "name"} & of(copy, {"firstName", "lastName"}).body.keys()


def test_every_name_on_offer_is_a_property_that_can_be_created() -> None:
    assert set(FIELDS) < CREATE


@pytest.mark.parametrize(
    ("name", "known"),
    [("city", True), ("customFields.a", True), ("note", True), ("note.n1", True), ("dndSettings", False), ("x", False),
     ("city.1", False), ("locationId", False)],
)  # fmt: skip
def test_only_known_names_can_be_left_out(name: str, known: bool) -> None:
    assert can_be_left_out(name) is known


def row(**values: Any) -> bytes:
    return msgspec.json.encode(values)


ROWS = {
    "note": [("n1", row(body="Tea\nor coffee")), ("n2", row(body="Mornings"))],
    "message": [("m1", row(body="Hi"))],
    "email": [("e1", row(body="Dear"))],
}


def test_a_kind_of_records_is_left_out_whole_and_one_record_by_its_id() -> None:
    found = exclude_children({"followers": ["u1"], "businessId": "b1"}, ROWS, {"note.n1", "message", "followers"})
    assert [key for key, _ in found.rows["note"]] == ["n2"]
    assert (found.rows["message"], found.rows["email"]) == ([], [])
    assert found.fields == {"businessId": "b1"}
    assert found.left == (("followers", "followers"), ("note.n1", "Tea"), ("message.m1", "Hi"))
    assert found.words == ("followers", "1 note", "1 message")


@given(st.sets(st.sampled_from(["note", "note.n1", "note.n2", "message", "message.m1", "task", "followers"])))
def test_each_record_is_either_left_out_or_comes_back(leave: set[str]) -> None:
    found = exclude_children({}, ROWS, leave)
    back = {f"{kind}.{key}" for kind, held in found.rows.items() for key, _ in held if kind != "email"}
    left = {name for name, _ in found.left}
    assert back | left == {"note.n1", "note.n2", "message.m1"}
    assert not back & left


PLACES = ReferenceData(
    pipelines={"p1": ("Sales", {"s1": "New", "s2": "Won"})},
    past_pipelines={"old": ("Retired", {"o1": "Warm"}), "p1": ("Sales", {"s1": "New", "s2": "Won", "s0": "Cold"})},
)
GONE = {"pipelineId": "old", "pipelineStageId": "o1"}


def placed(**answers: str) -> ReferenceData:
    chosen = {key.replace("_", "/"): value for key, value in answers.items()}
    return ReferenceData(pipelines=PLACES.pipelines, past_pipelines=PLACES.past_pipelines, stage_choices=chosen)


def test_a_vanished_pipeline_without_a_namesake_is_asked_about_by_its_old_names() -> None:
    asked = unresolved_stage(GONE, PLACES)
    assert asked is not None
    assert (asked.key, asked.pipeline, asked.stage, asked.answer) == ("old/o1", "Retired", "Warm", None)
    assert resolve_stage(GONE, PLACES)[0] is None


def test_the_chosen_stage_is_written_and_named() -> None:
    body, said = resolve_stage(GONE, placed(old_o1="p1/s2"))
    assert body == {"pipelineId": "p1", "pipelineStageId": "s2"}
    assert said == "goes into “Sales”, “Won”, as you chose"


@given(st.text(max_size=8) | st.sampled_from(["p1/s1", "p1/zz", "zz/s1", "", "/"]))
def test_no_answer_leads_anywhere_but_to_a_stage_that_exists(answer: str) -> None:
    body, _ = resolve_stage(GONE, placed(old_o1=answer))
    assert body is None or (body["pipelineId"], body["pipelineStageId"]) in {("p1", "s1"), ("p1", "s2")}


def test_what_has_its_place_by_id_or_name_is_never_asked_about_nor_moved() -> None:
    here = {"pipelineId": "p1", "pipelineStageId": "s1"}
    assert unresolved_stage(here, PLACES) is None
    assert resolve_stage(here, placed(p1_s1="p1/s2"))[0] == here


def test_a_vanished_stage_of_a_pipeline_that_exists_is_asked_about_too() -> None:
    asked = unresolved_stage({"pipelineId": "p1", "pipelineStageId": "s0"}, PLACES)
    assert asked is not None
    assert (asked.pipeline, asked.stage) == ("Sales", "Cold")
