"""The background worker: a sync round per location whenever one is due, restore jobs that wait to be run, and in the
time between, in slices, whatever is not yet safe.

A thread inside the dashboard's process, or `python -m hlcore worker` as a process of its own; several of them share
the work, because every run and job is claimed in the database first.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog

from hlcore.accounts.oauth_install import connect_all_new_locations
from hlcore.app_context import AppContext
from hlcore.errors import Cancelled, VaultError
from hlcore.governance.roles import WORKER
from hlcore.highlevel import Priority
from hlcore.model.listing import listing_every
from hlcore.restore.execution.run import run_job
from hlcore.store import runs
from hlcore.store.contacts import search as contact_search
from hlcore.store.locations import Location
from hlcore.store.restores import jobs as restore_jobs
from hlcore.sync.capture.budget import CaptureBudget
from hlcore.sync.capture.run import capture
from hlcore.sync.listing.run import sync_location
from hlcore.sync.run_context import SyncReport
from hlcore.sync.watch import watch_location
from hlcore.webhooks.processor import forget_old, handle_deliveries

log = structlog.get_logger(__name__)
PAUSE = 5.0
WEBHOOK_POLL_SECONDS = 1.0
"""A delivery that another process took in waits for at most so many seconds; one of this process rings."""
HOUR = timedelta(hours=1)
MEMORY_KEPT = timedelta(minutes=10)
QUIET_KEPT = timedelta(days=2)
SLICE = 200
"""Requests of one slice of capturing; then it is another location's turn."""


