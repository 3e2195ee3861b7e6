"""Installs the OAuth app: to HighLevel and back, the locations it brings, and HighLevel's later events about it."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from hlcore.accounts import connection
from hlcore.app_context import AppContext
from hlcore.errors import GrantLost, HighLevelError, NotAllowed, SettingsError, TokenRefused, VaultError
from hlcore.governance.audit import audited
from hlcore.governance.roles import WORKER, Action, Role, User, require
from hlcore.highlevel import Priority
from hlcore.highlevel.oauth import COMPANY as COMPANY_TYPE
from hlcore.highlevel.oauth import TokenPair
from hlcore.highlevel.webhook_signature import WebhookEvent
from hlcore.model.moments import CLOCK_SLACK, is_future
from hlcore.store import locations, oauth_grants
from hlcore.store.oauth_grants import COMPANY, LOCATION

log = structlog.get_logger(__name__)
LINK_LIFETIME = timedelta(minutes=10)


@dataclass(slots=True)
class InstallResult:
    """Ids of the locations that an installation connected, and of those that it could not, with the reason."""

    connected: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def create_ticket(context: AppContext, user: User) -> str:
    """Return a sealed ticket with which this user may start an installation within ten minutes. Raises NotAllowed."""
    require(user, Action.CONNECT)
    return _seal(context, "ticket", user, "")


def start_install(context: AppContext, ticket: str) -> tuple[str, str]:
    """Return (address to send the browser to, secret to keep in that browser) for the bearer of a ticket. Raises
    NotAllowed, SettingsError."""
    if not context.settings.has_app:
        raise SettingsError(
            "No app is set up.", hint="Set HLCORE_CLIENT_ID, HLCORE_CLIENT_SECRET and HLCORE_REDIRECT_URI."
        )
    user, _ = _unseal(context, "ticket", ticket)
    secret = secrets.token_urlsafe(24)
    return context.tokens.oauth.install_url(_seal(context, "state", user, secret)), secret


def finish_install(context: AppContext, *, state: str, secret: str, code: str) -> InstallResult:
    """Install the app for the user to whom `state` was given, in the browser that holds its secret, and connect the
    locations.

    Raises NotAllowed when `state` and `secret` do not match, HighLevelError when the code is of no use. A code works
    once.
    """
    user, expected = _unseal(context, "state", state)
    if not secret or not secrets.compare_digest(expected, secret):
        raise NotAllowed("This installation was begun in another browser, or by somebody else.", hint=_START_AGAIN)
    with audited(context.vault, user, Action.CONNECT, now=context.clock.now, subject="OAuth app") as entry:
        pair = context.tokens.oauth.exchange(code)
        result = _accept(context, pair)
        entry.add(connected=result.connected, failed=sorted(result.failed))
    return result


def connect_new_locations(context: AppContext, company_id: str, *, reconnect: bool = False) -> InstallResult:
    """Connect every location of the agency that has the app. Those that a user has disconnected stay so unless
    `reconnect`. Raises GrantLost, HighLevelError."""
    token = context.tokens.access_token(COMPANY, company_id)
    with context.vault.read() as tx:
        known = {location.location_id: location for location in locations.list_all(tx, connected_only=False)}
    result = InstallResult()
    for location_id in context.tokens.oauth.installed_locations(token, company_id):
        location = known.get(location_id)
        if location is None or (reconnect and not location.connected):
            _connect(context, company_id, location_id, result)
    return result


def connect_all_new_locations(context: AppContext) -> int:
    """Call `connect_new_locations` for every agency whose grant works; return the number of new locations. An agency
    that fails is logged and does not stop the others."""
    with context.vault.read() as tx:
        agencies = [grant.owner_id for grant in oauth_grants.list_all(tx, COMPANY) if not grant.trouble]
    count = 0
    for company_id in agencies:
        try:
            result = connect_new_locations(context, company_id)
            if result.connected:
                with audited(
                    context.vault, WORKER, Action.CONNECT, now=context.clock.now, subject="OAuth app"
                ) as entry:
                    entry.add(connected=result.connected)
            count += len(result.connected)
        except VaultError as exc:
            log.warning("locations_not_picked_up", kind=type(exc).__name__, text=str(exc))
    return count


def handle_app_event(context: AppContext, event: WebhookEvent, *, at: datetime) -> str:
    """Apply what HighLevel says of the app's installations (INSTALL, UNINSTALL); return '' or what was odd.

    An older event never undoes what happened since: HighLevel is asked first. Raises HighLevelError when it cannot be.
    A grant that was obtained under a clock that was ahead is not newer than the event for that.
    """
    if event.type == "INSTALL":
        return _handle_install(context, event)
    with context.vault.read() as tx:
        grants = [grant for grant in oauth_grants.list_all(tx) if _concerns_our_app(event, grant)]
    now = context.clock.now()
    for grant in grants:
        is_older = grant.obtained_at <= at or is_future(grant.obtained_at, now)
        if is_older and not _works(context, grant):
            _forget(context, grant)
    return ""


def _handle_install(context: AppContext, event: WebhookEvent) -> str:
    if not event.company_id:
        return "It names no agency."
    with context.vault.read() as tx:
        agency = oauth_grants.get(tx, COMPANY, event.company_id)
    if agency is None:
        return "No agency has authorised Contact Vault: connect it on the Settings page."
    if event.location_id:
        result = InstallResult()
        _connect(context, event.company_id, event.location_id, result)
        return result.failed.get(event.location_id, "")
    connect_new_locations(context, event.company_id)
    return ""


def _concerns_our_app(event: WebhookEvent, grant: oauth_grants.StoredGrant) -> bool:
    if event.location_id:
        return grant.kind == LOCATION and grant.owner_id == event.location_id
    return bool(event.company_id) and grant.company_id == event.company_id


def _works(context: AppContext, grant: oauth_grants.StoredGrant) -> bool:
    """Whether HighLevel still accepts the grant, by a real call."""
    try:
        token = context.tokens.access_token(grant.kind, grant.owner_id)
        if grant.kind == COMPANY:
            context.tokens.oauth.installed_locations(token, grant.company_id)
        else:
            with context.client(grant.owner_id, priority=Priority.INTERACTIVE) as client:
                client.search_contacts(limit=1)
    except (TokenRefused, GrantLost):
        return False
    return True


def _forget(context: AppContext, grant: oauth_grants.StoredGrant) -> None:
    at = context.clock.now()
    with context.vault.write() as tx:
        oauth_grants.remove(tx, grant.kind, grant.owner_id)
        location = locations.get(tx, grant.owner_id) if grant.kind == LOCATION else None
        if location is not None and location.connected:
            locations.disconnect(tx, grant.owner_id, at)
    log.info("app_uninstalled", kind=grant.kind, owner=grant.owner_id)


def _accept(context: AppContext, pair: TokenPair) -> InstallResult:
    context.tokens.save(pair)
    if pair.user_type == COMPANY_TYPE:
        return connect_new_locations(context, pair.company_id, reconnect=True)
    result = InstallResult()
    _connect_with_grant(context, pair.location_id, result)
    return result


def _connect(context: AppContext, company_id: str, location_id: str, result: InstallResult) -> None:
    """Connect the location by its agency's grant and add the outcome to `result`. A location that is connected by a
    private token keeps it."""
    with context.vault.read() as tx:
        if locations.get_token(tx, location_id) is not None:
            return
    try:
        token = context.tokens.access_token(COMPANY, company_id)
        pair = context.tokens.oauth.location_token(token, company_id, location_id)
    except HighLevelError as exc:
        result.failed[location_id] = str(exc)
        return
    context.tokens.save(pair)
    _connect_with_grant(context, location_id, result)


def _connect_with_grant(context: AppContext, location_id: str, result: InstallResult) -> None:
    try:
        connection.connect_with_grant(context, location_id)
        result.connected.append(location_id)
    except HighLevelError as exc:
        result.failed[location_id] = str(exc)


def _seal(context: AppContext, purpose: str, user: User, secret: str) -> str:
    expires_at = (context.clock.now() + LINK_LIFETIME).isoformat()
    return context.cipher.encrypt(
        json.dumps({"use": purpose, "until": expires_at, "secret": secret, "person": asdict(user)})
    ).decode()


def _unseal(context: AppContext, purpose: str, ticket: str) -> tuple[User, str]:
    """Return (user, secret). Raises NotAllowed for anything not sealed here for this purpose within the lifetime."""
    try:
        content: dict[str, Any] = json.loads(context.cipher.decrypt(ticket.encode()))
        user = User(**content["person"] | {"role": Role(content["person"]["role"])})
    except (SettingsError, ValueError, TypeError, KeyError) as exc:
        raise NotAllowed("This link was not made by Contact Vault.", hint=_START_AGAIN) from exc
    left = datetime.fromisoformat(content["until"]) - context.clock.now()
    if content["use"] != purpose or not timedelta(0) <= left <= LINK_LIFETIME + CLOCK_SLACK:
        raise NotAllowed("This link has expired.", hint=_START_AGAIN)
    return user, content["secret"]


_START_AGAIN = "Begin again with “Connect with HighLevel” on the Settings page."
