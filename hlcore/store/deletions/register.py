"""The register of disappearances: one row for each time a contact went missing, and how it ended.

A contact has at most one open row (the database enforces it); the row and the contact's status change together. The
queries are in `store.deletions.queries`, incidents in `store.deletions.bulk_deletions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, ScalarSelect, Update, case, delete, func, literal, select, update

from hlcore.errors import NotFound
from hlcore.model.deletion_causes import is_proven_merge
from hlcore.model.lifecycle import LIVE
from hlcore.model.recovery_window import last_proof_of_life
from hlcore.store import runs
from hlcore.store.capture import state as capture_state
from hlcore.store.column_types import UtcDateTime
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts.presence import EXPECTED
from hlcore.store.contacts.writes import set_status
from hlcore.store.database import Tx
from hlcore.store.dialects import among_numbers, chunked, insert_missing
from hlcore.store.tables import (
    aliases,
    captures,
    contact_bytes,
    contact_details,
    contact_versions,
    contacts,
    disappearances,
    journal,
    record_versions,
    records,
    restore_items,
)

_EMPTY: dict[str, Any] = {
    "status": "erased",
    "digest": b"",
    **dict.fromkeys(("name", "name_key", "search", "email", "phone", "phone_key", "company", "owner_id", "source"), ""),
    "email_hash": None,
    "phone_hash": None,
    "tags": [],
    "dnd": True,
    "detail_at": None,
}


def mark_suspected(
    tx: Tx,
    location_id: str,
    missing: Sequence[tuple[str, datetime]],
    *,
    at: datetime,
    detected_by: str,
    incident_id: int | None = None,
    checked_at: datetime | None = None,
) -> None:
    """Open a row for each (contact_id, last_seen_at) and set its contact to `suspected`. Open rows stay as they are,
    lost and erased contacts too. May be repeated.

    Each row keeps for good which kinds of records had been captured; whatever is read later did not show what belonged
    to the contact. `checked_at`: when HighLevel's counts last agreed that nobody was missing."""
    last_seen = dict(missing)
    for part in chunked(list(last_seen)):
        known = contact_reads.known_contacts(tx, location_id, part)
        ids = [contact_id for contact_id in part if contact_id in known and known[contact_id].status in EXPECTED]
        alive_at = {contact_id: max(last_seen[contact_id], checked_at or last_seen[contact_id]) for contact_id in ids}
        captured = capture_state.captured_kinds(tx, location_id, alive_at)
        rows = [
            _new_row(location_id, contact_id, last_seen[contact_id], at, detected_by)
            | {"incident_id": incident_id, "captured_kinds": f" {' '.join(captured[contact_id])} "}
            for contact_id in ids
        ]
        insert_missing(tx, disappearances, rows)
        set_status(tx, location_id, ids, "suspected")


def proofs_of_life(
    tx: Tx, location_id: str, contact_ids: Sequence[str], *, now: datetime, lag: timedelta
) -> dict[str, datetime]:
    """Return when each of these contacts was surely there for the last time, as far as the vault knows: when it was
    last added, changed or read by id, when HighLevel says that it was changed, and for one still called present the
    start of the last complete listing, less the index `lag`. Contacts that are not held are left out."""
    last = runs.last_complete(tx, location_id, at=now)
    listed_at = last.started_at - lag if last is not None and last.started_at <= now else None
    return {
        contact_id: last_proof_of_life(
            (known.seen_at, known.date_updated, listed_at if known.status in LIVE else None), now=now
        )
        for contact_id, known in contact_reads.known_contacts(tx, location_id, contact_ids).items()
    }


def last_checked_at(tx: Tx, location_id: str, *, now: datetime, lag: timedelta) -> datetime | None:
    """Return when a complete watch last found nobody missing, less the index `lag`; None where none did."""
    last = runs.last_complete(tx, location_id, "watch", at=now)
    return last.started_at - lag if last is not None and last.started_at <= now else None


def record_proof_of_life(tx: Tx, location_id: str, contact_id: str, *, alive_at: datetime) -> None:
    """Let the recovery clock of the contact's open row start no earlier than `alive_at`, when it was surely there. May
    be repeated."""
    for column in (disappearances.c.last_seen_at, disappearances.c.clock_from):
        earlier = _open_row(location_id, contact_id).where(column < alive_at)
        tx.execute(earlier.values({column: alive_at}))


