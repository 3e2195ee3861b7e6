"""Deleted contacts are re-created as planned, without messages, and verified, on the sandbox over real HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions import register
from hlcore.store.restores import journal
from tests.restore.conftest import LOCATION, World

OPTED_OUT = {"SMS": {"status": "active", "message": "STOP"}, "Email": {"status": "inactive"}}


def the_new(world: World, contact_id: str) -> dict[str, Any]:
    """The contact that HighLevel holds under the new id of this lost one."""
    return dict(world.location.contacts[world.receipt()[contact_id]["new_id"]])


def test_a_whole_contact_comes_back_equal_and_verified(world: World) -> None:
    budget = world.location.add_custom_field("Budget", data_type="NUMERICAL")
    start = world.location.add_custom_field("Start", data_type="DATE")
    sam = world.location.add_user("Sam")
    before = {
        **{"firstName": "Mary-Jane", "lastName": "O'Dell", "email": "mj@example.com", "phone": "+4915123456789"},
        **{"companyName": "Café Zwölf", "address1": "12 Wren Lane\nRear", "city": "Köln", "state": "NW"},
        **{"postalCode": "01067", "country": "DE", "website": "https://www.example.com/?a=1&b=2", "gender": "female"},
        **{"timezone": "Europe/Berlin", "source": "walk-in", "dateOfBirth": "1990-09-25", "assignedTo": sam},
        "tags": ["vip", "kunde 🎉"],
        "customFields": [{"id": budget, "value": 1200}, {"id": start, "value": "2026-05-01"}],
    }
    mj = world.add(**before)
    world.copy(details=True)
    world.lose(mj)
    row = world.restore(mj)[mj]
    assert (row["outcome"], row["verified"], row["differences"]) == ("recreated", True, [])
    after = the_new(world, mj)
    assert {key: after[key] for key in before} == before
    assert row["new_id"] != mj


@pytest.mark.parametrize(
    "person",
    [
        pytest.param({"firstName": "محمد", "lastName": "الحسن", "email": "m@example.com"}, id="right-to-left"),
        pytest.param({"firstName": "Zoë", "lastName": "Smith 🦊👩‍👩‍👧", "phone": "+14155550123"}, id="emoji"),
        pytest.param({"firstName": "=Sum(A1)", "lastName": '"quoted"\t,;'}, id="formula"),
        pytest.param({"email": "only@example.com"}, id="only-email"),
        pytest.param({"phone": "+14155550123"}, id="only-phone"),
        pytest.param({"firstName": "Cher"}, id="only-first-name"),
    ],
)
def test_people_of_every_kind_come_back_verified(world: World, person: dict[str, Any]) -> None:
    somebody = world.lost(**person)
    row = world.restore(somebody)[somebody]
    assert (row["outcome"], row["verified"], row["error"]) == ("recreated", True, "")
    assert person.items() <= the_new(world, somebody).items()


def test_nobody_can_be_messaged_while_workflows_start(world: World) -> None:
    world.location.add_workflow("Welcome", trigger="contact_created")
    emails = [f"p{number}@example.com" for number in range(3)]
    world.restore(*(world.lost(firstName="P", email=email, dndSettings=OPTED_OUT) for email in emails))
    assert len(world.sandbox.ledger.workflow_starts) == 3
    assert world.sandbox.ledger.reached == []
    assert world.sandbox.ledger.creates_without_dnd == []


def test_the_own_settings_are_back_and_a_closed_channel_was_never_open(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com", phone="+14155550123", dndSettings=OPTED_OUT)
    world.restore(ana)
    after = the_new(world, ana)
    assert after["dnd"] is False
    assert {key: one["status"] for key, one in after["dndSettings"].items()} == {
        **dict.fromkeys(("Call", "Email", "WhatsApp", "GMB", "FB"), "inactive"),
        "SMS": "active",
    }
    bodies = [entry.body for entry in world.sandbox.ledger if entry.body and "dnd" in entry.body]
    assert [body["dndSettings"]["SMS"]["status"] for body in bodies] == ["active", "active"]


def test_settings_that_the_copy_does_not_tell_stay_closed(world: World) -> None:
    world.location.row_options.dnd_settings = False
    ana = world.lost(firstName="Ana", email="ana@example.com")
    assert world.restore(ana)[ana]["verified"]
    assert the_new(world, ana)["dnd"] is True


def test_a_captured_detail_tells_what_the_listing_left_out(world: World) -> None:
    world.location.row_options.dnd_settings = False
    world.location.row_options.lowered_first_name = True
    ana = world.add(firstName="AnnaMaria", email="ana@example.com", gender="female", dndSettings=OPTED_OUT)
    world.copy(details=True)
    world.lose(ana)
    assert world.restore(ana)[ana]["verified"]
    after = the_new(world, ana)
    assert (after["firstName"], after["gender"], after["dnd"]) == ("AnnaMaria", "female", False)


def test_a_vanished_owner_and_field_are_left_out_as_planned(world: World) -> None:
    sam, budget = world.location.add_user("Sam"), world.location.add_custom_field("Budget")
    ana = world.lost(firstName="Ana", assignedTo=sam, customFields=[{"id": budget, "value": "1"}])
    world.location.remove_user(sam)
    world.location.remove_custom_field(budget)
    item = world.planned(ana)
    assert {
        "owner Sam (this user no longer exists)",
        "custom field Budget (the field was deleted in HighLevel)",
    } <= set(item.will_be_lost)
    assert world.restore(ana)[ana]["verified"]
    assert "assignedTo" not in the_new(world, ana)


def test_a_refused_phone_is_left_out_reported_and_the_rest_restored(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com", phone="ask at desk 12", city="Köln")
    row = world.restore(ana)[ana]
    assert (row["outcome"], row["verified"]) == ("recreated", False)
    assert [(one["field"], one["planned"], one["reason"]) for one in row["differences"]] == [
        ("phone", "ask at desk 12", "HighLevel refused this value.")
    ]
    assert the_new(world, ana)["city"] == "Köln"
    assert len(world.live()) == 1


def test_a_refusal_that_names_nothing_costs_nothing_that_can_be_written_afterwards(world: World) -> None:
    budget = world.location.add_custom_field("Budget")
    fields = [{"id": budget, "value": "1200"}]
    ana = world.lost(firstName="Ana", email="ana@example.com", customFields=fields, country="DE")
    world.confirm(ana)
    world.location.faults.on("status", status=422, where="POST /contacts/", times=2)
    world.run()
    assert world.receipt()[ana]["verified"]
    assert (the_new(world, ana)["customFields"], the_new(world, ana)["country"]) == (fields, "DE")


def test_settings_that_highlevel_refuses_leave_the_channels_closed_and_are_reported(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com", dndSettings=OPTED_OUT)
    world.confirm(ana)
    world.location.faults.on("status", status=422, where="PUT /contacts/")
    world.run()
    row = world.receipt()[ana]
    assert (row["outcome"], row["verified"]) == ("recreated", False)
    assert {one["field"].partition(".")[0] for one in row["differences"]} == {"dnd", "dndSettings"}
    assert {one["reason"] for one in row["differences"]} == {"HighLevel refused this value."}
    assert the_new(world, ana)["dnd"] is True


def test_a_contact_refused_whatever_is_left_out_failed_and_nothing_is_made(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com")
    world.confirm(ana)
    world.location.faults.on("status", status=422, where="POST /contacts/")
    world.run()
    assert (world.receipt()[ana]["outcome"], world.live()) == ("failed", [])


def test_one_erased_since_the_plan_is_not_made(world: World) -> None:
    ana = world.lost(firstName="Ana")
    world.confirm(ana)
    with world.vault.write() as tx:
        register.erase_contact(tx, LOCATION, ana, at=world.clock.now())
    world.run()
    assert world.receipt()[ana]["outcome"] == "skipped"
    assert world.live() == []


def test_the_new_contact_is_in_the_vault_at_once_and_the_old_one_points_to_it(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com")
    new_id = world.restore(ana)[ana]["new_id"]
    assert (world.status(ana), world.status(new_id)) == ("recreated", "present")
    with world.vault.read() as tx:
        assert deletion_queries.list_for_contact(tx, LOCATION, ana)[-1].new_contact_id == new_id
        assert journal.original_contact_id(tx, LOCATION, new_id) == ana
    assert world.planned(ana).reason == f"It already lives on as {new_id}."
