"""The plan field by field, for any copy: every written value has its line, and no line says anything else."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.contact_fields import DERIVED
from hlcore.model.contact_snapshot import ContactSnapshot
from hlcore.model.custom_fields import FieldDefinition, custom_values, is_empty
from hlcore.model.reference_data import FieldCatalogue
from hlcore.model.restore.child_requests import ChildRequest
from hlcore.model.restore.exclusions import FIELDS, is_left_out
from hlcore.model.restore.restore_payload import restore_payload
from hlcore.restore.plan import FieldLine
from hlcore.restore.planning.field_lines import FieldSources, field_lines
from tests.support.contact_strategies import fields

CATALOGUE = FieldCatalogue({"cf1": FieldDefinition("Budget"), "gone": FieldDefinition("Old", exists=False)})
names = st.sets(st.sampled_from([*FIELDS, "customFields.cf1"]), max_size=6)
APART = ("followers", "businessId", "businessName", "customFields")


def lines(copy: dict[str, Any], leave: set[str], living: dict[str, Any]) -> tuple[dict[str, FieldLine], dict[str, Any]]:
    """The lines by field, and all that is written."""
    wanted = restore_payload(ContactSnapshot(copy, True), "loc1", CATALOGUE, elsewhere=APART, leave_out=leave)
    sent = wanted.target
    sides = FieldSources(copy=copy, living=living, written=sent, reasons=wanted.reasons, labels={})
    found = field_lines(sides)
    assert len({one.field for one in found}) == len(found)
    return {one.field: one for one in found}, sent


@given(fields, names, fields)
def test_every_value_that_is_written_stands_in_its_line_and_no_other(
    copy: dict[str, Any], leave: set[str], living: dict[str, Any]
) -> None:
    found, sent = lines(copy, leave, living)
    plain = {name: value for name, value in sent.items() if name not in ("customFields", "locationId")}
    custom = {f"customFields.{key}": value for key, value in custom_values(sent.get("customFields")).items()}
    written = {name: one.written for name, one in found.items() if one.written is not None}
    assert written == {name: value for name, value in (plain | custom).items() if not is_empty(value)}


@given(fields, names, fields)
def test_what_is_not_written_has_a_reason_and_what_is_left_out_is_not_written(
    copy: dict[str, Any], leave: set[str], living: dict[str, Any]
) -> None:
    found, _ = lines(copy, leave, living)
    for one in found.values():
        assert one.written is not None or one.why
        assert one.written is None or not is_left_out(one.field, leave)


@given(fields, names)
def test_no_field_of_the_copy_is_passed_over(copy: dict[str, Any], leave: set[str]) -> None:
    found, _ = lines(copy, leave, {})
    held = {name for name, value in copy.items() if not is_empty(value)} - DERIVED - {"name", *APART}
    assert held <= found.keys()
    assert {f"customFields.{key}" for key in custom_values(copy.get("customFields"))} <= found.keys() | {
        f"customFields.{key}" for key, value in custom_values(copy.get("customFields")).items() if is_empty(value)
    }


def test_a_record_that_is_there_already_is_named_with_that_reason() -> None:
    note, task = (
        ChildRequest(kind=kind, record_id="1", body={"body": "Tea", "title": "Call"}, label="x")
        for kind in ("note", "task")
    )
    sides = FieldSources(
        copy={}, living={}, written={}, reasons={}, labels={}, written_children=(task,), children=(note, task)
    )
    told = {one.field: (one.written, one.why, one.leave) for one in field_lines(sides)}
    assert told == {"note.1": (None, "it is there already", ""), "task.1": ("Tea", "", "task.1")}
