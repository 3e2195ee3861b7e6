"""Connected locations (HighLevel's sub-accounts): their settings, their tokens, and how many requests each day took.

A token is stored encrypted and read only by `get_token`. Days are days in UTC, as 'YYYY-MM-DD'.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, update

from hlcore.model.recovery_window import RecoveryWindow, recovery_window
from hlcore.store import oauth_grants
from hlcore.store.database import Tx
from hlcore.store.dialects import change_one, insert_into, upsert
from hlcore.store.tables import api_usage, locations


@dataclass(frozen=True, slots=True)
class Location:
    """A location and its settings. `hipaa_recreate`: somebody decided that contacts may be re-created although the
    location is under HIPAA. `window_days`, `incident_floor` and `incident_share` are None where the defaults hold."""

    location_id: str
    name: str
    timezone: str
    company_id: str
    connected_at: datetime
    disconnected_at: datetime | None
    is_demo: bool
    hipaa: bool
    hipaa_recreate: bool
    window_days: int | None
    window_reason: str
    incident_floor: int | None
    incident_share: float | None
    raw: bytes | None
    has_token: bool

    @property
    def connected(self) -> bool:
        """Whether the location is connected, so that its contacts are copied."""
        return self.disconnected_at is None

    @property
    def window(self) -> RecoveryWindow:
        """How long HighLevel's own restore works for this location, according to its settings."""
        return recovery_window(self.window_days, hipaa=self.hipaa, reason=self.window_reason)


@dataclass(frozen=True, slots=True)
class ApiUsage:
    """Requests of one day, and the daily limit and rest that HighLevel's headers named last (None: never)."""

    location_id: str
    day: str
    requests: int
    daily_limit: int | None
    daily_remaining: int | None


_ALL_BUT_TOKEN: list[ColumnElement[Any]] = [column for column in locations.c if column.name != "token"]
_QUERY: Select[Any] = select(*_ALL_BUT_TOKEN, locations.c.token.is_not(None).label("has_token"))


def connect(
    tx: Tx,
    location_id: str,
    *,
    name: str,
    timezone: str,
    company_id: str,
    token: bytes | None,
    at: datetime,
    raw: bytes | None,
    is_demo: bool = False,
) -> None:
    """Connect the location with this encrypted token, which replaces a grant of the OAuth app; with None the grant in
    `store.oauth_grants` is used. Connecting again updates HighLevel's data and the token, and keeps the settings made
    here and the moment of the first connection."""
    if token is not None:
        oauth_grants.remove(tx, oauth_grants.LOCATION, location_id)
    row = {
        "location_id": location_id,
        "name": name,
        "timezone": timezone,
        "company_id": company_id,
        "token": token,
        "connected_at": at,
        "disconnected_at": None,
        "is_demo": is_demo,
        "hipaa": False,
        "hipaa_recreate": False,
        "window_reason": "",
        "raw": raw,
    }
    upsert(tx, locations, [row], keep=("connected_at", "hipaa", "hipaa_recreate", "window_reason"))


def disconnect(tx: Tx, location_id: str, at: datetime) -> None:
    """Stop copying the location and forget its token and grant; the copy stays. Raises NotFound."""
    _change(tx, location_id, disconnected_at=at, token=None)
    oauth_grants.remove(tx, oauth_grants.LOCATION, location_id)


def get(tx: Tx, location_id: str) -> Location | None:
    """Return the location, None when it was never connected."""
    row = tx.execute(_QUERY.where(locations.c.location_id == location_id)).one_or_none()
    return Location(*row) if row else None


def list_all(tx: Tx, connected_only: bool = True) -> list[Location]:
    """Return the locations, ordered by name."""
    query = _QUERY.where(locations.c.disconnected_at.is_(None)) if connected_only else _QUERY
    return [Location(*row) for row in tx.execute(query.order_by(locations.c.name, locations.c.location_id))]


def get_token(tx: Tx, location_id: str) -> bytes | None:
    """Return the encrypted token, None without one."""
    return tx.execute(select(locations.c.token).where(locations.c.location_id == location_id)).scalar_one_or_none()


def set_window(
    tx: Tx, location_id: str, *, days: int | None, reason: str, hipaa: bool, hipaa_recreate: bool = False
) -> None:
    """Set the recovery window to this many days (None: the default), with the reason. `hipaa_recreate`: contacts may be
    re-created from the copy although the location is under HIPAA. Raises NotFound."""
    allowed = hipaa and hipaa_recreate
    _change(tx, location_id, window_days=days, window_reason=reason, hipaa=hipaa, hipaa_recreate=allowed)


def set_thresholds(tx: Tx, location_id: str, *, floor: int | None, share: float | None) -> None:
    """Set from how many or which share of contacts disappearing at once is an incident (None: the application's
    setting). Raises NotFound."""
    _change(tx, location_id, incident_floor=floor, incident_share=share)


def add_usage(
    tx: Tx,
    location_id: str,
    day: str,
    requests: int,
    daily_limit: int | None = None,
    daily_remaining: int | None = None,
) -> None:
    """Add these requests to the day's count. Limits that are None stay as they were."""
    insert = insert_into(tx, api_usage).values(
        location_id=location_id, day=day, requests=requests, daily_limit=daily_limit, daily_remaining=daily_remaining
    )
    new = insert.excluded
    values = {
        "requests": api_usage.c.requests + new.requests,
        "daily_limit": func.coalesce(new.daily_limit, api_usage.c.daily_limit),
        "daily_remaining": func.coalesce(new.daily_remaining, api_usage.c.daily_remaining),
    }
    tx.execute(insert.on_conflict_do_update(index_elements=["location_id", "day"], set_=values))


def get_usage(tx: Tx, location_id: str, day: str) -> ApiUsage:
    """Return the requests of that day; zero where none was sent."""
    row = tx.execute(
        select(api_usage).where(api_usage.c.location_id == location_id, api_usage.c.day == day)
    ).one_or_none()
    return ApiUsage(*row) if row else ApiUsage(location_id, day, 0, None, None)


def _change(tx: Tx, location_id: str, **values: Any) -> None:
    change_one(tx, update(locations).where(locations.c.location_id == location_id).values(values), "location")
