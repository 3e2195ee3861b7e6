"""Connected sub-accounts. A token is kept encrypted and read only by `token`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update

from hlcore.model.windows import Window, window_of
from hlcore.store import grants
from hlcore.store.bulk import one_changed, upsert
from hlcore.store.engine import Tx
from hlcore.store.tables import locations


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
        grants.remove(tx, grants.LOCATION, location_id)
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
    grants.remove(tx, grants.LOCATION, location_id)


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
