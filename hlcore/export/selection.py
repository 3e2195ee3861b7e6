"""What a file is to hold: the kind of its rows and which of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ExportKind(StrEnum):
    """What the rows of a file are."""

    CONTACTS = "contacts"
    DELETIONS = "deletions"
    NOTES = "notes"
    TASKS = "tasks"
    OPPORTUNITIES = "opportunities"
    APPOINTMENTS = "appointments"
    MESSAGES = "messages"
    VERSIONS = "versions"


@dataclass(frozen=True, slots=True)
class ExportSelection:
    """Which rows. Empty parts do not restrict; no `location_ids` means every location of the vault.

    `statuses` as people see them, `expired` among them; `at_risk`: deleted, and HighLevel's own window still open.
    Both, and the filters after them, apply to contacts and deletions; `contact_ids` to every kind.
    """

    kind: ExportKind
    location_ids: Sequence[str] = ()
    statuses: Sequence[str] = ()
    contact_ids: Sequence[str] | None = None
    at_risk: bool = False
    text: str = ""
    tag: str = ""
    owner_id: str = ""
    source: str = ""

    @property
    def shown_statuses(self) -> tuple[str, ...]:
        """The statuses to include, as people see them; () for all."""
        return ("deleted",) if self.at_risk else tuple(self.statuses)

    def audit_facts(self) -> dict[str, Any]:
        """Return what the audit log says about it: which filters were used, never their values."""
        filters = [name for name in ("text", "tag", "owner_id", "source") if getattr(self, name)]
        return {
            "kind": str(self.kind),
            "locations": list(self.location_ids),
            "statuses": list(self.shown_statuses),
            "chosen": None if self.contact_ids is None else len(self.contact_ids),
            "filters": filters,
        }
