"""`deletions`: the register for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hlcore.errors import SettingsError
from hlcore.metrics.register import Lost, Wanted, iso, iterate
from hlcore.model.lifecycle import Status
from hlcore.store import Vault

STATUSES = (*(str(status) for status in Status if status is not Status.PRESENT), "withdrawn")


def deletions(vault: Vault, location_ids: Sequence[str], now: datetime, *, status: str = "") -> list[dict[str, Any]]:
    """Every confirmed disappearance of these locations, oldest first, or those in one status (`expired` follows from
    the window and the clock; `suspected` and `withdrawn` are only there when asked for). Moments are ISO 8601 in UTC.
    Raises SettingsError for a status that does not exist."""
    if status and status not in STATUSES:
        raise SettingsError(f"There is no status {status!r}.", hint=f"One of: {', '.join(STATUSES)}.")
    with vault.read() as tx:
        found = iterate(tx, Wanted(location_ids, (status,) if status else ()), now)
        return [to_json(lost) for lost in found]


def to_json(lost: Lost) -> dict[str, Any]:
    """One disappearance with the keys of the command line's contract."""
    row, left = lost.row, lost.left
    return {
        "location_id": row.location_id,
        "contact_id": row.contact_id,
        "name": row.name,
        "email": row.email,
        "phone": row.phone,
        "status": lost.status,
        "cause": row.cause,
        "evidence": row.evidence,
        "deleted_at": iso(row.deleted_at),
        "last_seen_at": iso(row.last_seen_at),
        "detected_at": iso(row.detected_at),
        "window_ends_at": iso(left.ends_at),
        "days_left": left.days_left,
    }
