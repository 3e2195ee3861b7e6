"""Undoes a restore: deletes what it created again, unless it was touched since.

An undo is a job of its own, run, paused and resumed like a restore (`execution.apply_undo`). Contacts that the restore
only topped up stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from hlcore.errors import NotFound
from hlcore.governance.audit import audited
from hlcore.governance.roles import Action, User
from hlcore.model.callbacks import Now
from hlcore.model.lifecycle import LIVE, Status
from hlcore.restore.plan import PlanItem
from hlcore.store import Tx, Vault
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.restores import jobs as restore_jobs
from hlcore.store.restores.jobs import JobItem, RestoreJob

KIND = "undo"
ENDED = ("done", "cancelled")
REQUESTS = 8
"""Per contact: reading it and all that belongs to it, and deleting it."""


class UndoPreview(msgspec.Struct, frozen=True, kw_only=True):
    """What undoing a restore would do: the `created` contacts are checked one by one, and those that were not touched
    are deleted. `stays`: contacts that the restore did not create. `refusal`: why it cannot be undone now, '' when it
    can; `undo_id`: the undo that is under way, 0 for none."""

    job_id: int
    created: int
    stays: int
    requests: int
    refusal: str = ""
    undo_id: int = 0


def preview(vault: Vault, job_id: int) -> UndoPreview:
    """Return what undoing this restore would do, as far as the vault knows. Raises NotFound."""
    with vault.read() as tx:
        job = restore_jobs.get_job(tx, job_id)
        created = _created_items(tx, job)
        jobs = restore_jobs.list_jobs(tx, [job.location_id], limit=500)
    under_way = (other.job_id for other in jobs if _is_undo_of(other.options, job_id) and other.state not in ENDED)
    undo_id = next(under_way, 0)
    refusal = ""
    if (job.options or {}).get("kind"):
        refusal = "Only a restore can be undone."
    elif job.state not in ENDED:
        refusal = "This restore has not ended yet. Stop it first, or wait."
    elif undo_id:
        refusal = f"Job {undo_id} is undoing it already."
    elif not created:
        refusal = "It created nobody, so there is nothing to undo."
    return UndoPreview(
        job_id=job_id,
        created=len(created),
        stays=job.total - len(created),
        requests=len(created) * REQUESTS,
        refusal=refusal,
        undo_id=undo_id,
    )


def create_undo(vault: Vault, job_id: int, user: User, now: Now, *, only: Collection[str] = ()) -> int:
    """Create a confirmed job that undoes this restore, of the contacts `only` where given (by their old ids); return
    its number. Raises NotAllowed, NotFound (also, with the reason, when it cannot be undone)."""
    with vault.read() as tx:
        job = restore_jobs.get_job(tx, job_id)
    subject = f"undo of job {job_id}"
    with audited(vault, user, Action.RESTORE, now=now, location_id=job.location_id, subject=subject) as entry:
        refusal = preview(vault, job_id).refusal
        if refusal:
            raise NotFound(refusal)
        with vault.write() as tx:
            created = _created_items(tx, job)
            items = [_undo_item(item) for item in created if not only or item.contact_id in only]
            undo_id = restore_jobs.create_job(
                tx,
                job.location_id,
                by=user.email,
                at=now(),
                items=[(item.contact_id, KIND, item.dump()) for item in items],
                options={"kind": KIND, "undoes": job_id, "index_lag": (job.options or {}).get("index_lag", 300)},
            )
            restore_jobs.set_state(tx, undo_id, "confirmed", at=now())
        entry.add(job=undo_id, contacts=len(items))
    return undo_id


def _undo_item(item: JobItem) -> PlanItem:
    return PlanItem(
        contact_id=item.contact_id,
        name=PlanItem.load(item.plan).name if item.plan else "",
        action="undo",
        reason=f"Restore {item.job_id} created this person as {item.new_contact_id}.",
        requests=REQUESTS,
        body={"new_id": item.new_contact_id, "job_id": item.job_id},
    )


def _created_items(tx: Tx, job: RestoreJob) -> list[JobItem]:
    """Return the contacts that the job created and that live on under their new ids, as far as the vault knows."""
    items = restore_jobs.iterate_items(tx, job.job_id)
    created = [item for item in items if item.outcome == "recreated" and item.new_contact_id]
    ids = [contact_id for item in created for contact_id in (item.contact_id, item.new_contact_id)]
    status = {
        known.contact_id: known.status for known in contact_reads.known_contacts(tx, job.location_id, ids).values()
    }
    return [
        item
        for item in created
        if status.get(item.contact_id) == Status.RECREATED
        or (status.get(item.contact_id) in LIVE and status.get(item.new_contact_id) in LIVE)  # came back besides
    ]


def _is_undo_of(options: object, job_id: int) -> bool:
    return isinstance(options, dict) and options.get("kind") == KIND and options.get("undoes") == job_id
