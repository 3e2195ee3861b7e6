"""Loads what the vault holds of contacts that a user wants back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hlcore.location_context import LocationContext
from hlcore.model.contact_snapshot import ContactSnapshot, StoredCopy, latest_snapshot
from hlcore.model.lifecycle import Status
from hlcore.restore.journal_entries import is_unsure, read_create_entries
from hlcore.store import Tx, records
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts.reads import ContactVersion, StoredContact
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions.queries import Disappearance
from hlcore.store.records import Record

NO_ROW = StoredCopy(b"{}", by_id=False)


@dataclass(frozen=True, slots=True)
class VaultContact:
    """One contact as the vault knows it. `contact`: None when the vault does not hold it; `disappearance`: its last
    one; `row`, `detail` (None: never captured) and `records` (by kind): as it was before that; `earlier`: all other
    copies of it; `restore_started`: an earlier restore may have created it already without recording so."""

    contact_id: str
    contact: StoredContact | None = None
    disappearance: Disappearance | None = None
    row: StoredCopy = NO_ROW
    detail: StoredCopy | None = None
    earlier: Sequence[StoredCopy] = ()
    records: Mapping[str, Sequence[tuple[str, bytes]]] = field(default_factory=dict)
    restore_started: bool = False

    def snapshot(self) -> ContactSnapshot:
        """Return what all copies together say of the contact. Raises ValueError when it is not held."""
        return latest_snapshot(self.row, self.detail, earlier=self.earlier)

    @property
    def name(self) -> str:
        """The contact's name, e-mail or phone; its id when none is known."""
        contact = self.contact
        return (contact.name or contact.email or contact.phone or self.contact_id) if contact else self.contact_id

    @property
    def status(self) -> Status:
        """Where the contact stands."""
        return Status(self.contact.status) if self.contact else Status.PRESENT

    @property
    def new_id(self) -> str:
        """The id under which it was re-created, '' if it was not."""
        return self.disappearance.new_contact_id if self.disappearance else ""

    @property
    def not_captured(self) -> tuple[str, ...]:
        """The kinds of which nobody knows what the contact had when it disappeared: they were never captured."""
        return self.disappearance.not_captured if self.disappearance else ()

    @property
    def deleted_at(self) -> datetime | None:
        """When it was deleted, if a webhook reported it."""
        return self.disappearance.deleted_at if self.disappearance else None

    @property
    def last_seen_at(self) -> datetime | None:
        """When it surely existed for the last time."""
        if self.disappearance is not None:
            return self.disappearance.last_seen_at
        return self.contact.seen_at if self.contact else None


def load_vault_contacts(context: LocationContext, contact_ids: Sequence[str]) -> list[VaultContact]:
    """Return what the vault knows of these contacts, in their order."""
    with context.vault.read() as tx:
        stored = {
            contact.contact_id: contact for contact in contact_reads.get_many(tx, context.location_id, contact_ids)
        }
        versions = contact_reads.versions_by_contact(tx, context.location_id, list(stored))
        return [
            _load(tx, contact_id, stored.get(contact_id), versions.get(contact_id, ())) for contact_id in contact_ids
        ]


def _load(tx: Tx, contact_id: str, stored: StoredContact | None, versions: Sequence[ContactVersion]) -> VaultContact:
    if stored is None:
        return VaultContact(contact_id)
    rows = deletion_queries.list_for_contact(tx, stored.location_id, contact_id)
    newest = max(rows, key=lambda row: row.disappearance_id, default=None)
    creates = read_create_entries(tx, stored.location_id, contact_id)
    started = any(entry.result_id or is_unsure(entry) for entry in creates)
    copies: dict[str, StoredCopy | None] = {"row": stored.row_copy, "detail": stored.detail_copy}
    everything = [copy for copy in (*(version.copy for version in versions), *copies.values()) if copy is not None]
    if newest is not None and stored.status == Status.RETURNED:
        replaced = [version for version in versions if version.replaced_at > newest.last_seen_at]
        copies |= {version.part: version.copy for version in reversed(replaced)}
    return VaultContact(
        contact_id=contact_id,
        contact=stored,
        disappearance=newest,
        row=copies["row"] or stored.row_copy,
        detail=copies["detail"],
        earlier=[copy for copy in everything if copy not in copies.values()],
        records=_records_before(tx, stored, newest),
        restore_started=started,
    )


def _records_before(tx: Tx, stored: StoredContact, lost: Disappearance | None) -> dict[str, list[tuple[str, bytes]]]:
    """Return the records that the contact had when it was last seen; one that came back without them did not lose
    them."""
    kept: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
    for record in records.list_for_contact(tx, stored.location_id, stored.contact_id):
        vanished_before = record.vanished_at is not None and (lost is None or record.vanished_at < lost.last_seen_at)
        came_after = lost is not None and lost.ended_at is not None and record.captured_at >= lost.ended_at
        if not vanished_before and not (came_after and not _existed_before(tx, record, lost)):
            kept[record.kind].append((record.record_id, record.raw))
    return kept


def _existed_before(tx: Tx, record: Record, lost: Disappearance | None) -> bool:
    """Return whether a record whose newest bytes came after the return existed before the contact disappeared."""
    earlier = records.versions(tx, record.location_id, record.kind, record.record_id)
    return lost is not None and any(version.captured_at <= lost.last_seen_at for version in earlier)
