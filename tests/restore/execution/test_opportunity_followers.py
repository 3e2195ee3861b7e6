"""An opportunity that HighLevel's own restore brought back without its followers gets them again, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from hlcore.model.dnd import all_closed
from hlcore.restore.plan import PlanChoices, PlanItem
from tests.restore.conftest import World
from tests.support.contacts_with_records import assert_nobody_reached, capture, natively_restored


def came_back(world: World, *, followers: tuple[str, ...] = ()) -> tuple[str, dict[str, Any]]:
    """Somebody whom HighLevel's own restore brought back with one opportunity, which these still follow; the id, and
    the living opportunity."""
    ana = world.add(firstName="Ana", email="ana@example.com")
    sam, kim = world.location.add_user("Sam"), world.location.add_user("Kim")
    world.location.add_opportunity(ana, "Whitening", followers=[sam, kim])
    capture(world, ana)
    world.lose(ana, days=2)
    world.location.native_restore(ana)
    world.clock.advance(hours=1)
    world.returned(ana)
    (deal,) = world.location.related.opportunities.values()
    deal["followers"] = [sam] if followers else []
    world.sandbox.ledger.clear()
    return ana, deal


def topped_up(world: World, ana: str) -> dict[str, Any]:
    return world.restore(ana, path="top_up")[ana]


def test_followers_that_an_opportunity_lost_are_planned_added_and_verified(world: World) -> None:
    ana, deal = came_back(world)
    item = world.planned(ana, path="top_up")
    assert (item.action, item.will_return, item.will_change) == (
        "top_up",
        ("opportunity: 2 followers of “Whitening”",),
        (),
    )
    assert [one.path for one in world.sandbox.ledger if one.method == "PUT" or "/followers" in one.path] == []
    row = topped_up(world, ana)
    assert (row["outcome"], row["verified"], row["differences"]) == ("topped_up", True, [])
    assert deal["followers"] == list(world.location.related.users)
    assert len(world.location.related.opportunities) == 1
    assert world.planned(ana, path="top_up").action == "skip"
    assert_nobody_reached(world)


def test_only_the_followers_who_are_missing_are_added(world: World) -> None:
    ana, deal = came_back(world, followers=("Sam",))
    assert world.planned(ana, path="top_up").will_return == ("opportunity: 1 follower of “Whitening”",)
    topped_up(world, ana)
    (call,) = (one for one in world.sandbox.ledger if one.path == f"/opportunities/{deal['id']}/followers")
    assert call.body == {"followers": [list(world.location.related.users)[1]]}


def lines_of(item: PlanItem) -> dict[str, tuple[Any, str, str]]:
    return {one.field: (one.written, one.why, one.leave) for one in item.lines if one.field.startswith("opportunity.")}


def test_field_by_field_names_them_and_leaving_out_the_opportunity_leaves_them_out(world: World) -> None:
    ana, _ = came_back(world)
    item = world.planned(ana, path="top_up")
    ((name, line),) = lines_of(item).items()
    assert line == ("2 followers of “Whitening”", "", name)
    left = world.plan(ana, path="top_up", choices=PlanChoices(leave_out=(name,))).items[0]
    assert left.action == "skip"


@pytest.mark.parametrize("fault", ["status", "deleted"])
def test_followers_that_cannot_be_added_are_in_the_receipt(world: World, fault: str) -> None:
    ana, deal = came_back(world)
    world.confirm(ana, path="top_up")
    if fault == "deleted":
        del world.location.related.opportunities[deal["id"]]
    else:
        world.location.faults.on("status", status=422, where=f"POST /opportunities/{deal['id']}/followers")
    world.run()
    row = world.receipt()[ana]
    (told,) = row["differences"]
    assert (row["outcome"], row["verified"], told["field"]) == ("topped_up", False, f"opportunity.{deal['id']}")
    assert told["planned"] == {"followers": list(world.location.related.users)}
    assert (row["predicted"].count("1 of 1 opportunity"), row["measured"].count("0 of 1 opportunity")) == (1, 1)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("closed", [True, False])
def test_the_plan_of_a_top_up_knows_the_number_of_requests(world: World, whole: bool, closed: bool) -> None:
    ana = natively_restored(world, with_records=False)[0] if whole else came_back(world)[0]
    world.location.edit(ana, **(all_closed() if closed else {}))
    planned = world.planned(ana, path="top_up").requests
    world.confirm(ana, path="top_up")
    assert world.run().requests == planned
