"""What people do on the Settings page, each checked and recorded by `governance` where it happens."""

from __future__ import annotations

from collections.abc import Callable

from hlcore.errors import NotFound, SettingsError
from hlcore.governance.record import recorded
from hlcore.governance.roles import Act, Person
from hlcore.highlevel import Priority
from hlcore.model.windows import Window
from hlcore.store import locations
from hlcore.store.locations import Location
from hlcore.sync.listing import sync_location
from hlcore.ui.house import House
from hlcore.wiring import Office


def connect(house: House, person: Person, location_id: str, token: str) -> str:
    """The account is connected, proven by a real call, and on show instead of the demo, and its first round has begun;
    its name. May be repeated with another token. Raises NotAllowed, SettingsError, HighLevelError, StoreError."""
    office = house.real
    if office is None:
        raise SettingsError("The vault is not open yet.", hint="Wait until the start has finished.")
    wanted = location_id.strip()
    with recorded(office.vault, person, Act.CONNECT, now=office.clock.now, location_id=wanted):
        account = office.connect(wanted, token)
    house.leave_demo()
    house.jobs.start(sync_key(wanted), lambda stop: _round(office, office.location(wanted), stop))
    return account.name


def disconnect(office: Office, person: Person, location_id: str) -> None:
    """Nothing new is copied and the token is forgotten; the copy stays. Raises NotAllowed, NotFound."""
    with (
        recorded(office.vault, person, Act.DISCONNECT, now=office.clock.now, location_id=location_id),
        office.vault.write() as tx,
    ):
        locations.disconnect(tx, location_id, office.clock.now())


def set_window(
    office: Office,
    person: Person,
    location_id: str,
    *,
    days: int | None,
    hipaa: bool,
    reason: str = "",
    hipaa_recreate: bool = False,
) -> None:
    """The recovery window counts so many days (None: the default); the reason is kept with it. On an account under
    HIPAA people are only re-created after `hipaa_recreate`. Raises NotAllowed, SettingsError, NotFound."""
    if days is not None:
        _checked_window(days)
    detail = {"setting": "window", "days": days, "hipaa": hipaa, "hipaa_recreate": hipaa and hipaa_recreate}
    with (
        recorded(office.vault, person, Act.SETTINGS, now=office.clock.now, location_id=location_id, detail=detail),
        office.vault.write() as tx,
    ):
        locations.set_window(
            tx, location_id, days=days, reason=reason.strip(), hipaa=hipaa, hipaa_recreate=hipaa_recreate
        )


def set_thresholds(office: Office, person: Person, location_id: str, *, floor: int | None, share: float | None) -> None:
    """From when on many disappearing at once are an incident (None: the setting). Raises NotAllowed, SettingsError,
    NotFound."""
    if (floor is not None and floor < 0) or (share is not None and not 0 <= share <= 1):
        raise SettingsError("A threshold is a number from 0 on, and a share between 0 and 100 %.")
    detail = {"setting": "thresholds", "floor": floor, "share": share}
    with (
        recorded(office.vault, person, Act.SETTINGS, now=office.clock.now, location_id=location_id, detail=detail),
        office.vault.write() as tx,
    ):
        locations.set_thresholds(tx, location_id, floor=floor, share=share)


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


def _checked_window(days: int) -> None:
    try:
        Window(days, "")
    except ValueError as exc:
        raise SettingsError("A recovery window has 0 to 3,650 days.", hint="30 is the careful choice.") from exc
