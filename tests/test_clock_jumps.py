"""The clock jumps ten years ahead and back: a moment in the future proves nothing, and everything goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.accounts import connection
from hlcore.app_context import AppContext
from hlcore.highlevel.rate_limit.daily_budget import DayBudget
from hlcore.metrics.overview import status_json
from hlcore.model.callbacks import never
from hlcore.model.health import HealthFacts, Level, ago, assess
from hlcore.model.moments import CLOCK_SLACK, age, is_future, is_recent
from hlcore.sandbox import Sandbox, serve
from hlcore.settings import Settings
from hlcore.store import Vault, leases, runs, webhook_inbox
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.restores import jobs as restore_jobs
from hlcore.store.webhook_inbox import Delivery
from hlcore.worker.loop import do_due_work, is_due, is_watch_due
from tests.support.worlds import ManualClock

LOCATION = "locClock000000000001"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
YEARS = timedelta(days=3650)
LIVING = "elsewhere:1:2"
"""A holder of another machine, of which nothing is known."""
moments = st.integers(-70 * 365 * 1440, 200 * 365 * 1440).map(lambda minutes: NOW + timedelta(minutes=minutes))


World = tuple[AppContext, ManualClock, Sandbox]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A connected location of thirty contacts, never synced."""
    clock = ManualClock()
    sandbox = Sandbox(clock.now, seed=5)
    sandbox.add_location(LOCATION, "Test", token="pit").fill(6)
    with serve(sandbox) as server:
        context = AppContext.open(
            Settings(database_url=f"sqlite:///{tmp_path}/vault.db", data_dir=tmp_path, api_url=server.url), clock=clock
        )
        connection.connect(context, LOCATION, "pit")
        yield context, clock, sandbox
        context.close()


def outcomes(context: AppContext, kind: str) -> list[str]:
    with context.vault.read() as tx:
        return [run.outcome for run in runs.list_recent(tx, [LOCATION], limit=99, kinds=[kind])]


def health(context: AppContext) -> dict[str, object]:
    (found,) = status_json(context.vault, context.settings, context.clock.now())
    result: dict[str, object] = found["health"]
    return result


@pytest.mark.parametrize("jump", [YEARS, -YEARS], ids=["ahead and back", "back and ahead"])
def test_after_the_clock_has_jumped_and_come_back_everything_is_due_again(world: World, jump: timedelta) -> None:
    context, clock, sandbox = world
    do_due_work(context, never)
    clock.jump(seconds=jump.total_seconds())
    do_due_work(context, never)
    clock.jump(seconds=-jump.total_seconds())
    clock.advance(minutes=20)
    (location,) = context.locations()
    assert is_due(context, location)
    assert is_watch_due(context, location)
    lost = next(iter(sandbox.locations[LOCATION].contacts))
    sandbox.locations[LOCATION].delete(lost)
    before = len(outcomes(context, "listing"))
    do_due_work(context, never)
    assert len(outcomes(context, "listing")) == before + 1
    assert not is_due(context, location), "it is not listed without end"
    with context.vault.read() as tx:
        assert [row.status for row in deletion_queries.list_for_contact(tx, LOCATION, lost)] == ["deleted"]
    assert health(context)["level"] == "ok"


def test_a_copy_from_the_future_is_stale_and_that_is_said(world: World) -> None:
    context, clock, _ = world
    clock.jump(seconds=YEARS.total_seconds())
    do_due_work(context, never)
    clock.jump(seconds=-YEARS.total_seconds())
    found = health(context)
    assert found["level"] == "bad"
    assert "in the future" in str(found["reasons"])
    assert "just now" not in str(found["reasons"])


def test_captures_from_the_future_are_made_again(world: World) -> None:
    context, clock, _ = world
    clock.jump(seconds=YEARS.total_seconds())
    do_due_work(context, never)
    clock.jump(seconds=-YEARS.total_seconds())
    clock.advance(days=1)
    do_due_work(context, never)
    latest = (clock.at + timedelta(hours=2)).replace(tzinfo=None).isoformat(sep=" ")
    with context.vault.read() as tx:
        for table, names in {
            "captures": ("captured_at", "due_at"),
            "feeds": ("covered_at", "walked_at", "began_at", "refused_at"),
        }.items():
            for name in names:
                query = f"SELECT count(*) FROM {table} WHERE {name} > '{latest}'"
                assert tx.exec_driver_sql(query).scalar_one() == 0, (table, name)


def test_leases_from_the_future_are_free(vault: Vault) -> None:
    minute = timedelta(minutes=1)
    with vault.write() as tx:
        assert leases.acquire(tx, "x", LIVING, at=NOW + YEARS, ttl=minute)
        assert leases.current_holder(tx, "x", at=NOW) == ""
        assert not leases.renew(tx, "x", LIVING, at=NOW, ttl=minute)
        assert leases.acquire(tx, "x", "other:1:2", at=NOW, ttl=minute)
        assert not leases.acquire(tx, "x", LIVING, at=NOW, ttl=minute)


