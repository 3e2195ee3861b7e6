"""The background worker: syncs each location when it is due, runs waiting restore jobs, and captures details in
between.

A thread inside the dashboard's process, or `python -m hlcore worker` as a process of its own. Several of them share the
work, because every run and job is claimed in the database first.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

import structlog

from hlcore.accounts.oauth_install import connect_all_new_locations
from hlcore.app_context import AppContext
from hlcore.errors import Cancelled, VaultError
from hlcore.governance.roles import WORKER
from hlcore.highlevel import Priority
from hlcore.location_context import LocationContext
from hlcore.log_privacy import describe_exception
from hlcore.model.listing_verdict import listing_interval
from hlcore.model.moments import is_recent
from hlcore.restore.execution.run import run_job
from hlcore.store import leases, quarantine, runs
from hlcore.store.contacts import search as contact_search
from hlcore.store.locations import Location
from hlcore.store.restores import jobs as restore_jobs
from hlcore.sync.capture.budget import CaptureBudget
from hlcore.sync.capture.run import capture_location
from hlcore.sync.listing.run import sync_location
from hlcore.sync.run_context import SyncReport, SyncRules
from hlcore.sync.watch import watch_location
from hlcore.webhooks.processor import forget_old_deliveries, handle_deliveries
from hlcore.worker.account_steps import account_step, list_paused_steps

log = structlog.get_logger(__name__)
POLL_SECONDS = 5.0
WEBHOOK_POLL_SECONDS = 1.0
"""How long a delivery that another process received may wait; one of this process sets `webhook_received`."""
HOUR = timedelta(hours=1)
COLLECT_EVERY = timedelta(minutes=10)
KEEP_QUIET_WATCHES = timedelta(days=2)
KEEP_FAILURES = timedelta(days=35)
CAPTURE_SLICE = 200
"""Requests of one slice of capturing; then it is another location's turn."""

Sync = Callable[[LocationContext, SyncRules], SyncReport]


class Worker:
    """Does what is due until stopped. `beat_at` is the last sign of life."""

    def __init__(self, get_context: Callable[[], AppContext | None], *, poll_seconds: float = POLL_SECONDS) -> None:
        self._get_context = get_context
        self._poll_seconds = poll_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vault-worker", daemon=True)
        self._webhook_thread = threading.Thread(target=self._process_webhooks, name="vault-webhooks", daemon=True)
        self.beat_at: datetime | None = None

    def start(self) -> None:
        """Start two threads: one for runs and jobs, and one for webhooks, which must not wait for a long run."""
        self._thread.start()
        self._webhook_thread.start()

    def stop(self, timeout: float = 20.0) -> None:
        """Ask the threads to stop and wait until they have ended, at most `timeout` seconds for each. An interrupted
        run continues from its checkpoint next time."""
        self._stop.set()
        for thread in (self._thread, self._webhook_thread):
            if thread.is_alive():
                thread.join(timeout)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._attempt(self._work_once)
            self._stop.wait(self._poll_seconds)

    def _work_once(self) -> None:
        context = self._get_context()
        if context is not None:
            self.beat_at = context.clock.now()
            do_due_work(context, self._stop.is_set)

    def _process_webhooks(self) -> None:
        done_at: dict[str, datetime] = {}
        while not self._stop.is_set():
            context = self._get_context()
            if context is None:
                self._stop.wait(self._poll_seconds)
                continue
            context.webhook_received.clear()
            self._attempt(partial(handle_deliveries, context, self._stop.is_set))
            now = context.clock.now()
            for name, every, work in (
                ("hourly", HOUR, partial(do_hourly_work, context)),
                ("garbage", COLLECT_EVERY, collect_garbage),
            ):
                if not is_recent(done_at.get(name), now, every):
                    done_at[name] = now
                    self._attempt(work)
            context.webhook_received.wait(WEBHOOK_POLL_SECONDS)

    def _attempt(self, work: Callable[[], object]) -> None:
        _try_alone("worker", work)


def _try_alone(what: str, work: Callable[[], object]) -> None:
    """Do this work; whatever it raises is logged without personal data."""
    try:
        work()
    except Cancelled:
        return
    except VaultError as exc:
        log.warning("worker_trouble", what=what, kind=type(exc).__name__, text=str(exc))
    except Exception as exc:
        log.error("worker_defect", what=what, kind=type(exc).__name__, text=describe_exception(exc))


def do_hourly_work(context: AppContext) -> None:
    """Forget old delivery ids, watches that found nothing and failures that nothing repeated, and connect locations on
    which the app was newly installed. Each of these that fails does not stop the others."""
    _try_alone("old deliveries", partial(forget_old_deliveries, context))
    _try_alone("old runs", partial(_forget_old_rows, context))
    if context.settings.has_app:
        _try_alone("new locations", partial(connect_all_new_locations, context))


def _forget_old_rows(context: AppContext) -> None:
    now = context.clock.now()
    with context.vault.write() as tx:
        runs.delete_quiet_watches(tx, now - KEEP_QUIET_WATCHES)
        quarantine.forget_old(tx, now - KEEP_FAILURES)


