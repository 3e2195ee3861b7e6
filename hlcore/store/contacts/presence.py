"""Which contacts a listing has seen and which it has not, and the contacts added to HighLevel in a period.

A disappearance is suspected on the ground of the sightings; the watch compares HighLevel's counts with the contacts
added in a period.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, exists, func, select, update

from hlcore.store.contacts.columns import LIVE
from hlcore.store.contacts.reads import row_ids
from hlcore.store.database import Tx
from hlcore.store.dialects import among_numbers, chunked, is_postgres
from hlcore.store.tables import contacts, sightings

EXPECTED = ("present", "suspected", "returned")
"""A complete listing should show the contacts of these statuses."""
_INSERT_SIGHTINGS = {
    "sqlite": "INSERT INTO sightings (run_id, row_id) SELECT ?, value FROM json_each(?) WHERE true "
    "ON CONFLICT DO NOTHING",
    "postgresql": "INSERT INTO sightings (run_id, row_id) SELECT %s, unnest(%s::bigint[]) ON CONFLICT DO NOTHING",
}


@dataclass(frozen=True, slots=True)
class MissingContact:
    """A contact that a run did not see. `seen_at`: when it was last added, changed or read by id; the dates are
    HighLevel's own."""

    contact_id: str
    status: str
    seen_at: datetime
    date_added: datetime | None
    date_updated: datetime | None


def record_sightings(tx: Tx, run_id: int, row_ids: Iterable[int]) -> int:
    """Record that the run has seen these contacts; return how many it had not seen before. May be repeated."""
    ids = sorted(row_ids)
    if not ids:
        return 0
    given = (run_id, ids if is_postgres(tx) else json.dumps(ids))
    options = {"preserve_rowcount": True}
    return tx.exec_driver_sql(_INSERT_SIGHTINGS[tx.dialect.name], given, execution_options=options).rowcount


def count_sightings(tx: Tx, run_id: int) -> int:
    """Return how many contacts the run has seen."""
    return tx.execute(select(func.count()).select_from(sightings).where(sightings.c.run_id == run_id)).scalar_one()


def delete_sightings(tx: Tx, run_id: int) -> None:
    """Delete the run's sightings; its conclusions stay."""
    tx.execute(delete(sightings).where(sightings.c.run_id == run_id))


def list_missing(tx: Tx, location_id: str, run_id: int, *, after: str = "", limit: int = 1000) -> list[MissingContact]:
    """Return contacts that should exist and that this run did not see, by id, behind `after`."""
    unseen = select(contacts.c.row_id).where(_unseen(location_id, run_id))  # from indexes alone, then their rows
    query = (
        select(*(contacts.c[name] for name in MissingContact.__slots__))
        .where(contacts.c.row_id.in_(unseen), contacts.c.contact_id > after)
        .order_by(contacts.c.contact_id)
        .limit(limit)
    )
    return [MissingContact(*row) for row in tx.execute(query)]


def list_least_proven(tx: Tx, location_id: str, run_id: int, *, limit: int) -> list[MissingContact]:
    """Return missing contacts that are not suspected yet: first those whose existence was proven longest ago, so that
    asking for some in each run comes round to all."""
    query = select(*(contacts.c[name] for name in MissingContact.__slots__))
    query = query.where(_unseen(location_id, run_id), contacts.c.status != "suspected")
    return [
        MissingContact(*row)
        for row in tx.execute(query.order_by(contacts.c.seen_at, contacts.c.contact_id).limit(limit))
    ]


def count_missing(tx: Tx, location_id: str, run_id: int) -> int:
    """Return how many contacts `list_missing` has altogether."""
    return tx.execute(select(func.count()).select_from(contacts).where(_unseen(location_id, run_id))).scalar_one()


def count_unsuspected(tx: Tx, location_id: str, run_id: int) -> int:
    """Return how many contacts `list_least_proven` has altogether."""
    missing = _unseen(location_id, run_id), contacts.c.status != "suspected"
    return tx.execute(select(func.count()).select_from(contacts).where(*missing)).scalar_one()


