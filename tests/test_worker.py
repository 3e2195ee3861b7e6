"""The worker: what is due is done, nothing sooner, and one account's trouble keeps none waiting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hlcore.accounts import connection
from hlcore.app_context import AppContext
from hlcore.sandbox import Sandbox, SandboxLocation, serve
from hlcore.settings import Settings
from hlcore.store import runs
from hlcore.store.deletions import queries as deletion_queries
from hlcore.sync.run_context import never
from hlcore.worker.loop import do_due_work, do_hourly_work
from tests.support.accounts import HandClock

FIRST, SECOND = "locWork0000000000001", "locWork0000000000002"


@dataclass
class Shift:
    """A worker's office with two connected accounts."""

    context: AppContext
    clock: HandClock
    places: dict[str, SandboxLocation]

    def work(self, minutes: float) -> list[tuple[str, str]]:
        """Time passes, what is due is done; the looks that were taken: (kind, location), oldest first."""
        self.clock.pass_(minutes=minutes)
        before = {run.run_id for run in self.runs()}
        do_due_work(self.context, never)
        return [(run.kind, run.location_id) for run in reversed(self.runs()) if run.run_id not in before]

    def runs(self) -> list[runs.Run]:
        with self.context.vault.read() as tx:
            return [run for run in runs.recent(tx, [FIRST, SECOND], limit=500) if run.kind in ("listing", "watch")]


@pytest.fixture
def shift(tmp_path: Path) -> Iterator[Shift]:
    clock = HandClock()
    sandbox = Sandbox(clock.now, seed=5)
    places = {name: sandbox.add_location(name, name, token=f"pit-{name}") for name in (FIRST, SECOND)}
    for place in places.values():
        place.fill(40)
    with serve(sandbox) as server:
        settings = Settings(database_url=f"sqlite:///{tmp_path}/vault.db", data_dir=tmp_path, api_url=server.url)
        context = AppContext.open(settings, clock=clock)
        for name in places:
            connection.connect(context, name, f"pit-{name}")
        yield Shift(context, clock, places)
        context.close()


def test_every_account_is_listed_first_and_watched_in_between(shift: Shift) -> None:
    assert sorted(shift.work(0)) == [("listing", FIRST), ("listing", SECOND)]
    assert sorted(shift.work(2)) == [("watch", FIRST), ("watch", SECOND)]
    assert sorted(shift.work(15)) == [("listing", FIRST), ("listing", SECOND)]


def test_nothing_is_done_before_it_is_due(shift: Shift) -> None:
    shift.work(0)
    taken = shift.work(0.2)
    assert [kind for kind, _ in taken if kind == "listing"] == []


def test_a_revoked_token_keeps_no_other_account_waiting(shift: Shift) -> None:
    shift.work(0)
    shift.places[FIRST].faults.on("token_revoked")
    lost = next(iter(shift.places[SECOND].contacts))
    shift.places[SECOND].delete(lost)
    shift.work(20)
    with shift.context.vault.read() as tx:
        assert [row.status for row in deletion_queries.of_contact(tx, SECOND, lost)] == ["deleted"]


def test_watches_that_found_nothing_are_forgotten_after_two_days(shift: Shift) -> None:
    shift.work(0)
    shift.work(2)
    shift.clock.pass_(days=3)
    do_hourly_work(shift.context)
    assert {run.kind for run in shift.runs()} == {"listing"}


def test_requests_are_counted_for_each_account_and_day(shift: Shift) -> None:
    shift.work(0)
    spent = shift.context.client(FIRST)
    with spent as client:
        assert client.limiter.spent_today > 0
