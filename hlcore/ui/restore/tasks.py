"""Planning and running restores in the background of the pages.

Planning asks HighLevel about each contact, so it runs beside the page, which watches its progress. The plan belongs to
the session that asked for it, and so do the answers: the plan for another decision asks only for what is new. A
confirmed job belongs to the database: this process starts it at once, the worker takes it up where there is one, and
every page that opens `?job=<number>` sees the same progress.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from threading import Event
from uuid import uuid4

from hlcore.app_context import AppContext
from hlcore.errors import Cancelled, RunInProgress, VaultError
from hlcore.governance.roles import User
from hlcore.highlevel import Priority
from hlcore.model.callbacks import Progress
from hlcore.restore.execution.run import run_job
from hlcore.restore.job_control import create_job
from hlcore.restore.plan import WRITING_ACTIONS, Plan, PlanChoices, RestorePath
from hlcore.restore.planning.lookups import LookupCache
from hlcore.restore.planning.planner import DEFAULT_CHOICES
from hlcore.restore.planning.planner import plan as make_plan
from hlcore.runtime import Runtime
from hlcore.ui.components.contact_picker import ContactRef

MAX_WAIT = 0.4
"""Seconds; a plan that is there by then is drawn at once, without showing its progress."""


@dataclass
class PlanTask:
    """The plans for these contacts, one for each location. `done` also when `error` ended the planning. `lookups`:
    location id → the answers of HighLevel that the plans rest on."""

    contacts: tuple[ContactRef, ...]
    path: RestorePath
    choices: PlanChoices = DEFAULT_CHOICES
    key: str = field(default_factory=lambda: f"plan:{uuid4().hex}")
    progress: Progress = field(default_factory=lambda: Progress("Planning"))
    plans: list[Plan] = field(default_factory=list)
    lookups: dict[str, LookupCache] = field(default_factory=dict)
    error: VaultError | None = None
    finished: Event = field(default_factory=Event)

    @property
    def done(self) -> bool:
        """Whether planning has ended."""
        return self.finished.is_set()

    @property
    def restorable_count(self) -> int:
        """How many contacts a restore would bring back."""
        return sum(item.action in WRITING_ACTIONS for plan in self.plans for item in plan.items)

    @property
    def native_count(self) -> int:
        """For how many contacts HighLevel's own restore comes first."""
        return sum(item.action == "use_native" for plan in self.plans for item in plan.items)

    def is_for(self, contacts: Sequence[ContactRef], path: RestorePath, choices: PlanChoices = DEFAULT_CHOICES) -> bool:
        """Whether these plans are for these contacts and decisions."""
        return self.contacts == tuple(contacts) and self.path == path and self.choices == choices

    def is_current(self, context: AppContext) -> bool:
        """Whether the plans are recent and nothing that they rest on is known to have changed. Drops the answers that
        have. Raises StoreError."""
        now = context.clock.now()
        return all(lookups.revalidate(context.vault, location_id, now) for location_id, lookups in self.lookups.items())


def start_planning(
    runtime: Runtime,
    context: AppContext,
    contacts: Sequence[ContactRef],
    path: RestorePath,
    choices: PlanChoices = DEFAULT_CHOICES,
    *,
    previous: PlanTask | None = None,
) -> PlanTask:
    """Start planning in the background and return the task, after a short wait in which a quick plan is ready. The
    answers that `previous` got are used as far as they are still valid."""
    lookups = previous.lookups if previous is not None and previous.error is None else {}
    task = PlanTask(tuple(contacts), path, choices, lookups=lookups)
    runtime.tasks.start(task.key, lambda stop: _plan(context, task, stop))
    task.finished.wait(MAX_WAIT)
    return task


def stop_planning(runtime: Runtime, task: PlanTask | None) -> None:
    """Stop a plan that nobody waits for any more."""
    if task is not None:
        runtime.tasks.cancel(task.key)


def _plan(context: AppContext, task: PlanTask, stop: Callable[[], bool]) -> None:
    try:
        done = 0
        for location_id, contacts in groupby(_by_location(task.contacts), key=_location_of):
            ids = [contact.contact_id for contact in contacts]
            task.plans.append(_plan_location(context, task, location_id, ids, done, stop))
            done += len(ids)
    except Cancelled:
        task.error = Cancelled("Planning was stopped. Nothing was written.")
    except VaultError as error:
        task.error = error
    except BaseException:
        task.error = VaultError("The preview could not be made.", hint="Nothing was written. Try again.")
        raise
    finally:
        task.finished.set()


def _location_of(contact: ContactRef) -> str:
    return contact.location_id


def _by_location(contacts: Sequence[ContactRef]) -> list[ContactRef]:
    """Sort by location; within one, keep the order of choosing."""
    return sorted(contacts, key=_location_of)


def _plan_location(
    context: AppContext, task: PlanTask, location_id: str, ids: list[str], done: int, stop: Callable[[], bool]
) -> Plan:
    def report(progress: Progress) -> None:
        task.progress = Progress(progress.stage, done + progress.done, len(task.contacts))

    cache = task.lookups.setdefault(location_id, LookupCache(context.clock.now()))
    with context.location_context(
        location_id, priority=Priority.INTERACTIVE, listener=report, cancelled=stop
    ) as location:
        return make_plan(location, ids, context.settings, path=task.path, choices=task.choices, cache=cache)


def start_restore(runtime: Runtime, context: AppContext, task: PlanTask, user: User) -> list[int]:
    """Create and start a job for each plan with something to write, and return their ids. Raises NotAllowed,
    StoreError."""
    plans = [plan for plan in task.plans if any(item.action in WRITING_ACTIONS for item in plan.items)]
    job_ids = [create_job(context.vault, plan, user, context.clock.now) for plan in plans]
    for location_id, job_id in zip([plan.location_id for plan in plans], job_ids, strict=True):
        start_job(runtime, context, location_id, job_id, user)
    return job_ids


def job_key(job_id: int) -> str:
    """Return the name of the background task that works on this job."""
    return f"restore:{job_id}"


def start_job(runtime: Runtime, context: AppContext, location_id: str, job_id: int, user: User) -> bool:
    """Work on the job in the background; False when this process is at it already."""
    return runtime.tasks.start(job_key(job_id), lambda stop: _run_job(context, location_id, job_id, user, stop))


def _run_job(context: AppContext, location_id: str, job_id: int, user: User, stop: Callable[[], bool]) -> None:
    try:
        with context.location_context(location_id, priority=Priority.INTERACTIVE, cancelled=stop) as location:
            run_job(location, job_id, user)
    except RunInProgress:
        return  # another process or the worker has it
