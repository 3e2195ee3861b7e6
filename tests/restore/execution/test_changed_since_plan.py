"""What changed in HighLevel between plan and execution: the outcome is as planned or explained, nothing overwritten."""

from __future__ import annotations

from typing import Any

import pytest

from hlcore.restore.plan import PlanChoices
from hlcore.store import locations
from hlcore.store.deletions import register
from tests.restore.conftest import LOCATION, World
from tests.support.contacts_with_records import (
    assert_nobody_reached,
    capture,
    contact_with_records,
    lost_contact_with_records,
    natively_restored,
    records_of,
)

HOLDERS: list[Any] = [
    pytest.param({"email": "ana@example.com"}, id="e-mail"),
    pytest.param({"phone": "+14155550123"}, id="phone"),
    pytest.param({"additionalEmails": [{"email": "ana@example.com"}]}, id="additional-e-mail"),
    pytest.param({"additionalPhones": [{"phone": "+14155550123"}]}, id="additional-phone"),
]


def frozen(world: World, contact_id: str) -> dict[str, Any]:
    """The living contact with all that hangs on it."""
    return {**world.location.contacts[contact_id], **records_of(world, contact_id)}


def same_note(world: World, contact_id: str) -> None:
    """Somebody writes one of the lost notes down again."""
    sam = next(iter(world.location.related.users))
    world.location.add_note(contact_id, "Likes tea", userId=sam, color="#FFAA00")


@pytest.mark.parametrize("address", HOLDERS)
def test_a_conflict_that_the_plan_skips_leaves_the_living_one_as_it_is(world: World, address: dict[str, Any]) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com", phone="+14155550123", city="Köln", tags=["vip"])
    ben = world.add(firstName="Ben", **address)
    world.location.add_note(ben, "His own")
    world.copy()
    before = frozen(world, ben)
    row = world.restore(ana)[ana]
    assert row["outcome"] == "skipped"
    assert ben in row["error"]
    assert (len(world.live()), frozen(world, ben)) == (1, before)


def test_the_phone_that_somebody_took_since_the_plan_is_not_shared(world: World) -> None:
    ana = world.lost(firstName="Ana", phone="+14155550123", city="Köln")
    world.confirm(ana)
    ben = world.add(firstName="Ben", phone="+14155550123")
    before = frozen(world, ben)
    world.run()
    assert world.receipt()[ana]["outcome"] == "skipped"
    assert (len(world.live()), frozen(world, ben)) == (1, before)


def test_a_blank_that_somebody_filled_since_the_plan_keeps_that_value(world: World) -> None:
    ana = lost_contact_with_records(world, city="Köln", source="fair")
    other = world.add(firstName="Anna", email="ana1@example.com")
    world.confirm(ana, choices=PlanChoices(on_conflict="fill"))
    world.location.edit(other, city="Bonn", tags=["hers"])
    same_note(world, other)
    world.run()
    row, now = world.receipt()[ana], world.location.contacts[other]
    assert (row["outcome"], row["verified"]) == ("topped_up", True)
    assert (now["firstName"], now["city"], now["source"]) == ("Anna", "Bonn", "fair")
    assert set(now["tags"]) == {"hers", "vip"}
    notes = records_of(world, other)["notes"]
    assert len([note for note in notes if note.endswith("Likes tea")]) == 1


def test_what_a_living_contact_cannot_be_given_is_told_beforehand(world: World) -> None:
    ana = lost_contact_with_records(world, companyName="Kite", gender="female")
    world.add(firstName="Anna", email="ana1@example.com")
    choices = PlanChoices(on_conflict="fill")
    (item,) = world.plan(ana, choices=choices).items
    told = "company (HighLevel takes it only when a contact is created)"
    assert told in item.will_be_lost
    assert item.fidelity is not None
    assert told in item.fidelity.text
    assert {line.field for line in item.lines if "only when" in line.why} == {"companyName", "gender"}
    world.confirm(ana, choices=choices)
    world.run()
    row = world.receipt()[ana]
    assert (row["verified"], row["predicted"] == row["measured"]) == (True, True)


def test_whoever_was_to_be_filled_and_is_gone_is_not_made_anew(world: World) -> None:
    ana = lost_contact_with_records(world, city="Köln")
    other = world.add(firstName="Anna", email="ana1@example.com")
    world.confirm(ana, choices=PlanChoices(on_conflict="fill"))
    world.location.delete(other)
    world.run()
    row = world.receipt()[ana]
    assert (row["outcome"], row["error"]) == (
        "skipped",
        "It is not in HighLevel any more, so there is nothing to top up.",
    )
    assert world.live() == []


