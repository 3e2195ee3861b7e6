"""Undoing a restore: what it created is deleted again, as long as nobody has touched it since.

An undo is a job of its own, run, paused and resumed like a restore. Each delete is in the journal before it is sent.
Afterwards the register stands as before the restore: the person is deleted, under the old id, and can be restored
again. Contacts that the restore only topped up stay as they are.

Has anybody touched a contact that a restore created? Looked up in HighLevel right before it would be deleted.

The contact itself is compared with what was read back when the restore had finished; the moment of HighLevel's last
change counts too. What belongs to it must be what the restore itself made. In doubt it was touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from hlcore.errors import AnswerLost, Cancelled, Gone, HighLevelError, NotFound, Rejected, ScopeMissing, Unreachable
from hlcore.governance.audit import recorded
from hlcore.governance.roles import Action, User
from hlcore.model.contact import moment
from hlcore.model.contact_diff import changes
from hlcore.model.lifecycle import Status
from hlcore.model.records import decode, identity
from hlcore.model.restore.comparison import same_text
from hlcore.restore import live_state
from hlcore.restore.job_context import UNSURE, ItemResult, JobContext, RetryAt, body_of, creates
from hlcore.restore.job_control import Now
from hlcore.restore.plan import PlanItem
from hlcore.store import Tx, Vault
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.deletions import register
from hlcore.store.restores import jobs as restore_jobs
from hlcore.store.restores import journal
from hlcore.store.restores.jobs import JobItem, RestoreJob
from hlcore.store.restores.journal import JournalEntry

SAID = ("body", "title", "name", "status", "monetaryValue", "pipelineId", "pipelineStageId", "assignedTo", "color")
"""Members of a record by which a change of it shows."""
PAGES = 20


def baseline(work: JobContext, new_id: str, finished_at: datetime) -> dict[str, Any] | None:
    """What GET by id said of the new contact when its restore had finished; None where that is not held. It was kept at
    that very moment, so it is the first copy that was replaced after it, or the one that never was."""
    with work.vault.read() as tx:
        held = contact_reads.get(tx, work.location_id, new_id)
        earlier = contact_reads.versions(tx, work.location_id, new_id)
    later = [one.raw for one in earlier if one.part == "detail" and one.replaced_at > finished_at]
    raw = later[0] if later else held.detail if held is not None else None
    return decode(raw) if raw is not None else None


def change_since_restore(
    work: JobContext, new_id: str, then: Mapping[str, Any], live: Mapping[str, Any], made: list[JournalEntry]
) -> str:
    """How somebody has touched the contact since, in words; '' when surely nobody did. `made`: what the restore sent
    for it. Raises HighLevelError."""
    found = changes(then, live)
    if found:
        names = ", ".join(dict.fromkeys(one.field.partition(".")[0] for one in found[:4]))
        return f"It was changed since: {names}."
    before, now = moment(then.get("dateUpdated")), moment(live.get("dateUpdated"))
    if before is not None and now is not None and now != before:
        return f"HighLevel says that it was changed on {now:%Y-%m-%d at %H:%M} UTC, after the restore."
    ours = {one.result_id: body_of(one) for one in made if one.result_id}
    try:
        said = (_strange(noun, rows, ours) for noun, rows in _belongings(work, new_id))
        return next(filter(None, said), "")
    except ScopeMissing:
        return "The token may not read everything that belongs to it, so nobody can tell whether it was touched."


def _belongings(work: JobContext, new_id: str) -> Iterable[tuple[str, list[bytes]]]:
    client = work.client
    yield "note", client.notes(new_id)
    yield "task", client.tasks(new_id)
    yield "appointment", client.appointments(new_id)
    yield "opportunity", _opportunities(work, new_id)
    yield "message", [raw for raw in _messages(work, new_id) if not _is_activity(raw)]


def _opportunities(work: JobContext, new_id: str) -> list[bytes]:
    found: list[bytes] = []
    cursor: Mapping[str, Any] | None = None
    for _ in range(PAGES):
        page = work.client.search_opportunities(contact_id=new_id, cursor=cursor)
        found += page.rows
        if page.next is None:
            break
        cursor = page.next
    return found


def _messages(work: JobContext, new_id: str) -> list[bytes]:
    """The first page is enough: one message that is not ours means touched. E-mails are asked for by themselves."""
    texts, _, _ = work.client.export_messages(contact_id=new_id)
    emails, _, _ = work.client.export_messages(contact_id=new_id, extra={"channel": "Email"})
    return [*texts, *emails]


def _is_activity(raw: bytes) -> bool:
    """HighLevel's own notes of what happened ("contact created"), which nobody wrote."""
    return str(decode(raw).get("messageType") or "").startswith("TYPE_ACTIVITY")


