"""The worker: what is due is done, nothing sooner, and one account's trouble keeps none waiting."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from hlcore.accounts import connection
from hlcore.app_context import AppContext
from hlcore.governance.roles import Role, User
from hlcore.model.callbacks import never
from hlcore.restore.job_control import create_job
from hlcore.restore.planning.planner import plan as make_plan
from hlcore.sandbox import Sandbox, SandboxLocation, serve
from hlcore.settings import Settings
from hlcore.store import audit, database, leases, runs
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.restores import jobs as restore_jobs
from hlcore.sync.listing.run import sync_location
from hlcore.worker.loop import Worker, do_due_work, do_hourly_work
from tests.support.worlds import ManualClock

SAM = User("sam@example.com", "Sam", Role.RESTORER, "oidc")
FIRST, SECOND = "locWork0000000000001", "locWork0000000000002"


@dataclass
class WorkerWorld:
    """A context with two connected locations."""

    context: AppContext
    clock: ManualClock
    locations: dict[str, SandboxLocation]

    def work(self, minutes: float) -> list[tuple[str, str]]:
        """Let time pass and do what is due; return the listings and watches that ran as (kind, location), oldest
        first."""
        self.clock.advance(minutes=minutes)
        before = {run.run_id for run in self.runs()}
        do_due_work(self.context, never)
        return [(run.kind, run.location_id) for run in reversed(self.runs()) if run.run_id not in before]

    def runs(self) -> list[runs.Run]:
        with self.context.vault.read() as tx:
            return [run for run in runs.list_recent(tx, [FIRST, SECOND], limit=500) if run.kind in ("listing", "watch")]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[WorkerWorld]:
    clock = ManualClock()
    sandbox = Sandbox(clock.now, seed=5)
    locations = {name: sandbox.add_location(name, name, token=f"pit-{name}") for name in (FIRST, SECOND)}
    for location in locations.values():
        location.fill(40)
    with serve(sandbox) as server:
        settings = Settings(database_url=f"sqlite:///{tmp_path}/vault.db", data_dir=tmp_path, api_url=server.url)
        context = AppContext.open(settings, clock=clock)
        for name in locations:
            connection.connect(context, name, f"pit-{name}")
        yield WorkerWorld(context, clock, locations)
        context.close()


def test_every_account_is_listed_first_and_watched_in_between(world: WorkerWorld) -> None:
    assert sorted(world.work(0)) == [("listing", FIRST), ("listing", SECOND)]
    assert sorted(world.work(2)) == [("watch", FIRST), ("watch", SECOND)]
    assert sorted(world.work(15)) == [("listing", FIRST), ("listing", SECOND)]


def test_nothing_is_done_before_it_is_due(world: WorkerWorld) -> None:
    world.work(0)
    taken = world.work(0.2)
    assert [kind for kind, _ in taken if kind == "listing"] == []


def test_a_revoked_token_keeps_no_other_account_waiting(world: WorkerWorld) -> None:
    world.work(0)
    world.locations[FIRST].faults.on("token_revoked")
    lost = next(iter(world.locations[SECOND].contacts))
    world.locations[SECOND].delete(lost)
    world.work(20)
    with world.context.vault.read() as tx:
        assert [row.status for row in deletion_queries.list_for_contact(tx, SECOND, lost)] == ["deleted"]


def test_watches_that_found_nothing_are_forgotten_after_two_days(world: WorkerWorld) -> None:
    world.work(0)
    world.work(2)
    world.clock.advance(days=3)
    do_hourly_work(world.context)
    assert {run.kind for run in world.runs()} == {"listing"}


def test_requests_are_counted_for_each_account_and_day(world: WorkerWorld) -> None:
    world.work(0)
    client_context = world.context.client(FIRST)
    with client_context as client:
        assert client.limiter.spent_today > 0


def test_a_job_that_waits_for_another_is_no_failure_and_stops_nothing(world: WorkerWorld) -> None:
    world.work(0)
    jobs = {name: _confirmed_restore(world, name) for name in (FIRST, SECOND)}
    with world.context.vault.write() as tx:
        assert leases.acquire(tx, f"restore:{FIRST}", "elsewhere:1:1", at=world.clock.now(), ttl=timedelta(hours=1))
    world.work(0.1)
    world.work(0.1)
    with world.context.vault.read() as tx:
        states = {name: restore_jobs.get_job(tx, job_id).state for name, job_id in jobs.items()}
        lines = [line for line in audit.list_entries(tx, limit=50) if line.act == "restore"]
    assert states == {FIRST: "confirmed", SECOND: "done"}
    assert {line.outcome for line in lines} == {"done"}


def _confirmed_restore(world: WorkerWorld, name: str) -> int:
    lost = next(iter(world.locations[name].contacts))
    world.locations[name].delete(lost)
    context = world.context
    with context.location_context(name) as location_context:
        sync_location(location_context, context.rules(context.location(name)))
        plan = make_plan(location_context, [lost], context.settings, path="recreate")
    return create_job(context.vault, plan, SAM, world.clock.now)


def test_the_worker_outlives_a_locked_database_and_goes_on(
    world: WorkerWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = tuple("busy_timeout=0" if "busy" in pragma else pragma for pragma in database._PRAGMAS)
    monkeypatch.setattr(database, "_PRAGMAS", at_once)
    world.context.vault.close()  # new connections do not wait for the lock
    failures: list[str] = []
    monkeypatch.setattr("hlcore.worker.loop.log", _Log(failures))
    worker = Worker(lambda: world.context, poll_seconds=0.01)
    with closing(sqlite3.connect(tmp_path / "vault.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        worker.start()
        _wait_for(lambda: len(failures) >= 3)
        assert not world.runs()
    monkeypatch.setattr(database, "_PRAGMAS", tuple(pragma for pragma in at_once if "busy" not in pragma))
    world.context.vault.close()
    _wait_for(lambda: {run.location_id for run in world.runs() if run.outcome == "complete"} == {FIRST, SECOND})
    worker.stop()
    assert all("StoreError" in failure for failure in failures)


class _Log:
    """Takes the worker's log; keeps warnings and errors."""

    def __init__(self, failures: list[str]) -> None:
        self.failures = failures

    def info(self, event: str, **more: object) -> None:
        pass

    def warning(self, event: str, **more: object) -> None:
        self.failures.append(f"{event} {more}")

    error = warning


def _wait_for(answer: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not answer() and time.monotonic() < until:
        threading.Event().wait(0.02)
    assert answer()
