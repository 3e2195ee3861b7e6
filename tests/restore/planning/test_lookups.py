"""Another decision about a plan asks HighLevel only for what is new or has changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hlcore.errors import Cancelled, HighLevelError
from hlcore.restore.plan import Plan, PlanChoices, RestorePath
from hlcore.restore.planning.lookups import MAX_AGE, LookupCache
from hlcore.restore.planning.planner import plan
from hlcore.store import locations
from hlcore.store.deletions import register
from tests.restore.conftest import LOCATION, World
from tests.support.contacts_with_records import lost_contact_with_records


def planned(world: World, found: LookupCache | None, *ids: str, path: RestorePath = "auto", **more: Any) -> Plan:
    choices = PlanChoices(**{key: more.pop(key) for key in list(more) if key in PlanChoices.__struct_fields__})
    context = world.location_context(**more)
    return plan(context, ids, world.settings, path=path, choices=choices, cache=found)


def asked(world: World, word: str = "") -> list[str]:
    """What HighLevel was asked since this was last looked at, where the word occurs."""
    told = [f"{one.method} {one.path}?{one.query}" for one in world.sandbox.ledger]
    world.sandbox.ledger.clear()
    return [one for one in told if word in one]


@pytest.fixture
def ana(world: World) -> str:
    return lost_contact_with_records(world, 1)


@pytest.fixture
def bea(world: World) -> str:
    """Somebody whose e-mail another living contact holds."""
    lost = lost_contact_with_records(world, 2)
    world.add(firstName="Beate", email="ana2@example.com")
    return lost


@pytest.fixture
def found(world: World, ana: str, bea: str) -> LookupCache:
    """What the first plan for both has found out."""
    found = LookupCache(world.clock.now())
    planned(world, found, ana, bea)
    assert asked(world)
    return found


DECISIONS: list[dict[str, Any]] = [
    {},
    {"tags": "none"},
    {"marker": "restored"},
    {"past_appointments": True},
    {"leave_out": ("note", "city")},
    {"path": "recreate"},
]


@pytest.mark.parametrize("decision", DECISIONS, ids=str)
def test_a_decision_asks_nothing_and_gives_the_plan_that_asking_anew_would(
    world: World, found: LookupCache, ana: str, bea: str, decision: dict[str, Any]
) -> None:
    mine = planned(world, found, ana, bea, **decision)
    assert asked(world) == []
    assert mine == planned(world, None, ana, bea, **decision)


def test_a_decision_about_one_asks_only_about_that_one(world: World, found: LookupCache, ana: str, bea: str) -> None:
    mine = planned(world, found, ana, bea, on_conflict_of={bea: "fill"})
    asks = asked(world)
    assert [item.action for item in mine.items] == ["recreate", "top_up"]
    assert asks
    assert not [one for one in asks if ana in one or "custom" in one or "users" in one]
    assert mine == planned(world, None, ana, bea, on_conflict_of={bea: "fill"})


def test_whoever_is_chosen_beside_them_is_asked_about_alone(
    world: World, found: LookupCache, ana: str, bea: str
) -> None:
    cleo = lost_contact_with_records(world, 3)
    asked(world)
    assert len(planned(world, found, ana, bea, cleo).items) == 3
    assert [one for one in asked(world) if "/contacts/" in one and cleo not in one and "duplicate" not in one] == []


def test_old_findings_are_asked_anew(world: World, found: LookupCache, ana: str, bea: str) -> None:
    world.clock.at += MAX_AGE + timedelta(seconds=1)
    assert not found.revalidate(world.vault, LOCATION, world.clock.now())
    planned(world, found, ana, bea)
    assert asked(world, ana)
    assert found.revalidate(world.vault, LOCATION, world.clock.now())


def test_another_window_of_the_location_is_heeded_at_once(world: World, found: LookupCache, ana: str, bea: str) -> None:
    with world.vault.write() as tx:
        locations.set_window(tx, LOCATION, days=60, reason="", hipaa=False)
    assert not found.revalidate(world.vault, LOCATION, world.clock.now())
    assert planned(world, found, ana).items[0].action == "use_native"


def test_one_erased_since_is_in_no_plan_and_in_no_memory(world: World, found: LookupCache, ana: str, bea: str) -> None:
    with world.vault.write() as tx:
        register.erase_contact(tx, LOCATION, ana, at=world.clock.now())
    assert not found.revalidate(world.vault, LOCATION, world.clock.now())
    assert not [key for key in found.answers if ana in key]
    item = planned(world, found, ana, bea).items[0]
    assert (item.action, item.lines) == ("skip", ())
    assert asked(world) == []


def test_one_that_came_back_since_is_looked_at_again(world: World, found: LookupCache, ana: str, bea: str) -> None:
    world.location.native_restore(ana, with_records=False)
    world.clock.advance(minutes=5)
    world.returned(ana)
    asked(world)
    mine = planned(world, found, ana, bea)
    assert [item.action for item in mine.items] == ["top_up", "skip"]
    assert asked(world, f"/contacts/{ana}")


def test_an_error_is_no_answer(world: World, found: LookupCache, ana: str, bea: str) -> None:
    world.location.faults.on("status", status=503, where="GET /contacts/")
    with pytest.raises(HighLevelError):
        planned(world, found, bea, on_conflict="fill")
    world.location.faults.clear()
    assert planned(world, found, bea, on_conflict="fill") == planned(world, None, bea, on_conflict="fill")


def test_what_a_stopped_plan_has_asked_is_not_asked_again(world: World, ana: str, bea: str) -> None:
    found = LookupCache(world.clock.now())
    with pytest.raises(Cancelled):
        planned(world, found, ana, bea, cancelled=lambda: True)
    lists = len(asked(world))
    planned(world, found, ana, bea)
    assert lists
    assert asked(world, "customFields") == []


@pytest.mark.parametrize("ahead", [{"hours": 1}, {"days": 3650}], ids=str)
def test_answers_gathered_in_the_future_are_asked_for_again(world: World, ana: str, ahead: dict[str, float]) -> None:
    world.clock.jump(**ahead)
    found = LookupCache(world.clock.now())
    planned(world, found, ana)
    world.clock.jump(seconds=-world.clock.jumped.total_seconds())
    asked(world)
    planned(world, found, ana)
    assert asked(world, f"/contacts/{ana}")
    planned(world, found, ana)
    assert not asked(world)
