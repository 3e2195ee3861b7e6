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
from typing import Any

import pytest

from hlcore.accounts import connection
from hlcore.app_context import AppContext
from hlcore.governance.roles import Role, User
from hlcore.location_context import LocationContext
from hlcore.metrics.overview import status_json
from hlcore.model.callbacks import never
from hlcore.restore.job_control import create_job
from hlcore.restore.planning.planner import plan as make_plan
from hlcore.sandbox import Sandbox, SandboxLocation, serve
from hlcore.settings import Settings
from hlcore.store import audit, database, leases, quarantine, runs
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.restores import jobs as restore_jobs
from hlcore.sync.listing.run import sync_location
from hlcore.worker import loop
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
        location.fill(5)
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
        assert leases.acquire(tx, f"restore:{FIRST}", "elsewhere:1:1", at=world.clock.now(), ttl=timedelta(minutes=9))
    world.work(0.1)
    world.work(0.1)
    with world.context.vault.read() as tx:
        states = {name: restore_jobs.get_job(tx, job_id).state for name, job_id in jobs.items()}
        lines = [line for line in audit.list_entries(tx, limit=50) if line.act == "restore"]
    assert states == {FIRST: "confirmed", SECOND: "done"}
    assert {line.outcome for line in lines} == {"done"}


def test_a_job_that_waits_holds_back_the_capture_of_its_own_account_alone(world: WorkerWorld) -> None:
    with world.context.vault.write() as tx:
        assert leases.acquire(tx, f"restore:{FIRST}", "elsewhere:1:1", at=world.clock.now(), ttl=timedelta(minutes=9))
    _confirmed_restore(world, FIRST)
    world.work(0)
    world.work(0.1)
    with world.context.vault.read() as tx:
        captured = {name: runs.newest(tx, name, "capture", at=world.clock.now()) for name in (FIRST, SECOND)}
    assert captured[SECOND]
    assert not captured[FIRST]


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
    for module in ("loop", "account_steps"):
        monkeypatch.setattr(f"hlcore.worker.{module}.log", _Log(failures))
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


def accounts_in_trouble(world: WorkerWorld) -> dict[tuple[str, str], str]:
    with world.context.vault.read() as tx:
        items = quarantine.list_accounts(tx, limit=99)
    return {(item.location_id, item.reference): item.state for item in items}


@pytest.mark.parametrize("step", ["sync_location", "capture_location"])
def test_whatever_one_accounts_step_raises_the_other_goes_on_and_it_is_visible(
    world: WorkerWorld, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    real = getattr(loop, step)

    def failing(context: LocationContext, *rest: Any, **more: Any) -> Any:
        if context.location_id == FIRST:
            raise KeyError("Ada Lovelace <ada@example.org>")
        return real(context, *rest, **more)

    with monkeypatch.context() as patched:
        patched.setattr(loop, step, failing)
        taken = [run for _ in range(4) for run in world.work(16)]
    assert ("listing", SECOND) in taken
    assert len([run for run in taken if run == ("listing", SECOND)]) >= 3, "at its usual pace"
    name = "sync" if step == "sync_location" else "capture"
    assert accounts_in_trouble(world) == {(FIRST, name): "waiting"}
    (first, second) = status_json(world.context.vault, world.context.settings, world.clock.now())
    assert "set aside" in str(first["health"]["reasons"])
    assert "set aside" not in str(second["health"]["reasons"])
    world.work(16)
    assert accounts_in_trouble(world) == {}, "forgotten as soon as it works"


def test_an_account_in_trouble_is_not_urgent_for_ever(world: WorkerWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its listing never begins, and yet the other account's records are captured."""
    real = loop.sync_location

    def failing(context: LocationContext, *rest: Any) -> Any:
        if context.location_id == FIRST:
            raise ZeroDivisionError
        return real(context, *rest)

    monkeypatch.setattr(loop, "sync_location", failing)
    world.work(0)
    world.work(0)
    with world.context.vault.read() as tx:
        query = f"SELECT count(*) FROM captures WHERE location_id = '{SECOND}' AND captured_at IS NOT NULL"
        assert tx.exec_driver_sql(query).scalar_one() > 0


@pytest.mark.parametrize(
    "rubbish",
    [
        "UPDATE locations SET incident_share = 'much', incident_floor = 'few' WHERE location_id = '{first}'",
        "UPDATE locations SET timezone = 'Mars/Olympus', window_days = 'long' WHERE location_id = '{first}'",
        "UPDATE locations SET connected_at = 'yesterday', name = '' WHERE location_id = '{first}'",
        "UPDATE locations SET token = x'00ff' WHERE location_id = '{first}'",
        "UPDATE runs SET started_at = 'soon', heartbeat_at = '', finished_at = NULL, checkpoint = '{{'"
        " WHERE location_id = '{first}'",
        "UPDATE runs SET finished_at = NULL, holder = '', checkpoint = '{{\"ranges\": 7, \"tail\": [1]}}'"
        " WHERE location_id = '{first}' AND kind = 'listing'",
        "UPDATE feeds SET checkpoint = '[1]', began_at = '2026-03-02 09:00:00', covered_at = 'never'"
        " WHERE location_id = '{first}'",
        "UPDATE captures SET captured_at = 'x', due_at = 'y' WHERE location_id = '{first}'",
    ],
    ids=["thresholds", "zone", "moment", "token", "run", "cursor", "feed", "capture"],
)
def test_odd_stored_values_of_one_account_keep_no_other_waiting(world: WorkerWorld, rubbish: str) -> None:
    world.work(0)
    with world.context.vault.write() as tx:
        tx.exec_driver_sql(rubbish.format(first=FIRST))
    lost = next(iter(world.locations[SECOND].contacts))
    world.locations[SECOND].delete(lost)
    taken = world.work(16)
    assert ("listing", SECOND) in taken
    with world.context.vault.read() as tx:
        assert [row.status for row in deletion_queries.list_for_contact(tx, SECOND, lost)] == ["deleted"]
    before = len(world.runs())
    world.work(16)
    assert any(run.location_id == SECOND for run in world.runs()[: len(world.runs()) - before])


def test_an_unexpected_end_of_a_run_is_an_incomplete_run(world: WorkerWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Resumed at its checkpoint it would end in the same way for ever."""
    with monkeypatch.context() as patched:
        patched.setattr("hlcore.sync.listing.run.read_all_pages", lambda _: {}["Ada"])
        world.work(0)
    assert {run.outcome for run in world.runs()} == {"incomplete"}
    assert all("unexpected KeyError at" in run.reason and "Ada" not in run.reason for run in world.runs())
    world.work(16)
    assert world.runs()[0].outcome == "complete"


def test_one_failing_chore_of_the_hour_stops_no_other(world: WorkerWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.work(0)
    world.work(2)
    world.clock.advance(days=3)
    monkeypatch.setattr(loop, "forget_old_deliveries", lambda _: 1 // 0)
    do_hourly_work(world.context)
    assert {run.kind for run in world.runs()} == {"listing"}
