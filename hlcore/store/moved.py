"""What moved with a merge: records that belonged to the loser and are seen under the winner now."""

from __future__ import annotations

from sqlalchemy import and_, exists, select

from hlcore.store.engine import Tx
from hlcore.store.records import Record
from hlcore.store.tables import record_versions, records


def moved(tx: Tx, location_id: str, loser_id: str, winner_id: str) -> list[Record]:
    """The winner's records that were the loser's before, by kind and id."""
    earlier = and_(
        record_versions.c.location_id == records.c.location_id,
        record_versions.c.kind == records.c.kind,
        record_versions.c.record_id == records.c.record_id,
        record_versions.c.contact_id == loser_id,
    )
    query = select(records).where(
        records.c.location_id == location_id, records.c.contact_id == winner_id, exists().where(earlier)
    )
    return [Record(*row) for row in tx.execute(query.order_by(records.c.kind, records.c.record_id))]
