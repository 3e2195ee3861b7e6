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

from hlcore.accounts.oauth_install import pick_up_all
from hlcore.app_context import Office
from hlcore.errors import Cancelled, VaultError
from hlcore.governance.roles import WORKER
from hlcore.highlevel import Priority
from hlcore.model.listing import listing_every
from hlcore.restore.execution.run import run_job
from hlcore.store import runs
from hlcore.store.contacts import search as contact_search
from hlcore.store.locations import Location
from hlcore.store.restores import jobs as restore_jobs
from hlcore.sync.capture.budget import Budget
from hlcore.sync.capture.run import capture
from hlcore.sync.listing.run import sync_location
from hlcore.sync.run_context import Report
from hlcore.sync.watch import watch_location
from hlcore.webhooks.processor import forget_old, handle_deliveries

log = structlog.get_logger(__name__)
PAUSE = 5.0
EAR_PAUSE = 1.0
"""A delivery that another process took in waits for at most so many seconds; one of this process rings."""
HOUR = timedelta(hours=1)
MEMORY_KEPT = timedelta(minutes=10)
QUIET_KEPT = timedelta(days=2)
SLICE = 200
"""Requests of one slice of capturing; then it is another location's turn."""


class Worker:
    """Does what is due until stopped. `beat_at` is the last sign of life."""

    def __init__(self, office: Callable[[], Office | None], *, pause: float = PAUSE) -> None:
        self._office = office
        self._pause = pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vault-worker", daemon=True)
        self._ear = threading.Thread(target=self._listen, name="vault-webhooks", daemon=True)
        self.beat_at: datetime | None = None

    def start(self) -> None:
        """The threads run: one for rounds and jobs, one that no long round keeps from dealing with webhooks."""
        self._thread.start()
        self._ear.start()

    def stop(self, timeout: float = 20.0) -> None:
        """The thread has been asked to stop and has ended, or `timeout` seconds have passed; an interrupted run
        goes on from its checkpoint next time."""
        self._stop.set()
        for thread in (self._thread, self._ear):
            if thread.is_alive():
                thread.join(timeout)

    def _run(self) -> None:
        while not self._stop.is_set():
            office = self._office()
            if office is not None:
                self.beat_at = office.clock.now()
                self._attempt(partial(do_due_work, office, self._stop.is_set))
            self._stop.wait(self._pause)

    def _listen(self) -> None:
        tidied: datetime | None = None
        collected: datetime | None = None
        while not self._stop.is_set():
            office = self._office()
            if office is None:
                self._stop.wait(self._pause)
                continue
            office.bell.clear()
            self._attempt(partial(handle_deliveries, office, self._stop.is_set))
            if tidied is None or office.clock.now() - tidied > HOUR:
                tidied = office.clock.now()
                self._attempt(partial(do_hourly_work, office))
            if collected is None or office.clock.now() - collected > MEMORY_KEPT:
                collected = office.clock.now()
                collect_once()
            office.bell.wait(EAR_PAUSE)

    def _attempt(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Cancelled:
            return
        except VaultError as exc:
            log.warning("worker_trouble", kind=type(exc).__name__, text=str(exc))
        except Exception as exc:
            log.error("worker_defect", kind=type(exc).__name__)


def do_hourly_work(office: Office) -> None:
    """Old ids of deliveries and watches that found nothing are forgotten, and locations on which the app was installed
    are connected."""
    forget_old(office)
    with office.vault.write() as tx:
        runs.forget_quiet_watches(tx, office.clock.now() - QUIET_KEPT)
    if office.settings.has_app:
        pick_up_all(office)


def collect_once() -> None:
    """Python's collector has looked at everything, and until the next call looks only at what is made from now on.

    By itself it looks at everything again and again while a sync makes objects, and every thread stands still: 0.1 to
    0.4 s with the libraries of the pages loaded. Memory in cycles that lasted until now is given back next time."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def do_due_work(office: Office, cancelled: Callable[[], bool]) -> int:
    """Every waiting restore job has been run and every location whose round is due has been synced; how many of both.
    Each location has had a slice of capturing. Raises Cancelled when asked to stop. One location's trouble never keeps
    the others waiting."""
    done = run_waiting_jobs(office, cancelled)
    for location in office.locations():
        if cancelled():
            raise Cancelled("Stopped.")
        if is_due(office, location):
            _look(office, location, cancelled, sync_location)
            done += 1
        elif is_watch_due(office, location):
            _look(office, location, cancelled, watch_location)
            done += 1
        done += run_waiting_jobs(office, cancelled)
        _capture(office, location, cancelled)
    return done


def is_due(office: Office, location: Location) -> bool:
    """Whether the location's next full listing should begin: so long after its last one began as its size and the
    day's requests allow, `sync_minutes` at the soonest. One that died is carried on at once."""
    with office.vault.read() as tx:
        last = runs.newest(tx, location.location_id, "listing")
        if last is None:
            return True
        known = contact_search.counts(tx, [location.location_id]).get(location.location_id, {})
    if last.finished_at is None:
        return not last.holder or runs.is_gone(last.holder)
    every = listing_every(
        office.settings.sync_minutes,
        contacts=sum(known.values()),
        requests_per_day=office.settings.requests_per_day,
    )
    return office.clock.now() - last.started_at >= every


def is_watch_due(office: Office, location: Location) -> bool:
    """Whether the cheap look for deletions should be taken: `watch_minutes` after the last look of either kind."""
    if not office.settings.watch_minutes:
        return False
    with office.vault.read() as tx:
        looks = [runs.newest(tx, location.location_id, kind) for kind in ("watch", "listing")]
    begun = [look.started_at for look in looks if look is not None]
    return not begun or office.clock.now() - max(begun) >= timedelta(minutes=office.settings.watch_minutes)


def run_waiting_jobs(office: Office, cancelled: Callable[[], bool]) -> int:
    """Every confirmed restore job, and every one whose process died, has been carried on; how many."""
    with office.vault.read() as tx:
        waiting = restore_jobs.waiting_jobs(tx, at=office.clock.now())
    for job in waiting:
        with office.client(job.location_id, priority=Priority.INTERACTIVE, cancelled=cancelled) as client:
            run_job(office.vault, client, job.job_id, now=office.clock.now, person=WORKER, cancelled=cancelled)
    return len(waiting)


def is_urgent(office: Office) -> bool:
    """Whether a restore or a round waits: both are worth more than capturing."""
    with office.vault.read() as tx:
        if restore_jobs.waiting_jobs(tx, at=office.clock.now()):
            return True
    return any(is_due(office, each) or is_watch_due(office, each) for each in office.locations())


def _capture(office: Office, location: Location, cancelled: Callable[[], bool]) -> None:
    """One slice: a location's turn is short, so that none waits for another."""
    try:
        with office.client(location.location_id, cancelled=cancelled) as client:
            budget = Budget.of(office.settings, client.limiter, paced=True, at_most=SLICE)
            report = capture(
                office.vault,
                client,
                location.location_id,
                now=office.clock.now,
                budget=budget,
                cancelled=cancelled,
                until=lambda: is_urgent(office),
            )
        if report.requests:
            log.info("captured", location=location.location_id, requests=report.requests, reason=report.reason)
    except Cancelled:
        raise
    except VaultError as exc:
        log.warning("capture_failed", location=location.location_id, kind=type(exc).__name__, text=str(exc))


def _look(office: Office, location: Location, cancelled: Callable[[], bool], how: Callable[..., Report]) -> None:
    try:
        with office.client(location.location_id, cancelled=cancelled) as client:
            report = how(office.vault, client, office.rules(location), now=office.clock.now, cancelled=cancelled)
        log.info("synced", location=location.location_id, outcome=report.outcome, seen=report.seen)
    except Cancelled:
        raise
    except VaultError as exc:
        log.warning("sync_failed", location=location.location_id, kind=type(exc).__name__, text=str(exc))
