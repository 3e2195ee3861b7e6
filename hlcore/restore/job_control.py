"""Restore jobs as people ask for them: draft → confirmed → running → done; paused and cancelled on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from hlcore.governance.audit import recorded
from hlcore.governance.roles import Action, User
from hlcore.restore.job_context import RETRY
from hlcore.restore.plan import Plan
from hlcore.store import Tx, Vault
from hlcore.store.restores import jobs as restore_jobs
from hlcore.store.restores import journal

Now = Callable[[], datetime]
MADE = ("recreated", "topped_up")


def create_job(vault: Vault, plan: Plan, user: User, now: Now, *, confirmed: bool = True) -> int:
    """The plan is a job, confirmed by this person (or a draft); its number. What the plan skips or leaves to
    HighLevel's own restore is in it too, with the reason. Raises NotAllowed."""
    with recorded(vault, user, Action.RESTORE, now=now, location_id=plan.location_id, subject="plan") as entry:
        items = [(item.contact_id, item.action, item.dump()) for item in plan.items]
        options = {"path": plan.path, "index_lag": plan.index_lag, "choices": msgspec.to_builtins(plan.choices)}
        with vault.write() as tx:
            job_id = restore_jobs.create_job(
                tx, plan.location_id, by=user.email, at=now(), items=items, options=options
            )
            if confirmed:
                restore_jobs.set_state(tx, job_id, "confirmed", at=now())
        entry.subject = f"job {job_id}"
        entry.note(contacts=len(items), confirmed=confirmed, **plan.counts())
    return job_id


def confirm_job(vault: Vault, job_id: int, user: User, now: Now) -> bool:
    """Whether the job may run from now on: a draft is confirmed, a paused one resumed. Raises NotAllowed, NotFound."""
    return _change(vault, job_id, user, now, "confirmed", ("draft", "paused"))


def pause_job(vault: Vault, job_id: int, user: User, now: Now) -> bool:
    """Whether the job is paused: it stops behind the contacts that are in work. Raises NotAllowed, NotFound."""
    return _change(vault, job_id, user, now, "paused", ("confirmed", "running"))


def retry_job(vault: Vault, job_id: int, user: User, now: Now) -> int:
    """Contacts of an ended job that failed, or are not as planned, wait again, and the job may run; how many. What is
    there stays, and nothing is made twice. Raises NotAllowed, NotFound."""
    with vault.read() as tx:
        job = restore_jobs.job(tx, job_id)
    with recorded(vault, user, Action.RESTORE, now=now, location_id=job.location_id, subject=f"job {job_id}") as entry:
        again = 0
        with vault.write() as tx:
            if restore_jobs.job(tx, job_id).state in ("done", "cancelled"):
                for one in list(restore_jobs.iterate_items(tx, job_id)):
                    if one.outcome == "failed" or (one.outcome in MADE and not one.verified):
                        restore_jobs.record_item(tx, job_id, one.contact_id, at=now(), outcome="")
                        _mark(tx, job.location_id, job_id, one.contact_id, now())
                        again += 1
                if again:
                    restore_jobs.set_state(tx, job_id, "confirmed", at=now())
        entry.note(again=again)
    return again


def _mark(tx: Tx, location_id: str, job_id: int, contact_id: str, at: datetime) -> None:
    """The journal says that a new attempt begins, so that earlier refusals do not count."""
    entry = journal.log_request(
        tx, location_id=location_id, job_id=job_id, contact_id=contact_id, step=RETRY, request={}, at=at
    )
    journal.log_response(tx, entry, at=at, status=0, note="asked to try again")


def cancel_job(vault: Vault, job_id: int, user: User, now: Now) -> bool:
    """Whether the job is cancelled: it stops for good, and what was restored stays. Raises NotAllowed, NotFound."""
    return _change(vault, job_id, user, now, "cancelled", ("draft", "confirmed", "running", "paused"))


def _change(vault: Vault, job_id: int, user: User, now: Now, state: str, only_from: Sequence[str]) -> bool:
    with vault.read() as tx:
        location_id = restore_jobs.job(tx, job_id).location_id
    with recorded(vault, user, Action.RESTORE, now=now, location_id=location_id, subject=f"job {job_id}") as entry:
        with vault.write() as tx:
            changed = restore_jobs.set_state(tx, job_id, state, at=now(), only_from=only_from)
        entry.note(state=state, changed=changed)
    return changed
