"""Names for ids, from the catalogues as last copied."""

from __future__ import annotations

from collections.abc import Sequence

from hlcore.model.naming import name_in
from hlcore.store import records
from hlcore.store.engine import Tx


def user_names(tx: Tx, location_ids: Sequence[str]) -> dict[str, str]:
    """User id → name, of the users of these locations, those that have left as well; without those that have none."""
    found: dict[str, str] = {}
    for location_id in location_ids:
        for record in records.iterate(tx, location_id, "user"):
            if name := name_in(record.raw):
                found[record.record_id] = name
    return found
