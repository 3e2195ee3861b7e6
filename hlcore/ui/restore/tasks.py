"""Restoring from the pages: a plan in the making, and jobs that outlive the browser.

Planning asks HighLevel about each person, so it runs beside the page and its progress is watched; the plan belongs to
the session that asked for it, and so does what was found out for it: the plan for another decision asks only what is
new, and is mostly there before the page is drawn. A confirmed job belongs to the database: this process starts it at
once, the worker takes it up where there is one, and every page that opens `?job=<number>` sees the same progress.
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
from hlcore.model.progress import Progress
from hlcore.restore.execution.run import run_job
from hlcore.restore.job_control import create_job
from hlcore.restore.plan import DOES, Path, Plan, PlanChoices
from hlcore.restore.planning.lookups import LookupCache
from hlcore.restore.planning.planner import DEFAULT, plan
from hlcore.runtime import Runtime
from hlcore.ui.components.contact_picker import ContactRef

__all__ = ["DOES", "PlanTask", "carry_on", "confirm", "job_key", "start_planning", "stop_planning"]

SOON = 0.4
"""Seconds; a plan that is there by then is drawn at once, without showing its progress."""


@dataclass
class PlanTask:
    """Plans for these people, one for each account, in the order of the accounts. `done` also when `error` ended it.
    `found`: by account, what the plans rest on."""

    whos: tuple[ContactRef, ...]
    path: Path
    choices: PlanChoices = DEFAULT
    key: str = field(default_factory=lambda: f"plan:{uuid4().hex}")
    progress: Progress = field(default_factory=lambda: Progress("Planning"))
    plans: list[Plan] = field(default_factory=list)
    found: dict[str, LookupCache] = field(default_factory=dict)
    error: VaultError | None = None
    ended: Event = field(default_factory=Event)

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""
        return self.ended.is_set()

    @property
    def makes(self) -> int:
        """How many people a restore would bring back."""
        return sum(item.action in DOES for one in self.plans for item in one.items)

    @property
    def natives(self) -> int:
        """For how many HighLevel's own restore comes first."""
        return sum(item.action == "use_native" for one in self.plans for item in one.items)

    def is_for(self, whos: Sequence[ContactRef], path: Path, choices: PlanChoices = DEFAULT) -> bool:
        """Whether this is the answer to the question on the page."""
        return self.whos == tuple(whos) and self.path == path and self.choices == choices

    def holds(self, context: AppContext) -> bool:
        """Whether nothing that the plans rest on is known to have changed since, and they are not old. What has changed
        is forgotten. Raises StoreError."""
        now = context.clock.now()
        return all(found.hold(context.vault, location_id, now) for location_id, found in self.found.items())


def start_planning(
    runtime: Runtime,
    context: AppContext,
    whos: Sequence[ContactRef],
    path: Path,
    choices: PlanChoices = DEFAULT,
    *,
    before: PlanTask | None = None,
) -> PlanTask:
    """The planning has begun in the background; what it finds is written into the returned value. `before`: an earlier
    one, whose findings are used as far as they hold."""
    found = before.found if before is not None and before.error is None else {}
    planning = PlanTask(tuple(whos), path, choices, found=found)
    runtime.tasks.start(planning.key, lambda stop: _plan(context, planning, stop))
    planning.ended.wait(SOON)
    return planning


def stop_planning(runtime: Runtime, planning: PlanTask | None) -> None:
    """Nobody waits for this answer any more."""
    if planning is not None:
        runtime.tasks.cancel(planning.key)


def _plan(context: AppContext, planning: PlanTask, stop: Callable[[], bool]) -> None:
    try:
        before = 0
        for location_id, whos in groupby(_by_account(planning.whos), key=_account):
            ids = [who.contact_id for who in whos]
            planning.plans.append(_plan_one(context, planning, location_id, ids, before, stop))
            before += len(ids)
    except Cancelled:
        planning.error = Cancelled("Planning was stopped. Nothing was written.")
    except VaultError as error:
        planning.error = error
    except BaseException:
        planning.error = VaultError("The preview could not be made.", hint="Nothing was written. Try again.")
        raise
    finally:
        planning.ended.set()


def _account(who: ContactRef) -> str:
    return who.location_id


def _by_account(whos: Sequence[ContactRef]) -> list[ContactRef]:
    """Account by account; within one, in the order of choosing."""
    return sorted(whos, key=_account)


def _plan_one(
    context: AppContext, planning: PlanTask, location_id: str, ids: list[str], before: int, stop: Callable[[], bool]
) -> Plan:
    def tell(progress: Progress) -> None:
        planning.progress = Progress(progress.stage, before + progress.done, len(planning.whos))

    with context.client(location_id, priority=Priority.INTERACTIVE, cancelled=stop) as client:
        return plan(
            context.vault,
            client,
            location_id,
            ids,
            path=planning.path,
            now=context.clock.now,
            settings=context.settings,
            choices=planning.choices,
            listener=tell,
            cancelled=stop,
            found=planning.found.setdefault(location_id, LookupCache(context.clock.now())),
        )


def confirm(runtime: Runtime, context: AppContext, planning: PlanTask, user: User) -> list[int]:
    """The plans are jobs that have begun; their numbers. Raises NotAllowed, StoreError."""
    wanted = [one for one in planning.plans if any(item.action in DOES for item in one.items)]
    jobs = [create_job(context.vault, one, user, context.clock.now) for one in wanted]
    for one, job_id in zip(wanted, jobs, strict=True):
        carry_on(runtime, context, one.location_id, job_id, user)
    return jobs


def job_key(job_id: int) -> str:
    """The name of the work on this job in this process."""
    return f"restore:{job_id}"


def carry_on(runtime: Runtime, context: AppContext, location_id: str, job_id: int, user: User) -> bool:
    """Work on the job goes on in the background; False when this process is at it already."""
    return runtime.tasks.start(job_key(job_id), lambda stop: _run(context, location_id, job_id, user, stop))


def _run(context: AppContext, location_id: str, job_id: int, user: User, stop: Callable[[], bool]) -> None:
    try:
        with context.client(location_id, priority=Priority.INTERACTIVE, cancelled=stop) as client:
            run_job(context.vault, client, job_id, now=context.clock.now, user=user, cancelled=stop)
    except RunInProgress:
        return  # another process or the worker has it
