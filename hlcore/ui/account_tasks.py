"""What people do on the Settings page, each checked and recorded by `governance` where it happens."""

from __future__ import annotations

from collections.abc import Callable

from hlcore.accounts import connection
from hlcore.app_context import AppContext
from hlcore.errors import NotFound, SettingsError
from hlcore.governance.audit import recorded
from hlcore.governance.roles import Action, User
from hlcore.highlevel import Priority
from hlcore.runtime import Runtime
from hlcore.store.locations import Location
from hlcore.sync.listing.run import sync_location


def connect(runtime: Runtime, user: User, location_id: str, token: str) -> str:
    """The account is connected, proven by a real call, and on show instead of the demo, and its first round has begun;
    its name. May be repeated with another token. Raises NotAllowed, SettingsError, HighLevelError, StoreError."""
    context = runtime.real_context
    if context is None:
        raise SettingsError("The vault is not open yet.", hint="Wait until the start has finished.")
    wanted = location_id.strip()
    with recorded(context.vault, user, Action.CONNECT, now=context.clock.now, location_id=wanted):
        account = connection.connect(context, wanted, token)
    runtime.switch_to_real()
    runtime.tasks.start(sync_key(wanted), lambda stop: _round(context, context.location(wanted), stop))
    return account.name


def sync_key(location_id: str) -> str:
    """The name of the job that syncs this location."""
    return f"sync:{location_id}"


def sync_now(runtime: Runtime, user: User, location: Location) -> bool:
    """A complete round runs in the background; False when this page's one is running already. Its progress is the
    location's open run. Raises NotAllowed, NotFound."""
    context = runtime.context
    if context is None or not location.connected:
        raise NotFound("This account is not connected.", hint="Connect it on the Settings page.")
    with recorded(context.vault, user, Action.SYNC, now=context.clock.now, location_id=location.location_id):
        return runtime.tasks.start(sync_key(location.location_id), lambda stop: _round(context, location, stop))


def _round(context: AppContext, location: Location, stop: Callable[[], bool]) -> None:
    with context.client(location.location_id, priority=Priority.INTERACTIVE, cancelled=stop) as client:
        sync_location(context.vault, client, context.rules(location), now=context.clock.now, cancelled=stop)
