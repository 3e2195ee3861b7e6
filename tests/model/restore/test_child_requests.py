"""Records of a lost contact as requests: nothing outside the contract, nothing silently dropped."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlcore.model.contact_fields import original_text
from hlcore.model.custom_fields import custom_values, is_empty, same_value
from hlcore.model.moments import parse_moment
from hlcore.model.reference_data import ReferenceData
from hlcore.model.restore.child_requests import PART_NAMES, SILENT, child_requests
from hlcore.model.restore.record_matching import (
    EXPENDABLE,
    differing_keys,
    find_match,
    same_original,
    same_record,
    smaller_request,
)
from hlcore.model.restore.transcript import LONGEST, plain_text, transcript
from tests.support.contact_strategies import any_json

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MAY = {
    "note": {"body", "userId", "title", "color", "pinned"},
    "transcript": {"body", "title"},
    "task": {"title", "body", "dueDate", "completed", "assignedTo"},
    "opportunity": {
        *("pipelineId", "pipelineStageId", "name", "status", "monetaryValue", "assignedTo", "customFields")
    },
    "appointment": {
        *("calendarId", "startTime", "endTime", "title", "appointmentStatus", "assignedUserId", "address"),
        *("ignoreDateRange", "ignoreFreeSlotValidation"),
    },
    "followers": {"followers"},
    "business": {"businessId"},
}
"""Properties of the DTOs in HighLevel's OpenAPI files; the contact's and the location's id are added when sent."""
ACCOUNT = ReferenceData(
    users={"u1": "Sam"},
    names={"u1": "Sam", "u2": "Kim"},
    pipelines={"p1": ("Sales", {"s1": "New"})},
    past_pipelines={"p1": ("Sales", {"s1": "New", "s0": "Old"}), "p0": ("sales", {"t1": "new"})},
    calendars={"c1": "Bookings"},
    past_calendars={"c0": "bookings"},
    fields=frozenset({"f1"}),
    businesses=frozenset({"b1"}),
    timezone="Europe/Berlin",
)
VALUE = st.fixed_dictionaries({"id": st.sampled_from(["f1", "f0"]), "fieldValue": st.sampled_from(["", "a"])})
SOME = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 10**13), st.sampled_from(["", " ", "Ana", "<p>x</p>"]),
    st.sampled_from(["u1", "u2", "p1", "p0"]),
    st.sampled_from(["s1", "s0", "t1", "c1", "c0", "open", "won", "2026-05-01T10:00:00.000Z", "2020-01-01"]),
    st.lists(VALUE),
)  # fmt: skip
READ = {"dateAdded", "createdAt", "messageType", "direction", "attachments"}
NAMES = sorted(READ.union(*MAY.values()))
ROWS = st.lists(st.dictionaries(st.sampled_from(NAMES), SOME, max_size=6), min_size=1, max_size=2)
KINDS = ("note", "task", "opportunity", "appointment", "message")
ONE_KIND = st.tuples(st.sampled_from(KINDS), ROWS).map(lambda one: {one[0]: one[1]})


def made(rows: dict[str, list[dict[str, Any]]], fields: dict[str, Any] | None = None, **how: Any) -> Any:
    raws = {
        kind: [(f"{kind}{at}", json.dumps(row).encode()) for at, row in enumerate(listed)]
        for kind, listed in rows.items()
    }
    return child_requests(fields or {}, raws, ACCOUNT, now=NOW, **how)


@given(ONE_KIND, st.lists(st.sampled_from(["u1", "u2"]), unique=True))
@settings(max_examples=60, deadline=None)
def test_no_records_make_a_request_outside_the_contract(rows: dict[str, Any], followers: list[str]) -> None:
    for child in made(rows, {"followers": followers, "businessId": "b1"}).children:
        assert child.body.keys() <= MAY[child.kind]
        assert None not in child.body.values()
        assert len(child.step) <= 64


