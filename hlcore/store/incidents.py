"""Incidents: many disappearances at once that belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import desc, insert, select, update

from hlcore.store.bulk import among, one_changed
from hlcore.store.engine import Tx
from hlcore.store.tables_acts import incidents as table


@dataclass(frozen=True, slots=True)
class Incident:
    """`contacts` of `known` were missing at once. `state` is waiting, confirmed or dismissed."""

    incident_id: int
    location_id: str
    opened_at: datetime
    contacts: int
    known: int
    state: str
    evidence: str


def open_incident(tx: Tx, location_id: str, *, at: datetime, contacts: int, known: int, evidence: str) -> int:
    """A new incident waits for its proof; its id."""
    values = {"location_id": location_id, "opened_at": at, "contacts": contacts, "known": known, "evidence": evidence}
    return tx.execute(insert(table).values(values).returning(table.c.incident_id)).scalar_one()


def close_incident(tx: Tx, incident_id: int, state: str, evidence: str) -> None:
    """The incident is confirmed or dismissed, for these reasons. Raises NotFound."""
    mine = update(table).where(table.c.incident_id == incident_id)
    one_changed(tx, mine.values(state=state, evidence=evidence), "incident")


def list_incidents(tx: Tx, location_ids: Sequence[str], *, limit: int) -> list[Incident]:
    """Incidents of these locations, newest first."""
    query = select(table).where(among(tx, table.c.location_id, location_ids))
    return [Incident(*row) for row in tx.execute(query.order_by(desc(table.c.incident_id)).limit(limit))]
