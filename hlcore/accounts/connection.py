"""Connects a location: by its private token, by the OAuth app's grant, or from the settings."""

from __future__ import annotations

from datetime import datetime

from hlcore.app_context import AppContext
from hlcore.errors import ScopeMissing, SettingsError
from hlcore.highlevel import Client, Priority
from hlcore.settings import check_header_text
from hlcore.store import Tx, locations
from hlcore.store.oauth_grants import LOCATION
from hlcore.sync.location_record import LocationRecord, read_location_record


def connect(context: AppContext, location_id: str, token: str, *, is_demo: bool = False) -> LocationRecord:
    """Connect the location with this token, proven by a real call, and store the token encrypted. Raises HighLevelError
    with what is wrong. May be repeated with another token."""
    if not location_id.strip() or not token.strip():
        raise SettingsError("A location id and a token are needed.", hint="Both are shown in HighLevel's settings.")
    try:
        token, location_id = check_header_text(token), check_header_text(location_id)
    except ValueError as exc:
        raise SettingsError(f"The location id or the token {exc}.", hint="Copy both again from HighLevel.") from None
    with context.client(location_id, token=token, priority=Priority.INTERACTIVE) as client:
        record = check_location(client)
    with context.vault.write() as tx:
        save_location(tx, record, token=context.cipher.encrypt(token), at=context.clock.now(), is_demo=is_demo)
    return record


def connect_with_grant(context: AppContext, location_id: str) -> LocationRecord:
    """Connect the location by the app's grant, proven by a real call, and forget its private token, if any. Raises
    HighLevelError with what is wrong, GrantLost when there is no grant. May be repeated."""
    token = context.tokens.access_token(LOCATION, location_id)
    with context.client(location_id, token=token, priority=Priority.INTERACTIVE) as client:
        record = check_location(client)
    with context.vault.write() as tx:
        save_location(tx, record, token=None, at=context.clock.now())
    return record


def connect_from_settings(context: AppContext) -> None:
    """Connect the location named by LOCATION_ID and TOKEN, if they are set. Sends no request when it is connected with
    this very token already."""
    location_id, token = context.settings.location_id, context.settings.token.get_secret_value()
    if not location_id or not token:
        return
    with context.vault.read() as tx:
        known = locations.get(tx, location_id)
        stored = locations.get_token(tx, location_id)
    if known and known.disconnected_at is None and stored and _is_token(context, stored, token):
        return
    connect(context, location_id, token)


def check_location(client: Client) -> LocationRecord:
    """Prove that the location is usable by reading its record and a page of its contacts, and return the record.

    A token without `locations.readonly` still connects, with the id for a name. Raises HighLevelError.
    """
    try:
        record = read_location_record(client)
    except ScopeMissing:
        record = LocationRecord(client.location_id, client.location_id, "UTC", "", b"")
    client.search_contacts(limit=1)
    return record


def save_location(tx: Tx, record: LocationRecord, *, token: bytes | None, at: datetime, is_demo: bool = False) -> None:
    """Store the location as connected with this encrypted token, or by the app's grant (None)."""
    locations.connect(
        tx,
        record.location_id,
        name=record.name,
        timezone=record.timezone,
        company_id=record.company_id,
        token=token,
        at=at,
        raw=record.raw or None,
        is_demo=is_demo,
    )


def _is_token(context: AppContext, encrypted: bytes, token: str) -> bool:
    try:
        return context.cipher.decrypt(encrypted) == token
    except SettingsError:
        return False