@given(ONE_KIND)
@settings(max_examples=60, deadline=None)
def test_what_is_not_in_a_request_is_named_as_lost(rows: dict[str, Any]) -> None:
    found = made(rows)
    kept = found.coming_back()
    for kind in ("note", "task", "opportunity", "appointment"):
        assert found.in_copy.get(PART_NAMES[kind], 0) == len(rows.get(kind, ()))
    missing = sum(of - kept[name] for name, of in found.in_copy.items())
    whole = ("note ", "task ", "opportunity ", "appointment ")
    assert len([line for line in found.lost if line.startswith(whole)]) == missing


@given(ONE_KIND)
@settings(max_examples=60, deadline=None)
def test_no_vanished_user_is_written(rows: dict[str, Any]) -> None:
    for child in made(rows).children:
        for name in ("userId", "assignedTo", "assignedUserId"):
            assert child.body.get(name, "u1") == "u1"


@given(ONE_KIND)
@settings(max_examples=60, deadline=None)
def test_what_was_made_as_planned_is_recognised_and_equal(rows: dict[str, Any]) -> None:
    for child in made(rows).children:
        if child.kind not in EXPENDABLE:
            continue
        live = {**child.body, "id": "new"}
        if "customFields" in live:
            live["customFields"] = [{"id": one["id"], "fieldValue": one["field_value"]} for one in live["customFields"]]
        assert same_record(child.kind, child.body, live)
        assert differing_keys(child.body, live) == []
        assert find_match(child.kind, child.body, [json.dumps(live).encode()], taken={"new"}) == ""


@given(ONE_KIND)
@settings(max_examples=60, deadline=None)
def test_leaving_out_ends_and_never_takes_what_a_record_must_have(rows: dict[str, Any]) -> None:
    must = {"task": {"title", "dueDate", "completed"}, "opportunity": {"name", "status", "pipelineId"}}
    for child in made(rows).children:
        body: dict[str, Any] | None = child.body
        for _ in range(8):
            assert body is None or must.get(child.kind, set()) <= body.keys()
            body = smaller_request(child, body, ()) if body is not None else None
        assert body is None


def test_a_note_is_recognised_with_and_without_its_first_line() -> None:
    (child,) = made({"note": [{"body": "Likes tea", "dateAdded": "2025-05-01T08:00:00.000Z"}]}).children
    assert child.body["body"] == "Originally written on 1 May 2025, 10:00 (Europe/Berlin)\n\nLikes tea"
    assert same_original("note", child.body, {"body": "Likes tea"})
    assert not same_original("note", child.body, {"body": "tea"})
    assert not same_record("note", child.body, {"body": "Likes tea"})


def test_the_first_line_of_a_formatted_note_is_formatted_too() -> None:
    (child,) = made({"note": [{"body": "<p>Likes tea</p>", "dateAdded": "2025-05-01T08:00:00.000Z"}]}).children
    assert child.body["body"].startswith("<p>Originally written on 1 May 2025")
    assert same_original("note", child.body, {"body": "<p>Likes tea</p>"})


def test_an_appointment_that_is_over_needs_to_be_asked_for() -> None:
    rows = {"appointment": [{"calendarId": "c0", "startTime": (NOW - timedelta(days=1)).isoformat(), "title": "Past"}]}
    assert made(rows).lost == ["appointment “Past” (it is over)"]
    (child,) = made(rows, include_past=True).children
    assert child.body["calendarId"] == "c1"


def test_a_conversation_too_long_for_one_note_goes_on_in_the_next() -> None:
    rows = [{"body": "x" * 9000, "direction": "inbound", "messageType": "TYPE_SMS"} for _ in range(5)]
    parts = transcript(rows, {}, str)
    assert sum(number for _, number in parts) == 5
    assert all(len(text) < LONGEST + 10_000 for text, _ in parts)
    assert "(part 1 of 3)" in parts[0][0]