def list_sighted(
    tx: Tx, location_id: str, run_id: int, statuses: Iterable[str], *, after: str = "", limit: int = 1000
) -> list[str]:
    """Return the ids, ascending and behind `after`, that the run has seen although they have one of these statuses.
    Meant for rare statuses: it looks up all contacts that have them."""
    rows = select(contacts.c.row_id).where(_seen_with(location_id, run_id, statuses))
    query = (
        select(contacts.c.contact_id)
        .where(contacts.c.row_id.in_(rows), contacts.c.contact_id > after)
        .order_by(contacts.c.contact_id)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


def sample_sighted(tx: Tx, location_id: str, run_id: int, statuses: Iterable[str], *, limit: int) -> list[str]:
    """Return any `limit` ids that the run has seen and whose status is one of these."""
    query = select(contacts.c.contact_id).where(_seen_with(location_id, run_id, statuses)).limit(limit)
    return list(tx.execute(query).scalars())


def count_sighted_after(tx: Tx, location_id: str, run_id: int, moment: datetime) -> int:
    """Return how many contacts that the run has seen were added to HighLevel after this moment."""
    later = contacts.c.location_id == location_id, contacts.c.date_added > moment
    return tx.execute(select(func.count()).select_from(contacts).where(*later, _seen(run_id))).scalar_one()


def count_added(tx: Tx, location_id: str, since: datetime | None, until: datetime | None) -> int:
    """Return how many live contacts were added between these moments (both included; None: open).

    A million is counted over the index alone; only the few that do not live are looked up and subtracted."""
    added = _added(location_id, since, until)
    total = tx.execute(select(func.count()).select_from(contacts).where(added)).scalar_one()
    others = select(func.count()).select_from(contacts).where(added, contacts.c.status.not_in(LIVE))
    return total - tx.execute(others).scalar_one()


def median_added(tx: Tx, location_id: str, since: datetime | None, until: datetime | None) -> datetime | None:
    """Return the moment that halves the contacts added between these; None where there are none."""
    added = _added(location_id, since, until)
    number = tx.execute(select(func.count()).select_from(contacts).where(added)).scalar_one()
    if not number:
        return None
    query = select(contacts.c.date_added).where(added).order_by(contacts.c.date_added)
    return tx.execute(query.offset((number - 1) // 2).limit(1)).scalar_one()


def ids_added(tx: Tx, location_id: str, since: datetime | None, until: datetime | None) -> list[str]:
    """Return the ids of the live contacts that were added between these moments, ascending."""
    query = select(contacts.c.contact_id).where(_added(location_id, since, until), contacts.c.status.in_(LIVE))
    return list(tx.execute(query.order_by(contacts.c.contact_id)).scalars())


def record_seen(tx: Tx, location_id: str, contact_ids: Sequence[str], *, at: datetime) -> None:
    """Record that HighLevel's search showed these contacts as of `at`. Later sightings stay; contacts that should not
    be in HighLevel stay as they are."""
    for part in chunked(contact_ids):
        rows = among_numbers(tx, contacts.c.row_id, row_ids(tx, location_id, part))
        expected = contacts.c.status.in_(EXPECTED), contacts.c.seen_at < at
        tx.execute(update(contacts).where(rows, *expected).values(seen_at=at))


def _unseen(location_id: str, run_id: int) -> ColumnElement[bool]:
    return and_(contacts.c.location_id == location_id, contacts.c.status.in_(EXPECTED), ~_seen(run_id))


def _seen_with(location_id: str, run_id: int, statuses: Iterable[str]) -> ColumnElement[bool]:
    return and_(contacts.c.location_id == location_id, contacts.c.status.in_(tuple(statuses)), _seen(run_id))


def _seen(run_id: int) -> ColumnElement[bool]:
    return exists().where(sightings.c.run_id == run_id, sightings.c.row_id == contacts.c.row_id)


def _added(location_id: str, since: datetime | None, until: datetime | None) -> ColumnElement[bool]:
    bounds: list[ColumnElement[bool]] = [contacts.c.date_added.is_not(None)]
    if since is not None:
        bounds.append(contacts.c.date_added >= since)
    if until is not None:
        bounds.append(contacts.c.date_added <= until)
    return and_(contacts.c.location_id == location_id, *bounds)
