"""`status`: is my copy good, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

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
    return [to_json(each) for each in overview(vault, wanted, now, settings).locations]


def to_json(figures: Figures) -> dict[str, Any]:
    """One location. `coverage.contacts`: how many are held of how many HighLevel said it has at the last complete
    listing (None before the first)."""
    last = figures.last_complete
    return {
        "location_id": figures.place.location_id,
        "name": figures.place.name,
        "health": {"level": str(figures.health.level), "reasons": list(figures.health.reasons)},
        "contacts": {"present": figures.present, "suspected": figures.suspected, "deleted": figures.lost},
        "at_risk": figures.tally.at_risk,
        "last_complete_listing": iso(last.finished_at) if last else None,
        "coverage": {"contacts": {"held": figures.present, "listed": (last.total or last.seen) if last else None}},
        "api": {"requests_today": figures.requests_today, "daily_limit": figures.daily_limit},
    }