def record_deletion_time(tx: Tx, location_id: str, contact_id: str, *, deleted_at: datetime, at: datetime) -> None:
    """Record the exact time of the deletion, as a webhook gave it; the recovery clock runs from there, but never from
    before the last proof of life. A contact without an open row is suspected by webhook; one that the vault never held
    is ignored. May be repeated."""
    if contact_id not in contact_reads.known_contacts(tx, location_id, [contact_id]):
        return
    mark_suspected(tx, location_id, [(contact_id, deleted_at)], at=at, detected_by="webhook")
    last_seen_at = disappearances.c.last_seen_at
    clock = case((last_seen_at > deleted_at, last_seen_at), else_=literal(deleted_at, UtcDateTime))
    tx.execute(_open_row(location_id, contact_id).values(deleted_at=deleted_at, clock_from=clock))


def confirm(
    tx: Tx,
    disappearance_id: int,
    *,
    at: datetime,
    status: Literal["deleted", "merged"] | str = "deleted",
    cause: str,
    evidence: str,
    winner_id: str = "",
) -> None:
    """Confirm the loss: the row and its contact get this status, with the evidence. Raises NotFound when the row does
    not exist or has ended."""
    values = {
        "status": status,
        "confirmed_at": at,
        "cause": cause,
        "evidence": evidence,
        "winner_id": winner_id,
        "checks": disappearances.c.checks + 1,
    }
    open_row = _row(disappearance_id).where(disappearances.c.ended_at.is_(None)).values(values)
    row = tx.execute(_returning_contact(open_row)).one_or_none()
    if row is None:
        raise NotFound("There is no such open disappearance in this vault.")
    set_status(tx, row[0], [row[1]], status)


def withdraw(tx: Tx, ids: Sequence[int], *, at: datetime, note: str) -> None:
    """End these rows as `withdrawn`: their contacts are alive after all, and `present` again if they were suspected."""
    values = {"status": "withdrawn", "ended_at": at, "last_check": note, "checks": disappearances.c.checks + 1}
    ids_by_location: dict[str, list[str]] = {}
    for part in chunked(ids):
        open_rows = update(disappearances).where(
            among_numbers(tx, disappearances.c.disappearance_id, part), disappearances.c.ended_at.is_(None)
        )
        for location_id, contact_id in tx.execute(_returning_contact(open_rows.values(values))):
            ids_by_location.setdefault(location_id, []).append(contact_id)
    for location_id, contact_ids in ids_by_location.items():
        set_status(tx, location_id, contact_ids, "present", only_from="suspected")


def record_check(tx: Tx, disappearance_id: int, *, at: datetime, text: str) -> None:
    """Record a check that decided nothing, with what HighLevel answered; the row stays suspected."""
    values = {"checks": disappearances.c.checks + 1, "last_check": f"{at:%Y-%m-%d %H:%M} UTC: {text}"}
    tx.execute(_row(disappearance_id).values(values))


def set_cause(tx: Tx, ids: Sequence[int], *, cause: str, evidence: str) -> None:
    """Record why these contacts disappeared, as far as is known."""
    for part in chunked(ids):
        rows = update(disappearances).where(among_numbers(tx, disappearances.c.disappearance_id, part))
        tx.execute(rows.values(cause=cause, evidence=evidence))


def mark_returned(tx: Tx, location_id: str, contact_id: str, *, at: datetime) -> None:
    """End the open row: the contact came back under its own id. May be repeated."""
    tx.execute(_open_row(location_id, contact_id).values(status="returned", ended_at=at))
    set_status(tx, location_id, [contact_id], "returned")


def mark_recreated(
    tx: Tx, location_id: str, contact_id: str, *, new_contact_id: str, at: datetime, evidence: str = ""
) -> None:
    """End the newest row: the contact lives on as `new_contact_id`. Where given, `evidence` says how and replaces the
    earlier one; else we re-created it. May be repeated."""
    values = {"status": "recreated", "ended_at": at, "new_contact_id": new_contact_id}
    values |= {"evidence": evidence} if evidence else {}
    newest = disappearances.c.disappearance_id == _newest_id(location_id, contact_id)
    tx.execute(update(disappearances).where(newest).values(values))
    set_status(tx, location_id, [contact_id], "recreated")


