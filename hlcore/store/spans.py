"""Contacts by the moment they were added: what the watch compares HighLevel's counts with.

Counting a million goes over the index alone; only the few that are not alive are looked up and taken off.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select

from hlcore.store.engine import Tx
from hlcore.store.tables import contacts
from hlcore.store.tables_acts import disappearances

ALIVE = ("present", "returned")


def count_added(tx: Tx, location_id: str, since: datetime | None, until: datetime | None) -> int:
    """How many living contacts were added between these moments (both included; None: open)."""
    mine = _added(location_id, since, until)
    everybody = tx.execute(select(func.count()).select_from(contacts).where(mine)).scalar_one()
    others = select(func.count()).select_from(contacts).where(mine, contacts.c.status.not_in(ALIVE))
    return everybody - tx.execute(others).scalar_one()


def middle_added(tx: Tx, location_id: str, since: datetime | None, until: datetime | None) -> datetime | None:
    """The moment that halves the contacts added between these; None where there are none."""
    mine = _added(location_id, since, until)
    number = tx.execute(select(func.count()).select_from(contacts).where(mine)).scalar_one()
    if not number:
        return None
    query = select(contacts.c.date_added).where(mine).order_by(contacts.c.date_added)
    return tx.execute(query.offset((number - 1) // 2).limit(1)).scalar_one()


def ids_added(tx: Tx, location_id: str, since: datetime | None, until: datetime | None) -> dict[str, datetime]:
    """The living contacts added between these moments, each with the moment it was last added, changed or read."""
    query = select(contacts.c.contact_id, contacts.c.seen_at).where(
        _added(location_id, since, until), contacts.c.status.in_(ALIVE)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def recently_lost(tx: Tx, location_id: str, since: datetime, *, limit: int) -> list[str]:
    """Ids of contacts that were lost since this moment and have not come back, the newest first."""
    query = (
        select(disappearances.c.contact_id)
        .where(
            disappearances.c.location_id == location_id,
            disappearances.c.status.in_(("deleted", "merged")),
            disappearances.c.clock_from >= since,
            disappearances.c.ended_at.is_(None),
        )
        .order_by(disappearances.c.clock_from.desc(), disappearances.c.contact_id)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


def _added(location_id: str, since: datetime | None, until: datetime | None) -> ColumnElement[bool]:
    bounds: list[ColumnElement[bool]] = [contacts.c.date_added.is_not(None)]
    if since is not None:
        bounds.append(contacts.c.date_added >= since)
    if until is not None:
        bounds.append(contacts.c.date_added <= until)
    return and_(contacts.c.location_id == location_id, *bounds)
