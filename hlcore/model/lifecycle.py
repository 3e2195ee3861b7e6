"""The states of a contact.

A contact that a complete listing misses becomes `suspected`; GET by id then shows it alive again (`present`) or gone
(`deleted`, `merged`). One that is gone comes back through HighLevel's own restore (`returned`) or through ours
(`recreated`, with a new id). Only a proven fact leads to a lost state: however many listings miss a contact, it stays
`suspected`. `store.deletions.register` records each change with its evidence. `expired` is never recorded, because it
follows from the recovery window and the clock.
"""

from __future__ import annotations

from enum import StrEnum

from hlcore.model.recovery_window import RemainingTime


class Status(StrEnum):
    """The state of a contact. All but `EXPIRED` are recorded."""

    PRESENT = "present"
    SUSPECTED = "suspected"  # missing from a complete listing, not yet confirmed
    DELETED = "deleted"
    MERGED = "merged"  # into another contact, which lives on
    RETURNED = "returned"  # came back under its id, through HighLevel's restore
    RECREATED = "recreated"  # created again by a restore of ours; lives on under a new id
    UNDONE = "undone"  # created by a restore of ours and deleted when that was undone: no loss
    EXPIRED = "expired"  # deleted, and HighLevel's own window has closed
    ERASED = "erased"  # on request of the contact; nothing brings it back


LIVE = frozenset({Status.PRESENT, Status.RETURNED})
"""In HighLevel under this id."""
LOST = frozenset({Status.DELETED, Status.MERGED})
"""Not in HighLevel any more; a restore can bring them back."""
SETTLED = frozenset({Status.RECREATED, Status.UNDONE})
"""Not in HighLevel under this id, and nothing is left to do about it."""


def display_status(recorded: str, left: RemainingTime) -> str:
    """Return the state that people see: `expired` for a deleted contact whose recovery window has closed, any other as
    it is recorded."""
    return str(Status.EXPIRED) if recorded == Status.DELETED and not left.open else recorded
