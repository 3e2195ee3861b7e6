"""Contacts and records with any JSON in any place are restored over HTTP: plan and receipt account for every value."""

from __future__ import annotations

import os
import random
from datetime import timedelta
from typing import Any

import pytest

from hlcore.model.contact import parse_contact
from hlcore.model.contact_fields import DERIVED, label_of, original_text
from hlcore.model.custom_fields import is_empty
from hlcore.model.json_codec import decode_object, encode
from hlcore.model.moments import parse_moment
from hlcore.model.restore.comparison import compare
from hlcore.store import records
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import writes as contact_writes
from tests.restore.conftest import LOCATION, World

TRIALS = int(os.environ.get("VALUE_TRIALS", "200"))
"""People in the wide trial."""
FIELDS = (
    *("lastName", "name", "phone", "companyName", "address1", "city", "state", "postalCode", "website", "country"),
    *("timezone", "gender", "source", "assignedTo", "dateOfBirth", "tags", "customFields", "inboundDndSettings"),
    *("followers", "businessId", "type", "unheardOf"),
)
ODD: tuple[Any, ...] = (
    *(0, -1, 250, 1.5, 10**18, True, False, None, "", " ", "250", "1,250", "x", "Ünï \U0001f384", "a" * 300),
    *("25/12/1990", "12/25/1990", "1990-12-25", "12/25/90", "9999-12-31T23:59:59-05:00", 662083200000, 1e300),
    *([], ["vip", "hot lead"], ["vip", 7, None, {"a": 1}], "vip,hot lead", {}, {"id": "x"}, [{"id": "x", "value": 1}]),
    *([[1]], {"all": {"status": "Active"}}, "Won", "true", "active"),
)
MEMBERS = {
    "note": ("body", "title", "color", "pinned", "userId", "dateAdded", "attachments"),
    "task": ("title", "body", "dueDate", "completed", "assignedTo", "priority"),
    "opportunity": ("name", "status", "monetaryValue", "assignedTo", "customFields", "followers", "forecast"),
    "appointment": ("title", "endTime", "appointmentStatus", "address", "assignedUserId", "notes"),
}


