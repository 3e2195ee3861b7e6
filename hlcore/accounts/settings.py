from __future__ import annotations

from hlcore.app_context import AppContext
from hlcore.errors import SettingsError
from hlcore.governance.audit import recorded
from hlcore.governance.roles import Action, User
from hlcore.model.recovery_window import Window
from hlcore.store import locations


def disconnect(context: AppContext, user: User, location_id: str) -> None:
    """Nothing new is copied and the token is forgotten; the copy stays. Raises NotAllowed, NotFound."""
    with (
        recorded(context.vault, user, Action.DISCONNECT, now=context.clock.now, location_id=location_id),
        context.vault.write() as tx,
    ):
        locations.disconnect(tx, location_id, context.clock.now())


def set_window(
    context: AppContext,
    user: User,
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
        recorded(context.vault, user, Action.SETTINGS, now=context.clock.now, location_id=location_id, detail=detail),
        context.vault.write() as tx,
    ):
        locations.set_window(
            tx, location_id, days=days, reason=reason.strip(), hipaa=hipaa, hipaa_recreate=hipaa_recreate
        )


def set_thresholds(
    context: AppContext, user: User, location_id: str, *, floor: int | None, share: float | None
) -> None:
    """From when on many disappearing at once are an incident (None: the setting). Raises NotAllowed, SettingsError,
    NotFound."""
    if (floor is not None and floor < 0) or (share is not None and not 0 <= share <= 1):
        raise SettingsError("A threshold is a number from 0 on, and a share between 0 and 100 %.")
    detail = {"setting": "thresholds", "floor": floor, "share": share}
    with (
        recorded(context.vault, user, Action.SETTINGS, now=context.clock.now, location_id=location_id, detail=detail),
        context.vault.write() as tx,
    ):
        locations.set_thresholds(tx, location_id, floor=floor, share=share)


def _checked_window(days: int) -> None:
    try:
        Window(days, "")
    except ValueError as exc:
        raise SettingsError("A recovery window has 0 to 3,650 days.", hint="30 is the careful choice.") from exc
