"""What people do on the Settings page, each checked and recorded by `governance` where it happens."""

from __future__ import annotations

from collections.abc import Callable

from hlcore.accounts import connection
from hlcore.app_context import Office
from hlcore.errors import NotFound, SettingsError
from hlcore.governance.audit import recorded
from hlcore.governance.roles import Act, Person
from hlcore.highlevel import Priority
from hlcore.runtime import House
from hlcore.store.locations import Location
from hlcore.sync.listing.run import sync_location


def connect(house: House, person: Person, location_id: str, token: str) -> str:
    """The account is connected, proven by a real call, and on show instead of the demo, and its first round has begun;
    its name. May be repeated with another token. Raises NotAllowed, SettingsError, HighLevelError, StoreError."""
    office = house.real
    if office is None:
        raise SettingsError("The vault is not open yet.", hint="Wait until the start has finished.")
    wanted = location_id.strip()
    with recorded(office.vault, person, Act.CONNECT, now=office.clock.now, location_id=wanted):
        account = connection.connect(office, wanted, token)
    house.leave_demo()
    house.jobs.start(sync_key(wanted), lambda stop: _round(office, office.location(wanted), stop))
    return account.name


def sync_key(location_id: str) -> str:
    """The name of the job that syncs this location."""
    return f"sync:{location_id}"


def sync_now(house: House, person: Person, location: Location) -> bool:
    """A complete round runs in the background; False when this page's one is running already. Its progress is the
    location's open run. Raises NotAllowed, NotFound."""
    office = house.office
    if office is None or not location.connected:
        raise NotFound("This account is not connected.", hint="Connect it on the Settings page.")
    with recorded(office.vault, person, Act.SYNC, now=office.clock.now, location_id=location.location_id):
        return house.jobs.start(sync_key(location.location_id), lambda stop: _round(office, location, stop))


def _round(office: Office, location: Location, stop: Callable[[], bool]) -> None:
    with office.client(location.location_id, priority=Priority.INTERACTIVE, cancelled=stop) as client:
        sync_location(office.vault, client, office.rules(location), now=office.clock.now, cancelled=stop)
