"""Everything that belonged to a contact is restored with it: in order, without messages, and verified."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hlcore.restore.plan import PlanChoices
from tests.restore.conftest import World
from tests.support.contacts_with_records import (
    assert_nobody_reached,
    capture,
    contact_with_records,
    lost_contact_with_records,
    records_of,
    restore_with,
)


def test_every_kind_comes_back_equal_and_verified(world: World) -> None:
    world.location.add_workflow("Welcome", trigger="contact_created")
    world.location.add_workflow("Tagged", trigger="tag_added")
    ana = contact_with_records(world)
    capture(world, ana)
    before, whole = records_of(world, ana), dict(world.location.contacts[ana])
    world.lose(ana)
    world.sandbox.ledger.clear()
    row = world.restore(ana)[ana]
    assert (row["outcome"], row["verified"], row["differences"]) == ("recreated", True, [])
    after = records_of(world, row["new_id"])
    assert {key: after[key] for key in ("tasks", "deals", "appointments")} == {
        key: before[key] for key in ("tasks", "deals", "appointments")
    }
    assert "Originally written on 1 May 2025, 10:00 (Europe/Berlin)\n\nLikes tea" in after["notes"]
    assert any("Hello?" in note and "Hi Ana" in note and "1 June 2025, 11:05" in note for note in after["notes"])
    new = world.location.contacts[row["new_id"]]
    for name in ("tags", "followers", "businessId", "assignedTo"):
        assert new[name] == whole[name]
    assert len(world.sandbox.ledger.workflow_starts) == 2
    assert_nobody_reached(world)


def test_a_note_keeps_author_title_colour_and_pin(world: World) -> None:
    ana = lost_contact_with_records(world)
    row = world.restore(ana)[ana]
    notes = {one["body"].splitlines()[-1]: one for one in world.location.related.notes[row["new_id"]].values()}
    sam = next(iter(world.location.related.users))
    assert (notes["Likes tea"]["userId"], notes["Likes tea"]["color"]) == (sam, "#FFAA00")
    assert (notes["Prefers mornings"]["title"], notes["Prefers mornings"]["pinned"]) == ("Times", True)


def test_the_predicted_fidelity_is_told_in_numbers_and_is_what_was_measured(world: World) -> None:
    ana = lost_contact_with_records(world)
    item = world.planned(ana)
    assert item.fidelity is not None
    words = item.fidelity.text
    assert "2 of 2 notes with original dates in their text, 1 of 1 task, 1 of 1 opportunity" in words
    assert "1 of 1 appointment, 2 of 2 messages" in words
    assert {f"{part.name} {part.kept}/{part.of}" for part in item.fidelity.parts} >= {"followers 1/1", "messages 2/2"}
    row = world.restore(ana)[ana]
    assert row["predicted"] == row["measured"] == words


def test_the_plan_knows_the_number_of_requests(world: World) -> None:
    ana = lost_contact_with_records(world, dndSettings={"SMS": {"status": "active"}})
    planned = world.planned(ana).requests
    world.confirm(ana)
    assert world.run().requests == planned


def test_own_do_not_disturb_comes_after_everything_else_and_tags_after_the_records(world: World) -> None:
    world.location.add_workflow("Tagged", trigger="tag_added")
    ana = lost_contact_with_records(world)
    world.restore(ana)
    writes = [f"{one.method} {one.path}" for one in world.sandbox.ledger if one.method in ("POST", "PUT")]
    mine = [one for one in writes if "/search" not in one]
    assert mine[0] == "POST /contacts/"
    assert mine[-2].endswith("/tags")
    assert mine[-1].startswith("PUT /contacts/")
    assert_nobody_reached(world)


@pytest.mark.parametrize(("tags", "there"), [("first", ["vip"]), ("none", []), ("last", ["vip"])])
def test_tags_come_first_last_or_not_at_all_as_chosen(world: World, tags: Any, there: list[str]) -> None:
    ana = lost_contact_with_records(world)
    row = restore_with(world, ana, PlanChoices(tags=tags))
    assert row["verified"]
    assert world.location.contacts[row["new_id"]]["tags"] == there


def test_a_marker_is_in_the_create_call_itself(world: World) -> None:
    ana = lost_contact_with_records(world)
    row = restore_with(world, ana, PlanChoices(marker="restored"))
    create = next(one for one in world.sandbox.ledger if f"{one.method} {one.path}" == "POST /contacts/")
    assert create.body["tags"] == ["restored"]
    assert row["verified"]
    assert set(world.location.contacts[row["new_id"]]["tags"]) == {"restored", "vip"}


def test_vanished_users_and_stages_are_mapped_by_name_or_told(world: World) -> None:
    place = world.location
    sam, kim = place.add_user("Sam Hill"), place.add_user("Kim")
    sales = place.add_pipeline("Sales")
    gone = place.add_pipeline("Old")
    ana = world.add(firstName="Ana", email="ana@example.com", followers=[sam, kim])
    place.add_note(ana, "By Sam", userId=sam)
    place.add_opportunity(ana, "Moved", pipeline_id=sales)
    place.add_opportunity(ana, "Nowhere", pipeline_id=gone)
    capture(world, ana)
    world.lose(ana)
    place.remove_user(sam)
    del place.related.pipelines[sales], place.related.pipelines[gone]
    new = place.add_pipeline("sales")
    item = world.planned(ana)
    assert "opportunity “Nowhere” (its pipeline no longer exists, and none has its name)" in item.will_be_lost
    assert any("Moved" in line and "now called “Sales”" in line for line in item.will_change)
    row = world.restore(ana)[ana]
    assert row["verified"]
    deals = [one for one in place.related.opportunities.values() if one["contactId"] == row["new_id"]]
    assert [(one["name"], one["pipelineId"]) for one in deals] == [("Moved", new)]
    assert place.contacts[row["new_id"]]["followers"] == [kim]
    (note,) = place.related.notes[row["new_id"]].values()
    assert note["body"].startswith("Originally written by Sam Hill on ")


def test_followers_of_an_opportunity_come_back_except_those_who_left(world: World) -> None:
    sam, kim = world.location.add_user("Sam"), world.location.add_user("Kim")
    ana = world.add(firstName="Ana", email="ana@example.com")
    world.location.add_opportunity(ana, "Whitening", followers=[sam, kim])
    capture(world, ana)
    world.lose(ana)
    world.location.remove_user(sam)
    told = world.planned(ana).will_be_lost
    assert "1 of 2 followers of opportunity “Whitening” (these users no longer exist)" in told
    row = world.restore(ana)[ana]
    assert row["verified"]
    (deal,) = world.location.related.opportunities.values()
    assert deal["followers"] == [kim]


def test_past_appointments_come_back_only_when_asked_for(world: World) -> None:
    ana = world.add(firstName="Ana", email="ana@example.com")
    world.location.add_appointment(ana, world.clock.now() - timedelta(days=30), title="Long ago")
    capture(world, ana)
    world.lose(ana)
    assert "appointment “Long ago” (it is over)" in world.planned(ana).will_be_lost
    row = restore_with(world, ana, PlanChoices(past_appointments=True))
    assert [title for title, _ in records_of(world, row["new_id"])["appointments"]] == ["Long ago"]
    assert_nobody_reached(world)


def test_published_automations_are_named_in_the_plan(world: World) -> None:
    world.location.add_workflow("Welcome series")
    world.location.add_campaign("Spring offer")
    ana = lost_contact_with_records(world)
    told = " ".join(world.plan(ana).warnings)
    assert "“Welcome series”" in told
    assert "“Spring offer”" in told
