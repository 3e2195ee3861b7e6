"""Restore jobs and the journal of what is sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hlcore.errors import NotFound, RunInProgress
from hlcore.store import Tx, Vault, leases
from hlcore.store.restores import jobs as restore_jobs
from hlcore.store.restores import journal

ELSEWHERE = "elsewhere:1:1.00"


@pytest.fixture
def job_id(vault: Vault, clock: Any) -> int:
    """A draft of three contacts."""
    plans = [(contact_id, "recreate", {"name": f"Ada \x00{contact_id}"}) for contact_id in ("c2", "c1", "c3")]
    with vault.write() as tx:
        return restore_jobs.create_job(tx, "l", by="sam@example.com", at=clock(), items=plans, options={"quiet": True})


def test_a_draft_holds_its_plans_in_order(vault: Vault, job_id: int) -> None:
    with vault.read() as tx:
        job = restore_jobs.get_job(tx, job_id)
        items = restore_jobs.list_items(tx, job_id)
        assert list(restore_jobs.iterate_items(tx, job_id, chunk=2)) == items
        assert restore_jobs.list_items(tx, job_id, after=0, limit=1) == items[1:2]
    assert (job.state, job.created_by, job.options, job.total, job.finished) == (
        "draft",
        "sam@example.com",
        {"quiet": True},
        3,
        0,
    )
    assert (items[0].contact_id, items[0].plan) == ("c2", {"name": "Ada c2"})


def test_a_draft_is_not_carried_out(vault: Vault, job_id: int, clock: Any) -> None:
    with pytest.raises(RunInProgress), vault.write() as tx:
        restore_jobs.claim_job(tx, job_id, "me", clock())


def test_a_confirmed_job_belongs_to_one_process(vault: Vault, job_id: int, clock: Any) -> None:
    with vault.write() as tx:
        assert restore_jobs.set_state(tx, job_id, "confirmed", at=clock(), only_from=("draft",))
        assert [job.job_id for job in restore_jobs.waiting_jobs(tx, at=clock())] == [job_id]
        job = restore_jobs.claim_job(tx, job_id, ELSEWHERE, clock())
        assert (job.state, job.started_at) == ("running", clock())
        assert restore_jobs.waiting_jobs(tx, at=clock()) == []
        assert restore_jobs.record_heartbeat(tx, job_id, ELSEWHERE, clock())
        assert not restore_jobs.record_heartbeat(tx, job_id, leases.this_process(), clock())
    with pytest.raises(RunInProgress), vault.write() as tx:
        restore_jobs.claim_job(tx, job_id, leases.this_process(), clock())


def test_the_job_of_a_silent_process_waits_to_be_carried_on(vault: Vault, job_id: int, clock: Any) -> None:
    with vault.write() as tx:
        restore_jobs.set_state(tx, job_id, "confirmed", at=clock())
        restore_jobs.claim_job(tx, job_id, ELSEWHERE, clock())
        began = clock()
        clock.advance(minutes=2)
        assert [job.job_id for job in restore_jobs.waiting_jobs(tx, at=clock())] == [job_id]
        job = restore_jobs.claim_job(tx, job_id, leases.this_process(), clock())
    assert (job.holder, job.started_at) == (leases.this_process(), began)


def test_a_paused_job_stops_its_process(vault: Vault, job_id: int, clock: Any) -> None:
    with vault.write() as tx:
        restore_jobs.set_state(tx, job_id, "confirmed", at=clock())
        restore_jobs.claim_job(tx, job_id, "me", clock())
        restore_jobs.set_state(tx, job_id, "paused", at=clock(), only_from=("running",))
        assert not restore_jobs.record_heartbeat(tx, job_id, "me", clock())
        assert not restore_jobs.set_state(tx, job_id, "confirmed", at=clock(), only_from=("draft",))


def test_what_became_of_each_contact_is_counted(vault: Vault, job_id: int, clock: Any) -> None:
    with vault.write() as tx:
        outcome = {"new_contact_id": "n1", "verified": False, "differences": [{"field": "phone"}]}
        restore_jobs.record_outcome(tx, job_id, "c1", at=clock(), outcome="recreated", **outcome)
        restore_jobs.record_outcome(tx, job_id, "c2", at=clock(), outcome="failed", error="refused")
        assert restore_jobs.count_by_outcome(tx, job_id) == {"": 1, "failed": 1, "recreated": 1}
        assert restore_jobs.get_job(tx, job_id).finished == 2
        assert [item.contact_id for item in restore_jobs.list_items(tx, job_id, outcomes=("",))] == ["c3"]
        item = restore_jobs.get_item(tx, job_id, "c1")
        assert (item.verified, item.differences, item.finished_at) == (False, [{"field": "phone"}], clock())
        for asked in ("c1", "n1"):
            assert [entry["new_id"] for entry in restore_jobs.history_of_contact(tx, "l", asked)] == ["n1"]
        restore_jobs.record_outcome(tx, job_id, "c2", at=clock(), outcome="")
        assert restore_jobs.get_item(tx, job_id, "c2").finished_at is None


def test_when_contacts_were_finished_lately_is_known(vault: Vault, job_id: int, clock: Any) -> None:
    with vault.write() as tx:
        restore_jobs.record_outcome(tx, job_id, "c1", at=clock() - timedelta(minutes=2), outcome="recreated")
        restore_jobs.record_outcome(tx, job_id, "c2", at=clock(), outcome="failed")
        restore_jobs.record_outcome(tx, job_id, "c3", at=clock() - timedelta(seconds=5), outcome="recreated")
        lately = restore_jobs.finish_times_since(tx, job_id, clock() - timedelta(minutes=1))
        assert lately == [clock() - timedelta(seconds=5), clock()]


def test_what_is_not_there_is_not_found(vault: Vault, job_id: int, clock: Any) -> None:
    for act in (
        lambda tx: restore_jobs.get_job(tx, job_id + 1),
        lambda tx: restore_jobs.get_item(tx, job_id, "nobody"),
        lambda tx: restore_jobs.record_outcome(tx, job_id, "nobody", at=clock(), outcome="failed"),
        lambda tx: journal.log_response(tx, 99, at=clock(), status=200),
    ):
        with pytest.raises(NotFound), vault.write() as tx:
            act(tx)


def test_jobs_are_listed_newest_first(vault: Vault, job_id: int, clock: Any) -> None:
    with vault.write() as tx:
        other = restore_jobs.create_job(tx, "m", by="", at=clock(), items=[], options=None)
        assert [job.job_id for job in restore_jobs.list_jobs(tx, ["l", "m"], limit=5)] == [other, job_id]
        assert [job.job_id for job in restore_jobs.list_jobs(tx, ["l"], limit=5)] == [job_id]


def unanswered(tx: Tx) -> list[int]:
    return [entry.entry_id for entry in journal.list_entries(tx, location_id="l") if entry.answered_at is None]


def test_the_journal_knows_a_request_before_its_answer(vault: Vault, job_id: int, clock: Any) -> None:
    given = {"location_id": "l", "job_id": job_id, "contact_id": "c1", "request": {"body": {"n": "\ud800x"}}}
    with vault.write() as tx:
        first = journal.log_request(tx, step="create", at=clock(), **given).entry_id
        second = journal.log_request(tx, step="note", at=clock(), **given).entry_id
        assert journal.last_entry_id(tx, "l", "c1") == second
        assert unanswered(tx) == [first, second]
        journal.log_response(tx, first, at=clock.advance(seconds=1), status=201, result_id="n1", note="done")
        assert unanswered(tx) == [second]
        entry = journal.list_entries(tx, location_id="l", contact_id="c1")[0]
    assert entry.request == {"body": {"n": "x"}}
    assert (entry.status, entry.result_id, entry.answered_at) == (201, "n1", clock())


def test_a_new_contact_is_traced_to_the_lost_one(vault: Vault, clock: Any) -> None:
    with vault.write() as tx:
        entry = journal.log_request(
            tx, location_id="l", job_id=None, contact_id="c1", step="create", request=None, at=clock()
        )
        journal.log_response(tx, entry.entry_id, at=clock(), status=201, result_id="n1")
        assert journal.original_contact_id(tx, "l", "n1") == "c1"
        assert journal.original_contact_id(tx, "l", "c1") is None
        assert journal.original_contact_id(tx, "elsewhere", "n1") is None
