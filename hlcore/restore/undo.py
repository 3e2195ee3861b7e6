"""Undoing a restore: what it created is deleted again, as long as nobody has touched it since.

An undo is a job of its own, run, paused and resumed like a restore. Each delete is in the journal before it is sent.
Afterwards the register stands as before the restore: the person is deleted, under the old id, and can be restored
again. Contacts that the restore only topped up stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hlcore.errors import AnswerLost, Cancelled, Gone, HighLevelError, NotFound, Rejected, Unreachable
from hlcore.governance.record import recorded
from hlcore.governance.roles import Act, Person
from hlcore.model.lifecycle import Status
from hlcore.model.parts import decode
from hlcore.restore import live
from hlcore.restore.jobs import Now
from hlcore.restore.plan import PlanItem
from hlcore.restore.recreate import Done, Later
from hlcore.restore.untouched import baseline, entries_of, touched
from hlcore.restore.work import UNSURE, Work, creates
from hlcore.store import Tx, Vault, contacts, restores, undoing
from hlcore.store.restores import Entry, Item, Job

KIND = "undo"
DELETE = "delete_contact"
UNDONE = "undone"
ENDED = ("done", "cancelled")
REQUESTS = 8
"""Reading the contact and all that belongs to it, and deleting it."""


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What undoing a restore would do: `created` contacts are looked at again one by one, and those that nobody has
    touched are deleted. `stays`: contacts that the restore did not create. `refusal`: why it cannot be undone now, ''
    when it can; `undo_id`: the undo that there is already, 0 for none."""

    job_id: int
    created: int
    stays: int
    requests: int
    refusal: str = ""
    undo_id: int = 0


def preview(vault: Vault, job_id: int) -> Preview:
    """What undoing this restore would do, as far as the vault knows; nothing is asked of HighLevel. Raises NotFound."""
    with vault.read() as tx:
        job = restores.job(tx, job_id)
        mine = list(_made(tx, job))
        others = restores.list_jobs(tx, [job.location_id], limit=500)
    under_way = (one.job_id for one in others if _undoes(one.options, job_id) and one.state not in ENDED)
    undo_id = next(under_way, 0)
    refusal = ""
    if (job.options or {}).get("kind"):
        refusal = "Only a restore can be undone."
    elif job.state not in ENDED:
        refusal = "This restore has not ended yet. Stop it first, or wait."
    elif undo_id:
        refusal = f"Job {undo_id} is undoing it already."
    elif not mine:
        refusal = "It created nobody, so there is nothing to undo."
    return Preview(
        job_id=job_id,
        created=len(mine),
        stays=job.total - len(mine),
        requests=len(mine) * REQUESTS,
        refusal=refusal,
        undo_id=undo_id,
    )


def create_undo(vault: Vault, job_id: int, person: Person, now: Now) -> int:
    """The undo of this restore is a confirmed job; its number. Raises NotAllowed, NotFound (also when there is nothing
    to undo, in words)."""
    with vault.read() as tx:
        job = restores.job(tx, job_id)
    said = f"undo of job {job_id}"
    with recorded(vault, person, Act.RESTORE, now=now, location_id=job.location_id, subject=said) as entry:
        told = preview(vault, job_id)
        if told.refusal:
            raise NotFound(told.refusal)
        with vault.write() as tx:
            items = [_planned(one) for one in _made(tx, job)]
            lag = (job.options or {}).get("index_lag", 300)
            undo_id = restores.create_job(
                tx,
                job.location_id,
                by=person.email,
                at=now(),
                items=[(one.contact_id, KIND, one.dump()) for one in items],
                options={"kind": KIND, "undoes": job_id, "index_lag": lag},
            )
            restores.set_state(tx, undo_id, "confirmed", at=now())
        entry.note(job=undo_id, contacts=len(items))
    return undo_id


