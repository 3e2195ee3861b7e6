"""Has anybody touched a contact that a restore created? Looked up in HighLevel right before it would be deleted.

The contact itself is compared with what was read back when the restore had finished; the moment of HighLevel's last
change counts too. What belongs to it must be what the restore itself made. In doubt it was touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from hlcore.errors import ScopeMissing
from hlcore.model.changes import changes
from hlcore.model.contact import moment
from hlcore.model.fidelity import same_text
from hlcore.model.parts import decode, identity
from hlcore.restore.work import Work, body_of
from hlcore.store import contacts, restores
from hlcore.store.restores import Entry

SAID = ("body", "title", "name", "status", "monetaryValue", "pipelineId", "pipelineStageId", "assignedTo", "color")
"""Members of a record by which a change of it shows."""
PAGES = 20


def baseline(work: Work, new_id: str, finished_at: datetime) -> dict[str, Any] | None:
    """What GET by id said of the new contact when its restore had finished; None where that is not held. It was kept at
    that very moment, so it is the first copy that was replaced after it, or the one that never was."""
    with work.vault.read() as tx:
        held = contacts.get(tx, work.location_id, new_id)
        earlier = contacts.versions(tx, work.location_id, new_id)
    later = [one.raw for one in earlier if one.part == "detail" and one.replaced_at > finished_at]
    raw = later[0] if later else held.detail if held is not None else None
    return decode(raw) if raw is not None else None


def touched(work: Work, new_id: str, then: Mapping[str, Any], live: Mapping[str, Any], made: list[Entry]) -> str:
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


def _belongings(work: Work, new_id: str) -> Iterable[tuple[str, list[bytes]]]:
    client = work.client
    yield "note", client.notes(new_id)
    yield "task", client.tasks(new_id)
    yield "appointment", client.appointments(new_id)
    yield "opportunity", _opportunities(work, new_id)
    yield "message", [raw for raw in _messages(work, new_id) if not _is_activity(raw)]


def _opportunities(work: Work, new_id: str) -> list[bytes]:
    found: list[bytes] = []
    cursor: Mapping[str, Any] | None = None
    for _ in range(PAGES):
        page = work.client.search_opportunities(contact_id=new_id, cursor=cursor)
        found += page.rows
        if page.next is None:
            break
        cursor = page.next
    return found


def _messages(work: Work, new_id: str) -> list[bytes]:
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


def entries_of(work: Work, job_id: int, contact_id: str) -> list[Entry]:
    """What that job sent for this lost contact."""
    with work.vault.read() as tx:
        return restores.entries(tx, job_id, contact_id=contact_id)
