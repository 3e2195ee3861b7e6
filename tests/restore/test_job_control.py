"""Restore jobs are confirmed, paused, cancelled and continued; who may run one, and what the audit log says."""

from __future__ import annotations

import pytest

from hlcore.errors import Cancelled, NotAllowed, RunInProgress, TokenRefused, Unreachable
from hlcore.governance.roles import Role, User
from hlcore.restore.execution.run import run_job
from hlcore.restore.job_control import cancel_job, confirm_job, create_job, pause_job, retry_job
from hlcore.restore.receipt import COLUMNS, to_csv, to_json
from hlcore.store import audit
from hlcore.store.restores import jobs as restore_jobs
from tests.restore.conftest import SAM, World


def test_another_job_goes_on_where_an_interrupted_one_left_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(*_: object) -> None:
        raise Unreachable("cut off while looking what became of it")

    ana = world.lost(firstName="Ana", email="ana@example.com")
    world.confirm(ana)
    world.location.faults.on("lost_answer", where="POST /contacts/", times=1)
    monkeypatch.setattr("hlcore.restore.execution.recreate.resolve_create", cut)
    with pytest.raises(Unreachable):
        world.run()
    monkeypatch.undo()
    assert len(world.live()) == 1
    assert cancel_job(world.vault, world.job_id, SAM, world.clock.now)
    assert "interrupted" in world.planned(ana).reason
    row = world.restore(ana)[ana]
    assert (row["outcome"], row["verified"], len(world.live())) == ("recreated", True, 1)


def test_a_refused_token_stops_the_job_before_anything_is_made(world: World) -> None:
    ana = world.lost(firstName="Ana")
    world.confirm(ana)
    world.location.faults.on("token_revoked")
    with pytest.raises(TokenRefused):
        world.run()
    world.location.faults.clear()
    assert (world.receipt()[ana]["outcome"], world.live()) == ("", [])


def test_a_job_that_is_done_is_done(world: World) -> None:
    ana = world.lost(firstName="Ana")
    world.restore(ana)
    world.sandbox.ledger.clear()
    assert world.run().state == "done"
    assert len(world.sandbox.ledger) == 0


def test_who_waits_in_a_job_is_not_planned_again(world: World) -> None:
    ana, ben = world.lost(firstName="Ana"), world.lost(firstName="Ben")
    job_id = world.confirm(ana)
    items = {item.contact_id: item for item in world.plan(ana, ben).items}
    assert (items[ana].action, items[ben].action) == ("skip", "recreate")
    assert f"Job {job_id} has not ended" in items[ana].reason
    cancel_job(world.vault, job_id, SAM, world.clock.now)
    assert world.planned(ana).action == "recreate"


def test_two_plans_of_one_contact_make_it_once(world: World) -> None:
    ana, ben = world.lost(firstName="Ana"), world.lost(firstName="Ben")
    first, second = world.plan(ana), world.plan(ana, ben)  # both before either is confirmed
    jobs = [create_job(world.vault, plan, SAM, world.clock.now) for plan in (first, second)]
    with pytest.raises(RunInProgress, match="being restored already"):
        create_job(world.vault, first, SAM, world.clock.now)
    for world.job_id in reversed(jobs):
        world.run()
    assert sorted(contact["firstName"] for contact in world.live()) == ["Ana", "Ben"]
    world.job_id = jobs[1]
    assert (world.receipt()[ana]["outcome"], world.receipt()[ben]["outcome"]) == ("skipped", "recreated")


def test_a_draft_confirmed_late_leaves_out_who_waits_in_another_job(world: World) -> None:
    ana, ben = world.lost(firstName="Ana"), world.lost(firstName="Ben")
    draft = create_job(world.vault, world.plan(ana, ben), SAM, world.clock.now, confirmed=False)
    other = world.confirm(ana)
    confirm_job(world.vault, draft, SAM, world.clock.now)
    world.job_id = draft
    world.run()
    assert f"Job {other} has not ended" in world.receipt()[ana]["error"]
    assert [contact["firstName"] for contact in world.live()] == ["Ben"]