def _strange(noun: str, rows: list[bytes], ours: Mapping[str, Mapping[str, Any]]) -> str:
    for raw in rows:
        record_id, _ = identity(raw)
        sent = ours.get(record_id)
        if sent is None:
            return f"It has a new {noun}."
        live = decode(raw)
        if any(name in sent and not same_text(sent[name], live.get(name)) for name in SAID):
            return f"A {noun} that the restore made was changed since."
    return ""


def entries_of(work: JobContext, job_id: int, contact_id: str) -> list[JournalEntry]:
    """What that job sent for this lost contact."""
    with work.vault.read() as tx:
        return journal.entries(tx, job_id, contact_id=contact_id)


KIND = "undo"
DELETE = "delete_contact"
UNDONE = "undone"
ENDED = ("done", "cancelled")
REQUESTS = 8
"""Reading the contact and all that belongs to it, and deleting it."""


class UndoPreview(msgspec.Struct, frozen=True, kw_only=True):
    """What undoing a restore would do: `created` contacts are looked at again one by one, and those that nobody has
    touched are deleted. `stays`: contacts that the restore did not create. `refusal`: why it cannot be undone now, ''
    when it can; `undo_id`: the undo that there is already, 0 for none."""

    job_id: int
    created: int
    stays: int
    requests: int
    refusal: str = ""
    undo_id: int = 0


def preview(vault: Vault, job_id: int) -> UndoPreview:
    """What undoing this restore would do, as far as the vault knows; nothing is asked of HighLevel. Raises NotFound."""
    with vault.read() as tx:
        job = restore_jobs.job(tx, job_id)
        mine = list(_made(tx, job))
        others = restore_jobs.list_jobs(tx, [job.location_id], limit=500)
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
    return UndoPreview(
        job_id=job_id,
        created=len(mine),
        stays=job.total - len(mine),
        requests=len(mine) * REQUESTS,
        refusal=refusal,
        undo_id=undo_id,
    )


def create_undo(vault: Vault, job_id: int, user: User, now: Now) -> int:
    """The undo of this restore is a confirmed job; its number. Raises NotAllowed, NotFound (also when there is nothing
    to undo, in words)."""
    with vault.read() as tx:
        job = restore_jobs.job(tx, job_id)
    said = f"undo of job {job_id}"
    with recorded(vault, user, Action.RESTORE, now=now, location_id=job.location_id, subject=said) as entry:
        told = preview(vault, job_id)
        if told.refusal:
            raise NotFound(told.refusal)
        with vault.write() as tx:
            items = [_planned(one) for one in _made(tx, job)]
            lag = (job.options or {}).get("index_lag", 300)
            undo_id = restore_jobs.create_job(
                tx,
                job.location_id,
                by=user.email,
                at=now(),
                items=[(one.contact_id, KIND, one.dump()) for one in items],
                options={"kind": KIND, "undoes": job_id, "index_lag": lag},
            )
            restore_jobs.set_state(tx, undo_id, "confirmed", at=now())
        entry.note(job=undo_id, contacts=len(items))
    return undo_id