def test_one_brought_back_natively_since_the_plan_is_left_as_it_came(world: World) -> None:
    ana = contact_with_records(world)
    capture(world, ana)
    world.lose(ana)
    world.confirm(ana)
    world.location.native_restore(ana)
    before, asked = frozen(world, ana), len(world.sandbox.ledger)
    world.run()
    row = world.receipt()[ana]
    assert (row["outcome"], row["error"]) == ("skipped", "This person is alive again in HighLevel under the old id.")
    assert (len(world.live()), frozen(world, ana)) == (1, before)
    assert {one.method for one in list(world.sandbox.ledger)[asked:]} == {"GET"}


def test_records_that_somebody_made_again_since_the_plan_of_a_top_up_are_not_doubled(world: World) -> None:
    ana, before = natively_restored(world, with_records=False)
    world.confirm(ana, path="top_up")
    (task,) = before["tasks"]
    sam = next(iter(world.location.related.users))
    world.location.add_task(ana, task[0], due=task[1], completed=task[2], assignedTo=sam)
    same_note(world, ana)
    world.run()
    assert world.receipt()[ana]["verified"]
    after = records_of(world, ana)
    assert (after["tasks"], len(after["notes"])) == (before["tasks"], 3)
    assert_nobody_reached(world)


@pytest.mark.parametrize("path", ["top_up", "fill"])
def test_nothing_of_a_person_erased_since_the_plan_is_written_anywhere(world: World, path: str) -> None:
    if path == "top_up":
        ana, _ = natively_restored(world, with_records=False)
        living = ana
        world.confirm(ana, path="top_up")
    else:
        ana = lost_contact_with_records(world, city="Köln")
        living = world.add(firstName="Anna", email="ana1@example.com")
        world.confirm(ana, choices=PlanChoices(on_conflict="fill"))
    before, asked = frozen(world, living), len(world.sandbox.ledger)
    with world.vault.write() as tx:
        register.erase_contact(tx, LOCATION, ana, at=world.clock.now())
    world.run()
    assert world.receipt()[ana]["outcome"] == "skipped"
    assert (frozen(world, living), len(world.sandbox.ledger)) == (before, asked)


def test_a_blank_whose_value_highlevel_refuses_stays_blank_and_is_told(world: World) -> None:
    ana = world.add(firstName="Ana", email="ana@example.com", phone="ask at desk 12", city="Köln")
    world.copy()
    world.lose(ana, days=2)
    world.location.native_restore(ana)
    world.location.edit(ana, phone=None, city=None)
    world.clock.advance(hours=1)
    world.returned(ana)
    row = world.restore(ana, path="top_up")[ana]
    assert [(one["field"], one["reason"]) for one in row["differences"]] == [("phone", "HighLevel refused this value.")]
    now = world.location.contacts[ana]
    assert (now["city"], now.get("phone")) == ("Köln", None)


def test_a_pipeline_deleted_since_the_plan_costs_the_opportunity_only_and_is_told(world: World) -> None:
    ana = lost_contact_with_records(world)
    world.confirm(ana)
    world.location.related.pipelines.clear()
    world.run()
    row = world.receipt()[ana]
    assert (row["outcome"], row["verified"]) == ("recreated", False)
    assert [one["field"].partition(".")[0] for one in row["differences"]] == ["opportunity"]
    has = records_of(world, row["new_id"])
    assert [len(has[kind]) for kind in ("notes", "tasks", "deals", "appointments")] == [3, 1, 0, 1]


def test_a_custom_field_deleted_since_the_plan_is_told_and_the_rest_is_there(world: World) -> None:
    budget, size = world.location.add_custom_field("Budget"), world.location.add_custom_field("Size")
    values = [{"id": budget, "value": "1200"}, {"id": size, "value": "L"}]
    ana = world.lost(firstName="Ana", email="ana@example.com", customFields=values, city="Köln")
    world.confirm(ana)
    world.location.remove_custom_field(budget)
    world.run()
    row = world.receipt()[ana]
    assert (row["outcome"], [one["field"] for one in row["differences"]]) == ("recreated", [f"customFields.{budget}"])
    new = world.location.contacts[row["new_id"]]
    assert (new["customFields"], new["city"]) == ([values[1]], "Köln")


def test_a_hipaa_account_gets_a_whole_person_back_as_planned(world: World) -> None:
    world.location.hipaa = True
    ana = contact_with_records(world)
    capture(world, ana)
    before = records_of(world, ana)
    world.lose(ana, days=2)
    with world.vault.write() as tx:
        locations.set_window(tx, LOCATION, days=None, reason="", hipaa=True, hipaa_recreate=True)
    item = world.planned(ana)
    row = world.restore(ana)[ana]
    assert item.fidelity is not None
    assert (item.action, row["outcome"], row["verified"]) == ("recreate", "recreated", True)
    assert row["predicted"] == row["measured"] == item.fidelity.text
    after = records_of(world, row["new_id"])
    assert [after[kind] for kind in ("tasks", "deals", "appointments")] == [
        before[kind] for kind in ("tasks", "deals", "appointments")
    ]
    assert_nobody_reached(world)
