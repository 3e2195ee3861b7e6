"""Compare the vault's records with those of the sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hlcore.model.callbacks import never
from hlcore.store import records
from hlcore.store.contacts import search as contact_search
from hlcore.sync.capture.budget import CaptureBudget
from hlcore.sync.capture.reference_lists import SOURCES
from hlcore.sync.capture.run import CaptureReport, capture_location
from tests.sync.conftest import LOCATION, World

Item = dict[str, Any]
EVERY_KIND = ("detail", "note", "task", "opportunity", "appointment", "conversation", "message")
RECORDS = EVERY_KIND[1:]
_NOT_IN_LISTS = {"conversation": {"type", "dateAdded", "lastMessageDate", "starred", "deleted", "inbox"}}
"""Members that HighLevel's search shows differently or not at all."""


@dataclass
class VaultComparison:
    """Captures a synced world and compares the vault with the sandbox."""

    world: World
    contact_ids: list[str] = field(default_factory=list)

    def capture(
        self,
        *,
        at_most: int | None = None,
        hours: float = 1,
        again: bool = True,
        until: Callable[[], bool] = never,
        **context: Any,
    ) -> CaptureReport:
        """Let an hour pass, then run one session."""
        self.world.clock.advance(hours=hours)
        budget = CaptureBudget(self.world.client.limiter, at_most=at_most)
        return capture_location(self.world.location_context(**context), budget, again=again, until=until)

    def stored(self, kind: str, *, alive: bool = True) -> dict[str, Item]:
        """Return the vault's records of a kind by id; with `alive=False`, vanished ones too."""
        with self.world.vault.read() as tx:
            found = list(records.iterate(tx, LOCATION, kind, with_vanished=not alive))
        return {row.record_id: json.loads(row.raw) for row in found}

    def live(self, kind: str) -> dict[str, Item]:
        """Return the sandbox's records of a kind by id."""
        related = self.world.location.related
        if kind in ("note", "task"):
            by_contact: dict[str, dict[str, Item]] = getattr(related, f"{kind}s")
            return {key: item for items in by_contact.values() for key, item in items.items()}
        return dict(getattr(related, "opportunities" if kind == "opportunity" else f"{kind}s"))

    def check(self) -> None:
        """Assert that every record and detail equals the sandbox's."""
        assert self.differences() == []

    def differences(self) -> list[str]:
        """Describe each record and detail that differs from the sandbox's."""
        found = [text for kind in RECORDS for text in self._record_differences(kind)]
        with self.world.vault.read() as tx:
            stored = {
                row.contact_id: row.detail
                for row in contact_search.iterate(tx, contact_search.ContactQuery((LOCATION,)))
            }
        for contact_id, contact in self.world.location.contacts.items():
            detail = json.loads(stored.get(contact_id) or b"{}")
            names = ("id", "followers", "businessId", "dndSettings", "dateUpdated", "tags", "customFields")
            found += [
                f"{contact_id}: {name}" for name in names if (detail.get(name) or []) != (contact.get(name) or [])
            ]
        return found

    def _record_differences(self, kind: str) -> list[str]:
        stored, live = self.stored(kind), self.live(kind)
        found = [f"{kind} {key}: " + ("too many" if key in stored else "missing") for key in set(stored) ^ set(live)]
        for key in set(stored) & set(live):
            members = set(live[key]) - _NOT_IN_LISTS.get(kind, set())
            differing = [member for member in members if stored[key].get(member, key) != live[key][member]]
            found += [f"{kind} {key}: {member}" for member in differing]
        return found

    def reference_list_differences(self) -> list[str]:
        """Describe each entry of the reference lists that differs from the sandbox's."""
        related, found = self.world.location.related, []
        for kind in sorted(SOURCES.keys() - {"location"}):
            items: dict[str, Item] = getattr(related, "businesses" if kind == "business" else f"{kind}s")
            live = {key: item for key, item in items.items() if not item.get("deleted")}
            stored = {key: item for key, item in self.stored(kind).items() if not item.get("deleted")}
            found += [f"{kind} {key}" for key in set(stored) ^ set(live)]
            shown = {key: {k: v for k, v in item.items() if k[0] != "_"} for key, item in live.items()}
            found += [
                f"{kind} {key}: other"
                for key in set(stored) & set(shown)
                if not stored[key].items() >= shown[key].items()
            ]
        return found
