"""What a plan rests on: the vault's copies and HighLevel's answers, each asked once. A decision about the plan is then
applied to what is known, and only what is new is asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from hlcore.highlevel import Client
from hlcore.model.records import identity
from hlcore.model.reference_data import FieldCatalogue, ReferenceData
from hlcore.restore import live_state
from hlcore.restore.plan import Conflict
from hlcore.restore.planning.reference_loader import account_of, catalogue_of, warnings_of
from hlcore.restore.planning.vault_copy import VaultContact, vault_contacts
from hlcore.store import Vault, locations
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.locations import Location

FRESH = timedelta(minutes=30)
"""So long after the first plan its findings are believed; carrying it out looks again anyway."""
_KNOWN, _UNASKED = "known", object()
T = TypeVar("T")
Key = tuple[Hashable, ...]
"""(what, contact id, ...); of the whole location: (what,)"""


@dataclass(slots=True)
class LookupCache:
    """Answers about one location; errors are no answers. May be shared by threads: what two of them ask at the same
    time is asked twice, and either answer is kept. `at`: when these were gathered."""

    at: datetime
    complete: bool = False
    location: Location | None = None
    answers: dict[Key, Any] = field(default_factory=dict)

    def once(self, key: Key, ask: Callable[[], T]) -> T:
        """The answer to this question, asked unless it is known. What `ask` raises is raised."""
        held = self.answers.get(key, _UNASKED)
        if held is _UNASKED:
            held = self.answers[key] = ask()
        return cast("T", held)

    def completed(self, now: datetime) -> None:
        """The first plan is there; its findings are as old as its end."""
        if not self.complete:
            self.at, self.complete = now, True

    def hold(self, vault: Vault, location_id: str, now: datetime) -> bool:
        """Whether all of it still holds. What does not is forgotten: everything when it is old or the location's
        settings have changed, and whatever is about a contact whose copy or status in the vault is another now."""
        with vault.read() as tx:
            location = locations.get(tx, location_id)
            before = {one.contact_id: one.contact for key, one in list(self.answers.items()) if key[0] == _KNOWN}
            today = {one.contact_id: one for one in contact_reads.get_many(tx, location_id, list(before))}
        if now - self.at > FRESH or self.location != location:
            self.answers.clear()
            self.at, self.complete, self.location = now, False, location
            return False
        changed = {one for one, held in before.items() if held != today.get(one)}
        for key in list(self.answers) if changed else ():
            if len(key) > 1 and key[1] in changed:
                self.answers.pop(key, None)
        return not changed


@dataclass(frozen=True, slots=True)
class PlanLookups:
    """The vault and HighLevel as a plan sees them. Every method may raise HighLevelError."""

    vault: Vault
    client: Client
    location_id: str
    found: LookupCache

    def known(self, contact_ids: Sequence[str]) -> list[VaultContact]:
        """What the vault knows of these contacts, in their order."""
        answers = self.found.answers
        held: dict[str, VaultContact | None] = {one: answers.get((_KNOWN, one)) for one in contact_ids}
        for one in vault_contacts(self.vault, self.location_id, [key for key, known in held.items() if known is None]):
            held[one.contact_id] = answers[_KNOWN, one.contact_id] = one
        return [one for one in held.values() if one is not None]

    def alive(self, contact_id: str) -> bytes | None:
        """As `live.alive`."""
        return self.found.once(("alive", contact_id), lambda: live_state.alive(self.client, contact_id))

    def conflict_of(self, contact_id: str, body: dict[str, Any]) -> Conflict | None:
        """As `live.conflict_of`."""
        key = ("conflict", contact_id, str(body.get("email")), str(body.get("phone")))
        return self.found.once(key, lambda: live_state.conflict_of(self.vault, self.client, contact_id, body))

    def shelf(self, kind: str, contact_id: str) -> list[bytes]:
        """As `live.shelf`."""
        return self.found.once(("shelf", contact_id, kind), lambda: live_state.shelf(self.client, kind, contact_id))

    def talks(self, contact_id: str, messages: Collection[str]) -> bool:
        """Whether any of these messages is still in HighLevel."""
        key = ("talks", contact_id, frozenset(messages))
        return self.found.once(key, lambda: _talks(self.client, contact_id, messages))

    def catalogue(self) -> FieldCatalogue:
        """The location's custom fields and users."""
        return self.found.once(("catalogue",), lambda: catalogue_of(self.vault, self.client, self.location_id))

    def account(self, timezone: str, placed: Mapping[str, str]) -> ReferenceData:
        """All other lists of the location, with what a person chose for stages that are gone."""
        catalogue = self.catalogue()

        def ask() -> ReferenceData:
            return account_of(self.vault, self.client, self.location_id, catalogue, timezone)

        return replace(self.found.once(("account",), ask), placed=placed)

    def warnings(self) -> tuple[str, ...]:
        """What might start by itself when contacts come back."""
        return self.found.once(("warnings",), lambda: warnings_of(self.vault, self.client, self.location_id))


def _talks(client: Client, contact_id: str, messages: Collection[str]) -> bool:
    """The export leaves e-mails out unless asked for them."""
    for extra in ({}, {"channel": "Email"}):
        rows = client.export_messages(contact_id=contact_id, extra=extra)[0]
        if any(identity(raw)[0] in messages for raw in rows):
            return True
    return False
