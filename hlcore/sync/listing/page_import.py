"""Importing one page of contacts into the vault."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hlcore.highlevel import SearchPage
from hlcore.highlevel.json_slices import value_if_readable
from hlcore.model.contact import Contact, ContactHead, parse_contact, peek_contact, same_content
from hlcore.model.lifecycle import Status
from hlcore.model.listing_verdict import FOREIGN, NO_ID, UNREADABLE
from hlcore.model.records import is_id
from hlcore.store import Tx, quarantine
from hlcore.store.contacts import presence
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import writes as contact_writes
from hlcore.sync.run_context import RunContext


@dataclass(frozen=True, slots=True)
class OddRow:
    """A row of HighLevel's list that cannot be kept as a contact: `trouble` is a key of `ODD_ROWS`."""

    raw: bytes
    item_id: object
    trouble: str


@dataclass(frozen=True, slots=True)
class PageRows:
    """The contacts of a page, each id once, and its odd rows. `doubles`: rows whose contact stood on the page twice."""

    contacts: Sequence[ContactHead]
    odd: Sequence[OddRow] = ()
    doubles: int = 0

    @property
    def count(self) -> int:
        """The number of all these rows."""
        return len(self.contacts) + len(self.odd) + self.doubles


@dataclass(frozen=True, slots=True)
class ImportedPage:
    """Counts of one page: `fresh` contacts not sighted before in this run, how many are new or changed, and how many of
    those have a date that cannot be read."""

    fresh: int
    added: int
    changed: int
    unreadable_dates: int


def parse_rows(page: SearchPage, location_id: str) -> PageRows:
    """Return the contacts of a page. A row that is no contact of this location is odd; the others stand all the
    same."""
    by_id: dict[str, ContactHead] = {}
    odd = [_odd_row(raw) for raw in page.odd]
    good = 0
    for raw, row_id in zip(page.rows, page.ids, strict=True):
        try:
            row = peek_contact(raw)
        except ValueError:
            odd.append(OddRow(raw, row_id, UNREADABLE))
            continue
        if row.location_id and row.location_id != location_id:
            odd.append(OddRow(raw, row_id, FOREIGN))
            continue
        by_id[row.contact_id] = row
        good += 1
    return PageRows(list(by_id.values()), odd, good - len(by_id))


def _odd_row(raw: bytes) -> OddRow:
    """Return a row that HighLevel's client could not read as a contact: without a usable id, or broken around it."""
    row_id = value_if_readable(raw, "id")
    return OddRow(raw, row_id, UNREADABLE if is_id(row_id) else NO_ID)


def set_rows_aside(tx: Tx, context: RunContext, odd: Iterable[OddRow]) -> None:
    """Put these rows into quarantine. May be repeated."""
    troubles = {quarantine.reference_to(row.item_id, row.raw): row.trouble for row in odd}
    for reference, trouble in troubles.items():
        quarantine.set_aside(
            tx, context.location_id, quarantine.LISTING_ROW, reference, trouble, at=context.now(), place=__name__
        )


def import_page(tx: Tx, location_id: str, run_id: int, page: Sequence[ContactHead], *, at: datetime) -> ImportedPage:
    """Store every contact of the page as HighLevel sent it and record that this run has sighted it.

    Earlier bytes of changed contacts stay as versions. A row older than the stored copy (a lagging index sends such)
    changes nothing. Only new or changed bytes are parsed. May be repeated."""
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
    """Read the contact; one of which only the ids can be read is kept with these."""
    try:
        return parse_contact(row.raw, row.digest)
    except ValueError:
        return Contact(
            contact_id=row.contact_id,
            location_id=row.location_id,
            raw=row.raw,
            digest=row.digest,
            date_added=row.date_added,
        )
