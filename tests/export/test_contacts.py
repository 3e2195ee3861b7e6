"""Contacts as CSV: every person, every field, in HighLevel's own words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.export import ExportKind, ExportMode
from hlcore.export.columns import contact_fields
from hlcore.export.custom_fields import CustomColumns
from hlcore.export.sheet import ContactWriter
from hlcore.model.contact import parse_contact
from hlcore.store import locations, records
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.contacts.streams import ContactCopy
from hlcore.store.deletions import register
from tests.export.conftest import AGENCY, CLINIC, Story, header

NAMES = {
    "formula": '=HYPERLINK("http://evil.example","x")',
    "plus": "+1-1",
    "minus": "-Lena",
    "at": "@here",
    "tab": "\tTab",
    "quotes": 'Anna "Ann" O\'Hara',
    "newline": "two\r\nlines",
    "comma": "Smith, John; Jr.",
    "emoji": "Zoë 👩‍👩‍👧 😀",
    "rtl": "محمد \u202eabc",
    "nul": "a\x00b",
    "blank": "  x  ",
}


def test_a_contact_stands_under_highlevels_names(story: Story) -> None:
    story.add("c1", firstName="Ana", lastName="Ruiz", email="ana@example.com", phone="+15551234567", city="Reno")
    (row,) = story.rows()
    assert (row["id"], row["firstName"], row["lastName"], row["email"]) == ("c1", "Ana", "Ruiz", "ana@example.com")
    assert (row["phone"], row["city"], row["locationId"]) == ("+15551234567", "Reno", "agency")


@pytest.mark.parametrize("name", list(NAMES.values()), ids=list(NAMES))
def test_exact_names_come_back(story: Story, name: str) -> None:
    raw = story.add("c1", firstName=name)
    (row,) = story.rows()
    assert row["firstName"] == name
    assert row["raw"].encode() == raw


def test_safe_names_do_not_run_and_phones_stay_readable(story: Story) -> None:
    story.add("c1", firstName="=1+1", lastName="Ann-Marie", phone="+4915123456789")
    (row,) = story.rows(mode=ExportMode.SAFE)
    assert (row["firstName"], row["lastName"], row["phone"]) == ("'=1+1", "Ann-Marie", "'+4915123456789")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["firstName", "firstNameRaw", "name", "dnd", "dndSettings", "tags", "additionalEmails", "customFields",
     "dateAdded", "inboundDndSettings", "attributionSource", "surprise"]
)  # fmt: skip


@given(st.dictionaries(KEYS, JSON), st.sampled_from(list(ExportMode)))
def test_no_value_of_any_shape_stops_the_file(fields: dict[str, Any], mode: ExportMode) -> None:
    writer = ContactWriter(mode, CustomColumns(("Size",), {"agency": {"f1": 0}}), frozenset())
    raw = json.dumps({"id": "c1", **fields}).encode()
    cells = writer.cells(ContactCopy(1, "agency", "c1", "present", "", None, raw, raw))
    assert len(cells) == len(writer.columns)
    assert all(isinstance(cell, str) for cell in cells)


@pytest.mark.parametrize("raw", [b'{"id":"c1","x":"\\ud800"}', b'{"id":"c1","x":"\xff"}', b"", b"[]", b"{"])
def test_bytes_that_are_not_quite_json_give_what_can_be_read(raw: bytes) -> None:
    assert contact_fields(raw, None).get("id", "c1") == "c1"


def test_what_has_no_column_is_not_lost(story: Story) -> None:
    raw = story.add("c1", somethingNew={"a": 1})
    assert json.loads(story.rows(mode=ExportMode.SAFE)[0]["otherFields"]) == {"somethingNew": {"a": 1}}
    assert story.rows()[0]["raw"].encode() == raw


def test_dnd_has_a_column_for_each_channel_in_either_spelling(story: Story) -> None:
    story.add("c1", dnd=True, dndSettings={"sms": {"status": "active"}, "Email": {"status": "permanent"}})
    (row,) = story.rows()
    assert (row["dnd"], row["dndSettings.SMS"], row["dndSettings.Email"]) == ("true", "active", "permanent")
    assert row["dndSettings.Call"] == ""


def test_tags_are_readable_in_safe_files_and_a_list_in_exact_ones(story: Story) -> None:
    story.add("c1", tags=["vip", "a, b"])
    assert story.rows(mode=ExportMode.SAFE)[0]["tags"] == "vip, a, b"
    assert json.loads(story.rows()[0]["tags"]) == ["vip", "a, b"]


def test_additional_addresses_are_there(story: Story) -> None:
    story.add("c1", additionalEmails=[{"email": "b@example.com"}, "c@example.com"])
    assert story.rows(mode=ExportMode.SAFE)[0]["additionalEmails"] == "b@example.com, c@example.com"


def test_moments_are_iso_8601_in_utc(story: Story) -> None:
    story.add("c1", dateAdded="2026-01-02T03:04:05.678Z", dateUpdated=1767323045678, dateOfBirth="1990-05-01")
    (row,) = story.rows()
    assert row["dateAdded"] == row["dateUpdated"] == "2026-01-02T03:04:05.678Z"
    assert row["dateOfBirth"] == "1990-05-01"


def test_the_fuller_copy_by_id_fills_what_the_listing_left_out(story: Story) -> None:
    story.add("c1", firstName="ana")
    with story.vault.write() as tx:
        detail = b'{"id":"c1","firstName":"Ana","gender":"f"}'
        contact_writes.store_detail(tx, "agency", "c1", detail, at=story.now(), run_id=None)
    (row,) = story.rows()
    assert (row["firstName"], row["gender"], row["raw_detail"].encode()) == ("Ana", "f", detail)


def test_custom_fields_are_columns_by_name(story: Story) -> None:
    story.keep("custom_field", "f1", name="Shoe size", position=2)
    story.keep("custom_field", "f2", name="Allergies", position=1)
    story.add("c1", customFields=[{"id": "f1", "value": 44}, {"id": "f2", "value": ["nuts", "eggs"]}])
    (row,) = story.rows(mode=ExportMode.SAFE)
    assert (row["Shoe size"], row["Allergies"]) == ("44", "nuts, eggs")
    columns = list(row)
    assert columns.index("Allergies") < columns.index("Shoe size")


def test_a_custom_field_that_vanished_keeps_its_name(story: Story) -> None:
    story.keep("custom_field", "f1", name="Shoe size")
    story.add("c1", customFields=[{"id": "f1", "value": "44"}])
    with story.vault.write() as tx:
        records.mark_vanished(tx, "agency", "custom_field", keep=[], at=story.now())
    assert story.rows()[0]["Shoe size"] == "44"


def test_a_custom_field_that_no_catalogue_knows_stands_under_its_id(story: Story) -> None:
    story.add("c1", customFields=[{"id": "unknown1", "value": "x"}])
    story.add("c2", customFields=[{"id": "unknown2", "fieldValue": "y"}])
    first, second = story.rows()
    assert (first["unknown1"], second["unknown2"], first["unknown2"]) == ("x", "y", "")


def test_a_name_that_is_taken_gets_the_fields_id(story: Story) -> None:
    for field_id, name in (("f1", "email"), ("f2", "Size"), ("f3", "Size")):
        story.keep("custom_field", field_id, name=name)
    story.add("c1", customFields=[{"id": field_id, "value": field_id} for field_id in ("f1", "f2", "f3")])
    (row,) = story.rows()
    assert (row["email (f1)"], row["Size (f2)"], row["Size (f3)"]) == ("f1", "f2", "f3")


def test_fields_of_one_name_in_two_accounts_share_a_column(story: Story) -> None:
    story.keep("custom_field", "f1", name="Size")
    story.keep("custom_field", "g1", location_id=CLINIC, name="Size")
    story.add("c1", customFields=[{"id": "f1", "value": "1"}])
    story.add("c2", CLINIC, customFields=[{"id": "g1", "value": "2"}])
    assert [row["Size"] for row in story.rows()] == ["1", "2"]


def test_a_formula_as_a_fields_name_does_not_run(story: Story) -> None:
    story.keep("custom_field", "f1", name="=1+1")
    assert "'=1+1" in header(story.file(mode=ExportMode.SAFE)[0])


def test_owners_are_named(story: Story) -> None:
    story.keep("user", "u1", firstName="Olga", lastName="Owner")
    story.add("c1", assignedTo="u1")
    (row,) = story.rows()
    assert (row["assignedTo"], row["vault_owner"]) == ("u1", "Olga Owner")


def test_every_held_contact_is_there_with_its_status(story: Story) -> None:
    for contact_id in ("alive", "lost", "late"):
        story.add(contact_id)
    story.lose("lost", days_ago=3)
    story.lose("late", days_ago=31)
    assert {row["id"]: row["vault_status"] for row in story.rows()} == {
        "alive": "present", "lost": "deleted", "late": "expired",
    }  # fmt: skip


def test_at_risk_are_those_deleted_whose_window_is_open(story: Story) -> None:
    for contact_id, days in (("today", 0), ("last_day", 29.99), ("closed", 30), ("long_ago", 90)):
        story.add(contact_id)
        story.lose(contact_id, days_ago=days)
    story.add("alive")
    assert story.ids(at_risk=True) == ["today", "last_day"]
    assert story.ids(statuses=["expired"]) == ["closed", "long_ago"]
    assert story.ids(statuses=["expired", "present"]) == ["alive", "closed", "long_ago"]


def test_each_account_has_its_own_window(story: Story) -> None:
    with story.vault.write() as tx:
        locations.set_window(tx, CLINIC, days=None, reason="", hipaa=True)
    story.add("c1")
    story.add("c2", CLINIC)
    story.lose("c1", days_ago=1)
    story.lose("c2", CLINIC, days_ago=1)
    assert story.ids(at_risk=True) == ["c1"]


def test_chosen_contacts_come_in_the_order_chosen_and_unknown_ones_are_left_out(story: Story) -> None:
    for contact_id in ("a", "b", "c"):
        story.add(contact_id)
    assert story.ids(contact_ids=["c", "nobody", "a", "c"]) == ["c", "a"]


def test_an_account_can_be_chosen(story: Story) -> None:
    story.add("a")
    story.add("b", CLINIC)
    assert story.ids(location_ids=[CLINIC]) == ["b"]


@pytest.mark.parametrize(
    "filters", [{"tag": "vip"}, {"owner_id": "u1"}, {"source": "form"}, {"text": "ruiz"}], ids=lambda f: next(iter(f))
)
@pytest.mark.parametrize("at_risk", [True, False])
def test_filters_hold(story: Story, filters: dict[str, str], at_risk: bool) -> None:
    story.add("yes", tags=["vip"], assignedTo="u1", source="form", lastName="Ruiz")
    story.add("no", tags=["x"], assignedTo="u2", source="ad", lastName="Wong")
    story.lose("yes")
    story.lose("no")
    assert story.ids(at_risk=at_risk, **filters) == ["yes"]


def test_erased_people_are_nowhere(story: Story) -> None:
    story.add("gone", firstName="Nobody")
    story.lose("gone")
    with story.vault.write() as tx:
        register.erase_contact(tx, "agency", "gone", at=story.now())
    assert story.ids() == story.ids(contact_ids=["gone"]) == story.ids(statuses=["erased"]) == []


def test_more_rows_than_one_page_come_once_each(story: Story) -> None:
    ids = [f"c{number:05}" for number in range(4_321)]
    with story.vault.write() as tx:
        rows = [parse_contact(b'{"id":"%s","locationId":"agency"}' % contact_id.encode()) for contact_id in ids]
        contact_writes.insert_contacts(tx, "agency", rows, at=story.now())
        register.mark_suspected(
            tx, "agency", [(each, story.now()) for each in ids], at=story.now(), detected_by="listing"
        )
    assert sorted(story.ids()) == ids
    assert sorted(story.ids(statuses=["suspected"])) == ids


@pytest.mark.parametrize("mode", list(ExportMode))
@pytest.mark.parametrize("kind", [ExportKind.CONTACTS, ExportKind.DELETIONS])
def test_what_was_emptied_after_the_detail_is_empty(
    story: Story, clock: Any, kind: ExportKind, mode: ExportMode
) -> None:
    """Only the earlier row tells that a city stood in rows, so that a row without one means an emptied city."""
    for contact_id in ("emptied", "silent"):
        listed = {"city": "Kiel"} if contact_id == "emptied" else {}
        story.add(contact_id, dateUpdated="2026-02-01T00:00:00Z", searchAfter=[1], **listed)
        detail = {"id": contact_id, "city": "Kiel", "dateUpdated": "2026-02-01T00:00:00Z"}
        with story.vault.write() as tx:
            contact_writes.store_detail(tx, AGENCY, contact_id, json.dumps(detail).encode(), story.now())
        clock.advance(hours=1)
        story.change(contact_id, dateUpdated="2026-03-01T00:00:00Z", searchAfter=[2])
        story.lose(contact_id)
    rows = {row["id"]: row["city"] for row in story.rows(kind, mode)}
    assert rows == {"emptied": "", "silent": "Kiel"}