class Worker:
    """Does what is due until stopped. `beat_at` is the last sign of life."""

    def __init__(self, context: Callable[[], AppContext | None], *, pause: float = PAUSE) -> None:
        self._office = context
        self._pause = pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vault-worker", daemon=True)
        self._webhook_thread = threading.Thread(target=self._process_webhooks, name="vault-webhooks", daemon=True)
        self.beat_at: datetime | None = None

    def start(self) -> None:
        """The threads run: one for rounds and jobs, one that no long round keeps from dealing with webhooks."""
        self._thread.start()
        self._webhook_thread.start()

    def stop(self, timeout: float = 20.0) -> None:
        """The thread has been asked to stop and has ended, or `timeout` seconds have passed; an interrupted run
        goes on from its checkpoint next time."""
        self._stop.set()
        for thread in (self._thread, self._webhook_thread):
            if thread.is_alive():
                thread.join(timeout)

    def _run(self) -> None:
        while not self._stop.is_set():
            context = self._office()
            if context is not None:
                self.beat_at = context.clock.now()
                self._attempt(partial(do_due_work, context, self._stop.is_set))
            self._stop.wait(self._pause)

    def _process_webhooks(self) -> None:
        tidied: datetime | None = None
        collected: datetime | None = None
        while not self._stop.is_set():
            context = self._office()
            if context is None:
                self._stop.wait(self._pause)
                continue
            context.webhook_received.clear()
            self._attempt(partial(handle_deliveries, context, self._stop.is_set))
            if tidied is None or context.clock.now() - tidied > HOUR:
                tidied = context.clock.now()
                self._attempt(partial(do_hourly_work, context))
            if collected is None or context.clock.now() - collected > MEMORY_KEPT:
                collected = context.clock.now()
                collect_once()
            context.webhook_received.wait(WEBHOOK_POLL_SECONDS)

    def _attempt(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Cancelled:
            return
        except VaultError as exc:
            log.warning("worker_trouble", kind=type(exc).__name__, text=str(exc))
        except Exception as exc:
            log.error("worker_defect", kind=type(exc).__name__)


def do_hourly_work(context: AppContext) -> None:
    """Old ids of deliveries and watches that found nothing are forgotten, and locations on which the app was installed
    are connected."""
    forget_old(context)
    with context.vault.write() as tx:
        runs.forget_quiet_watches(tx, context.clock.now() - QUIET_KEPT)
    if context.settings.has_app:
        connect_all_new_locations(context)


def collect_once() -> None:
    """Python's collector has looked at everything, and until the next call looks only at what is made from now on.

    By itself it looks at everything again and again while a sync makes objects, and every thread stands still: 0.1 to
    0.4 s with the libraries of the pages loaded. Memory in cycles that lasted until now is given back next time."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def do_due_work(context: AppContext, cancelled: Callable[[], bool]) -> int:
    """Every waiting restore job has been run and every location whose round is due has been synced; how many of both.
    Each location has had a slice of capturing. Raises Cancelled when asked to stop. One location's trouble never keeps
    the others waiting."""
    done = run_waiting_jobs(context, cancelled)
    for location in context.locations():
        if cancelled():
            raise Cancelled("Stopped.")
        if is_due(context, location):
            _look(context, location, cancelled, sync_location)
            done += 1
        elif is_watch_due(context, location):
            _look(context, location, cancelled, watch_location)
            done += 1
        done += run_waiting_jobs(context, cancelled)
        _capture(context, location, cancelled)
    return done


def is_due(context: AppContext, location: Location) -> bool:
    """Whether the location's next full listing should begin: so long after its last one began as its size and the
    day's requests allow, `sync_minutes` at the soonest. One that died is carried on at once."""
    with context.vault.read() as tx:
        last = runs.newest(tx, location.location_id, "listing")
        if last is None:
            return True
        known = contact_search.counts(tx, [location.location_id]).get(location.location_id, {})
    if last.finished_at is None:
        return not last.holder or runs.is_gone(last.holder)
    every = listing_every(
        context.settings.sync_minutes,
        contacts=sum(known.values()),
        requests_per_day=context.settings.requests_per_day,
    )
    return context.clock.now() - last.started_at >= every


def is_watch_due(context: AppContext, location: Location) -> bool:
    """Whether the cheap look for deletions should be taken: `watch_minutes` after the last look of either kind."""
    if not context.settings.watch_minutes:
        return False
    with context.vault.read() as tx:
        looks = [runs.newest(tx, location.location_id, kind) for kind in ("watch", "listing")]
    begun = [look.started_at for look in looks if look is not None]
    return not begun or context.clock.now() - max(begun) >= timedelta(minutes=context.settings.watch_minutes)


def run_waiting_jobs(context: AppContext, cancelled: Callable[[], bool]) -> int:
    """Every confirmed restore job, and every one whose process died, has been carried on; how many."""
    with context.vault.read() as tx:
        waiting = restore_jobs.waiting_jobs(tx, at=context.clock.now())
    for job in waiting:
        with context.client(job.location_id, priority=Priority.INTERACTIVE, cancelled=cancelled) as client:
            run_job(context.vault, client, job.job_id, now=context.clock.now, user=WORKER, cancelled=cancelled)
    return len(waiting)


def is_urgent(context: AppContext) -> bool:
    """Whether a restore or a round waits: both are worth more than capturing."""
    with context.vault.read() as tx:
        if restore_jobs.waiting_jobs(tx, at=context.clock.now()):
            return True
    return any(is_due(context, each) or is_watch_due(context, each) for each in context.locations())


def _capture(context: AppContext, location: Location, cancelled: Callable[[], bool]) -> None:
    """One slice: a location's turn is short, so that none waits for another."""
    try:
        with context.client(location.location_id, cancelled=cancelled) as client:
            budget = CaptureBudget.of(context.settings, client.limiter, paced=True, at_most=SLICE)
            report = capture(
                context.vault,
                client,
                location.location_id,
                now=context.clock.now,
                budget=budget,
                cancelled=cancelled,
                until=lambda: is_urgent(context),
            )
        if report.requests:
            log.info("captured", location=location.location_id, requests=report.requests, reason=report.reason)
    except Cancelled:
        raise
    except VaultError as exc:
        log.warning("capture_failed", location=location.location_id, kind=type(exc).__name__, text=str(exc))


def _look(
    context: AppContext, location: Location, cancelled: Callable[[], bool], how: Callable[..., SyncReport]
) -> None:
    try:
        with context.client(location.location_id, cancelled=cancelled) as client:
            report = how(context.vault, client, context.rules(location), now=context.clock.now, cancelled=cancelled)
        log.info("synced", location=location.location_id, outcome=report.outcome, seen=report.seen)
    except Cancelled:
        raise
    except VaultError as exc:
        log.warning("sync_failed", location=location.location_id, kind=type(exc).__name__, text=str(exc))
