"""What the vault knows of contacts that somebody wants back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hlcore.model.lifecycle import Status
from hlcore.restore.job_context import creates, is_unsure
from hlcore.store import Tx, Vault, records
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts.reads import StoredContact
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions.queries import Disappearance
from hlcore.store.records import Record


@dataclass(frozen=True, slots=True)
class VaultContact:
    """One contact: what is held of it (None: nothing), what the register says of its last disappearance, and as it was
    before that: `copy` (search row, detail) and `rows`, its records by kind. `begun`: an earlier restore may have made
    it already and did not get to say so."""

    contact_id: str
    contact: StoredContact | None = None
    row: Disappearance | None = None
    copy: tuple[bytes, bytes | None] = (b"{}", None)
    rows: Mapping[str, Sequence[tuple[str, bytes]]] = field(default_factory=dict)
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


def vault_contacts(vault: Vault, location_id: str, contact_ids: Sequence[str]) -> list[VaultContact]:
    """What is known of these contacts, in their order."""
    with vault.read() as tx:
        held = {one.contact_id: one for one in contact_reads.get_many(tx, location_id, contact_ids)}
        return [_known(tx, location_id, contact_id, held.get(contact_id)) for contact_id in contact_ids]


def _known(tx: Tx, location_id: str, contact_id: str, held: StoredContact | None) -> VaultContact:
    if held is None:
        return VaultContact(contact_id)
    rows = deletion_queries.of_contact(tx, location_id, contact_id)
    newest = max(rows, key=lambda row: row.disappearance_id, default=None)
    begun = any(one.result_id or is_unsure(one) for one in creates(tx, location_id, contact_id))
    return VaultContact(contact_id, held, newest, _copy(tx, held, newest), _rows(tx, held, newest), begun)


def _copy(tx: Tx, held: StoredContact, row: Disappearance | None) -> tuple[bytes, bytes | None]:
    """Search row and detail as they were when the contact was last seen before it went."""
    now = {"row": held.raw, "detail": held.detail}
    if row is not None and held.status == Status.RETURNED:
        for one in reversed(contact_reads.versions(tx, held.location_id, held.contact_id)):
            if one.replaced_at > row.last_seen_at and one.part in now:
                now[one.part] = one.raw
    return now["row"] or b"{}", now["detail"]


def _rows(tx: Tx, held: StoredContact, row: Disappearance | None) -> dict[str, list[tuple[str, bytes]]]:
    """The records that the contact had when it was last seen; one that came back without them did not lose them."""
    found: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
    for one in records.of_contact(tx, held.location_id, held.contact_id):
        gone_before = one.vanished_at is not None and (row is None or one.vanished_at < row.last_seen_at)
        came_after = row is not None and row.ended_at is not None and one.captured_at >= row.ended_at
        if not gone_before and not (came_after and not _is_older(tx, one, row)):
            found[one.kind].append((one.record_id, one.raw))
    return found


def _is_older(tx: Tx, record: Record, row: Disappearance | None) -> bool:
    """Whether a record whose newest bytes came after the return was there before the contact went."""
    earlier = records.versions(tx, record.location_id, record.kind, record.record_id)
    return row is not None and any(one.captured_at <= row.last_seen_at for one in earlier)
