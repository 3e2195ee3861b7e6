"""A contact that lives again, under its own id or another, gets what it lacks and nothing else."""

from __future__ import annotations

import pytest

from hlcore.restore.plan import PlanChoices
from hlcore.store import records
from tests.restore.conftest import LOCATION, World
from tests.support.contacts_with_records import (
    assert_nobody_reached,
    capture,
    fault_on_next_write,
    lost_contact_with_records,
    natively_restored,
    records_of,
    restore_with,
)


@pytest.mark.parametrize("synced", [False, True])
def test_a_contact_that_came_back_without_its_records_gets_just_them(world: World, synced: bool) -> None:
    ana, before = natively_restored(world, with_records=False)
    if synced:
        capture(world, ana)
    world.location.edit(ana, tags=[], city="Köln")
    world.location.add_workflow("Tagged", trigger="tag_added")
    world.sandbox.ledger.clear()
    own = {key: world.location.contacts[ana].get(key) for key in ("dnd", "city", "email")}
    row = world.restore(ana, path="top_up")[ana]
    assert (row["outcome"], row["verified"], row["differences"]) == ("topped_up", True, [])
    after = records_of(world, ana)
    assert {key: after[key] for key in ("tasks", "deals", "appointments")} == {
        key: before[key] for key in ("tasks", "deals", "appointments")
    }
    assert len(after["notes"]) == 3
    now = world.location.contacts[ana]
    assert {key: now.get(key) for key in own} == own
    assert now["tags"] == ["vip"]
    assert world.sandbox.ledger.workflow_starts
    assert_nobody_reached(world)
    assert world.planned(ana, path="top_up").action == "skip"


def test_a_contact_that_came_back_with_its_records_needs_no_top_up(world: World) -> None:
    ana, before = natively_restored(world, with_records=True)
    item = world.planned(ana, path="top_up")
    assert (item.action, item.reason) == ("skip", "Nothing is missing: all that the last copy holds is there.")
    world.restore(ana, path="top_up")
    after = records_of(world, ana)
    assert {key: after[key] for key in ("tasks", "deals", "appointments")} == {
        key: before[key] for key in ("tasks", "deals", "appointments")
    }


@pytest.mark.parametrize("where", ["/notes", "/tasks"])
def test_a_top_up_whose_answer_was_lost_adds_nothing_twice(world: World, where: str) -> None:
    ana, _ = natively_restored(world, with_records=False)
    world.confirm(ana, path="top_up")
    fault_on_next_write(world, where, "lost_answer", {})
    world.run()
    assert world.receipt()[ana]["verified"]
    assert [len(records_of(world, ana)[name]) for name in ("notes", "tasks")] == [3, 1]


def test_a_conflict_can_be_filled_without_overwriting_anything(world: World) -> None:
    ana = lost_contact_with_records(world, city="Köln", companyName="Kite")
    other = world.add(firstName="Anna", email="ana1@example.com", tags=["new"])
    world.location.add_note(other, "Her own")
    row = restore_with(world, ana, PlanChoices(on_conflict="fill"))
    assert (row["outcome"], row["new_id"], row["verified"]) == ("topped_up", other, True)
    now = world.location.contacts[other]
    assert (now["firstName"], now["city"], set(now["tags"])) == ("Anna", "Köln", {"new", "vip"})
    assert len(world.location.related.notes[other]) == 4
    assert len(world.live()) == 1
    assert_nobody_reached(world)


def test_a_conflict_shows_both_side_by_side(world: World) -> None:
    ana = lost_contact_with_records(world, city="Köln")
    world.add(firstName="Anna", email="ana1@example.com")
    item = world.planned(ana)
    assert item.action == "skip"
    assert {("firstName", "Ana", "Anna"), ("city", "Köln", "")} <= set(item.compared)


@pytest.mark.parametrize("allowed", [False, True])
def test_creating_beside_a_conflict_needs_an_account_that_allows_it(world: World, allowed: bool) -> None:
    ana = lost_contact_with_records(world)
    world.add(firstName="Anna", email="ana1@example.com")
    world.allow_duplicates(allowed)
    item = world.plan(ana, choices=PlanChoices(on_conflict="create")).items[0]
    assert item.action == ("recreate" if allowed else "skip")
    restore_with(world, ana, PlanChoices(on_conflict="create"))
    assert len(world.live()) == 1 + allowed


def test_records_of_before_the_deletion_outlive_a_sync_that_finds_them_missing(world: World) -> None:
    ana, _ = natively_restored(world, with_records=False)
    capture(world, ana)
    with world.vault.read() as tx:
        assert all(one.vanished_at for one in records.list_for_contact(tx, LOCATION, ana, ["note"]))
    kinds = [child.kind for child in world.planned(ana, path="top_up").children]
    assert kinds == ["note", "note", "task", "opportunity", "appointment", "transcript"]
