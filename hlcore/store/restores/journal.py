"""The journal: each write to HighLevel, logged before it is sent and again when it is answered.

An entry without an answer is the trace of a process that died or of an answer that was lost: check in HighLevel before
sending it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import desc, func, insert, select, update

from hlcore.errors import NotFound
from hlcore.store.database import Tx
from hlcore.store.tables import journal


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
) -> JournalEntry:
    """Log a request that is about to be sent; return its entry as stored. Commit before sending."""
    values = {"location_id": location_id, "job_id": job_id, "contact_id": contact_id, "step": step}
    statement = insert(journal).values(values | {"request": request, "sent_at": at})
    return _entry(tx.execute(statement.returning(*journal.c)).one())


def log_response(
    tx: Tx, entry_id: int, *, at: datetime, status: int, result_id: str = "", note: str = ""
) -> JournalEntry:
    """Record the outcome of the request; return the entry as stored. Raises NotFound."""
    values = {"answered_at": at, "status": status, "result_id": result_id, "note": note}
    statement = update(journal).where(journal.c.entry_id == entry_id).values(values)
    row = tx.execute(statement.returning(*journal.c)).one_or_none()
    if row is None:
        raise NotFound("There is no such journal entry in this vault.")
    return _entry(row)


def last_entry_id(tx: Tx, location_id: str, contact_id: str) -> int:
    """Return the id of the newest entry of this lost contact, by any job; 0 when there is none."""
    query = select(func.max(journal.c.entry_id)).where(
        journal.c.location_id == location_id, journal.c.contact_id == contact_id
    )
    return tx.execute(query).scalar_one() or 0


def list_entries(
    tx: Tx, job_id: int | None = None, *, location_id: str | None = None, contact_id: str | None = None
) -> list[JournalEntry]:
    """Return the entries of this job, location and contact (each where given), oldest first."""
    given = ((journal.c.job_id, job_id), (journal.c.location_id, location_id), (journal.c.contact_id, contact_id))
    conditions = [column == value for column, value in given if value is not None]
    return [_entry(row) for row in tx.execute(select(journal).where(*conditions).order_by(journal.c.entry_id))]


def original_contact_id(tx: Tx, location_id: str, new_contact_id: str) -> str | None:
    """Return the id of the lost contact that we re-created as this one; None when we did not create it."""
    query = (
        select(journal.c.contact_id)
        .where(journal.c.location_id == location_id, journal.c.result_id == new_contact_id)
        .where(journal.c.contact_id != new_contact_id)
        .order_by(desc(journal.c.entry_id))
    )
    return tx.execute(query.limit(1)).scalar_one_or_none()


def _entry(row: Sequence[Any]) -> JournalEntry:
    return JournalEntry(*row)
