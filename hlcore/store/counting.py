"""How much there is, beside the contacts: for those who want to know before they read it all."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from hlcore.store.bulk import among
from hlcore.store.engine import Tx
from hlcore.store.tables import records, versions


def records_by_kind(tx: Tx, location_ids: Sequence[str]) -> dict[str, int]:
    """Kind → how many records of these locations are held, vanished ones too."""
    mine = select(records.c.kind, func.count()).where(among(tx, records.c.location_id, location_ids))
    return {row[0]: row[1] for row in tx.execute(mine.group_by(records.c.kind))}


def old_copies(tx: Tx, location_ids: Sequence[str]) -> int:
    """How many earlier copies of contacts of these locations are held."""
    mine = select(func.count()).select_from(versions).where(among(tx, versions.c.location_id, location_ids))
    return tx.execute(mine).scalar_one()
