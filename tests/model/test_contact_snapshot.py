"""Each field of a contact comes from the newest copy that can tell it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.contact_snapshot import TOLD_BY_ID, ContactSnapshot, StoredCopy, latest_snapshot
from hlcore.model.custom_fields import is_empty
from hlcore.model.json_codec import encode
from tests.support.contact_strategies import any_json, fields

DAY = datetime(2026, 1, 1, tzinfo=UTC)
TOLD = sorted(TOLD_BY_ID - {"firstNameRaw", "lastNameRaw", "contactName"})
LISTED_ON = {"searchAfter": [1, "a"]}


def row(day: int = 0, *, dated: bool = True, **copy: Any) -> StoredCopy:
    """A search row of that day."""
    return _stored(day, dated, by_id=False, **LISTED_ON, **copy)


def detail(day: int = 0, *, dated: bool = True, **copy: Any) -> StoredCopy:
    """An answer to GET by id of that day."""
    return _stored(day, dated, by_id=True, **copy)


def _stored(day: int, dated: bool, *, by_id: bool, **copy: Any) -> StoredCopy:
    at = DAY + timedelta(days=day)
    date = {"dateUpdated": at.isoformat()} if dated else {}
    return StoredCopy(encode({"id": "a", **date, **copy}), by_id, at)


def test_a_newer_row_wins_and_what_it_always_lists_is_not_filled_in() -> None:
    older = detail(0, firstName="Old", email="old@example.com", gender="female")
    found = latest_snapshot(row(1, firstName="New"), older).fields
    assert (found["firstName"], found.get("email"), found["gender"]) == ("New", None, "female")


@pytest.mark.parametrize("dated", [True, False], ids=["dateUpdated", "read by us"])
def test_what_an_earlier_row_had_and_the_newer_one_lacks_was_emptied(dated: bool) -> None:
    older = detail(0, city="Köln", website="https://www.example.com", dated=dated)
    first = row(0, city="Köln", dated=dated)
    found = latest_snapshot(row(1, dated=dated), older, earlier=[first]).fields
    assert is_empty(found.get("city"))
    assert found["website"] == "https://www.example.com"


def test_an_answer_that_stood_for_a_row_does_not_show_what_rows_carry() -> None:
    older = detail(0, gender="female")
    stand_in = StoredCopy(older.raw, False, older.at)
    assert latest_snapshot(row(1), older, earlier=[stand_in]).fields["gender"] == "female"


def test_the_street_of_a_row_is_the_street_of_a_detail() -> None:
    older = detail(0, address1="1 Old Street")
    assert latest_snapshot(row(1, address="2 New Street"), older).fields["address1"] == "2 New Street"
    assert "address" not in latest_snapshot(row(1, address="2 New Street"), older).fields
    emptied = latest_snapshot(row(1), older, earlier=[row(0, address="1 Old Street")])
    assert is_empty(emptied.fields.get("address1"))
    assert latest_snapshot(row(0, address="1 Old Street"), detail(1, city="Köln")).fields.get("address1") is None


@pytest.mark.parametrize("dated", [True, False], ids=["dateUpdated", "read by us"])
@pytest.mark.parametrize("name", TOLD)
def test_a_newer_detail_says_that_a_field_is_empty_by_leaving_it_out(name: str, dated: bool) -> None:
    found = latest_snapshot(row(0, dated=dated, **{name: "old"}), detail(1, dated=dated)).fields
    assert is_empty(found.get(name))


def test_an_older_name_as_typed_is_not_the_name_of_today() -> None:
    listed = row(0, firstName="anna", firstNameRaw="Anna")
    assert latest_snapshot(listed, detail(1, firstName="anna")).fields["firstNameRaw"] == "Anna"
    assert "firstNameRaw" not in latest_snapshot(listed, detail(1, firstName="Berta")).fields
    assert "firstNameRaw" not in latest_snapshot(listed, detail(1)).fields


def test_copies_of_the_same_age_complete_each_other() -> None:
    found = latest_snapshot(row(0, city="Köln", state="NW"), detail(0, city="Bonn", state="", gender="female")).fields
    assert (found["city"], found["state"], found["gender"]) == ("Bonn", "NW", "female")


def test_a_detail_of_the_same_age_tells_the_settings() -> None:
    found = latest_snapshot(row(firstName="anna"), detail(dnd=False, dndSettings={"SMS": {"status": "active"}}))
    assert found.dnd_known
    assert found.fields["dndSettings"]["SMS"]["status"] == "active"
    assert not found.consent.settings.is_open("SMS")


def test_an_older_detail_does_not_tell_the_settings_of_today_but_still_closes() -> None:
    found = latest_snapshot(row(1, dnd=False), detail(0, dnd=False, dndSettings={"SMS": {"status": "active"}}))
    assert not found.dnd_known
    assert not found.consent.settings.is_open("SMS")


def test_a_row_that_is_no_object_is_refused_and_any_other_copy_is_ignored() -> None:
    with pytest.raises(ValueError, match="no JSON object"):
        latest_snapshot(StoredCopy(b"[]", False))
    odd = StoredCopy(b"{", True, DAY)
    assert latest_snapshot(row(city="Köln"), odd, earlier=[odd]).fields["city"] == "Köln"


days = st.integers(0, 2)
named = fields | st.dictionaries(st.sampled_from([*TOLD, "address", "unheardOf"]), any_json, max_size=4)


@given(named, named, days, days, st.booleans(), st.booleans())
def test_no_value_comes_from_an_older_copy_where_the_newer_one_has_one(
    listed: dict[str, Any], detailed: dict[str, Any], row_day: int, detail_day: int, one: bool, other: bool
) -> None:
    listed.pop("address", None)
    detailed.pop("address", None)
    found = latest_snapshot(row(row_day, dated=one, **listed), detail(detail_day, dated=other, **detailed)).fields
    newer = listed if row_day > detail_day else detailed
    for name, value in newer.items():
        if not is_empty(value) and not name.endswith("Raw") and value == value:
            assert encode(found[name]) == encode(value)


@given(st.lists(st.tuples(st.booleans(), days, named), max_size=3), named)
def test_no_copies_whatever_they_hold_stop_a_snapshot(
    held: list[tuple[bool, int, dict[str, Any]]], listed: dict[str, Any]
) -> None:
    copies = [_stored(day, True, by_id=by_id, **copy) for by_id, day, copy in held]
    assert isinstance(latest_snapshot(row(2, **listed), earlier=copies), ContactSnapshot)
