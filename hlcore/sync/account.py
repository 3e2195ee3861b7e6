"""The account itself: connecting it, and the catalogues without which a copy cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hlcore.errors import (
    ContractError,
    Gone,
    Rejected,
    ScopeMissing,
    Unreachable,
    WrongLocation,
)
from hlcore.highlevel import Client
from hlcore.model.parts import CATALOGUES, decode
from hlcore.model.planner import Policy
from hlcore.store import Tx, locations
from hlcore.sync import catalogues
from hlcore.sync.report import Work

CORE = ("custom_field", "user", "pipeline")
RARE = tuple(kind for kind in CATALOGUES if kind not in CORE)


@dataclass(frozen=True, slots=True)
class Account:
    """What HighLevel says of a location. `timezone` is a name that this machine knows, else 'UTC'."""

    location_id: str
    name: str
    timezone: str
    company_id: str
    raw: bytes


def read_account(client: Client) -> Account:
    """What HighLevel says of the client's location, by a real call. Raises WrongLocation when the token answers for
    another one, HighLevelError when HighLevel refuses."""
    raw = client.location()
    found = decode(raw)
    told, name, timezone, company_id = (_text(found, key) for key in ("id", "name", "timezone", "companyId"))
    if told and told != client.location_id:
        raise WrongLocation("The token belongs to another location.")
    return Account(client.location_id, name or client.location_id, _zone(timezone), company_id, raw)


def check_account(client: Client) -> Account:
    """The account, proven usable: its record and one page of its contacts could be read. A token without
    `locations.readonly` still connects, under its id. Raises HighLevelError with the missing scope or other fault."""
    try:
        account = read_account(client)
    except ScopeMissing:
        account = Account(client.location_id, client.location_id, "UTC", "", b"")
    client.search_contacts(limit=1)
    return account


def save_account(tx: Tx, account: Account, *, token: bytes | None, at: datetime, is_demo: bool = False) -> None:
    """The account is connected with this (encrypted) token, or by the app's grant; connecting again renews it."""
    locations.connect(
        tx,
        account.location_id,
        name=account.name,
        timezone=account.timezone,
        company_id=account.company_id,
        token=token,
        at=at,
        raw=account.raw or None,
        is_demo=is_demo,
    )


def refresh_catalogues(work: Work) -> None:
    """The account's lists are in the vault as HighLevel sent them; vanished entries stay, marked. Those by which every
    contact is read are read in each round, the others after some hours. A list that the token may not read is noted
    and left: contacts can be copied without it."""
    work.tell("Reading the account's lists")
    now, earlier = work.now(), work.now() - Policy().catalogue_every
    kinds = dict.fromkeys(CORE, now) | dict.fromkeys(RARE, earlier)
    work.tally.notes += catalogues.refresh(work.vault, work.client, kinds, now=work.now)


def verify_location(work: Work) -> None:
    """The token still answers for this location. Raises TokenRefused, WrongLocation, LocationInactive; a token that
    may not read the location's record, or a passing fault, is no reason to stop."""
    try:
        read_account(work.client)
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
