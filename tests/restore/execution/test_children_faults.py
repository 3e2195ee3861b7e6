"""Whatever happens to an answer about a record: it exists once, or the receipt says that it does not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hlcore.restore.job_control import create_job, retry_job
from tests.restore.conftest import SAM, World
from tests.support.contacts_with_records import (
    assert_nobody_reached,
    capture,
    contact_with_records,
    fault_on_next_write,
    lost_contact_with_records,
    records_of,
)


@pytest.mark.parametrize("where", ["/notes", "/tasks", "POST /opportunities/", "POST /calendars/events/appointments"])
@pytest.mark.parametrize("fault", ["lost_answer", "lost_request", "done_but"])
def test_a_lost_answer_makes_nothing_twice_and_leaves_nothing_out(world: World, where: str, fault: str) -> None:
    ana = contact_with_records(world)
    capture(world, ana)
    before = records_of(world, ana)
    world.lose(ana)
    world.confirm(ana)
    options = {"status": 500} if fault == "done_but" else {}
    prefix = where if where.startswith("POST") else "POST /contacts/"
    first_child = world.location.faults
    if where.startswith("POST"):
        first_child.on(fault, times=1, where=prefix, **options)
    else:
        fault_on_next_write(world, where, fault, options)
    for _ in range(4):
        world.run()
        if world.receipt()[ana]["outcome"]:
            break
        world.clock.advance(minutes=6)
    assert any(one.fault for one in world.sandbox.ledger)
    row = world.receipt()[ana]
    assert (row["outcome"], row["verified"]) == ("recreated", True)
    after = records_of(world, row["new_id"])
    assert {key: after[key] for key in ("tasks", "deals", "appointments")} == {
        key: before[key] for key in ("tasks", "deals", "appointments")
    }
    assert len(after["notes"]) == 3
    assert_nobody_reached(world)


def carry_through(world: World) -> None:
    """The job is run, and again after each wait, until it is done."""
    for _ in range(30):
        if world.run().state == "done":
            return
        world.clock.advance(minutes=6)


def test_a_storm_of_lost_answers_and_errors_leaves_everybody_whole_and_nothing_twice(world: World) -> None:
    world.location.add_workflow("Welcome", trigger="contact_created")
    world.location.add_workflow("Tagged", trigger="tag_added")
    ids = [contact_with_records(world, number) for number in range(6)]
    capture(world, *ids)
    before = [records_of(world, one) for one in ids]
    world.lose(*ids)
    world.confirm(*ids)
    world.sandbox.ledger.clear()
    for where in ("POST /contacts/", "POST /opportunities/", "POST /calendars/", "PUT /contacts/"):
        world.location.faults.on("lost_answer", share=0.1, where=where)
        world.location.faults.on("done_but", status=500, share=0.05, where=where)
        world.location.faults.on("status", status=502, share=0.05, where=where)
    carry_through(world)
    if any(row["outcome"] == "failed" or not row["verified"] for row in world.receipt().values()):
        world.location.faults.clear()  # so many errors in a row may end in “failed”: then a person tries again
        retry_job(world.vault, world.job_id, SAM, world.clock.now)
        carry_through(world)
    rows = world.receipt()
    assert [(row["outcome"], row["verified"]) for row in rows.values()] == [("recreated", True)] * len(ids)
    assert len(world.live()) == len(ids)
    after = [records_of(world, rows[one]["new_id"]) for one in ids]
    for name in ("tasks", "deals", "appointments"):
        assert [one[name] for one in after] == [one[name] for one in before]
    assert [len(one["notes"]) for one in after] == [3] * len(ids)
    assert any(one.fault for one in world.sandbox.ledger)
    assert_nobody_reached(world)


def test_two_notes_of_one_text_both_come_back_when_answers_are_lost(world: World) -> None:
    ana = world.add(firstName="Ana", email="ana@example.com")
    same = {"date_added": datetime(2025, 5, 1, tzinfo=UTC)}
    for _ in range(2):
        world.location.add_note(ana, "No answer", **same)
    capture(world, ana)
    world.lose(ana)
    world.confirm(ana)
    fault_on_next_write(world, "/notes", "lost_answer", {})
    world.run()
    row = world.receipt()[ana]
    assert row["verified"]
    assert len(world.location.related.notes[row["new_id"]]) == 2


def test_what_is_refused_is_left_out_reported_and_the_rest_goes_on(world: World) -> None:
    ana = lost_contact_with_records(world)
    world.confirm(ana)
    world.location.faults.on("status", status=422, where="POST /opportunities/")
    world.run()
    row = world.receipt()[ana]
    assert (row["outcome"], row["verified"]) == ("recreated", False)
    (told,) = row["differences"]
    assert told["field"].startswith("opportunity.")
    assert told["reason"] == "HighLevel refused this value."
    assert "0 of 1 opportunity" in row["measured"]
    assert len(records_of(world, row["new_id"])["tasks"]) == 1


def test_retrying_takes_up_only_what_failed_and_makes_nothing_twice(world: World) -> None:
    ana, ben = lost_contact_with_records(world, 1), lost_contact_with_records(world, 2)
    world.confirm(ana)
    world.location.faults.on("status", status=422, where="POST /contacts/", times=30)
    world.run()
    assert world.receipt()[ana]["outcome"] == "failed"
    assert world.live() == []
    world.location.faults.clear()
    world.job_id = create_job(world.vault, world.plan(ana, ben), SAM, world.clock.now)
    world.location.faults.on("status", status=422, where="POST /opportunities/", times=20)
    world.run()
    done = {row["contact_id"]: row["new_id"] for row in world.receipt().values()}
    world.location.faults.clear()
    assert retry_job(world.vault, world.job_id, SAM, world.clock.now) == 2
    world.run()
    assert {row["contact_id"]: row["new_id"] for row in world.receipt().values()} == done
    assert all(row["verified"] for row in world.receipt().values())
    assert len(world.live()) == 2
    assert [len(records_of(world, one)["deals"]) for one in done.values()] == [1, 1]
    assert_nobody_reached(world)
    assert [len(records_of(world, one)["notes"]) for one in done.values()] == [3, 3]


def test_followers_that_highlevel_refuses_are_told_and_the_opportunity_stays(world: World) -> None:
    ana = lost_contact_with_records(world)
    world.confirm(ana)
    fault_on_next_write(world, "/followers", "status", {"status": 422}, prefix="POST /opportunities/")
    world.run()
    row = world.receipt()[ana]
    (told,) = row["differences"]
    assert (told["reason"], list(told["planned"])) == ("HighLevel refused this value.", ["followers"])
    assert len(records_of(world, row["new_id"])["deals"]) == 1
