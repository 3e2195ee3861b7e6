"""Carries out a job, safe to be killed at any line and to be called again.

One job works on a location at a time; within it a few contacts at once. Outcomes are recorded contact by contact. What
has to wait (for HighLevel's search to catch up) stays open, and the job is run again then. Restores, undos and reverts
share all of this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

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
from hlcore.governance.audit import audited
from hlcore.governance.roles import Action, User, require
from hlcore.location_context import LocationContext
from hlcore.model.callbacks import Progress
from hlcore.restore import revert, undo
from hlcore.restore.execution.apply_revert import apply_revert
from hlcore.restore.execution.apply_undo import apply_undo
from hlcore.restore.execution.outcomes import record_outcome
from hlcore.restore.execution.recreate import recreate
from hlcore.restore.execution.top_up import top_up
from hlcore.restore.job_context import ERASED, ItemResult, JobContext, RetryAt
from hlcore.restore.plan import PlanItem
from hlcore.store import leases
from hlcore.store.restores import jobs as restore_jobs
from hlcore.store.restores.jobs import JobItem, RestoreJob

HANDLERS: Mapping[str, Callable[[JobContext, PlanItem], ItemResult | RetryAt]] = {
    "recreate": recreate,
    "top_up": top_up,
    undo.KIND: apply_undo,
    revert.KIND: apply_revert,
}
"""By the item's action; "skip" and "use_native" need none."""
WORKERS = 12
TICK_SECONDS = 5.0
"""Seconds between two heartbeats."""
LEASE = timedelta(minutes=2)
MAX_CONSECUTIVE_ERRORS = 3
"""Contacts in a row that HighLevel could not be asked about before the run ends."""
STOPPING_ERRORS = (
    TokenRefused,
    WrongLocation,
    LocationInactive,
    BudgetSpent,
    RateLimited,
    RunInProgress,
    ScopeMissing,
    ContractError,
    StoreError,
    Cancelled,
)
"""Errors that the next contact would meet as well."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """How a job stands. `outcomes`: outcome → contacts; `pending` contacts wait until `resume_at`: run it again then.
    `requests`: sent in this run."""

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
        """Whether a user should look: something failed, differs, or still waits."""
        return bool(self.pending or self.unverified or self.outcomes.get("failed"))


def run_job(context: LocationContext, job_id: int, user: User) -> JobResult:
    """Give every contact of the job its outcome, or let it wait until `resume_at`. May be called again at any time and
    after any end: what is done stays done and nothing is created twice. A job that must not run is only reported.

    Raises NotAllowed, NotFound, RunInProgress (another restore works on the location), Cancelled, and HighLevelError
    when HighLevel cannot be asked; the job then waits for the next call."""
    require(user, Action.RESTORE)
    with context.vault.read() as tx:
        job = restore_jobs.get_job(tx, job_id)
    job_context = _job_context(context, job)
    resume_at = _blocked_until(job_context)
    if job.state not in ("confirmed", "running") or (resume_at is not None and resume_at > context.now()):
        return _result(job_context, resume_at, 0)
    job_run = _JobRun(job_context, job)
    job_run.claim()  # before the audit log: waiting for another job is no failure of this one
    requests_before = context.client.requests
    subject = f"job {job_id}"
    with audited(
        context.vault, user, Action.RESTORE, now=context.now, location_id=job.location_id, subject=subject
    ) as entry:
        try:
            resume_at = job_run.run()
        finally:
            requests = context.client.requests - requests_before
            entry.add(requests=requests)
        result = _result(job_context, resume_at, requests)
        entry.add(state=result.state, **result.outcomes)
    return result


def _job_context(context: LocationContext, job: RestoreJob) -> JobContext:
    return JobContext(
        vault=context.vault,
        client=context.client,
        location_id=job.location_id,
        now=context.now,
        listener=context.listener,
        cancelled=context.cancelled,
        job_id=job.job_id,
        index_lag=timedelta(seconds=float((job.options or {}).get("index_lag", 300))),
    )


def _blocked_until(context: JobContext) -> datetime | None:
    """Return when work on the first waiting contact can continue, as far as the journal alone tells; None: now."""
    with context.vault.read() as tx:
        waiting = restore_jobs.list_items(tx, context.job_id, outcomes=[""])
    first: datetime | None = None
    for item in waiting:
        until = context.blocked_until(item.contact_id)
        if until is None:
            return None
        first = until if first is None else min(first, until)
    return first


def _result(context: JobContext, resume_at: datetime | None, requests: int) -> JobResult:
    with context.vault.read() as tx:
        job = restore_jobs.get_job(tx, context.job_id)
        outcomes = restore_jobs.count_by_outcome(tx, context.job_id)
        unverified = restore_jobs.count_differing(tx, context.job_id)
    pending = outcomes.pop("", 0)
    return JobResult(
        job_id=job.job_id,
        location_id=job.location_id,
        state=job.state,
        outcomes=outcomes,
        unverified=unverified,
        pending=pending,
        resume_at=resume_at if pending else None,
        requests=requests,
    )


@dataclass(slots=True)
class _JobRun:
    """One process working on one job. `errors`: by contact, why HighLevel could not be asked about it; `stop_error`:
    why the whole run ends."""

    context: JobContext
    job: RestoreJob
    holder: str = field(default_factory=lambda: f"{leases.this_process()}:{uuid4().hex[:8]}")
    done: int = 0
    succeeded: int = 0
    consecutive_errors: int = 0
    errors: dict[str, VaultError] = field(default_factory=dict)
    waiting: list[datetime] = field(default_factory=list)
    stop_error: VaultError | None = None

    def run(self) -> datetime | None:
        """Do all that can be done now and give the claimed job up; return when the rest can be done."""
        try:
            self._process_all()
            if self.stop_error is not None:
                raise self.stop_error
            self._fail_unreachable_contacts()
        finally:
            self._release()
        return min(self.waiting, default=None)

    @property
    def _lease(self) -> str:
        return f"restore:{self.context.location_id}"

    def claim(self) -> None:
        """Hold the job and its location. Raises RunInProgress while another job works on the location."""
        at = self.context.now()
        with self.context.write() as tx:
            if not leases.acquire(tx, self._lease, self.holder, at=at, ttl=LEASE):
                raise RunInProgress("Another restore works on this location.")
            restore_jobs.claim_job(tx, self.job.job_id, self.holder, at)
        self.done = self.job.finished

    def _release(self) -> None:
        """Give the job up; it is done when nothing waits."""
        at = self.context.now()
        with self.context.write() as tx:
            leases.release(tx, self._lease, self.holder)
            job = restore_jobs.get_job(tx, self.job.job_id)
            if job.holder == self.holder and job.state == "running":
                restore_jobs.set_state(tx, job.job_id, "done" if job.finished == job.total else "confirmed", at=at)

    def _heartbeat(self) -> bool:
        """Return whether to continue: False when the job was paused, cancelled or taken over."""
        at = self.context.now()
        with self.context.write() as tx:
            leases.renew(tx, self._lease, self.holder, at=at, ttl=LEASE)
            return restore_jobs.record_heartbeat(tx, self.job.job_id, self.holder, at)

    def _process_all(self) -> None:
        items, busy = self._waiting_items(), dict[Future[ItemResult | RetryAt], str]()
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="restore") as pool:
            more = True
            while more or busy:
                more = more and self._may_continue()
                while more and len(busy) < WORKERS:
                    item = next(items, None)
                    if item is None:
                        more = False
                    else:
                        busy[pool.submit(self._process, item)] = item.contact_id
                finished, _ = wait(busy, timeout=TICK_SECONDS, return_when=FIRST_COMPLETED)
                for future in finished:
                    self._count(busy.pop(future), future)
                self.context.listener(Progress("Restoring", self.done, self.job.total))

    def _may_continue(self) -> bool:
        if self.stop_error is None and self.context.cancelled():
            self.stop_error = Cancelled("Stopped. What was restored stays; the job can go on later.")
        return self.stop_error is None and self._heartbeat()

    def _waiting_items(self) -> Iterator[JobItem]:
        """Yield the contacts without an outcome, in the job's order, in constant memory."""
        after = -1
        while True:
            with self.context.vault.read() as tx:
                items = restore_jobs.list_items(tx, self.job.job_id, after=after, limit=100, outcomes=[""])
            if not items:
                return
            yield from items
            after = items[-1].position

    def _process(self, item: JobItem) -> ItemResult | RetryAt:
        result = self._carry_out(item)
        if isinstance(result, ItemResult):
            record_outcome(self.context, item.contact_id, result)
        return result

    def _carry_out(self, item: JobItem) -> ItemResult | RetryAt:
        if not item.plan:
            return ItemResult("skipped", error=ERASED)
        plan = PlanItem.load(item.plan)
        if item.action in ("skip", "use_native"):
            return ItemResult("skipped", error=plan.reason)
        with self.context.attempt(item.contact_id):
            return HANDLERS[item.action](self.context, plan)

    def _count(self, contact_id: str, future: Future[ItemResult | RetryAt]) -> None:
        try:
            result = future.result()
        except STOPPING_ERRORS as exc:
            self.stop_error = self.stop_error or exc
        except VaultError as exc:
            self.errors[contact_id] = exc
            self.consecutive_errors += 1
            if self.consecutive_errors >= MAX_CONSECUTIVE_ERRORS:
                self.stop_error = self.stop_error or exc
        else:
            self.consecutive_errors = 0
            self.succeeded += 1
            if isinstance(result, RetryAt):
                self.waiting.append(result.until)
            else:
                self.done += 1

    def _fail_unreachable_contacts(self) -> None:
        """Record single contacts that HighLevel could not be asked about as failed while others succeeded. Where none
        did, raise the error: the whole job waits."""
        for contact_id, exc in self.errors.items():
            if not self.succeeded:
                raise exc
            error = f"{exc} Try again: nobody is created twice."
            record_outcome(self.context, contact_id, ItemResult("failed", error=error))