@pytest.mark.parametrize("jump", [YEARS, timedelta(days=1), -YEARS])
def test_heartbeats_from_another_time_are_none(vault: Vault, jump: timedelta) -> None:
    assert leases.is_held(LIVING, NOW, NOW)
    assert leases.is_held(LIVING, NOW + CLOCK_SLACK, NOW), "clocks of machines differ a little"
    assert not leases.is_held(LIVING, NOW + jump, NOW)
    with vault.write() as tx:
        open_run = runs.claim(tx, "l", "listing", at=NOW + jump, holder=LIVING, resume_within=timedelta(hours=12))
        again = runs.claim(tx, "l", "listing", at=NOW, holder="me:1:2", resume_within=timedelta(hours=12))
        assert again.run_id != open_run.run_id, "a run that began at another time is not resumed"
        assert runs.get(tx, open_run.run_id).reason == "abandoned"


def test_a_restore_that_lives_in_the_future_is_taken_over(vault: Vault) -> None:
    with vault.write() as tx:
        job_id = restore_jobs.create_job(tx, "l", by="sam", at=NOW, items=[("c1", "skip", {})], options=None)
        restore_jobs.set_state(tx, job_id, "confirmed", at=NOW)
        restore_jobs.claim_job(tx, job_id, LIVING, NOW + YEARS)
        assert [job.job_id for job in restore_jobs.waiting_jobs(tx, at=NOW)] == [job_id]
        restore_jobs.claim_job(tx, job_id, "me:1:2", NOW)


def test_deliveries_that_were_postponed_in_the_future_are_due(vault: Vault) -> None:
    with vault.inbox.write() as tx:
        webhook_inbox.add(tx, [Delivery(name, "l", "ContactDelete", None, NOW, b"{}") for name in ("a", "b")])
        webhook_inbox.postpone(tx, ["a"], until=NOW + YEARS)
        webhook_inbox.postpone(tx, ["b"], until=NOW + timedelta(hours=1))
        assert [delivery.webhook_id for delivery in webhook_inbox.list_due(tx, at=NOW, limit=9)] == ["a"]
        assert webhook_inbox.backlog(tx, at=NOW)[0] == 1
        webhook_inbox.add(tx, [Delivery("c", "l", "ContactDelete", None, NOW + YEARS, b"{}")])
        assert webhook_inbox.last_received(tx, ["l"], at=NOW) == {"l": NOW}


def test_the_newest_run_is_one_of_the_past(vault: Vault) -> None:
    with vault.write() as tx:
        for at in (NOW, NOW + YEARS):
            run = runs.claim(tx, "l", "listing", at=at, holder="", resume_within=timedelta(0))
            runs.finish(tx, run.run_id, at, outcome="complete", reason="")
        newest, complete = (read(tx, "l", "listing", at=NOW) for read in (runs.newest, runs.last_complete))
    assert newest
    assert complete
    assert newest.started_at == complete.started_at == NOW


def test_a_spent_day_ends_although_the_clock_was_turned_back() -> None:
    clock = ManualClock(NOW + YEARS)
    budget = DayBudget(clock, per_day=100, share=0, spent=0)
    for _ in range(100):
        budget.count()
    clock.at = NOW
    assert budget.remaining == 0
    clock.at = NOW + timedelta(days=1)
    assert budget.remaining == 100
    clock.at = NOW + YEARS
    assert budget.ends - clock.at <= timedelta(days=1) or budget.remaining == 100


@given(since=moments, now=moments, within=st.timedeltas(timedelta(seconds=1), timedelta(days=999)))
def test_what_is_recent_happened_in_the_past(since: datetime, now: datetime, within: timedelta) -> None:
    passed = age(since, now)
    assert (passed is None) == is_future(since, now) == (since - now > CLOCK_SLACK)
    if is_recent(since, now, within):
        assert -CLOCK_SLACK <= now - since < within
    assert age(None, now) is None
    assert not is_recent(None, now, within)


@given(last=moments, webhook=moments, now=moments)
def test_health_is_never_good_because_of_the_future(last: datetime, webhook: datetime, now: datetime) -> None:
    every = timedelta(minutes=15)
    facts = HealthFacts(True, last, "complete", "", False, 0, 0, every, last_webhook_at=webhook, newest_moment=last)
    found = assess(facts, now)
    if found.level is Level.OK:
        assert -CLOCK_SLACK <= now - last <= 2 * every
        assert webhook - now <= CLOCK_SLACK
    if is_future(last, now):
        assert found.level is Level.BAD
        assert any("in the future" in reason for reason in found.reasons)
    assert ago(now - last) != "just now" or abs(now - last) <= CLOCK_SLACK
