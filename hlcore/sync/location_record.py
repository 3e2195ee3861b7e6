"""The account itself: connecting it, and the catalogues without which a copy cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hlcore.errors import ContractError, Gone, Rejected, ScopeMissing, Unreachable, WrongLocation
from hlcore.highlevel import Client
from hlcore.model.records import decode
from hlcore.sync.run_context import RunContext


@dataclass(frozen=True, slots=True)
class LocationRecord:
    """What HighLevel says of a location. `timezone` is a name that this machine knows, else 'UTC'."""

    location_id: str
    name: str
    timezone: str
    company_id: str
    raw: bytes


def read_location_record(client: Client) -> LocationRecord:
    """What HighLevel says of the client's location, by a real call. Raises WrongLocation when the token answers for
    another one, HighLevelError when HighLevel refuses."""
    raw = client.location()
    found = decode(raw)
    told, name, timezone, company_id = (_text(found, key) for key in ("id", "name", "timezone", "companyId"))
    if told and told != client.location_id:
        raise WrongLocation("The token belongs to another location.")
    return LocationRecord(client.location_id, name or client.location_id, _zone(timezone), company_id, raw)


def check_access(work: RunContext) -> None:
    """The token still answers for this location. Raises TokenRefused, WrongLocation, LocationInactive; a token that
    may not read the location's record, or a passing fault, is no reason to stop."""
    try:
        read_location_record(work.client)
    except (ScopeMissing, ContractError, Gone, Rejected, Unreachable):
        return


def _text(found: Mapping[str, Any], key: str) -> str:
    """The member where it is a text, without halves of emojis; '' for everything else."""
    value = found.get(key)
    return value.encode("utf-8", "ignore").decode() if isinstance(value, str) else ""


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key if name else "UTC"
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC"
