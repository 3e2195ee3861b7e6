"""What the vault holds of everything that belongs to contacts, beside what HighLevel holds."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from hlcore.store import records
from hlcore.store.contacts import search as contact_search
from hlcore.sync.capture.budget import CaptureBudget
from hlcore.sync.capture.reference_lists import SOURCES
from hlcore.sync.capture.run import CaptureReport, capture
from tests.sync.conftest import LOCATION, World

Item = dict[str, Any]
EVERY_KIND = ("detail", "note", "task", "opportunity", "appointment", "conversation", "message")
RECORDS = EVERY_KIND[1:]
_NOT_IN_LISTS = {"conversation": {"type", "dateAdded", "lastMessageDate", "starred", "deleted", "inbox"}}
"""Members that HighLevel's search shows in other words, or not at all."""


@dataclass
class Told:
    """The world with something on every shelf."""

    world: World
    ids: list[str] = field(default_factory=list)

    def capture(self, *, at_most: int | None = None, hours: float = 1, **options: Any) -> CaptureReport:
        """An hour passes, then one sitting."""
        self.world.clock.pass_(hours=hours)
        budget = CaptureBudget(self.world.client.limiter, at_most=at_most)
        options = {"again": True, **options}
        return capture(
            self.world.vault, self.world.client, LOCATION, now=self.world.clock.now, budget=budget, **options
        )

    def held(self, kind: str, *, alive: bool = True) -> dict[str, Item]:
        """The vault's records of a kind, by id, with what only one of HighLevel's routes shows left out."""
        with self.world.vault.read() as tx:
            found = list(records.iterate(tx, LOCATION, kind, with_vanished=not alive))
        return {row.record_id: json.loads(row.raw) for row in found}

    def theirs(self, kind: str) -> dict[str, Item]:
        """What the other side holds of a kind, by id."""
        shelves = self.world.location.shelves
        nested = {"note": shelves.notes, "task": shelves.tasks}
        if kind in nested:
            return {key: item for items in nested[kind].values() for key, item in items.items()}
        flat = {
            "opportunity": shelves.opportunities,
            "appointment": shelves.appointments,
            "conversation": shelves.conversations,
            "message": shelves.messages,
        }
        return dict(flat[kind])

    def check(self) -> None:
        """Every record and every detail is as the other side holds it."""
        assert self.differences() == []

    def differences(self) -> list[str]:
        """Each record and detail that is not as the other side holds it, in words."""
        found = [wrong for kind in RECORDS for wrong in self._of_records(kind)]
        with self.world.vault.read() as tx:
            stored = {
                row.contact_id: row.detail
                for row in contact_search.iterate(tx, contact_search.ContactQuery((LOCATION,)))
            }
        for contact_id, person in self.world.location.contacts.items():
            detail = json.loads(stored.get(contact_id) or b"{}")
            names = ("id", "followers", "businessId", "dndSettings", "dateUpdated", "tags", "customFields")
            found += [f"{contact_id}: {name}" for name in names if (detail.get(name) or []) != (person.get(name) or [])]
        return found

    def _of_records(self, kind: str) -> list[str]:
        mine, theirs = self.held(kind), self.theirs(kind)
        found = [f"{kind} {key}: " + ("too many" if key in mine else "missing") for key in set(mine) ^ set(theirs)]
        for key in set(mine) & set(theirs):
            members = set(theirs[key]) - _NOT_IN_LISTS.get(kind, set())
            found += [f"{kind} {key}: {each}" for each in members if mine[key].get(each, key) != theirs[key][each]]
        return found

    def catalogue_differences(self) -> list[str]:
        """Each entry of the account's lists that is not as the other side holds it, in words."""
        shelves, found = self.world.location.shelves, []
        for kind in sorted(SOURCES.keys() - {"location"}):
            shelf: dict[str, Item] = getattr(shelves, "businesses" if kind == "business" else f"{kind}s")
            theirs = {key: item for key, item in shelf.items() if not item.get("deleted")}
            mine = {key: item for key, item in self.held(kind).items() if not item.get("deleted")}
            found += [f"{kind} {key}" for key in set(mine) ^ set(theirs)]
            shown = {key: {k: v for k, v in item.items() if k[0] != "_"} for key, item in theirs.items()}
            found += [
                f"{kind} {key}: other" for key in set(mine) & set(shown) if not mine[key].items() >= shown[key].items()
            ]
        return found
