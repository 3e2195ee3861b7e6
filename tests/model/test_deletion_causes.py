"""Causes: only what the evidence carries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.deletion_causes import (
    FORMER_PROOF,
    Claim,
    bulk_cause,
    comparable_copy,
    describe_gains,
    is_proven_merge,
    merge_cause,
    taken_over,
    unknown_cause,
)

SEEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_taking_over_an_address_proves_a_merge() -> None:
    cause = merge_cause([Claim("winner", "email", True, ("1 e-mail",))])
    assert cause
    assert (cause.kind, cause.winner_id, cause.proven) == ("merge", "winner", True)
    assert is_proven_merge(cause.kind, cause.evidence)


def test_sharing_an_address_makes_a_merge_only_probable() -> None:
    cause = merge_cause([Claim("twin", "phone", False)])
    assert cause
    assert not cause.proven
    assert not is_proven_merge(cause.kind, cause.evidence)
    assert "probably" in cause.evidence


def test_without_a_holder_there_is_no_merge() -> None:
    assert merge_cause([]) is None


def test_the_proven_holder_wins_over_the_probable_one() -> None:
    cause = merge_cause([Claim("twin", "email", True), Claim("winner", "email", False, ("2 tags",))])
    assert cause
    assert cause.winner_id == "winner"


def test_a_merge_that_was_called_proven_by_a_mere_change_is_not() -> None:
    assert not is_proven_merge("merge", f"Contact w holds this phone number as its phone number and {FORMER_PROOF}.")


COUPLE = {"phone": "+49 30 1234567", "tags": ["lead"], "city": "Bonn", "assignedTo": "u1", "source": "form"}
MOVED = [
    ({"additionalPhones": [{"phone": "+49301112223"}]}, {"phone": "+49 30 111 2223"}, "1 phone number"),
    ({"additionalEmails": [{"email": "a@x.example"}]}, {"email": "A@x.example"}, "1 e-mail"),
    ({"additionalEmails": ["b@x.example"]}, {"additionalEmails": [{"email": "b@x.example"}]}, "1 e-mail"),
    ({"tags": ["lead", "VIP"]}, {"tags": ["vip"]}, "1 tag"),
    ({"customFields": [{"id": "f", "value": 3}]}, {"customFields": [{"id": "f", "value": 3}]}, "1 custom value"),
]


@pytest.mark.parametrize(("gained", "had", "words"), MOVED, ids=[words for *_, words in MOVED])
def test_what_moved_to_the_holder_is_named(gained: dict[str, Any], had: dict[str, Any], words: str) -> None:
    assert describe_gains(taken_over([had], COUPLE, COUPLE | gained)) == (words,)
    assert taken_over([had], COUPLE | gained, COUPLE | gained) == set()  # it had that before
    assert taken_over([COUPLE], COUPLE, COUPLE | gained) == set()  # the lost one never had it


values = st.sampled_from(["", "a@x.example", "+49301112223", "vip", "lead", None, 3, ["vip"]])
copies = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("email", "phone", "city", "firstName", "assignedTo", "source", "address1"), values),
        "tags": st.none() | values | st.lists(values, max_size=3),
        "additionalEmails": st.lists(values | st.fixed_dictionaries({"email": values}), max_size=2),
        "additionalPhones": st.lists(values | st.fixed_dictionaries({"phone": values}), max_size=2),
        "customFields": st.lists(st.fixed_dictionaries({"id": st.sampled_from("fg"), "value": values}), max_size=2),
    },
)
CARRIED = ("email", "phone", "tags", "additionalEmails", "additionalPhones", "customFields")


@given(copies, copies, copies)
def test_nothing_is_taken_over_but_what_the_lost_one_had_and_the_holder_lacked(
    lost: dict[str, Any], earlier: dict[str, Any], later: dict[str, Any]
) -> None:
    gained = taken_over([lost], earlier, later)
    assert taken_over([lost], later, later) == set()
    assert taken_over([earlier], earlier, later) == set()
    assert taken_over([{}], earlier, later) == set()
    assert gained <= taken_over([lost], {}, later)
    assert gained.isdisjoint(taken_over([lost], {}, earlier))


@given(copies, copies, copies)
def test_any_other_change_of_the_holder_proves_nothing(
    lost: dict[str, Any], holder: dict[str, Any], change: dict[str, Any]
) -> None:
    changed = holder | {name: value for name, value in change.items() if name not in CARRIED}
    assert taken_over([lost], holder, changed) == set()


@given(copies, copies, copies)
def test_a_detail_proves_nothing_in_places_that_rows_do_not_show(
    lost: dict[str, Any], row: dict[str, Any], detail: dict[str, Any]
) -> None:
    shown = {name: value for name, value in row.items() if not name.startswith("additional")}
    comparable = comparable_copy(shown, detail)
    gained = taken_over([lost], shown, comparable)
    assert not [key for key in gained if key.startswith(("e-mail", "phone"))]


def test_many_within_minutes_are_a_bulk_action() -> None:
    cause = bulk_cause(37, earliest=SEEN, latest=SEEN + timedelta(minutes=15))
    assert cause
    assert "37 contacts disappeared within 15 minutes" in cause.evidence


def test_few_or_slow_disappearances_are_no_bulk_action() -> None:
    assert bulk_cause(9, earliest=SEEN, latest=SEEN) is None
    assert bulk_cause(500, earliest=SEEN, latest=SEEN + timedelta(days=1)) is None


def test_an_unknown_cause_says_where_to_look() -> None:
    assert "Audit Logs" in unknown_cause(3).evidence
    assert "2 others" in unknown_cause(3).evidence