def hold_odd_person(world: World, draw: random.Random, number: int) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Let the vault hold a person with odd values; return the id, the copy and the records by kind."""
    email = f"person{number}@example.com"
    contact_id = world.add(firstName=f"Person {number}", email=email)
    copy = {"id": contact_id, "locationId": LOCATION, "firstName": f"Person {number}", "email": email, "dnd": False}
    copy |= {name: draw.choice(ODD) for name in draw.sample(FIELDS, draw.randint(1, 6))}
    pipeline, stage = next((one["id"], one["stages"][0]["id"]) for one in world.location.related.pipelines.values())
    required: dict[str, dict[str, Any]] = {
        "note": {"body": "Likes tea"},
        "task": {"title": "Call back", "dueDate": "2027-01-01T10:00:00.000Z"},
        "opportunity": {"name": "Whitening", "pipelineId": pipeline, "pipelineStageId": stage},
        "appointment": {
            "calendarId": next(iter(world.location.related.calendars)),
            "startTime": (world.clock.now() + timedelta(days=90)).isoformat(),
        },
    }
    rows = {
        kind: {
            **required[kind],
            **{name: draw.choice(ODD) for name in draw.sample(members, 2)},
            "id": f"{kind}{number}",
        }
        for kind, members in MEMBERS.items()
    }
    with world.vault.write() as tx:
        contact = parse_contact(encode(copy))
        contact_writes.refresh(tx, LOCATION, contact, at=world.clock.now())
        for kind, row in rows.items():
            records.save(tx, LOCATION, kind, [(row["id"], contact_id, encode(row))], at=world.clock.now())
    return contact_id, copy, rows


def restore_odd_people(world: World, number: int, *, seed: int) -> None:
    draw, people = random.Random(seed), dict[str, tuple[dict[str, Any], dict[str, Any]]]()
    world.location.add_pipeline("Sales")
    world.location.add_calendar("Bookings")
    for index in range(number):
        contact_id, copy, rows = hold_odd_person(world, draw, index)
        people[contact_id] = (copy, rows)
    world.lose(*people)
    receipt = world.restore(*people)
    assert sum(row["outcome"] == "recreated" for row in receipt.values()) > number * 0.9
    for contact_id, (copy, rows) in people.items():
        row = receipt[contact_id]
        if row["outcome"] == "skipped":
            assert "same" in row["error"], row  # two of them drew one phone
            continue
        assert row["outcome"] == "recreated", row
        assert unaccounted(world, row, copy) == [], (copy, row)
        words = " ".join((*row["lost"], *row["changed"], *(str(one) for one in row["differences"])))
        for kind, record in rows.items():
            assert_record_accounted(world, row["new_id"], kind, record, words)
    assert world.sandbox.ledger.crashes == []
    assert world.sandbox.ledger.creates_without_dnd == []


def unaccounted(world: World, row: dict[str, Any], copy: dict[str, Any]) -> list[str]:
    """Return the fields of the copy that the new contact has otherwise although no word of the receipt names them."""
    live, words = world.location.contacts[row["new_id"]], " ".join((*row["lost"], *row["changed"]))
    differing = {one["field"].partition(".")[0] for one in row["differences"]}
    silent = []
    for name, held in copy.items():
        if name in DERIVED or name == "dnd" or is_empty(held) or (isinstance(held, str) and not held.strip()):
            continue
        if (name, held) == ("name", copy["firstName"]) or name in differing or held == [[1]]:
            continue
        is_plain = isinstance(held, (str, int, float)) and name not in ("customFields", "inboundDndSettings")
        same = not compare({name: held}, live) if is_plain else str(live.get(name)).lower() == str(held).lower()
        if not (same or label_of(name).removesuffix("s") in words or original_text(held) in words or name in words):
            silent.append(f"{name}: {held!r}")
    return silent


def assert_record_accounted(world: World, contact_id: str, kind: str, record: dict[str, Any], words: str) -> None:
    related = world.location.related
    living: dict[str, Any] = {
        "note": related.notes.get(contact_id, {}),
        "task": related.tasks.get(contact_id, {}),
        "opportunity": {key: one for key, one in related.opportunities.items() if one["contactId"] == contact_id},
        "appointment": {key: one for key, one in related.appointments.items() if one["contactId"] == contact_id},
    }[kind]
    if not living:
        assert kind in words
        return
    live = next(iter(living.values()))
    for name, held in record.items():
        if name in ("id", "dateAdded") or is_empty(held) or held is False or str(held).strip() == "":
            continue
        shown = str(live.get(name, "")).strip().lower()
        same = str(held).strip().lower() in shown or is_same_number(held, live.get(name)) or live.get(name) == held
        then, now = parse_moment(held), parse_moment(live.get(name))
        moment = then is not None and now is not None and abs(then - now) < timedelta(milliseconds=1)
        named = original_text(held) in words or "owner" in words or "author" in words
        parts = isinstance(held, list) and all(original_text(part) in words for part in held)
        assert same or moment or named or parts, (kind, name, held)


def is_same_number(held: Any, living: Any) -> bool:
    """Return whether both are one number; PostgreSQL keeps 1e300 as a whole number with 301 digits."""
    return isinstance(held, float) and isinstance(living, int | float) and float(living) == held


def test_no_value_is_lost_or_changed_without_a_word(world: World) -> None:
    restore_odd_people(world, 12, seed=4)


@pytest.mark.slow
def test_no_value_of_many_is_lost_or_changed_without_a_word(world: World) -> None:
    restore_odd_people(world, TRIALS, seed=2026)


@pytest.mark.parametrize("value", ["true", " TRUE", "yes", 1])
def test_an_unreadable_switch_keeps_every_channel_closed_and_is_said(world: World, value: Any) -> None:
    ana = world.lost_with_detail(firstName="Ana", dnd=value)
    said = any("do-not-disturb stays on" in text for text in world.planned(ana).will_change)
    assert said is (value in ("yes", 1))
    row = world.restore(ana)[ana]
    after = world.location.contacts[row["new_id"]]
    assert after["dnd"] is True
    assert {one["status"] for one in after["dndSettings"].values()} == {"active"}


def test_capital_letters_keep_a_channel_closed_and_the_others_open(world: World) -> None:
    own = {"Email": {"status": "Active"}, "SMS": {"status": "ACTIVE"}}
    ana = world.lost_with_detail(firstName="Ana", dndSettings=own)
    after = world.location.contacts[world.restore(ana)[ana]["new_id"]]
    assert after["dnd"] is False
    assert {name for name, one in after["dndSettings"].items() if one["status"] == "active"} == {"Email", "SMS"}


def test_tags_in_one_text_come_back_as_tags(world: World) -> None:
    ana = world.lost(firstName="Ana")
    replace_copy(world, ana, tags="vip,hot lead")
    row = world.restore(ana)[ana]
    assert row["verified"]
    assert sorted(world.location.contacts[row["new_id"]]["tags"]) == ["hot lead", "vip"]


def test_a_date_with_the_day_first_is_left_out_and_named_with_its_text(world: World) -> None:
    ana = world.lost(firstName="Ana")
    replace_copy(world, ana, dateOfBirth="25/12/1990")
    assert any("“25/12/1990”" in text for text in world.planned(ana).will_be_lost)
    row = world.restore(ana)[ana]
    assert "dateOfBirth" not in world.location.contacts[row["new_id"]]
    assert any("“25/12/1990”" in text for text in row["lost"])
    assert "“25/12/1990”" in row["measured"]


@pytest.mark.parametrize(("value", "found"), [("250", 250), ("250.50", 250.5), ("1,250", 0)])
def test_a_value_of_an_opportunity_as_text_comes_back_as_a_number_or_is_named(
    world: World, value: str, found: float
) -> None:
    pipeline = world.location.related.pipelines[world.location.add_pipeline("Sales")]
    ana = world.lost(firstName="Ana")
    opportunity = {"id": "o1", "name": "Whitening", "status": "open", "monetaryValue": value}
    opportunity |= {"pipelineId": pipeline["id"], "pipelineStageId": pipeline["stages"][0]["id"]}
    with world.vault.write() as tx:
        records.save(tx, LOCATION, "opportunity", [("o1", ana, encode(opportunity))], at=world.clock.now())
    row = world.restore(ana)[ana]
    assert [one["monetaryValue"] for one in world.location.related.opportunities.values()] == [found]
    assert found or any("“1,250”" in text for text in row["lost"])


def test_what_was_emptied_and_an_older_street_do_not_come_back(world: World) -> None:
    world.location.row_options.street_as_address = True
    ana = world.add(firstName="Ana", email="ana@example.com", address1="1 Old Street", city="Köln", gender="female")
    world.copy(details=True)
    world.clock.advance(days=1)
    world.location.edit(ana, address1="2 New Street", city=None)
    world.list_again()
    world.lose(ana)
    after = world.location.contacts[world.restore(ana)[ana]["new_id"]]
    assert (after["address1"], after.get("city"), after["gender"]) == ("2 New Street", None, "female")


def test_what_was_emptied_is_not_added_to_a_living_contact(world: World) -> None:
    ana = world.add(firstName="Ana", email="ana@example.com", website="https://www.example.com", city="Köln")
    world.copy(details=True)
    world.clock.advance(days=1)
    world.location.edit(ana, city=None)
    world.list_again()
    world.clock.advance(days=3)
    world.lose(ana, days=2)
    world.location.native_restore(ana)
    world.location.edit(ana, website=None)
    world.returned(ana)
    world.restore(ana, path="top_up")
    after = world.location.contacts[ana]
    assert (after.get("city"), after["website"]) == (None, "https://www.example.com")


def replace_copy(world: World, contact_id: str, **fields: Any) -> None:
    """Let the vault hold this row of the contact."""
    with world.vault.write() as tx:
        stored = contact_reads.get(tx, LOCATION, contact_id)
        assert stored is not None
        contact = parse_contact(encode({**decode_object(stored.raw), **fields}))
        contact_writes.replace(tx, LOCATION, [contact], at=world.clock.now(), run_id=None)


def test_a_source_that_highlevel_enters_itself_is_emptied(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com")
    real = world.location.create
    world.location.create = lambda **fields: real(**{"source": "public api", **fields})  # type: ignore[method-assign]
    row = world.restore(ana)[ana]
    assert (row["verified"], row["differences"]) == (True, [])
    assert is_empty(world.location.contacts[row["new_id"]].get("source"))


def test_what_an_automation_enters_is_reported(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com")
    real = world.location.create
    world.location.create = lambda **fields: real(**{"country": "US", **fields})  # type: ignore[method-assign]
    row = world.restore(ana)[ana]
    assert not row["verified"]
    assert [(one["field"], one["planned"], one["found"]) for one in row["differences"]] == [("country", None, "US")]
    assert row["predicted"] == row["measured"]