def collect_garbage() -> None:
    """Run Python's garbage collector once over everything, then exclude what is alive until the next call.

    By itself it would visit all objects again and again while a sync makes new ones, and every thread would stand
    still: 0.1 to 0.4 s with the libraries of the pages loaded. Cycles that are alive now are freed by a later call.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def do_due_work(context: AppContext, cancelled: Callable[[], bool]) -> int:
    """Run waiting restore jobs, sync every location that is due, and capture one slice of each; return the number of
    jobs and syncs. Raises Cancelled when asked to stop. A job, or a step of a location, that fails in whatever way does
    not stop the others: see `account_step`."""
    done = run_waiting_jobs(context, cancelled)
    for location in context.locations():
        if cancelled():
            raise Cancelled("Stopped.")
        with account_step(context, location.location_id, "sync") as step:
            if step.may_begin and (sync := _due_sync(context, location)) is not None:
                step.begun = True
                _sync(context, location, cancelled, sync)
        done += step.begun
        done += run_waiting_jobs(context, cancelled)
        with account_step(context, location.location_id, "capture") as step:
            if step.may_begin:
                step.begun = True
                _capture(context, location, cancelled)
    return done


def _due_sync(context: AppContext, location: Location) -> Sync | None:
    """Return the sync that is due for the location; None when none is."""
    if is_due(context, location):
        return sync_location
    return watch_location if is_watch_due(context, location) else None


def is_due(context: AppContext, location: Location) -> bool:
    """Whether the location's next full listing should begin: after an interval that follows from its size and the day's
    requests, `sync_minutes` at least. A run whose process died is continued at once."""
    now = context.clock.now()
    with context.vault.read() as tx:
        last = runs.newest(tx, location.location_id, "listing", at=now)
        if last is None:
            return True
        counts = contact_search.count_by_status(tx, [location.location_id]).get(location.location_id, {})
    if last.finished_at is None:
        return not last.holder or leases.is_gone(last.holder)
    interval = listing_interval(
        context.settings.sync_minutes, contacts=sum(counts.values()), requests_per_day=context.settings.requests_per_day
    )
    return not is_recent(last.started_at, now, interval)


def is_watch_due(context: AppContext, location: Location) -> bool:
    """Whether the cheap check for deletions should run: `watch_minutes` after the last watch or listing."""
    if not context.settings.watch_minutes:
        return False
    now = context.clock.now()
    with context.vault.read() as tx:
        last_runs = [runs.newest(tx, location.location_id, kind, at=now) for kind in ("watch", "listing")]
    every = timedelta(minutes=context.settings.watch_minutes)
    return not any(is_recent(run.started_at, now, every) for run in last_runs if run is not None)


def run_waiting_jobs(context: AppContext, cancelled: Callable[[], bool]) -> int:
    """Run every confirmed restore job and continue every one whose process died; return how many. A job that waits for
    another one of its location, or that fails, does not stop the others; it is taken up again next time."""
    with context.vault.read() as tx:
        waiting = restore_jobs.waiting_jobs(tx, at=context.clock.now())
    done = 0
    for job in waiting:
        with account_step(context, job.location_id, f"restore {job.job_id}") as step:
            if step.may_begin:
                with context.location_context(
                    job.location_id, priority=Priority.INTERACTIVE, cancelled=cancelled
                ) as location_context:
                    run_job(location_context, job.job_id, WORKER)
                step.begun = True
        done += step.begun
    return done


def is_urgent(context: AppContext, location: Location) -> bool:
    """Whether a restore, a listing or a watch of the location waits: each goes before capturing it. Other locations
    wait for a slice at most. What cannot be told, or failed a moment ago, is not urgent."""
    now, location_id = context.clock.now(), location.location_id
    with context.vault.read() as tx:
        paused = {item.reference for item in list_paused_steps(tx, at=now) if item.location_id == location_id}
        waiting = [job for job in restore_jobs.waiting_jobs(tx, at=now) if job.location_id == location_id]
    if any(f"restore {job.job_id}" not in paused for job in waiting):
        return True
    if "sync" not in paused:
        with suppress(Exception):  # its own turn says what is wrong
            return _due_sync(context, location) is not None
    return False


def _capture(context: AppContext, location: Location, cancelled: Callable[[], bool]) -> None:
    """Capture one slice: a location's turn is short, so that the others need not wait long."""
    with context.location_context(location.location_id, cancelled=cancelled) as location_context:
        budget = CaptureBudget.of(context.settings, location_context.client.limiter, paced=True, at_most=CAPTURE_SLICE)
        report = capture_location(location_context, budget, until=lambda: is_urgent(context, location))
    if report.requests:
        log.info("captured", location=location.location_id, requests=report.requests, reason=report.reason)


def _sync(context: AppContext, location: Location, cancelled: Callable[[], bool], sync: Sync) -> None:
    with context.location_context(location.location_id, cancelled=cancelled) as location_context:
        report = sync(location_context, context.rules(location))
    log.info("synced", location=location.location_id, outcome=report.outcome, seen=report.seen)
