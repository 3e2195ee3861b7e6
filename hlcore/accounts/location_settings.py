"""A location's settings, changed by a user with the right to do so and recorded in the audit log."""

from __future__ import annotations

from hlcore.app_context import AppContext
from hlcore.errors import SettingsError
from hlcore.governance.audit import audited
from hlcore.governance.roles import Action, User
from hlcore.model.recovery_window import RecoveryWindow
from hlcore.store import locations


def disconnect(context: AppContext, user: User, location_id: str) -> None:
    """Stop copying the location and forget its token; the copy stays. Raises NotAllowed, NotFound."""
    with (
        audited(context.vault, user, Action.DISCONNECT, now=context.clock.now, location_id=location_id),
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
    """Set the recovery window in days (None: the default) and the reason for it. On a HIPAA location contacts are
    re-created only with `hipaa_recreate`. Raises NotAllowed, SettingsError, NotFound."""
    if days is not None:
        _check_window(days)
    detail = {"setting": "window", "days": days, "hipaa": hipaa, "hipaa_recreate": hipaa and hipaa_recreate}
    with (
        audited(context.vault, user, Action.SETTINGS, now=context.clock.now, location_id=location_id, detail=detail),
        context.vault.write() as tx,
    ):
        locations.set_window(
            tx, location_id, days=days, reason=reason.strip(), hipaa=hipaa, hipaa_recreate=hipaa_recreate
        )


def set_thresholds(
    context: AppContext, user: User, location_id: str, *, floor: int | None, share: float | None
) -> None:
    """Set from how many contacts disappearing at once a sync suspects an incident (None: the general setting). Raises
    NotAllowed, SettingsError, NotFound."""
    if (floor is not None and floor < 0) or (share is not None and not 0 <= share <= 1):
        raise SettingsError("A threshold is a number from 0 on, and a share between 0 and 100 %.")
    detail = {"setting": "thresholds", "floor": floor, "share": share}
    with (
        audited(context.vault, user, Action.SETTINGS, now=context.clock.now, location_id=location_id, detail=detail),
        context.vault.write() as tx,
    ):
        locations.set_thresholds(tx, location_id, floor=floor, share=share)


def _check_window(days: int) -> None:
    try:
        RecoveryWindow(days, "")
    except ValueError as exc:
        raise SettingsError("A recovery window has 0 to 3,650 days.", hint="30 is the careful choice.") from exc
