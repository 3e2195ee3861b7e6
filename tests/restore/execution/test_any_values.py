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
from hlcore.model.json_codec import encode
from hlcore.model.restore.comparison import compare
from hlcore.store import records
from hlcore.store.contacts import writes as contact_writes
from tests.restore.conftest import LOCATION, World

TRIALS = int(os.environ.get("VALUE_TRIALS", "400"))
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
    for contact_id, (copy, rows) in people.items():
        row = receipt[contact_id]
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
        same = not compare({name: held}, live) if isinstance(held, (str, int, float)) else live.get(name) == held
        if not (same or label_of(name) in words or original_text(held) in words or name in words):
            silent.append(name)
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
        same = str(held).strip().lower() in shown or live.get(name) == held
        moment = name in ("startTime", "dueDate", "endTime") and shown[:10] == str(held)[:10]
        assert same or moment or original_text(held) in words or "owner" in words or "author" in words, (
            kind,
            name,
            held,
        )


def test_no_value_is_lost_or_changed_without_a_word(world: World) -> None:
    restore_odd_people(world, 12, seed=4)


@pytest.mark.slow
def test_no_value_of_many_is_lost_or_changed_without_a_word(world: World) -> None:
    restore_odd_people(world, TRIALS, seed=2026)


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