def test_who_waits_in_another_job_is_not_retried(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com")
    failed = world.confirm(ana)
    world.location.faults.on("status", status=422, where="POST /contacts/", times=1)
    world.run()
    world.location.faults.clear()
    assert world.receipt()[ana]["outcome"] == "failed"
    world.confirm(ana)
    assert retry_job(world.vault, failed, SAM, world.clock.now) == 0


def test_a_paused_job_rests_until_it_is_confirmed_again(world: World) -> None:
    ana = world.lost(firstName="Ana")
    job_id = world.confirm(ana)
    assert pause_job(world.vault, job_id, SAM, world.clock.now)
    assert (world.run().state, world.live()) == ("paused", [])
    assert confirm_job(world.vault, job_id, SAM, world.clock.now)
    assert world.run().state == "done"


def test_a_job_cancelled_while_it_runs_stops_and_keeps_what_is_done(world: World) -> None:
    ids = [world.lost(firstName=f"P{number}") for number in range(30)]
    job_id = world.confirm(*ids)
    result = world.run(listener=lambda _: cancel_job(world.vault, job_id, SAM, world.clock.now))
    assert result.state == "cancelled"
    assert 0 < len(world.live()) < 30
    assert len(world.live()) == result.outcomes["recreated"]


def test_a_draft_is_not_run(world: World) -> None:
    plan = world.plan(world.lost(firstName="Ana"))
    world.job_id = create_job(world.vault, plan, SAM, world.clock.now, confirmed=False)
    assert (world.run().state, world.live()) == ("draft", [])


def test_one_restore_at_a_time_works_on_a_location(world: World) -> None:
    first, second = world.confirm(world.lost(firstName="Ana")), world.confirm(world.lost(firstName="Ben"))
    refused: list[bool] = []

    def start_the_other(_: object) -> None:
        with pytest.raises(RunInProgress):
            run_job(world.location_context(), second, SAM)
        refused.append(True)

    world.job_id = first
    world.run(listener=start_the_other)
    assert refused
    with world.vault.read() as tx:
        lines = audit.list_entries(tx, limit=10)
    assert {line.outcome for line in lines} == {"done"}, "to wait for another job is no failure"


def test_a_viewer_may_neither_ask_for_a_restore_nor_run_one(world: World) -> None:
    ana = world.lost(firstName="Ana")
    mara = User("mara@example.com", "Mara", Role.VIEWER, "oidc")
    with pytest.raises(NotAllowed):
        create_job(world.vault, world.plan(ana), mara, world.clock.now)
    job_id = world.confirm(ana)
    with pytest.raises(NotAllowed):
        run_job(world.location_context(), job_id, mara)
    assert world.live() == []


def test_every_restore_is_in_the_audit_log_without_personal_data(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com")
    world.restore(ana)
    with world.vault.read() as tx:
        lines = audit.list_entries(tx, limit=10)
    assert {(line.actor, line.act, line.subject) for line in lines} == {(SAM.email, "restore", f"job {world.job_id}")}
    assert "ana@" not in repr([line.detail for line in lines])


def test_the_receipt_can_be_downloaded_safely(world: World) -> None:
    ana = world.lost(firstName="=1+1", email="ana@example.com", phone="ask at desk")
    world.restore(ana)
    lines = "".join(to_csv(world.vault, world.job_id)).splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert "'=1+1" in lines[1]
    assert "phone: planned “ask at desk”, found nothing" in lines[1]


def test_its_json_has_the_keys_of_the_command_line(world: World) -> None:
    ana = world.lost(firstName="Ana")
    world.restore(ana)
    keys = {"contact_id", "outcome", "new_id", "verified", "differences", "error", "predicted", "measured"}
    keys |= {"changed", "left_out", "not_captured", "lost", "lives_twice"}
    assert [item.keys() for item in to_json(world.vault, world.job_id)["items"]] == [keys]


def test_a_shutdown_is_no_failure_and_the_job_goes_on_at_the_next_start(world: World) -> None:
    ana = world.lost(firstName="Ana")
    world.confirm(ana)
    with pytest.raises(Cancelled):
        world.run(cancelled=lambda: True)
    with world.vault.read() as tx:
        newest = audit.list_entries(tx, limit=1)[0]
        assert [job.job_id for job in restore_jobs.waiting_jobs(tx, at=world.clock.now())] == [world.job_id]
    assert (newest.act, newest.outcome, newest.detail["error"]) == ("restore", "stopped", "Cancelled")
    assert world.run().state == "done"
    assert len(world.live()) == 1
