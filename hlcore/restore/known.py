"""What the vault knows of contacts that somebody wants back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hlcore.model.lifecycle import Status
from hlcore.restore.work import creates, is_unsure
from hlcore.store import Tx, Vault, contacts, records, register
from hlcore.store.contacts import StoredContact
from hlcore.store.register import Disappearance

_NAMES = {
    "note": "note",
    "task": "task",
    "opportunity": "opportunity",
    "appointment": "appointment",
    "message": "message",
}


@dataclass(frozen=True, slots=True)
class Known:
    """One contact: its copy (None: there is none), what the register says of its last disappearance, and what else
    is held of the person, in words ("3 notes"). `begun`: an earlier restore may have made it already and did not get
    to say so."""

    contact_id: str
    contact: StoredContact | None = None
    row: Disappearance | None = None
    attached: tuple[str, ...] = ()
    begun: bool = False

    @property
    def name(self) -> str:
        """How to call the person; the id when nothing else is known."""
        held = self.contact
        return (held.name or held.email or held.phone or self.contact_id) if held else self.contact_id

    @property
    def status(self) -> Status:
        """Where the contact stands."""
        return Status(self.contact.status) if self.contact else Status.PRESENT

    @property
    def new_id(self) -> str:
        """The id under which it was re-created, '' if it was not."""
        return self.row.new_contact_id if self.row else ""

    @property
    def deleted_at(self) -> datetime | None:
        """When it was deleted, where a webhook told."""
        return self.row.deleted_at if self.row else None

    @property
    def last_seen_at(self) -> datetime | None:
        """When it was surely there for the last time."""
        if self.row is not None:
            return self.row.last_seen_at
        return self.contact.seen_at if self.contact else None


def known_of(vault: Vault, location_id: str, contact_ids: Sequence[str]) -> list[Known]:
    """What is known of these contacts, in their order."""
    with vault.read() as tx:
        held = {one.contact_id: one for one in contacts.get_many(tx, location_id, contact_ids)}
        return [_known(tx, location_id, contact_id, held.get(contact_id)) for contact_id in contact_ids]


def _known(tx: Tx, location_id: str, contact_id: str, held: StoredContact | None) -> Known:
    if held is None:
        return Known(contact_id)
    rows = register.of_contact(tx, location_id, contact_id)
    newest = max(rows, key=lambda row: row.disappearance_id, default=None)
    kinds = Counter(record.kind for record in records.of_contact(tx, location_id, contact_id))
    attached = tuple(_counted(kind, number) for kind, number in sorted(kinds.items()))
    begun = any(one.result_id or is_unsure(one) for one in creates(tx, location_id, contact_id))
    return Known(contact_id, held, newest, attached, begun)


def _counted(kind: str, number: int) -> str:
    name = _NAMES.get(kind, kind.replace("_", " "))
    if number == 1:
        return f"1 {name}"
    return f"{number} {name[:-1]}ies" if name.endswith("y") else f"{number} {name}s"
