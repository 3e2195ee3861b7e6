"""HighLevel's record of the location itself: its name and time zone, and the proof that the token belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hlcore.errors import (
    ContractError,
    Gone,
    LocationInactive,
    Rejected,
    ScopeMissing,
    Unauthorized,
    Unreachable,
    WrongLocation,
)
from hlcore.highlevel import Client
from hlcore.location_context import LocationContext
from hlcore.model.json_codec import decode_object
from hlcore.model.moments import time_zone
from hlcore.sync.contact_lookup import raise_if_refused_everywhere


@dataclass(frozen=True, slots=True)
class LocationRecord:
    """A location as HighLevel describes it. `timezone` is a name known to this machine, else 'UTC'."""

    location_id: str
    name: str
    timezone: str
    company_id: str
    raw: bytes


def read_location_record(client: Client) -> LocationRecord:
    """Fetch the record of the client's location. Raises WrongLocation when the token belongs to another location, and
    HighLevelError."""
    raw = client.location()
    record = decode_object(raw)
    location_id, name, timezone, company_id = (_text(record, key) for key in ("id", "name", "timezone", "companyId"))
    if location_id and location_id != client.location_id:
        raise WrongLocation("The token belongs to another location.")
    return LocationRecord(client.location_id, name or client.location_id, time_zone(timezone).key, company_id, raw)


def check_token(context: LocationContext) -> None:
    """Raise TokenRefused, WrongLocation or LocationInactive when the token cannot be used for this location. A token
    that may not read the location's record alone, and a passing fault, are accepted."""
    try:
        read_location_record(context.client)
    except (ScopeMissing, ContractError, Gone, Rejected, Unreachable):
        return
    except (Unauthorized, WrongLocation, LocationInactive) as exc:
        if not exc.status:  # not HighLevel's answer but a conclusion of our own
            raise
        raise_if_refused_everywhere(context.client, exc)


def _text(record: Mapping[str, Any], key: str) -> str:
    """Return the member if it is a text, without lone surrogates; '' otherwise."""
    value = record.get(key)
    return value.encode("utf-8", "ignore").decode() if isinstance(value, str) else ""
