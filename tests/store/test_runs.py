"""Runs: who works on a location, and who may take over."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hlcore.errors import NotFound, RunInProgress
from hlcore.store import Vault, leases, runs
from hlcore.store.runs import Run

ROOT = Path(__file__).parents[2]
Claim = Callable[..., Run]
HOUR = timedelta(hours=1)


@pytest.fixture
def claim(vault: Vault, clock: Any) -> Claim:
    """Claim the listing of location l now, as this process if not said otherwise."""

    def make(holder: str = "", kind: str = "listing", location: str = "l") -> Run:
        with vault.write() as tx:
            return runs.claim(
                tx, location, kind, at=clock(), holder=holder or leases.this_process(), resume_within=HOUR
            )

    return make


def dead_process() -> str:
    """The name of a process that has ended."""
    code = "from hlcore.store import leases, runs; print(leases.this_process())"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_a_claimed_run_is_open_and_counts_from_zero(claim: Claim, clock: Any) -> None:
    run = claim()
    assert (run.started_at, run.finished_at, run.outcome, run.seen, run.checkpoint) == (clock(), None, "", 0, None)


def test_a_second_claim_while_the_holder_lives_is_refused(claim: Claim) -> None:
    claim()
    with pytest.raises(RunInProgress):
        claim()


def test_other_kinds_and_locations_are_free(claim: Claim) -> None:
    assert len({claim().run_id, claim(kind="watch").run_id, claim(location="m").run_id}) == 3


def test_the_run_of_a_dead_process_is_resumed_with_its_checkpoint(vault: Vault, claim: Claim, clock: Any) -> None:
    first = claim(dead_process())
    with vault.write() as tx:
        runs.record_heartbeat(tx, first.run_id, clock(), seen=500, checkpoint={"cursor": [1, "c"]})
    again = claim()
    assert (again.run_id, again.resumed, again.seen, again.checkpoint) == (first.run_id, 1, 500, {"cursor": [1, "c"]})
    assert again.holder == leases.this_process()


def test_a_process_id_used_again_by_another_process_is_not_the_holder(claim: Claim) -> None:
    host, pid, _ = leases.this_process().split(":")
    first = claim(f"{host}:{pid}:1.00")
    assert claim().run_id == first.run_id


def test_a_silent_holder_on_another_machine_is_given_up_after_two_minutes(claim: Claim, clock: Any) -> None:
    first = claim("elsewhere:1:1.00")
    clock.advance(seconds=119)
    with pytest.raises(RunInProgress):
        claim()
    clock.advance(seconds=1)
    assert claim().run_id == first.run_id


def test_a_run_too_old_to_resume_is_abandoned_and_a_new_one_begun(vault: Vault, claim: Claim, clock: Any) -> None:
    first = claim("elsewhere:1:1.00")
    clock.advance(hours=1, seconds=1)
    again = claim()
    with vault.read() as tx:
        old = runs.get(tx, first.run_id)
    assert (old.outcome, old.reason, old.finished_at) == ("incomplete", "abandoned", clock())
    assert (again.resumed, again.started_at) == (0, clock())


def test_whoever_lost_the_run_may_not_go_on_with_it(vault: Vault, claim: Claim, clock: Any) -> None:
    run = claim("elsewhere:1:1.00")
    clock.advance(minutes=3)
    claim()
    with pytest.raises(RunInProgress), vault.write() as tx:
        runs.record_heartbeat(tx, run.run_id, clock(), holder="elsewhere:1:1.00", seen=1)


def test_a_finished_run_cannot_beat_or_finish_again(vault: Vault, claim: Claim, clock: Any) -> None:
    run = claim()
    with vault.write() as tx:
        runs.finish(tx, run.run_id, clock(), outcome="complete", reason="", seen=7)
    with pytest.raises(RunInProgress), vault.write() as tx:
        runs.record_heartbeat(tx, run.run_id, clock())
    with pytest.raises(NotFound), vault.write() as tx:
        runs.finish(tx, run.run_id, clock(), outcome="complete", reason="")


def test_the_newest_complete_run_of_the_kind_counts(vault: Vault, claim: Claim, clock: Any) -> None:
    for outcome in ("complete", "complete", "incomplete"):
        run = claim()
        with vault.write() as tx:
            runs.finish(tx, run.run_id, clock.advance(minutes=1), outcome=outcome, reason="")
    with vault.read() as tx:
        found = runs.last_complete(tx, "l", at=clock())
        assert found is not None
        assert found.run_id == run.run_id - 1
        assert runs.last_complete(tx, "l", "watch", at=clock()) is None


def test_runs_are_listed_newest_first_by_page(vault: Vault, claim: Claim) -> None:
    ids = [claim(location=name).run_id for name in "abc"]
    with vault.read() as tx:
        assert [run.run_id for run in runs.list_recent(tx, ["a", "b", "c"], limit=2, offset=1)] == [ids[1], ids[0]]
        assert runs.count(tx, ["a", "c"]) == 2
        assert [run.run_id for run in runs.open_runs(tx)] == ids


_CLAIM = """
import sys, datetime
from hlcore.errors import RunInProgress
from hlcore.store import Vault, leases, runs
at = datetime.datetime(2026, 3, 2, 9, tzinfo=datetime.timezone.utc)
print("ready", flush=True)
sys.stdin.readline()
vault = Vault.open(sys.argv[1])
try:
    with vault.write() as tx:
        runs.claim(tx, "l", "listing", at=at, holder=leases.this_process(), resume_within=datetime.timedelta(hours=1))
    print("mine", flush=True)
except RunInProgress:
    print("taken", flush=True)
sys.stdin.readline()
"""


def test_of_several_processes_that_claim_at_once_one_wins(vault_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _CLAIM, vault_url],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    answers = sorted(process.stdout.readline().strip() for process in processes if process.stdout)
    for process in processes:
        process.communicate("\n")
    assert answers == ["mine", "taken", "taken"]