def reopen_disappearance(tx: Tx, location_id: str, contact_id: str) -> None:
    """Take `mark_recreated` back: the newest row is open again as deleted, or as merged where the contact had surely
    lost a merge. One who has come back under the old id meanwhile is in HighLevel: the row ends as returned. Changes
    nothing for a contact that is not re-created. May be repeated."""
    query = select(disappearances.c.disappearance_id, disappearances.c.cause, disappearances.c.evidence).where(
        disappearances.c.disappearance_id == _newest_id(location_id, contact_id), disappearances.c.status == "recreated"
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return
    known = contact_reads.known_contacts(tx, location_id, [contact_id]).get(contact_id)
    if known is not None and known.status in LIVE:
        tx.execute(_row(row.disappearance_id).values(status="returned", new_contact_id=""))
        return
    status = "merged" if is_proven_merge(row.cause, row.evidence) else "deleted"
    tx.execute(_row(row.disappearance_id).values(status=status, ended_at=None, new_contact_id=""))
    set_status(tx, location_id, [contact_id], status)


def record_own_deletion(tx: Tx, location_id: str, contact_id: str, *, at: datetime, evidence: str) -> None:
    """Record that we deleted this contact ourselves: its row ends as `undone`, which counts nowhere as a loss. A
    contact that the vault never held is ignored. May be repeated."""
    record_deletion_time(tx, location_id, contact_id, deleted_at=at, at=at)
    values = {"status": "undone", "confirmed_at": at, "ended_at": at, "cause": "undo", "evidence": evidence}
    ended = _open_row(location_id, contact_id).values(values)
    if tx.execute(ended.returning(disappearances.c.disappearance_id)).all():
        set_status(tx, location_id, [contact_id], "undone")


def erase_contact(tx: Tx, location_id: str, contact_id: str, *, at: datetime) -> None:
    """Erase everything personal (a person's right to be forgotten): the copy, its versions, records, restore plans and
    requests. Only the id stays, with the status `erased`, so that no later listing stores the contact again, and the
    register's dates. The audit log holds no personal data. May be repeated. Raises NotFound for a contact that is not
    held."""
    of_contact = (contacts.c.location_id == location_id, contacts.c.contact_id == contact_id)
    row_id = tx.execute(select(contacts.c.row_id).where(*of_contact)).scalar_one_or_none()
    if row_id is None:
        raise NotFound("There is no such contact in this vault.")
    tx.execute(update(contacts).where(contacts.c.row_id == row_id).values(_EMPTY))
    tx.execute(update(contact_bytes).where(contact_bytes.c.row_id == row_id).values(raw=b""))
    tx.execute(delete(contact_details).where(contact_details.c.row_id == row_id))
    for table in (contact_versions, aliases, records, record_versions):
        tx.execute(delete(table).where(table.c.location_id == location_id, table.c.contact_id == contact_id))
    tx.execute(delete(captures).where(captures.c.location_id == location_id, captures.c.subject_id == contact_id))
    entries = update(journal).where(journal.c.location_id == location_id, journal.c.contact_id == contact_id)
    tx.execute(entries.values(request=None, note=""))
    plans = update(restore_items).where(restore_items.c.contact_id == contact_id)
    tx.execute(plans.values({"plan": {}, "differences": None, "error": ""}))
    rows = update(disappearances).where(*_of_contact(location_id, contact_id))
    tx.execute(rows.values(evidence="", last_check=""))
    tx.execute(_open_row(location_id, contact_id).values(ended_at=at, status="erased"))


def _new_row(location_id: str, contact_id: str, last_seen_at: datetime, at: datetime, by: str) -> dict[str, Any]:
    return {
        "location_id": location_id,
        "contact_id": contact_id,
        "status": "suspected",
        "detected_by": by,
        "last_seen_at": last_seen_at,
        "detected_at": at,
        "clock_from": last_seen_at,
    }


def _row(disappearance_id: int) -> Update:
    return update(disappearances).where(disappearances.c.disappearance_id == disappearance_id)


def _open_row(location_id: str, contact_id: str) -> Update:
    return update(disappearances).where(*_of_contact(location_id, contact_id), disappearances.c.ended_at.is_(None))


def _newest_id(location_id: str, contact_id: str) -> ScalarSelect[Any]:
    return (
        select(func.max(disappearances.c.disappearance_id))
        .where(*_of_contact(location_id, contact_id))
        .scalar_subquery()
    )


def _of_contact(location_id: str, contact_id: str) -> tuple[ColumnElement[bool], ...]:
    return disappearances.c.location_id == location_id, disappearances.c.contact_id == contact_id


def _returning_contact(statement: Update) -> Any:
    return statement.returning(disappearances.c.location_id, disappearances.c.contact_id)
