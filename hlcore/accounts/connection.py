"""Connecting an account: by its private token, by the app's grant, or as the settings say."""

from __future__ import annotations

from datetime import datetime

from hlcore.app_context import AppContext
from hlcore.errors import ScopeMissing, SettingsError
from hlcore.highlevel import Client, Priority
from hlcore.store import Tx, locations
from hlcore.store.oauth_grants import LOCATION
from hlcore.sync.location_record import LocationRecord, read_location_record


def connect(context: AppContext, location_id: str, token: str, *, is_demo: bool = False) -> LocationRecord:
    """The location is connected with this token, which a real call has proven; the token is kept encrypted.
    Raises HighLevelError with what is wrong. May be repeated with another token."""
    if not location_id.strip() or not token.strip():
        raise SettingsError("A location id and a token are needed.", hint="Both are shown in HighLevel's settings.")
    with context.client(location_id, token=token.strip(), priority=Priority.INTERACTIVE) as client:
        account = check_account(client)
    with context.vault.write() as tx:
        save_account(tx, account, token=context.cipher.encrypt(token.strip()), at=context.clock.now(), is_demo=is_demo)
    return account


def connect_granted(context: AppContext, location_id: str) -> LocationRecord:
    """The location is connected by the app's grant, which a real call has proven. Raises HighLevelError with what
    is wrong, GrantLost when there is no grant of it. A private token it had is forgotten. May be repeated."""
    token = context.tokens.token(LOCATION, location_id)
    with context.client(location_id, token=token, priority=Priority.INTERACTIVE) as client:
        account = check_account(client)
    with context.vault.write() as tx:
        save_account(tx, account, token=None, at=context.clock.now())
    return account


def connect_from_settings(context: AppContext) -> None:
    """The account named by LOCATION_ID and TOKEN is connected. Without them nothing happens; nothing is asked
    of HighLevel when it is connected with this very token already."""
    location_id, token = context.settings.location_id, context.settings.token.get_secret_value()
    if not location_id or not token:
        return
    with context.vault.read() as tx:
        known = locations.get(tx, location_id)
        kept = locations.token(tx, location_id)
    if known and known.disconnected_at is None and kept and _reads_as(context, kept, token):
        return
    connect(context, location_id, token)


def check_account(client: Client) -> LocationRecord:
    """The account, proven usable: its record and one page of its contacts could be read. A token without
    `locations.readonly` still connects, under its id. Raises HighLevelError with the missing scope or other fault."""
    try:
        account = read_location_record(client)
    except ScopeMissing:
        account = LocationRecord(client.location_id, client.location_id, "UTC", "", b"")
    client.search_contacts(limit=1)
    return account


def save_account(tx: Tx, account: LocationRecord, *, token: bytes | None, at: datetime, is_demo: bool = False) -> None:
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


def _reads_as(context: AppContext, kept: bytes, token: str) -> bool:
    try:
        return context.cipher.decrypt(kept) == token
    except SettingsError:
        return False
