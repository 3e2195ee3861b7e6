"""The register of disappearances: one row for each time a contact went missing, and what became of it.

A contact has at most one open row (the database enforces it); the row and the contact's status change together. Asking
the register is in `store.register_queries`, incidents are in `store.incidents`; both are reachable from here.

A person's right to be forgotten, as far as the store is concerned: nothing personal stays anywhere.

What stays is the contact's id with the status `erased`, so that no later listing stores the person again, and the
dates of the register. The audit log holds no personal data and is not touched.

Taking back in the register what a restore had put there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Update, delete, func, select, update

from hlcore.errors import NotFound
from hlcore.store.contacts import presence as contact_presence
from hlcore.store.contacts import writes as copies
from hlcore.store.database import Tx
from hlcore.store.deletions.bulk_deletions import Incident, close_incident, list_incidents, open_incident
from hlcore.store.deletions.queries import (
    Disappearance,
    RegisterQuery,
    WindowSpan,
    confirmed_between,
    count,
    count_suspects,
    get,
    iterate,
    listing,
    of_contact,
    open_suspects,
    per_day,
)
from hlcore.store.dialects import among_numbers, chunked, insert_missing
from hlcore.store.tables import (
    aliases,
    captures,
    contact_bytes,
    contacts,
    details,
    disappearances,
    job_items,
    journal,
    record_versions,
    records,
    versions,
)
from hlcore.store.tables import disappearances as table

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


def erased(tx: Tx, location_id: str, contact_id: str, *, at: datetime) -> None:
    """Nothing of this person is held any more: not the copy, its versions, records, restore plans or requests. The
    register's open row has ended as `erased`. May be repeated. Raises NotFound for a contact that is not held."""
    here = (contacts.c.location_id == location_id, contacts.c.contact_id == contact_id)
    row_id = tx.execute(select(contacts.c.row_id).where(*here)).scalar_one_or_none()
    if row_id is None:
        raise NotFound("There is no such contact in this vault.")
    tx.execute(update(contacts).where(contacts.c.row_id == row_id).values(_EMPTY))
    tx.execute(update(contact_bytes).where(contact_bytes.c.row_id == row_id).values(raw=b""))
    tx.execute(delete(details).where(details.c.row_id == row_id))
    for held in (versions, aliases, records, record_versions):
        tx.execute(delete(held).where(held.c.location_id == location_id, held.c.contact_id == contact_id))
    mine = (captures.c.location_id == location_id, captures.c.subject_id == contact_id)
    tx.execute(delete(captures).where(*mine))
    tx.execute(
        update(journal)
        .where(journal.c.location_id == location_id, journal.c.contact_id == contact_id)
        .values(request=None, note="")
    )
    plan: dict[str, Any] = {"plan": {}, "differences": None, "error": ""}
    tx.execute(update(job_items).where(job_items.c.contact_id == contact_id).values(plan))
    rows = (disappearances.c.location_id == location_id, disappearances.c.contact_id == contact_id)
    tx.execute(update(disappearances).where(*rows).values(evidence="", last_check=""))
    still_open = update(disappearances).where(*rows, disappearances.c.ended_at.is_(None))
    tx.execute(still_open.values(ended_at=at, status="erased"))


__all__ = [
    "Disappearance",
    "Incident",
    "RegisterQuery",
    "WindowSpan",
    "close_incident",
    "confirm",
    "confirmed_between",
    "count",
    "count_suspects",
    "erased",
    "get",
    "iterate",
    "list_incidents",
    "listing",
    "note_check",
    "of_contact",
    "open_incident",
    "open_suspects",
    "per_day",
    "recorded",
    "recreated",
    "returned",
    "set_cause",
    "suspect",
    "withdraw",
]


def suspect(
    tx: Tx,
    location_id: str,
    absents: Sequence[tuple[str, datetime]],
    *,
    at: datetime,
    detected_by: str,
    incident_id: int | None = None,
) -> None:
    """Each (contact_id, last_seen_at) has an open row and its contact is `suspected`. What is open already stays as it
    is, lost and erased contacts too. May be repeated."""
    last_seen = dict(absents)
    for part in chunked(list(last_seen)):
        held = copies.held(tx, location_id, part)
        fresh = [
            contact_id
            for contact_id in part
            if contact_id in held and held[contact_id].status in contact_presence.EXPECTED
        ]
        rows = [
            _row(location_id, contact_id, last_seen[contact_id], at, detected_by) | {"incident_id": incident_id}
            for contact_id in fresh
        ]
        insert_missing(tx, table, rows)
        copies.set_status(tx, location_id, fresh, "suspected")


