"""Installing the OAuth app: the way there and back, which locations it brings, and what HighLevel says of it later."""

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
from hlcore.governance.audit import recorded
from hlcore.governance.roles import WORKER, Action, Role, User, require
from hlcore.highlevel import Priority
from hlcore.highlevel.oauth import COMPANY as COMPANY_TYPE
from hlcore.highlevel.oauth import TokenPair
from hlcore.highlevel.webhook_signature import WebhookEvent
from hlcore.store import locations, oauth_grants
from hlcore.store.oauth_grants import COMPANY, LOCATION

log = structlog.get_logger(__name__)
LASTS = timedelta(minutes=10)


@dataclass(slots=True)
class Installed:
    """What an installation brought: ids of locations connected now, and of those that could not be, with the reason."""

    connected: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def create_ticket(context: AppContext, user: User) -> str:
    """A short-lived, sealed word that this person may begin an installation. Raises NotAllowed."""
    require(user, Action.CONNECT)
    return _seal(context, "ticket", user, "")


def begin(context: AppContext, word: str) -> tuple[str, str]:
    """(address to send the browser to, secret to keep in that browser) for the bearer of a ticket. Raises NotAllowed,
    SettingsError."""
    if not context.settings.has_app:
        raise SettingsError(
            "No app is set up.", hint="Set HLCORE_CLIENT_ID, HLCORE_CLIENT_SECRET and HLCORE_REDIRECT_URI."
        )
    person, _ = _unseal(context, "ticket", word)
    secret = secrets.token_urlsafe(24)
    return context.tokens.oauth.install_url(_seal(context, "state", person, secret)), secret


def finish(context: AppContext, *, state: str, secret: str, code: str) -> Installed:
    """The app is installed by the person to whom `state` was given, in the browser that holds its secret, and the
    locations it brings are connected. Raises NotAllowed when the state is not that, HighLevelError when the code is
    of no use. A state without its code is worth nothing, and a code works once."""
    person, kept = _unseal(context, "state", state)
    if not secret or not secrets.compare_digest(kept, secret):
        raise NotAllowed("This installation was begun in another browser, or by somebody else.", hint=_AGAIN)
    with recorded(context.vault, person, Action.CONNECT, now=context.clock.now, subject="OAuth app") as entry:
        pair = context.tokens.oauth.exchange(code)
        found = _take(context, pair)
        entry.note(connected=found.connected, failed=sorted(found.failed))
    return found


def connect_new_locations(context: AppContext, company_id: str, *, again: bool = False) -> Installed:
    """Every location of the agency that has the app is connected; those that a person has disconnected here stay so
    (unless `again`). Raises GrantLost, HighLevelError."""
    token = context.tokens.token(COMPANY, company_id)
    with context.vault.read() as tx:
        known = {location.location_id: location for location in locations.all(tx, connected_only=False)}
    found = Installed()
    for location_id in context.tokens.oauth.installed_locations(token, company_id):
        before = known.get(location_id)
        if before is None or (again and not before.connected):
            _connect(context, company_id, location_id, found)
    return found


def connect_all_new_locations(context: AppContext) -> int:
    """`pick_up` for every agency whose grant works; how many locations are new. One agency's trouble is logged."""
    with context.vault.read() as tx:
        agencies = [grant.owner_id for grant in oauth_grants.all(tx, COMPANY) if not grant.trouble]
    new = 0
    for company_id in agencies:
        try:
            found = connect_new_locations(context, company_id)
            if found.connected:
                with recorded(
                    context.vault, WORKER, Action.CONNECT, now=context.clock.now, subject="OAuth app"
                ) as entry:
                    entry.note(connected=found.connected)
            new += len(found.connected)
        except VaultError as exc:
            log.warning("locations_not_picked_up", kind=type(exc).__name__, text=str(exc))
    return new


def handle_app_event(context: AppContext, event: WebhookEvent, *, at: datetime) -> str:
    """What HighLevel says of the app's installations (INSTALL, UNINSTALL) is true here; '' or what was odd. An older
    message never undoes what happened since: HighLevel is asked first. Raises HighLevelError when it cannot be."""
    if event.type == "INSTALL":
        return _handle_install(context, event)
    with context.vault.read() as tx:
        mine = [grant for grant in oauth_grants.all(tx) if _concerns_our_app(event, grant)]
    for grant in mine:
        if grant.obtained_at <= at and not _works(context, grant):
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
        found = Installed()
        _connect(context, event.company_id, event.location_id, found)
        return found.failed.get(event.location_id, "")
    connect_new_locations(context, event.company_id)
    return ""


def _concerns_our_app(event: WebhookEvent, grant: oauth_grants.StoredGrant) -> bool:
    if event.location_id:
        return grant.kind == LOCATION and grant.owner_id == event.location_id
    return bool(event.company_id) and grant.company_id == event.company_id


def _works(context: AppContext, grant: oauth_grants.StoredGrant) -> bool:
    """Whether HighLevel still lets us in, by a real call."""
    try:
        token = context.tokens.token(grant.kind, grant.owner_id)
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


def _take(context: AppContext, pair: TokenPair) -> Installed:
    context.tokens.keep(pair)
    if pair.user_type == COMPANY_TYPE:
        return connect_new_locations(context, pair.company_id, again=True)
    found = Installed()
    _prove(context, pair.location_id, found)
    return found


def _connect(context: AppContext, company_id: str, location_id: str, found: Installed) -> None:
    """The location is connected by its agency's grant; what is wrong stands in `found`. A location that is connected
    by a private token keeps it."""
    with context.vault.read() as tx:
        if locations.token(tx, location_id) is not None:
            return
    try:
        token = context.tokens.token(COMPANY, company_id)
        pair = context.tokens.oauth.location_token(token, company_id, location_id)
    except HighLevelError as exc:
        found.failed[location_id] = str(exc)
        return
    context.tokens.keep(pair)
    _prove(context, location_id, found)


def _prove(context: AppContext, location_id: str, found: Installed) -> None:
    try:
        connection.connect_granted(context, location_id)
        found.connected.append(location_id)
    except HighLevelError as exc:
        found.failed[location_id] = str(exc)


def _seal(context: AppContext, use: str, user: User, secret: str) -> str:
    until = (context.clock.now() + LASTS).isoformat()
    return context.cipher.encrypt(
        json.dumps({"use": use, "until": until, "secret": secret, "person": asdict(user)})
    ).decode()


def _unseal(context: AppContext, use: str, word: str) -> tuple[User, str]:
    """(person, secret). Raises NotAllowed for anything that was not sealed here for this use, or too long ago."""
    try:
        found: dict[str, Any] = json.loads(context.cipher.decrypt(word.encode()))
    except (SettingsError, ValueError) as exc:
        raise NotAllowed("This link was not made by Contact Vault.", hint=_AGAIN) from exc
    if found["use"] != use or datetime.fromisoformat(found["until"]) < context.clock.now():
        raise NotAllowed("This link has expired.", hint=_AGAIN)
    who = found["person"]
    return User(who["email"], who["name"], Role(who["role"]), who["how"], who["why"]), found["secret"]


_AGAIN = "Begin again with “Connect with HighLevel” on the Settings page."
