"""What a plan rests on: the vault's copies and HighLevel's answers, each asked once.

Another decision about the plan is applied to what is known, and only what is new is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from hlcore.highlevel import Client
from hlcore.location_context import LocationContext
from hlcore.model.moments import is_recent
from hlcore.model.records import record_ids
from hlcore.model.reference_data import FieldCatalogue, ReferenceData
from hlcore.restore import live_state
from hlcore.restore.plan import Conflict
from hlcore.restore.planning.reference_loader import load_field_catalogue, load_reference_data, load_warnings
from hlcore.restore.planning.vault_copy import VaultContact, load_vault_contacts
from hlcore.store import Vault, locations
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.locations import Location

MAX_AGE = timedelta(minutes=30)
"""How long answers are reused after the first plan; carrying it out looks again anyway."""
_STORED, _MISSING = "stored", object()
T = TypeVar("T")
Key = tuple[Hashable, ...]
"""(what, contact id, ...); of the whole location: (what,)"""


@dataclass(slots=True)
class LookupCache:
    """Answers about one location; errors are not cached. May be shared by threads: what two of them ask at the same
    time is asked twice, and either answer is kept. `at`: when the answers were gathered."""

    at: datetime
    complete: bool = False
    location: Location | None = None
    answers: dict[Key, Any] = field(default_factory=dict)

    def get_or_ask(self, key: Key, ask: Callable[[], T]) -> T:
        """Return the cached answer, or ask and cache it. Raises what `ask` raises."""
        answer = self.answers.get(key, _MISSING)
        if answer is _MISSING:
            answer = self.answers[key] = ask()
        return cast("T", answer)

    def mark_complete(self, now: datetime) -> None:
        """Date the answers by the end of the first plan; later plans do not make them younger."""
        if not self.complete:
            self.at, self.complete = now, True

    def revalidate(self, vault: Vault, location_id: str, now: datetime) -> bool:
        """Drop what may no longer be true; return whether nothing was dropped. All answers go when they are old or the
        location's settings have changed, and those about a contact when its copy or status in the vault has."""
        with vault.read() as tx:
            location = locations.get(tx, location_id)
            before = {known.contact_id: known.contact for key, known in list(self.answers.items()) if key[0] == _STORED}
            today = {contact.contact_id: contact for contact in contact_reads.get_many(tx, location_id, list(before))}
        if not is_recent(self.at, now, MAX_AGE) or self.location != location:
            self.answers.clear()
            self.at, self.complete, self.location = now, False, location
            return False
        changed = {contact_id for contact_id, contact in before.items() if contact != today.get(contact_id)}
        for key in list(self.answers) if changed else ():
            if len(key) > 1 and key[1] in changed:
                self.answers.pop(key, None)
        return not changed


@dataclass(frozen=True, slots=True)
class PlanLookups:
    """The vault and HighLevel as a plan sees them. Every method may raise HighLevelError."""

    context: LocationContext
    cache: LookupCache

    def contacts(self, contact_ids: Sequence[str]) -> list[VaultContact]:
        """Return what the vault knows of these contacts, in their order."""
        answers = self.cache.answers
        known: dict[str, VaultContact | None] = {key: answers.get((_STORED, key)) for key in contact_ids}
        for contact in load_vault_contacts(self.context, [key for key, stored in known.items() if stored is None]):
            known[contact.contact_id] = answers[_STORED, contact.contact_id] = contact
        return [contact for contact in known.values() if contact is not None]

    def fetch_contact(self, contact_id: str) -> bytes | None:
        """Return the contact as HighLevel shows it; None when it does not exist."""
        key = ("contact", contact_id)
        return self.cache.get_or_ask(key, lambda: live_state.fetch_contact(self.context.client, contact_id))

    def find_conflict(self, contact_id: str, body: dict[str, Any]) -> Conflict | None:
        """Return the living contact that holds the e-mail or phone of this one."""
        vault, client = self.context.vault, self.context.client
        key = ("conflict", contact_id, str(body.get("email")), str(body.get("phone")))
        return self.cache.get_or_ask(key, lambda: live_state.find_conflict(vault, client, contact_id, body))

    def fetch_records(self, kind: str, contact_id: str) -> list[bytes]:
        """Return the contact's living records of this kind."""
        key = ("records", contact_id, kind)
        return self.cache.get_or_ask(key, lambda: live_state.fetch_records(self.context.client, kind, contact_id))

    def has_messages(self, contact_id: str, message_ids: Collection[str]) -> bool:
        """Return whether any of these messages is still in HighLevel."""
        key = ("messages", contact_id, frozenset(message_ids))
        return self.cache.get_or_ask(key, lambda: _has_messages(self.context.client, contact_id, message_ids))

    def field_catalogue(self) -> FieldCatalogue:
        """Return the location's custom fields and user ids."""
        return self.cache.get_or_ask(("field_catalogue",), lambda: load_field_catalogue(self.context))

    def reference_data(self, timezone: str, placed: Mapping[str, str]) -> ReferenceData:
        """Return all other lists of the location, with what the user chose for stages that no longer exist."""
        catalogue = self.field_catalogue()
        loaded = self.cache.get_or_ask(
            ("reference_data",), lambda: load_reference_data(self.context, catalogue, timezone)
        )
        return replace(loaded, stage_choices=placed)

    def warnings(self) -> tuple[str, ...]:
        """Return what might start by itself when contacts come back."""
        return self.cache.get_or_ask(("warnings",), lambda: load_warnings(self.context))


def _has_messages(client: Client, contact_id: str, message_ids: Collection[str]) -> bool:
    for extra in ({}, {"channel": "Email"}):  # without a channel, HighLevel exports no e-mails
        rows = client.export_messages(contact_id=contact_id, extra=extra)[0]
        if any(record_ids(raw)[0] in message_ids for raw in rows):
            return True
    return False