def recorded(tx: Tx, location_id: str, contact_id: str, *, deleted_at: datetime, at: datetime) -> None:
    """A webhook told the exact time of the deletion: the open row has it, and the clock runs from there. Where none
    is open the contact is suspected by webhook. A contact that the vault never held is left out. May be repeated."""
    if contact_id not in copies.held(tx, location_id, [contact_id]):
        return
    suspect(tx, location_id, [(contact_id, deleted_at)], at=at, detected_by="webhook")
    tx.execute(_open_row(location_id, contact_id).values(deleted_at=deleted_at, clock_from=deleted_at))


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
    """The contact is lost: its row and itself have this status, with the evidence. Raises NotFound when the row does
    not exist or has ended."""
    values = {"status": status, "confirmed_at": at, "cause": cause, "evidence": evidence, "winner_id": winner_id}
    changed = update(table).where(table.c.disappearance_id == disappearance_id, table.c.ended_at.is_(None))
    row = tx.execute(
        changed.values(checks=table.c.checks + 1, **values).returning(table.c.location_id, table.c.contact_id)
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such open disappearance in this vault.")
    copies.set_status(tx, row[0], [row[1]], status)


def withdraw(tx: Tx, ids: Sequence[int], *, at: datetime, note: str) -> None:
    """These contacts were alive after all: their rows are `withdrawn`, themselves `present` (if only suspected)."""
    found: dict[str, list[str]] = {}
    for part in chunked(ids):
        mine = update(table).where(among_numbers(tx, table.c.disappearance_id, part), table.c.ended_at.is_(None))
        values = {"status": "withdrawn", "ended_at": at, "last_check": note, "checks": table.c.checks + 1}
        for row in tx.execute(mine.values(values).returning(table.c.location_id, table.c.contact_id)):
            found.setdefault(row[0], []).append(row[1])
    for location_id, contact_ids in found.items():
        copies.set_status(tx, location_id, contact_ids, "present", of="suspected")


def note_check(tx: Tx, disappearance_id: int, *, at: datetime, text: str) -> None:
    """It was asked again and nobody knows; the row stays suspected, with one check more and what was answered."""
    words = f"{at:%Y-%m-%d %H:%M} UTC: {text}"
    values = {"checks": table.c.checks + 1, "last_check": words}
    tx.execute(update(table).where(table.c.disappearance_id == disappearance_id).values(values))


def returned(tx: Tx, location_id: str, contact_id: str, *, at: datetime) -> None:
    """The contact came back under its own id. May be repeated."""
    tx.execute(_open_row(location_id, contact_id).values(status="returned", ended_at=at))
    copies.set_status(tx, location_id, [contact_id], "returned")


def recreated(
    tx: Tx, location_id: str, contact_id: str, *, new_contact_id: str, at: datetime, evidence: str = ""
) -> None:
    """The contact lives on under `new_contact_id`: made anew by us, or else as `evidence` says, which then stands in
    place of what was known before. May be repeated."""
    values = {"status": "recreated", "ended_at": at, "new_contact_id": new_contact_id}
    values |= {"evidence": evidence} if evidence else {}
    newest = select(func.max(table.c.disappearance_id)).where(*_of(location_id, contact_id)).scalar_subquery()
    tx.execute(update(table).where(table.c.disappearance_id == newest).values(values))
    copies.set_status(tx, location_id, [contact_id], "recreated")


def set_cause(tx: Tx, ids: Sequence[int], *, cause: str, evidence: str) -> None:
    """Why these contacts disappeared, as far as is known."""
    for part in chunked(ids):
        mine = update(table).where(among_numbers(tx, table.c.disappearance_id, part))
        tx.execute(mine.values(cause=cause, evidence=evidence))


def _row(location_id: str, contact_id: str, last_seen_at: datetime, at: datetime, by: str) -> dict[str, Any]:
    return {
        "location_id": location_id,
        "contact_id": contact_id,
        "status": "suspected",
        "detected_by": by,
        "last_seen_at": last_seen_at,
        "detected_at": at,
        "clock_from": last_seen_at,
    }


def _of(location_id: str, contact_id: str) -> tuple[ColumnElement[bool], ...]:
    return table.c.location_id == location_id, table.c.contact_id == contact_id


def _open_row(location_id: str, contact_id: str) -> Update:
    return update(table).where(*_of(location_id, contact_id), table.c.ended_at.is_(None))


CAUSE, UNDONE = "undo", "undone"


def reopen_disappearance(tx: Tx, location_id: str, contact_id: str) -> None:
    """The contact was re-created and is so no more: its newest disappearance is open again, as deleted, or as merged
    where it had lost a merge; so is the contact. Nothing changes for one that is not re-created. May be repeated."""
    mine = (table.c.location_id == location_id, table.c.contact_id == contact_id)
    newest = select(func.max(table.c.disappearance_id)).where(*mine).scalar_subquery()
    row = tx.execute(
        select(table.c.disappearance_id, table.c.winner_id, table.c.cause).where(
            table.c.disappearance_id == newest, table.c.status == "recreated"
        )
    ).one_or_none()
    if row is None:
        return
    status = "merged" if row[1] and row[2] == "merge" else "deleted"
    values = {"status": status, "ended_at": None, "new_contact_id": ""}
    tx.execute(update(table).where(table.c.disappearance_id == row[0]).values(values))
    copies.set_status(tx, location_id, [contact_id], status)


def deleted_by_us(tx: Tx, location_id: str, contact_id: str, *, at: datetime, evidence: str) -> None:
    """We deleted this contact ourselves: its disappearance is over, as `undone`, and so is the contact. It counts
    nowhere as a loss. A contact that the vault never held is left out. May be repeated."""
    recorded(tx, location_id, contact_id, deleted_at=at, at=at)
    still_open = (
        table.c.location_id == location_id,
        table.c.contact_id == contact_id,
        table.c.ended_at.is_(None),
    )
    values = {"status": UNDONE, "confirmed_at": at, "ended_at": at, "cause": CAUSE, "evidence": evidence}
    if tx.execute(update(table).where(*still_open).values(values).returning(table.c.disappearance_id)).all():
        copies.set_status(tx, location_id, [contact_id], UNDONE)
