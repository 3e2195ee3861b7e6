"""Connecting a location and syncing it on request, each checked and recorded by `governance`."""

from __future__ import annotations

from collections.abc import Callable

from hlcore.accounts import connection
from hlcore.app_context import AppContext
from hlcore.errors import NotFound, SettingsError
from hlcore.governance.audit import audited
from hlcore.governance.roles import Action, User
from hlcore.highlevel import Priority
from hlcore.runtime import Runtime
from hlcore.store.locations import Location
from hlcore.sync.listing.run import sync_location


def connect(runtime: Runtime, user: User, location_id: str, token: str) -> str:
    """Connect the location, proven by a real call, show it instead of the demo, and begin its first sync.

    Return its name. May be repeated with another token. Raises NotAllowed, SettingsError, HighLevelError, StoreError.
    """
    context = runtime.real_context
    if context is None:
        raise SettingsError("The vault is not open yet.", hint="Wait until the start has finished.")
    location_id = location_id.strip()
    with audited(context.vault, user, Action.CONNECT, now=context.clock.now, location_id=location_id):
        account = connection.connect(context, location_id, token)
    runtime.switch_to_real()
    runtime.tasks.start(sync_key(location_id), lambda stop: _sync(context, context.location(location_id), stop))
    return account.name


def sync_key(location_id: str) -> str:
    """Return the name of the background task that syncs this location."""
    return f"sync:{location_id}"


def sync_now(runtime: Runtime, user: User, location: Location) -> bool:
    """Start a complete sync in the background; False when this process is running one already.

    Its progress is the location's open run. Raises NotAllowed, NotFound.
    """
    context = runtime.context
    if context is None or not location.connected:
        raise NotFound("This account is not connected.", hint="Connect it on the Settings page.")
    with audited(context.vault, user, Action.SYNC, now=context.clock.now, location_id=location.location_id):
        return runtime.tasks.start(sync_key(location.location_id), lambda stop: _sync(context, location, stop))


def _sync(context: AppContext, location: Location, stop: Callable[[], bool]) -> None:
    with context.location_context(location.location_id, priority=Priority.INTERACTIVE, cancelled=stop) as opened:
        sync_location(opened, context.rules(location))
