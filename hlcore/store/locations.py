"""Connected sub-accounts. A token is kept encrypted and read only by `token`.

How many requests were sent to HighLevel for a location on a day (UTC, 'YYYY-MM-DD').
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hlcore.model.recovery_window import Window, window_of
from hlcore.store import oauth_grants
from hlcore.store.database import Tx
from hlcore.store.dialects import is_postgres, one_changed, upsert
from hlcore.store.tables import locations
from hlcore.store.tables import usage as table


@dataclass(frozen=True, slots=True)
class Location:
    """A sub-account and its settings. `hipaa_recreate`: somebody decided that people may be re-created although it is
    under HIPAA. `window_days`, `incident_floor` and `incident_share` are None where the
    defaults hold."""

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
        """Whether it is copied at present."""
        return self.disconnected_at is None

    @property
    def window(self) -> Window:
        """How long HighLevel's own restore works here, as far as the settings tell."""
        return window_of(self.window_days, hipaa=self.hipaa, reason=self.window_reason)


_SHOWN: list[ColumnElement[Any]] = [column for column in locations.c if column.name != "token"]
_QUERY = select(*_SHOWN, locations.c.token.is_not(None).label("has_token"))


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
    """The location is connected with this encrypted token (None: by the app's grant, see `store.grants`; with a token
    such a grant is given up). Connecting again renews what HighLevel says and the token, and keeps the settings made
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
    """Nothing new is copied and the token is forgotten; the copy stays. Raises NotFound."""
    _change(tx, location_id, disconnected_at=at, token=None)
    oauth_grants.remove(tx, oauth_grants.LOCATION, location_id)


def get(tx: Tx, location_id: str) -> Location | None:
    """The location, None when it was never connected."""
    row = tx.execute(_QUERY.where(locations.c.location_id == location_id)).one_or_none()
    return _location(row) if row else None


def all(tx: Tx, connected_only: bool = True) -> list[Location]:  # noqa: A001
    """The locations by name."""
    query = _QUERY.where(locations.c.disconnected_at.is_(None)) if connected_only else _QUERY
    return [_location(row) for row in tx.execute(query.order_by(locations.c.name, locations.c.location_id))]


def token(tx: Tx, location_id: str) -> bytes | None:
    """The encrypted token; None without one."""
    return tx.execute(select(locations.c.token).where(locations.c.location_id == location_id)).scalar_one_or_none()


def set_window(
    tx: Tx, location_id: str, *, days: int | None, reason: str, hipaa: bool, hipaa_recreate: bool = False
) -> None:
    """The recovery window is so many days (None: the default), and why. `hipaa_recreate`: on an account under HIPAA
    people may be re-created from the copy. Raises NotFound."""
    allowed = hipaa and hipaa_recreate
    _change(tx, location_id, window_days=days, window_reason=reason, hipaa=hipaa, hipaa_recreate=allowed)


def set_thresholds(tx: Tx, location_id: str, *, floor: int | None, share: float | None) -> None:
    """From when on disappearing contacts are an incident (None: the setting). Raises NotFound."""
    _change(tx, location_id, incident_floor=floor, incident_share=share)


def _location(row: Sequence[Any]) -> Location:
    return Location(*row)


def _change(tx: Tx, location_id: str, **values: Any) -> None:
    one_changed(tx, update(locations).where(locations.c.location_id == location_id).values(values), "location")


@dataclass(frozen=True, slots=True)
class Usage:
    """Requests of one day, and the limit and rest that HighLevel's headers said last (None: never said)."""

    location_id: str
    day: str
    requests: int
    daily_limit: int | None
    daily_remaining: int | None


def add(
    tx: Tx,
    location_id: str,
    day: str,
    requests: int,
    daily_limit: int | None = None,
    daily_remaining: int | None = None,
) -> None:
    """So many more requests were sent that day. Limits that are not given stay as they were."""
    insert = (postgresql.insert if is_postgres(tx) else sqlite.insert)(table).values(
        location_id=location_id, day=day, requests=requests, daily_limit=daily_limit, daily_remaining=daily_remaining
    )
    new = insert.excluded
    values = {
        "requests": table.c.requests + new.requests,
        "daily_limit": func.coalesce(new.daily_limit, table.c.daily_limit),
        "daily_remaining": func.coalesce(new.daily_remaining, table.c.daily_remaining),
    }
    tx.execute(insert.on_conflict_do_update(index_elements=["location_id", "day"], set_=values))


def today(tx: Tx, location_id: str, day: str) -> Usage:
    """The requests of that day; zero where none was sent."""
    row = tx.execute(select(table).where(table.c.location_id == location_id, table.c.day == day)).one_or_none()
    return Usage(*row) if row else Usage(location_id, day, 0, None, None)
