"""Carrying out a restore job, safe to be killed at any line and to be called again.

On one location one restore works at a time; within it a few contacts at once. What is done is written down contact by
contact. What has to wait (for HighLevel's search to catch up) stays open, and the job is to be run again then.

What a job does to each of its contacts, where that is not a restore.

A job names its kind in its options (`{"kind": …}`); one without a kind is a restore. All kinds share the way in which
jobs are run: one at a time on a location, paused, resumed, cancelled, and safe to be killed at any line.

What came of a contact, written down: outcome, register and the new contact's own bytes, all or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

import msgspec

from hlcore.errors import (
    BudgetSpent,
    Cancelled,
    ContractError,
    LocationInactive,
    RateLimited,
    RunInProgress,
    ScopeMissing,
    StoreError,
    TokenRefused,
    VaultError,
    WrongLocation,
)
from hlcore.governance.audit import recorded
from hlcore.governance.roles import Action, User, require
from hlcore.highlevel import Client
from hlcore.model.contact import parse
from hlcore.model.progress import Listener, Progress, silent
from hlcore.restore import revert, undo
from hlcore.restore.execution.recreate import recreate
from hlcore.restore.execution.top_up import top_up
from hlcore.restore.job_context import ERASED, ItemResult, JobContext, RetryAt
from hlcore.restore.job_control import cancel_job, confirm_job, create_job, pause_job, retry_job
from hlcore.restore.plan import PlanItem
from hlcore.store import Tx, Vault, runs
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions import register
from hlcore.store.restores import jobs as restore_jobs
from hlcore.store.restores.jobs import JobItem, RestoreJob

Handler = Callable[[JobContext, JobItem], ItemResult | RetryAt]
HANDLERS: Mapping[str, Handler] = {undo.KIND: undo.undo, revert.KIND: revert.apply_revert}


def kind_of(job: RestoreJob) -> str:
    """'' for a restore."""
    options = job.options if isinstance(job.options, Mapping) else {}
    return str(options.get("kind") or "")


def handler_of(job: RestoreJob) -> Handler | None:
    """What is done with each contact; None for a restore. Raises KeyError for a kind that nobody knows."""
    kind = kind_of(job)
    return HANDLERS[kind] if kind else None


def record(work: JobContext, contact_id: str, done: ItemResult) -> None:
    """The item has its outcome. A re-created contact is `recreated` in the register, and its new self is in the vault
    as HighLevel sent it, so that no listing takes it for unknown. One whose last copy was added to another, living
    contact is at risk no more: it lives on there, and the register says how. May be repeated."""
    at = work.now()
    with work.vault.write() as tx:
        if done.outcome == "recreated":
            register.recreated(tx, work.location_id, contact_id, new_contact_id=done.new_id, at=at)
            if done.raw is not None:
                _keep(tx, work.location_id, done.new_id, done.raw, at)
        elif done.outcome == "topped_up":
            if done.raw is not None:
                _keep(tx, work.location_id, done.new_id, done.raw, at)
            if done.new_id != contact_id:
                _joined(tx, work, contact_id, done.new_id, at)
        restore_jobs.record_item(
            tx,
            work.job_id,
            contact_id,
            at=at,
            outcome=done.outcome,
            new_contact_id=done.new_id,
            verified=done.verified,
            differences=[one.to_json() for one in done.differences],
            error=done.error,
        )


def _joined(tx: Tx, work: JobContext, contact_id: str, living_id: str, at: datetime) -> None:
    rows = deletion_queries.of_contact(tx, work.location_id, contact_id)
    if not rows or rows[-1].status == "recreated":
        return
    said = f"Restore {work.job_id} added what it held to the living contact {living_id}. {rows[-1].evidence}".strip()
    register.recreated(tx, work.location_id, contact_id, new_contact_id=living_id, at=at, evidence=said)


def _keep(tx: Tx, location_id: str, new_id: str, raw: bytes, at: datetime) -> None:
    """The answer of GET by id is the detail; until a listing brings the row, it stands for the row as well. It does
    not count as evidence that rows tell do-not-disturb."""
    if not contact_writes.held(tx, location_id, [new_id]):
        row = msgspec.structs.replace(parse(raw), has_dnd_settings=False)
        contact_writes.insert(tx, location_id, [row], at=at)
    contact_writes.store_detail(tx, location_id, new_id, raw, at)


__all__ = ["JobResult", "cancel_job", "confirm_job", "create_job", "pause_job", "retry_job", "run_job"]

WORKERS = 12
TICK = 5.0
"""Seconds between two signs of life."""
LEASE = timedelta(minutes=2)
TROUBLES = 3
"""So many contacts in a row that HighLevel could not be asked about end the sitting."""
STOPPERS = (
    TokenRefused,
    WrongLocation,
    LocationInactive,
    BudgetSpent,
    RateLimited,
    ScopeMissing,
    ContractError,
    StoreError,
    Cancelled,
)
"""Errors that the next contact would meet as well."""


def never() -> bool:
    """Nobody asks to stop."""
    return False


@dataclass(frozen=True, slots=True)
class JobResult:
    """How a job stands. `outcomes`: outcome → contacts; `pending` contacts wait until `resume_at`: run it again then.
    `requests` were sent in this sitting."""

    job_id: int
    location_id: str
    state: str
    outcomes: dict[str, int]
    unverified: int
    pending: int
    resume_at: datetime | None
    requests: int

    @property
    def needs_attention(self) -> bool:
        """Whether a person should look: something failed, differs, or still waits."""
        return bool(self.pending or self.unverified or self.outcomes.get("failed"))


def run_job(
    vault: Vault,
    client: Client,
    job_id: int,
    *,
    now: Callable[[], datetime],
    user: User,
    listener: Listener = silent,
    cancelled: Callable[[], bool] = never,
) -> JobResult:
    """Every contact of the job has its outcome, or waits until `resume_at`. May be called again at any time and after
    any end: what is done stays done and nobody is created twice. A job that is not to be run is only reported.

    Raises NotAllowed, NotFound, RunInProgress (another restore works on the location), Cancelled, and HighLevelError
    when HighLevel cannot be asked; the job then waits for the next call."""
    require(user, Action.RESTORE)
    with vault.read() as tx:
        job = restore_jobs.job(tx, job_id)
    lag = timedelta(seconds=float((job.options or {}).get("index_lag", 300)))
    work = JobContext(vault, client, job.location_id, job_id, now, lag)
    due = _due(work)
    if job.state not in ("confirmed", "running") or (due is not None and due > now()):
        return _result(work, due, 0)
    detail = {"requests": 0}
    subject = f"job {job_id}"
    with recorded(vault, user, Action.RESTORE, now=now, location_id=job.location_id, subject=subject) as entry:
        before = client.requests
        try:
            due = _JobRun(work, job, listener, cancelled).run()
        finally:
            detail["requests"] = client.requests - before
            entry.note(**detail)
        result = _result(work, due, detail["requests"])
        entry.note(state=result.state, **result.outcomes)
    return result


def _due(work: JobContext) -> datetime | None:
    """When the first waiting contact can be gone on with, as far as the journal alone tells; None: at once."""
    with work.vault.read() as tx:
        waiting = restore_jobs.items(tx, work.job_id, outcomes=[""])
    first: datetime | None = None
    for item in waiting:
        until = work.waits_until(item.contact_id)
        if until is None:
            return None
        first = until if first is None else min(first, until)
    return first


def _result(work: JobContext, due: datetime | None, requests: int) -> JobResult:
    with work.vault.read() as tx:
        job = restore_jobs.job(tx, work.job_id)
        outcomes = restore_jobs.progress(tx, work.job_id)
        unverified = restore_jobs.differing(tx, work.job_id)
    pending = outcomes.pop("", 0)
    return JobResult(
        job.job_id, job.location_id, job.state, outcomes, unverified, pending, due if pending else None, requests
    )


@dataclass(slots=True)
class _JobRun:
    """One process at work on one job."""

    work: JobContext
    job: RestoreJob
    listener: Listener
    cancelled: Callable[[], bool]
    holder: str = field(default_factory=lambda: f"{runs.this_process()}:{uuid4().hex[:8]}")
    done: int = 0
    succeeded: int = 0
    in_a_row: int = 0
    troubled: dict[str, VaultError] = field(default_factory=dict)
    waiting: list[datetime] = field(default_factory=list)
    stopped: VaultError | None = None

    def run(self) -> datetime | None:
        """All that can be done now is done; when the rest can be."""
        self._claim()
        try:
            self._work_through()
            if self.stopped is not None:
                raise self.stopped
            self._give_up_the_troubled()
        finally:
            self._release()
        return min(self.waiting, default=None)

    @property
    def _lease(self) -> str:
        return f"restore:{self.work.location_id}"

    def _claim(self) -> None:
        at = self.work.now()
        with self.work.vault.write() as tx:
            other = runs.lease_holder(tx, self._lease, at=at)
            if other and runs.is_gone(other):
                runs.release_lease(tx, self._lease, other)
            if not runs.acquire_lease(tx, self._lease, self.holder, at=at, ttl=LEASE):
                raise RunInProgress("Another restore works on this location.")
            restore_jobs.claim_job(tx, self.work.job_id, self.holder, at)
        self.done = self.job.finished

    def _release(self) -> None:
        """Nobody works on it any more; it is done when nothing waits."""
        at = self.work.now()
        with self.work.vault.write() as tx:
            runs.release_lease(tx, self._lease, self.holder)
            job = restore_jobs.job(tx, self.work.job_id)
            if job.holder == self.holder and job.state == "running":
                restore_jobs.set_state(tx, job.job_id, "done" if job.finished == job.total else "confirmed", at=at)

    def _beat(self) -> bool:
        """A sign of life; whether to go on. False when the job was paused, cancelled or taken over."""
        at = self.work.now()
        with self.work.vault.write() as tx:
            runs.renew_lease(tx, self._lease, self.holder, at=at, ttl=LEASE)
            return restore_jobs.beat_job(tx, self.work.job_id, self.holder, at)

    def _work_through(self) -> None:
        todo, busy = self._todo(), dict[Future[ItemResult | RetryAt], str]()
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="restore") as pool:
            more = True
            while more or busy:
                more = more and self._may_go_on()
                while more and len(busy) < WORKERS:
                    item = next(todo, None)
                    if item is None:
                        more = False
                    else:
                        busy[pool.submit(self._one, item)] = item.contact_id
                finished, _ = wait(busy, timeout=TICK, return_when=FIRST_COMPLETED)
                for future in finished:
                    self._take(busy.pop(future), future)
                self.listener(Progress("Restoring", self.done, self.job.total))

    def _may_go_on(self) -> bool:
        if self.stopped is None and self.cancelled():
            self.stopped = Cancelled("Stopped. What was restored stays; the job can go on later.")
        return self.stopped is None and self._beat()

    def _todo(self) -> Iterator[JobItem]:
        """Contacts without an outcome, in the job's order, in constant memory."""
        after = -1
        while True:
            with self.work.vault.read() as tx:
                found = restore_jobs.items(tx, self.work.job_id, after=after, limit=100, outcomes=[""])
            if not found:
                return
            yield from found
            after = found[-1].position

    def _one(self, item: JobItem) -> ItemResult | RetryAt:
        done = self._outcome(item)
        if isinstance(done, ItemResult):
            record(self.work, item.contact_id, done)
        return done

    def _outcome(self, item: JobItem) -> ItemResult | RetryAt:
        if not item.plan:
            return ItemResult("skipped", error=ERASED)
        handler = handler_of(self.job)
        if handler is not None:
            return handler(self.work, item)
        plan = PlanItem.load(item.plan)
        if item.action == "top_up":
            return top_up(self.work, plan)
        return recreate(self.work, plan) if item.action == "recreate" else ItemResult("skipped", error=plan.reason)

    def _take(self, contact_id: str, future: Future[ItemResult | RetryAt]) -> None:
        try:
            found = future.result()
        except STOPPERS as exc:
            self.stopped = self.stopped or exc
        except VaultError as exc:
            self.troubled[contact_id] = exc
            self.in_a_row += 1
            if self.in_a_row >= TROUBLES:
                self.stopped = self.stopped or exc
        else:
            self.in_a_row = 0
            self.succeeded += 1
            if isinstance(found, RetryAt):
                self.waiting.append(found.until)
            else:
                self.done += 1

    def _give_up_the_troubled(self) -> None:
        """Single contacts that HighLevel could not be asked about failed, while others went well; where none did, the
        whole job waits. Raises the error then."""
        for contact_id, exc in self.troubled.items():
            if not self.succeeded:
                raise exc
            record(self.work, contact_id, ItemResult("failed", error=f"{exc} Try again: nobody is created twice."))