def test_an_e_mail_is_told_by_its_text() -> None:
    row = {"id": "m1", "messageType": "TYPE_EMAIL", "direction": "outbound", "meta": {"email": {"messageIds": ["e1"]}}}
    email = {"emailMessage": {"subject": "Hello", "body": "<style>p{}</style><p>Dear Ana</p><br>Bye &amp; thanks"}}
    ((text, _),) = transcript([row], {"e1": email}, str)
    assert "email · to the contact\nHello\nDear Ana" in text
    assert plain_text("<p>a</p><p>b</p>") == "a\nb"


PLACED: dict[str, dict[str, Any]] = {
    "note": {},
    "task": {"dueDate": "2026-05-01T10:00:00Z"},
    "opportunity": {"pipelineId": "p1", "pipelineStageId": "s1"},
    "appointment": {"calendarId": "c1", "startTime": "2027-05-01T10:00:00Z"},
}


@given(st.sampled_from(sorted(PLACED)), st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_a_record_holds_is_written_changed_or_lost_in_words(kind: str, data: st.DataObject) -> None:
    names = st.sampled_from(sorted(MAY[kind] | {"unheardOf", "attachments", "customFields", "followers"}))
    row = {**PLACED[kind], **data.draw(st.dictionaries(names, any_json, max_size=5))}
    found = made({kind: [row]})
    words = " ".join((*found.lost, *found.changes))
    bodies = [child.body for child in found.children]
    for name, held in row.items():
        if is_empty(held) or held is False or (isinstance(held, str) and not held.strip()) or name in SILENT[kind]:
            continue
        if isinstance(held, list) and all(map(is_empty, held)):
            continue
        whole = any(line.startswith(f"{kind} ") for line in found.lost)
        written = [same_member(held, body.get(name)) for body in bodies]
        assert whole or any(written) or original_text(held) in words or "owner" in words or "author" in words, name


def same_member(held: Any, written: Any) -> bool:
    """Whether the written member says what the copy held."""
    if isinstance(written, bool):
        return written is (str(held).strip().lower() == "true")
    at = parse_moment(held)
    if at is not None and at == parse_moment(written):
        return True
    if isinstance(held, list) and isinstance(written, list):
        return len(custom_values(held)) == len(written) == len(held)
    return str(held).strip() in str(written) or same_value(held, written) or str(held).strip().lower() == written


def test_a_value_that_is_a_text_comes_back_as_a_number() -> None:
    row = {**PLACED["opportunity"], "name": "Whitening", "monetaryValue": "250"}
    assert made({"opportunity": [row]}).children[0].body["monetaryValue"] == 250


@pytest.mark.parametrize("value", ["1,250", "about 250", True, ["250"], {"amount": 250}, float("nan")])
def test_a_value_that_is_no_plain_number_is_lost_by_name(value: Any) -> None:
    found = made({"opportunity": [{**PLACED["opportunity"], "name": "Whitening", "monetaryValue": value}]})
    assert "monetaryValue" not in found.children[0].body
    assert any(original_text(value) in line and "Whitening" in line for line in found.lost)


def test_states_are_read_whatever_their_case_and_unknown_ones_are_named() -> None:
    rows = [{**PLACED["opportunity"], "name": name, "status": name} for name in ("Won", "maybe")]
    found = made({"opportunity": rows})
    assert sorted(child.body["status"] for child in found.children) == ["open", "won"]
    assert any("“maybe”" in line for line in found.changes)
    task = {**PLACED["task"], "title": "Call", "completed": "TRUE"}
    assert made({"task": [task]}).children[0].body["completed"] is True


def test_a_due_date_that_cannot_be_read_is_named_with_its_text() -> None:
    found = made({"task": [{"title": "Call", "dueDate": "next Monday"}]})
    assert found.lost == ["task “Call” (its due date “next Monday” cannot be read)"]
