"""HighLevel's own restore, explained: it keeps the contact's id, and only a person can do it, in HighLevel's pages.

Help article 48001211386 ("How to restore contacts that were deleted in bulk") describes both ways. HighLevel's pages
disagree on how long it is open and on what it brings back, so nothing is promised here.
"""

from __future__ import annotations

from datetime import datetime

from hlcore.model.moments import in_zone
from hlcore.model.recovery_window import RemainingTime
from hlcore.restore.plan import NativeRestore


def native_restore(app_url: str, location_id: str, left: RemainingTime, timezone: str) -> NativeRestore:
    """Return the steps, the link and the deadline in the location's time zone."""
    deadline = format_local(left.ends_at, timezone)
    return NativeRestore(
        until=left.ends_at,
        days_left=left.days_left,
        deadline=deadline,
        link=f"{app_url}/v2/location/{location_id}/contacts/smart_list/All",
        steps=(
            "Sign in to HighLevel as an administrator of the account and open Contacts.",
            "Deleted one by one: open the tab Restore, tick the contacts, choose Restore and confirm.",
            "Deleted by a bulk action: open Contacts → Bulk Actions, find the deletion (the list can be filtered by "
            "the person who started it), and choose Restore.",
            f"Do it before {deadline}. The clock runs from the {left.clock}; HighLevel's own pages disagree on the "
            "length of the window, so earlier is safer.",
            "Contact Vault notices by itself when the contacts are back. Then choose “Top up who came back” here: it "
            "adds what HighLevel left out. Whoever is not offered there can be created again instead.",
        ),
    )


def format_local(moment: datetime, timezone: str) -> str:
    """Return the moment to the minute in this time zone, with its name; in UTC where the name is not known."""
    local = in_zone(moment, timezone)
    return f"{local:%d %B %Y, %H:%M} ({local.tzinfo})"