def undo(work: JobContext, item: JobItem) -> ItemResult | RetryAt:
    """The contact that the restore made is deleted, or it is said why it stays. May be repeated after any end.

    Raises HighLevelError when HighLevel cannot be asked, and Cancelled; the next call goes on from there."""
    plan = PlanItem.load(item.plan)
    new_id, job_id = str((plan.body or {})["new_id"]), int((plan.body or {})["job_id"])
    ours = [one for one in entries_of(work, work.job_id, item.contact_id) if one.step == DELETE]
    raw = live_state.alive(work.client, new_id)
    if raw is None:
        return _gone(work, item.contact_id, new_id, ours)
    with work.vault.read() as tx:
        finished_at = restore_jobs.item(tx, job_id, item.contact_id).finished_at
    then = baseline(work, new_id, finished_at) if finished_at is not None else None
    if then is None:
        return ItemResult("skipped", error="What it looked like after the restore is not held, so it stays.")
    said = change_since_restore(work, new_id, then, decode(raw), entries_of(work, job_id, item.contact_id))
    if said:
        return ItemResult("skipped", error=f"{said} It stays.")
    return _delete(work, plan, new_id)


def _delete(work: JobContext, plan: PlanItem, new_id: str) -> ItemResult:
    entry = work.log_request(plan, DELETE, {}, of=new_id)
    try:
        work.client.delete_contact(new_id)
    except Gone:
        pass
    except Rejected as exc:
        work.log_response(entry, status=exc.status, note="refused")
        return ItemResult("failed", error="HighLevel refused to delete it.")
    except (AnswerLost, Unreachable):
        if live_state.alive(work.client, new_id) is not None:
            work.log_response(entry, note=f"{UNSURE}: no usable answer, and it is still there")
            raise
    except (HighLevelError, Cancelled) as exc:
        work.log_response(entry, status=getattr(exc, "status", 0), note=f"not done: {type(exc).__name__}")
        raise
    work.log_response(entry, status=200, note="deleted")
    return _undone(work, plan.contact_id, new_id)


def _gone(work: JobContext, contact_id: str, new_id: str, ours: list[JournalEntry]) -> ItemResult:
    """It is not there: by our own call, whose answer nobody wrote down, or by somebody else."""
    if not ours:
        return ItemResult("skipped", error="Somebody else has deleted it already. The next sync records that.")
    for entry in ours:
        if entry.answered_at is None or entry.note.startswith(UNSURE):
            work.log_response(entry, note="deleted, found by looking")
    return _undone(work, contact_id, new_id)


def _undone(work: JobContext, contact_id: str, new_id: str) -> ItemResult:
    """The vault says so too: the old contact is lost again and may be made anew, the new one was deleted by us."""
    at = work.now()
    with work.vault.write() as tx:
        register.reopen_disappearance(tx, work.location_id, contact_id)
        said = f"Contact Vault deleted it: the restore that had made it for contact {contact_id} was undone."
        register.deleted_by_us(tx, work.location_id, new_id, at=at, evidence=said)
        for entry in creates(tx, work.location_id, contact_id):
            if entry.result_id == new_id:
                note = f"created as {new_id}; the restore was undone"
                journal.log_response(tx, entry.entry_id, at=at, status=entry.status, result_id="", note=note)
    return ItemResult(UNDONE, verified=True)


def _planned(one: JobItem) -> PlanItem:
    name = PlanItem.load(one.plan).name if one.plan else ""
    return PlanItem(
        contact_id=one.contact_id,
        name=name,
        action="undo",
        reason=f"Restore {one.job_id} created it as {one.new_contact_id}.",
        requests=REQUESTS,
        body={"new_id": one.new_contact_id, "job_id": one.job_id},
    )


def _made(tx: Tx, job: RestoreJob) -> Iterator[JobItem]:
    """The contacts that the job created and that live on under their new ids, as far as the vault knows."""
    made = [
        one for one in restore_jobs.iterate_items(tx, job.job_id) if one.outcome == "recreated" and one.new_contact_id
    ]
    held = contact_writes.held(tx, job.location_id, [one.contact_id for one in made])
    return (one for one in made if one.contact_id in held and held[one.contact_id].status == Status.RECREATED)


def _undoes(options: object, job_id: int) -> bool:
    return isinstance(options, dict) and options.get("kind") == KIND and options.get("undoes") == job_id
