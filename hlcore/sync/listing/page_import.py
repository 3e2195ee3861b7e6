"""Importing one page of contacts into the vault."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hlcore.errors import BrokenAnswer, WrongLocation
from hlcore.model.contact import Contact, ContactHead, parse_contact, peek_contact, same_content
from hlcore.model.lifecycle import Status
from hlcore.store import Tx
from hlcore.store.contacts import presence
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import writes as contact_writes


@dataclass(frozen=True, slots=True)
class ImportedPage:
    """Counts of one page: `fresh` contacts not sighted before in this run, how many are new or changed, and how many of
    those have a date that cannot be read."""

    fresh: int
    added: int
    changed: int
    unreadable_dates: int


def parse_rows(rows: Iterable[bytes], location_id: str) -> list[ContactHead]:
    """Return the contacts of a page, each id once. Raises WrongLocation when one belongs to another location, and
    BrokenAnswer when one is not a contact."""
    by_id: dict[str, ContactHead] = {}
    for raw in rows:
        try:
            row = peek_contact(raw)
        except ValueError as exc:
            raise _broken() from exc
        if row.location_id and row.location_id != location_id:
            raise WrongLocation("HighLevel answered with contacts of another location.")
        by_id[row.contact_id] = row
    return list(by_id.values())


def import_page(tx: Tx, location_id: str, run_id: int, page: Sequence[ContactHead], *, at: datetime) -> ImportedPage:
    """Store every contact of the page as HighLevel sent it and record that this run has sighted it.

    Earlier bytes of changed contacts stay as versions. A row older than the stored copy (a lagging index sends such)
    changes nothing. Only new or changed bytes are parsed. May be repeated. Raises BrokenAnswer."""
    known = contact_reads.digests(tx, location_id, [row.contact_id for row in page])
    new = [_parse(row) for row in page if row.contact_id not in known]
    other_bytes = [row for row in page if row.contact_id in known and known[row.contact_id][1] != row.digest]
    changed = _changed(tx, location_id, other_bytes) if other_bytes else []
    seen = [row_id for row_id, _ in known.values()]
    if new:
        seen += contact_writes.insert_contacts(tx, location_id, new, at=at)
    if changed:
        contact_writes.replace(tx, location_id, changed, at=at, run_id=run_id)
    unreadable = sum(contact.has_unreadable_date for contact in (*new, *changed))
    return ImportedPage(presence.record_sightings(tx, run_id, seen), len(new), len(changed), unreadable)


def _changed(tx: Tx, location_id: str, rows: Sequence[ContactHead]) -> list[Contact]:
    """Return those of these rows that differ from the stored copies in content and are not older."""
    ids = [row.contact_id for row in rows]
    known, stored = contact_reads.known_contacts(tx, location_id, ids), contact_reads.raw_by_id(tx, location_id, ids)
    changed = []
    for contact in map(_parse, rows):
        before = known[contact.contact_id]
        is_older = contact.date_updated and before.date_updated and contact.date_updated < before.date_updated
        if (
            before.status != Status.ERASED
            and not is_older
            and not same_content(contact.raw, stored[contact.contact_id])
        ):
            changed.append(contact)
    return changed


def _parse(row: ContactHead) -> Contact:
    try:
        return parse_contact(row.raw, row.digest)
    except ValueError as exc:
        raise _broken() from exc


def _broken() -> BrokenAnswer:
    return BrokenAnswer("HighLevel's list holds something that is not a contact.")
