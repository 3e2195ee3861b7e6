"""Creates, confirms, pauses, cancels and retries restore jobs: draft → confirmed → running → done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from hlcore.errors import RunInProgress
from hlcore.governance.audit import audited
from hlcore.governance.roles import Action, User
from hlcore.model.callbacks import Now
from hlcore.restore.journal_entries import RETRY
from hlcore.restore.plan import WRITING_ACTIONS, Plan, PlanItem
from hlcore.store import Tx, Vault
from hlcore.store.restores import jobs as restore_jobs
from hlcore.store.restores import journal
from hlcore.store.restores.jobs import RestoreJob

RESTORED_OUTCOMES = ("recreated", "topped_up")


def job_kind(job: RestoreJob) -> str:
    """Return the kind that the job's options name; '' for a restore."""
    options = job.options if isinstance(job.options, Mapping) else {}
    return str(options.get("kind") or "")


def create_job(vault: Vault, plan: Plan, user: User, now: Now, *, confirmed: bool = True) -> int:
    """Create a confirmed job (or a draft) of this plan; return its number. What the plan skips or leaves to HighLevel's
    own restore is in it too, with the reason, and so is a contact that meanwhile waits in another job: it is skipped.
    Raises NotAllowed; RunInProgress when every contact that would be written waits in another job."""
    with audited(vault, user, Action.RESTORE, now=now, location_id=plan.location_id, subject="plan") as entry:
        options = {"path": plan.path, "index_lag": plan.index_lag, "choices": msgspec.to_builtins(plan.choices)}
        with vault.write() as tx:
            planned = _without_contacts_of_other_jobs(tx, plan)
            items = [(item.contact_id, item.action, item.dump()) for item in planned]
            job_id = restore_jobs.create_job(
                tx, plan.location_id, by=user.email, at=now(), items=items, options=options
            )
            if confirmed:
                restore_jobs.set_state(tx, job_id, "confirmed", at=now())
        entry.subject = f"job {job_id}"
        entry.add(contacts=len(items), confirmed=confirmed, **Counter(str(item.action) for item in planned))
    return job_id


def in_another_job(job_id: int) -> str:
    """Return why a contact that waits in this job is not taken up by another."""
    return f"Job {job_id} has not ended and writes this contact already. Nothing is written twice."


def _without_contacts_of_other_jobs(tx: Tx, plan: Plan) -> list[PlanItem]:
    taken = restore_jobs.jobs_of_waiting_contacts(tx, [plan.location_id])
    items = [
        PlanItem(contact_id=item.contact_id, name=item.name, action="skip", reason=in_another_job(job_id))
        if item.action in WRITING_ACTIONS and (job_id := taken.get((plan.location_id, item.contact_id)))
        else item
        for item in plan.items
    ]
    if items != list(plan.items) and not any(item.action in WRITING_ACTIONS for item in items):
        raise RunInProgress(
            "Everybody of this plan is being restored already.", hint="Watch that restore, or stop it first."
        )
    return items


def confirm_job(vault: Vault, job_id: int, user: User, now: Now) -> bool:
    """Confirm a draft or resume a paused job; return whether it may run. Contacts of a draft that meanwhile wait in
    another job are skipped. Raises NotAllowed, NotFound."""
    return _change_state(vault, job_id, user, now, "confirmed", ("draft", "paused"))


def pause_job(vault: Vault, job_id: int, user: User, now: Now) -> bool:
    """Pause the job after the contacts that are being worked on; return whether it is paused. Raises NotAllowed,
    NotFound."""
    return _change_state(vault, job_id, user, now, "paused", ("confirmed", "running"))


def cancel_job(vault: Vault, job_id: int, user: User, now: Now) -> bool:
    """Stop the job for good; what was restored stays. Return whether it is cancelled. Raises NotAllowed, NotFound."""
    return _change_state(vault, job_id, user, now, "cancelled", ("draft", "confirmed", "running", "paused"))


def retry_job(vault: Vault, job_id: int, user: User, now: Now) -> int:
    """Let contacts of an ended job that failed or are not as planned wait again, and confirm the job; return how many.
    What exists stays, and nothing is created twice. Raises NotAllowed, NotFound."""
    with vault.read() as tx:
        job = restore_jobs.get_job(tx, job_id)
    with audited(vault, user, Action.RESTORE, now=now, location_id=job.location_id, subject=f"job {job_id}") as entry:
        retried = 0
        with vault.write() as tx:
            if restore_jobs.get_job(tx, job_id).state in ("done", "cancelled"):
                taken = restore_jobs.jobs_of_waiting_contacts(tx, [job.location_id])
                for item in list(restore_jobs.iterate_items(tx, job_id)):
                    if (job.location_id, item.contact_id) in taken:
                        continue
                    if item.outcome == "failed" or (item.outcome in RESTORED_OUTCOMES and not item.verified):
                        restore_jobs.record_outcome(tx, job_id, item.contact_id, at=now(), outcome="")
                        _log_retry(tx, job.location_id, job_id, item.contact_id, now())
                        retried += 1
                if retried:
                    restore_jobs.set_state(tx, job_id, "confirmed", at=now())
        entry.add(again=retried)
    return retried


def _log_retry(tx: Tx, location_id: str, job_id: int, contact_id: str, at: datetime) -> None:
    """Log that a new attempt begins, so that earlier refusals do not count."""
    entry = journal.log_request(
        tx, location_id=location_id, job_id=job_id, contact_id=contact_id, step=RETRY, request={}, at=at
    )
    journal.log_response(tx, entry.entry_id, at=at, status=0, note="asked to try again")


def _change_state(vault: Vault, job_id: int, user: User, now: Now, state: str, only_from: Sequence[str]) -> bool:
    with vault.read() as tx:
        location_id = restore_jobs.get_job(tx, job_id).location_id
    with audited(vault, user, Action.RESTORE, now=now, location_id=location_id, subject=f"job {job_id}") as entry:
        with vault.write() as tx:
            if state == "confirmed" and restore_jobs.get_job(tx, job_id).state == "draft":
                _skip_contacts_of_other_jobs(tx, job_id, location_id, now())
            changed = restore_jobs.set_state(tx, job_id, state, at=now(), only_from=only_from)
        entry.add(state=state, changed=changed)
    return changed


def _skip_contacts_of_other_jobs(tx: Tx, job_id: int, location_id: str, at: datetime) -> None:
    taken = restore_jobs.jobs_of_waiting_contacts(tx, [location_id])
    for item in list(restore_jobs.iterate_items(tx, job_id)) if taken else ():
        other = taken.get((location_id, item.contact_id))
        if other is not None:
            reason = in_another_job(other)
            restore_jobs.record_outcome(tx, job_id, item.contact_id, at=at, outcome="skipped", error=reason)
