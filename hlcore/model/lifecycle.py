"""A contact's life: which states there are, and what leads from one to the next.

One pure function owns the transitions (`after`); the store only records them, with their evidence.
`expired` is never recorded: it follows from the window and the clock (`shown`).
"""

from __future__ import annotations

from enum import StrEnum

from hlcore.model.recovery_window import RemainingTime


class Status(StrEnum):
    """Where a contact stands. All but `EXPIRED` are recorded."""

    PRESENT = "present"
    SUSPECTED = "suspected"  # missing from a complete listing, not yet confirmed
    DELETED = "deleted"
    MERGED = "merged"  # loser of a merge
    RETURNED = "returned"  # came back with its id: native restore
    RECREATED = "recreated"  # made anew by us: lives on under a new id
    UNDONE = "undone"  # made by a restore of ours and deleted again when that was undone: no loss
    EXPIRED = "expired"  # HighLevel's own window has closed
    ERASED = "erased"  # a person's right; nothing brings it back


class LifecycleEvent(StrEnum):
    """What was learnt about a contact."""

    LISTED = "listed"  # a listing or a GET shows it alive
    MISSED = "missed"  # a complete listing did not show it
    GONE = "gone"  # GET by id says it does not exist
    MERGED = "merged"  # the same, and another contact took over its e-mail or phone
    RECREATED = "recreated"
    ERASED = "erased"


LIVE = frozenset({Status.PRESENT, Status.RETURNED})
LOST = frozenset({Status.DELETED, Status.MERGED})
SETTLED = frozenset({Status.RECREATED, Status.UNDONE})
"""Not in HighLevel, and nothing to be done about it: the person lives on, or is lost, under another id."""

_NEXT: dict[tuple[Status, LifecycleEvent], Status] = {
    **{(status, LifecycleEvent.MISSED): Status.SUSPECTED for status in LIVE},
    (Status.PRESENT, LifecycleEvent.LISTED): Status.PRESENT,
    (Status.RETURNED, LifecycleEvent.LISTED): Status.RETURNED,
    (Status.SUSPECTED, LifecycleEvent.LISTED): Status.PRESENT,
    (Status.SUSPECTED, LifecycleEvent.MISSED): Status.SUSPECTED,
    **{(status, LifecycleEvent.GONE): Status.DELETED for status in (*LIVE, Status.SUSPECTED, Status.DELETED)},
    **{(status, LifecycleEvent.MERGED): Status.MERGED for status in (*LIVE, Status.SUSPECTED, *LOST)},
    (Status.MERGED, LifecycleEvent.GONE): Status.MERGED,
    **{(status, LifecycleEvent.LISTED): Status.RETURNED for status in (*LOST, *SETTLED)},
    **{(status, LifecycleEvent.RECREATED): Status.RECREATED for status in (*LOST, Status.RECREATED)},
}


def after(status: Status, event: LifecycleEvent) -> Status:
    """The state that this event leads to. What is not named changes nothing: a deleted contact that another
    listing misses stays deleted, an erased one stays erased whatever happens."""
    if event is LifecycleEvent.ERASED:
        return Status.ERASED
    return _NEXT.get((status, event), status)


def shown(status: Status, remaining: RemainingTime) -> Status:
    """The state as people see it now: a lost contact whose window has closed is `expired`."""
    return Status.EXPIRED if status is Status.DELETED and not remaining.open else status
