"""Connecting an account: by its private token, by the app's grant, or as the settings say."""

from __future__ import annotations

from datetime import datetime

from hlcore.app_context import Office
from hlcore.errors import ScopeMissing, SettingsError
from hlcore.highlevel import Client, Priority
from hlcore.store import Tx, locations
from hlcore.store.oauth_grants import LOCATION
from hlcore.sync.location_record import Account, read_account


def connect(office: Office, location_id: str, token: str, *, is_demo: bool = False) -> Account:
    """The location is connected with this token, which a real call has proven; the token is kept encrypted.
    Raises HighLevelError with what is wrong. May be repeated with another token."""
    if not location_id.strip() or not token.strip():
        raise SettingsError("A location id and a token are needed.", hint="Both are shown in HighLevel's settings.")
    with office.client(location_id, token=token.strip(), priority=Priority.INTERACTIVE) as client:
        account = check_account(client)
    with office.vault.write() as tx:
        save_account(tx, account, token=office.cipher.encrypt(token.strip()), at=office.clock.now(), is_demo=is_demo)
    return account


def connect_granted(office: Office, location_id: str) -> Account:
    """The location is connected by the app's grant, which a real call has proven. Raises HighLevelError with what
    is wrong, GrantLost when there is no grant of it. A private token it had is forgotten. May be repeated."""
    token = office.grants.token(LOCATION, location_id)
    with office.client(location_id, token=token, priority=Priority.INTERACTIVE) as client:
        account = check_account(client)
    with office.vault.write() as tx:
        save_account(tx, account, token=None, at=office.clock.now())
    return account


def connect_from_settings(office: Office) -> None:
    """The account named by LOCATION_ID and TOKEN is connected. Without them nothing happens; nothing is asked
    of HighLevel when it is connected with this very token already."""
    location_id, token = office.settings.location_id, office.settings.token.get_secret_value()
    if not location_id or not token:
        return
    with office.vault.read() as tx:
        known = locations.get(tx, location_id)
        kept = locations.token(tx, location_id)
    if known and known.disconnected_at is None and kept and _reads_as(office, kept, token):
        return
    connect(office, location_id, token)


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


def _reads_as(office: Office, kept: bytes, token: str) -> bool:
    try:
        return office.cipher.decrypt(kept) == token
    except SettingsError:
        return False
