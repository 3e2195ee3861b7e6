"""Taking back in the register what a restore had put there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, update

from hlcore.store import contacts as copies
from hlcore.store import register
from hlcore.store.engine import Tx
from hlcore.store.tables_acts import disappearances as table

CAUSE, UNDONE = "undo", "undone"


def unmade(tx: Tx, location_id: str, contact_id: str) -> None:
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
    register.recorded(tx, location_id, contact_id, deleted_at=at, at=at)
    still_open = (
        table.c.location_id == location_id,
        table.c.contact_id == contact_id,
        table.c.ended_at.is_(None),
    )
    values = {"status": UNDONE, "confirmed_at": at, "ended_at": at, "cause": CAUSE, "evidence": evidence}
    if tx.execute(update(table).where(*still_open).values(values).returning(table.c.disappearance_id)).all():
        copies.set_status(tx, location_id, [contact_id], UNDONE)