def undo(work: Work, item: Item) -> Done | Later:
    """The contact that the restore made is deleted, or it is said why it stays. May be repeated after any end.

    Raises HighLevelError when HighLevel cannot be asked, and Cancelled; the next call goes on from there."""
    plan = PlanItem.load(item.plan)
    new_id, job_id = str((plan.body or {})["new_id"]), int((plan.body or {})["job_id"])
    ours = [one for one in entries_of(work, work.job_id, item.contact_id) if one.step == DELETE]
    raw = live.alive(work.client, new_id)
    if raw is None:
        return _gone(work, item.contact_id, new_id, ours)
    with work.vault.read() as tx:
        finished_at = restores.item(tx, job_id, item.contact_id).finished_at
    then = baseline(work, new_id, finished_at) if finished_at is not None else None
    if then is None:
        return Done("skipped", error="What it looked like after the restore is not held, so it stays.")
    said = touched(work, new_id, then, decode(raw), entries_of(work, job_id, item.contact_id))
    if said:
        return Done("skipped", error=f"{said} It stays.")
    return _delete(work, plan, new_id)


def _delete(work: Work, plan: PlanItem, new_id: str) -> Done:
    entry = work.intend(plan, DELETE, {}, of=new_id)
    try:
        work.client.delete_contact(new_id)
    except Gone:
        pass
    except Rejected as exc:
        work.answered(entry, status=exc.status, note="refused")
        return Done("failed", error="HighLevel refused to delete it.")
    except (AnswerLost, Unreachable):
        if live.alive(work.client, new_id) is not None:
            work.answered(entry, note=f"{UNSURE}: no usable answer, and it is still there")
            raise
    except (HighLevelError, Cancelled) as exc:
        work.answered(entry, status=getattr(exc, "status", 0), note=f"not done: {type(exc).__name__}")
        raise
    work.answered(entry, status=200, note="deleted")
    return _undone(work, plan.contact_id, new_id)


def _gone(work: Work, contact_id: str, new_id: str, ours: list[Entry]) -> Done:
    """It is not there: by our own call, whose answer nobody wrote down, or by somebody else."""
    if not ours:
        return Done("skipped", error="Somebody else has deleted it already. The next sync records that.")
    for entry in ours:
        if entry.answered_at is None or entry.note.startswith(UNSURE):
            work.answered(entry, note="deleted, found by looking")
    return _undone(work, contact_id, new_id)


def _undone(work: Work, contact_id: str, new_id: str) -> Done:
    """The vault says so too: the old contact is lost again and may be made anew, the new one was deleted by us."""
    at = work.now()
    with work.vault.write() as tx:
        undoing.unmade(tx, work.location_id, contact_id)
        said = f"Contact Vault deleted it: the restore that had made it for contact {contact_id} was undone."
        undoing.deleted_by_us(tx, work.location_id, new_id, at=at, evidence=said)
        for entry in creates(tx, work.location_id, contact_id):
            if entry.result_id == new_id:
                note = f"created as {new_id}; the restore was undone"
                restores.answered(tx, entry.entry_id, at=at, status=entry.status, result_id="", note=note)
    return Done(UNDONE, verified=True)


def _planned(one: Item) -> PlanItem:
    name = PlanItem.load(one.plan).name if one.plan else ""
    return PlanItem(
        contact_id=one.contact_id,
        name=name,
        action="undo",
        reason=f"Restore {one.job_id} created it as {one.new_contact_id}.",
        requests=REQUESTS,
        body={"new_id": one.new_contact_id, "job_id": one.job_id},
    )


def _made(tx: Tx, job: Job) -> Iterator[Item]:
    """The contacts that the job created and that live on under their new ids, as far as the vault knows."""
    made = [one for one in restores.iterate_items(tx, job.job_id) if one.outcome == "recreated" and one.new_contact_id]
    held = contacts.held(tx, job.location_id, [one.contact_id for one in made])
    return (one for one in made if one.contact_id in held and held[one.contact_id].status == Status.RECREATED)


def _undoes(options: object, job_id: int) -> bool:
    return isinstance(options, dict) and options.get("kind") == KIND and options.get("undoes") == job_id
