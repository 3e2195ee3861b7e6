"""The journal: each write to HighLevel, before it is sent and after it is answered. An entry without an answer is the
trace of a process that died, or of an answer that was lost: somebody has to look before it is sent again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, desc, insert, select, update

from hlcore.store.database import Tx
from hlcore.store.dialects import one_changed
from hlcore.store.tables import job_items, jobs
from hlcore.store.tables import journal as table


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One write. Open while `answered_at` is None; `status` is the answer's HTTP status, `result_id` what it made."""

    entry_id: int
    location_id: str
    job_id: int | None
    contact_id: str
    step: str
    request: Any
    sent_at: datetime
    answered_at: datetime | None
    status: int
    result_id: str
    note: str


def log_request(
    tx: Tx, *, location_id: str, job_id: int | None, contact_id: str, step: str, request: Any, at: datetime
) -> int:
    """The request is about to be sent; the entry's id. Commit before sending."""
    values = {"location_id": location_id, "job_id": job_id, "contact_id": contact_id, "step": step}
    stated = insert(table).values(values | {"request": request, "sent_at": at})
    return tx.execute(stated.returning(table.c.entry_id)).scalar_one()


def log_response(tx: Tx, entry_id: int, *, at: datetime, status: int, result_id: str = "", note: str = "") -> None:
    """What became of the request is known. Raises NotFound."""
    values = {"answered_at": at, "status": status, "result_id": result_id, "note": note}
    one_changed(tx, update(table).where(table.c.entry_id == entry_id).values(values), "journal entry")


def entries(
    tx: Tx, job_id: int | None = None, *, location_id: str | None = None, contact_id: str | None = None
) -> list[JournalEntry]:
    """The entries of this job, location and contact (each where given), oldest first."""
    given = ((table.c.job_id, job_id), (table.c.location_id, location_id), (table.c.contact_id, contact_id))
    return _all(tx, *(column == value for column, value in given if value is not None))


def open_entries(tx: Tx, *, job_id: int | None = None, location_id: str | None = None) -> list[JournalEntry]:
    """Entries without an answer, oldest first."""
    given = ((table.c.job_id, job_id), (table.c.location_id, location_id))
    return _all(tx, table.c.answered_at.is_(None), *(column == value for column, value in given if value is not None))


def restored_from(tx: Tx, location_id: str, new_contact_id: str) -> str | None:
    """The lost contact as which new self we made this one; None when it is not of our making."""
    query = (
        select(table.c.contact_id)
        .where(table.c.location_id == location_id, table.c.result_id == new_contact_id)
        .where(table.c.contact_id != new_contact_id)
        .order_by(desc(table.c.entry_id))
    )
    return tx.execute(query.limit(1)).scalar_one_or_none()


def id_map(tx: Tx, location_id: str) -> dict[str, str]:
    """Lost contact → its new self, for all that were re-created."""
    query = (
        select(job_items.c.contact_id, job_items.c.new_contact_id)
        .join(jobs, jobs.c.job_id == job_items.c.job_id)
        .where(jobs.c.location_id == location_id, job_items.c.new_contact_id != "")
        .order_by(job_items.c.job_id, job_items.c.position)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def _all(tx: Tx, *conditions: ColumnElement[bool]) -> list[JournalEntry]:
    return [_entry(row) for row in tx.execute(select(table).where(*conditions).order_by(table.c.entry_id))]


def _entry(row: Sequence[Any]) -> JournalEntry:
    return JournalEntry(*row)
