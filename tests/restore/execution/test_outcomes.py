"""A deleted contact whose last copy was added to the living one with its address is no longer at risk."""

from __future__ import annotations

from hlcore.metrics.deletions import deletions_json
from hlcore.restore.plan import PlanChoices
from hlcore.store.deletions import queries as deletion_queries
from tests.restore.conftest import LOCATION, World

FILL = PlanChoices(on_conflict="fill")


def filled(world: World, ana: str) -> dict[str, object]:
    world.confirm(ana, choices=FILL)
    world.run()
    return world.receipt()[ana]


def test_it_lives_on_in_the_living_contact_and_the_register_says_how(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com", city="Köln")
    other = world.add(firstName="Anna", email="ana@example.com")
    assert filled(world, ana)["verified"]
    with world.vault.read() as tx:
        row = deletion_queries.list_for_contact(tx, LOCATION, ana)[-1]
    assert (world.status(ana), row.status, row.new_contact_id) == ("recreated", "recreated", other)
    assert row.evidence == f"Restore {world.job_id} added what was held to the living contact {other}. 404"
    assert row.ended_at == world.clock.now()
    assert deletions_json(world.vault, [LOCATION], world.clock.now(), status="deleted") == []


def test_one_that_lacks_nothing_is_not_written_to_and_counts_as_well(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com")
    other = world.add(firstName="Anna", email="ana@example.com", city="Köln")
    before, asked = dict(world.location.contacts[other]), len(world.sandbox.ledger)
    row = filled(world, ana)
    assert (row["outcome"], row["new_id"], row["verified"]) == ("topped_up", other, True)
    assert world.location.contacts[other] == before
    later = list(world.sandbox.ledger)[asked:]
    assert {entry.method for entry in later if entry.path != "/contacts/search"} == {"GET"}
    assert world.status(ana) == "recreated"


def test_who_lives_on_elsewhere_is_not_restored_again(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com", city="Köln")
    other = world.add(firstName="Anna", email="ana@example.com")
    filled(world, ana)
    item = world.planned(ana, "recreate")
    assert (item.action, item.reason) == ("skip", f"It already lives on as {other}.")


def test_a_top_up_of_one_that_came_back_itself_stays_as_it_is(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com", tags=["vip"])
    world.location.native_restore(ana)
    world.location.edit(ana, tags=[])
    world.returned(ana)
    world.restore(ana)
    assert world.status(ana) == "returned"
