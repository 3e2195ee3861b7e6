"""A person's right to be forgotten, as far as the store is concerned: nothing personal stays anywhere.

What stays is the contact's id with the status `erased`, so that no later listing stores the person again, and the
dates of the register. The audit log holds no personal data and is not touched.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from hlcore.errors import NotFound
from hlcore.store.engine import Tx
from hlcore.store.tables import (
    aliases,
    captures,
    contact_bytes,
    contacts,
    details,
    record_versions,
    records,
    versions,
)
from hlcore.store.tables_acts import disappearances, job_items, journal

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
    for table in (versions, aliases, records, record_versions):
        tx.execute(delete(table).where(table.c.location_id == location_id, table.c.contact_id == contact_id))
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
