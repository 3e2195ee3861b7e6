"""`status`: is my copy good, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hlcore.metrics.coverage import Coverage, coverage
from hlcore.metrics.overview import Figures, overview
from hlcore.metrics.register import iso
from hlcore.settings import Settings
from hlcore.store import Vault, locations


def status(
    vault: Vault, settings: Settings, now: datetime, *, location_ids: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Each of these locations (none given: every connected one), by name, with the keys of the command line's
    contract."""
    with vault.read() as tx:
        wanted = list(location_ids) or [place.location_id for place in locations.all(tx)]
    found = overview(vault, wanted, now, settings).locations
    return [to_json(each, coverage(vault, each.place.location_id, now, settings)) for each in found]


def to_json(figures: Figures, covered: Coverage) -> dict[str, Any]:
    """One location. `coverage.contacts`: how many are held of how many HighLevel said it has at the last complete
    listing (None before the first); beside it the share of the living contacts for which each kind of record is safe,
    (not before the first complete listing), and in `done_by` when each will be for all (None: never at this pace)."""
    last = figures.last_complete
    listed = (last.total or last.seen) if last else None
    return {
        "location_id": figures.place.location_id,
        "name": figures.place.name,
        "health": {"level": str(figures.health.level), "reasons": list(figures.health.reasons)},
        "contacts": {"present": figures.present, "suspected": figures.suspected, "deleted": figures.lost},
        "at_risk": figures.tally.at_risk,
        "last_complete_listing": iso(last.finished_at) if last else None,
        "coverage": {"contacts": {"held": figures.present, "listed": listed}, **(covered.shares if last else {})},
        "done_by": {each.kind: iso(each.done_by) for each in covered.kinds} | {"all": iso(covered.done_by)},
        "api": {"requests_today": figures.requests_today, "daily_limit": figures.daily_limit},
    }
