"""Taking one page of contacts into the vault."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hlcore.errors import BrokenAnswer, WrongLocation
from hlcore.model.contact import Contact, Row, agree, parse, peek
from hlcore.model.lifecycle import Status
from hlcore.store import Tx
from hlcore.store.contacts import presence
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import writes as contact_writes


@dataclass(frozen=True, slots=True)
class ImportedPage:
    """What a page brought: `fresh` contacts not sighted before in this run, `added` and `changed` ones."""

    fresh: int
    added: int
    changed: int


def read(rows: Iterable[bytes], location_id: str) -> list[Row]:
    """The contacts of a page, each id once. Raises WrongLocation when one belongs elsewhere, BrokenAnswer when
    one is no contact."""
    found: dict[str, Row] = {}
    for raw in rows:
        try:
            row = peek(raw)
        except ValueError as exc:
            raise _broken() from exc
        if row.location_id and row.location_id != location_id:
            raise WrongLocation("HighLevel answered with contacts of another location.")
        found[row.contact_id] = row
    return list(found.values())


def import_page(tx: Tx, location_id: str, run_id: int, page: Sequence[Row], *, at: datetime) -> ImportedPage:
    """Every contact of the page is in the vault as HighLevel sent it, and sighted in this run. Earlier bytes of
    changed ones stay as versions; a row older than the copy held, which a lagging index sends, changes
    nothing. Only what is new or has other bytes is read at all. May be repeated. Raises BrokenAnswer."""
    known = contact_reads.digests(tx, location_id, [row.contact_id for row in page])
    new = [_parsed(row) for row in page if row.contact_id not in known]
    other = [row for row in page if row.contact_id in known and known[row.contact_id][1] != row.digest]
    changed = _changed(tx, location_id, other) if other else []
    seen = [row_id for row_id, _ in known.values()]
    if new:
        seen += contact_writes.insert(tx, location_id, new, at=at)
    if changed:
        contact_writes.replace(tx, location_id, changed, at=at, run_id=run_id)
    return ImportedPage(presence.sight_rows(tx, run_id, seen), len(new), len(changed))


def _changed(tx: Tx, location_id: str, other: Sequence[Row]) -> list[Contact]:
    """Those of these rows, all of other bytes than the copies held, that say something else, and nothing older."""
    ids = [row.contact_id for row in other]
    known, before = contact_writes.held(tx, location_id, ids), contact_reads.rows_of(tx, location_id, ids)
    found = []
    for contact in map(_parsed, other):
        held = known[contact.contact_id]
        older = contact.date_updated and held.date_updated and contact.date_updated < held.date_updated
        if held.status != Status.ERASED and not older and not agree(contact.raw, before[contact.contact_id]):
            found.append(contact)
    return found


def _parsed(row: Row) -> Contact:
    try:
        return parse(row.raw, row.digest)
    except ValueError as exc:
        raise _broken() from exc


def _broken() -> BrokenAnswer:
    return BrokenAnswer("HighLevel's list holds something that is not a contact.")
