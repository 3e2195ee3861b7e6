"""What an open listing has seen, and what it has not: the ground on which a disappearance is suspected.

Contacts by the moment they were added: what the watch compares HighLevel's counts with.

Counting a million goes over the index alone; only the few that are not alive are looked up and taken off.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, exists, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from hlcore.store.contacts.reads import by_id
from hlcore.store.database import Tx
from hlcore.store.dialects import changed_rows, is_postgres
from hlcore.store.tables import contacts, disappearances, runs, sightings

EXPECTED = ("present", "suspected", "returned")
"""A complete listing should show the contacts of these statuses."""


@dataclass(frozen=True, slots=True)
class MissingContact:
    """A contact that a run did not see. `seen_at`: when it was last added, changed or read by id; the dates are
    HighLevel's own."""

    contact_id: str
    status: str
    seen_at: datetime
    date_added: datetime | None
    date_updated: datetime | None


def sight(tx: Tx, run_id: int, ids: Sequence[str]) -> int:
    """The run has seen these contacts, which its location holds; how many of them it had not seen before. May be
    repeated."""
    if not ids:
        return 0
    location = select(runs.c.location_id).where(runs.c.run_id == run_id).scalar_subquery()
    seen = by_id(tx, location, ids, contacts.c.row_id).add_columns(literal(run_id))
    add = (postgresql.insert if is_postgres(tx) else sqlite.insert)(sightings)
    return changed_rows(tx, add.from_select(["row_id", "run_id"], seen).on_conflict_do_nothing())


_SIGHT = {
    "sqlite": "INSERT INTO sightings (run_id, row_id) SELECT ?, value FROM json_each(?) WHERE true "
    "ON CONFLICT DO NOTHING",
    "postgresql": "INSERT INTO sightings (run_id, row_id) SELECT %s, unnest(%s::bigint[]) ON CONFLICT DO NOTHING",
}


def sight_rows(tx: Tx, run_id: int, rows: Iterable[int]) -> int:
    """As `sight`, for contacts known by their `row_id`."""
    ids = sorted(rows)
    if not ids:
        return 0
    given = (run_id, ids if is_postgres(tx) else json.dumps(ids))
    kept = tx.exec_driver_sql(_SIGHT[tx.dialect.name], given, execution_options={"preserve_rowcount": True})
    return kept.rowcount


def sighted(tx: Tx, run_id: int) -> int:
    """How many contacts the run has seen."""
    return tx.execute(select(func.count()).select_from(sightings).where(sightings.c.run_id == run_id)).scalar_one()


def forget_sightings(tx: Tx, run_id: int) -> None:
    """The run's sightings are removed; its conclusions stay."""
    tx.execute(delete(sightings).where(sightings.c.run_id == run_id))


def missing(tx: Tx, location_id: str, run_id: int, *, after: str = "", limit: int = 1000) -> list[MissingContact]:
    """Contacts that should exist and that this run did not see, by id, behind `after`."""
    unseen = select(contacts.c.row_id).where(_unseen(location_id, run_id))  # from indexes alone, then their rows
    query = (
        select(*(contacts.c[name] for name in MissingContact.__slots__))
        .where(contacts.c.row_id.in_(unseen), contacts.c.contact_id > after)
        .order_by(contacts.c.contact_id)
        .limit(limit)
    )
    return [MissingContact(*row) for row in tx.execute(query)]


def count_missing(tx: Tx, location_id: str, run_id: int) -> int:
    """How many contacts `missing` would give altogether."""
    return tx.execute(select(func.count()).select_from(contacts).where(_unseen(location_id, run_id))).scalar_one()


def sighted_with_status(
    tx: Tx, location_id: str, run_id: int, statuses: Iterable[str], *, after: str = "", limit: int = 1000
) -> list[str]:
    """Ids, ascending and behind `after`, that the run has seen although their status is one of these, which few have:
    all of them are looked up for it."""
    these = select(contacts.c.row_id).where(_seen_with(location_id, run_id, statuses))
    query = (
        select(contacts.c.contact_id)
        .where(contacts.c.row_id.in_(these), contacts.c.contact_id > after)
        .order_by(contacts.c.contact_id)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


def some_sighted(tx: Tx, location_id: str, run_id: int, statuses: Iterable[str], *, limit: int) -> list[str]:
    """Any `limit` ids that the run has seen and whose status is one of these."""
    query = select(contacts.c.contact_id).where(_seen_with(location_id, run_id, statuses)).limit(limit)
    return list(tx.execute(query).scalars())


def _unseen(location_id: str, run_id: int) -> ColumnElement[bool]:
    return and_(contacts.c.location_id == location_id, contacts.c.status.in_(EXPECTED), ~_seen(run_id))


def _seen_with(location_id: str, run_id: int, statuses: Iterable[str]) -> ColumnElement[bool]:
    return and_(contacts.c.location_id == location_id, contacts.c.status.in_(tuple(statuses)), _seen(run_id))


def _seen(run_id: int) -> ColumnElement[bool]:
    return exists().where(sightings.c.run_id == run_id, sightings.c.row_id == contacts.c.row_id)


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
