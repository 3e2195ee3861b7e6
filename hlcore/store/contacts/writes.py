"""Writing copies of contacts: the columns people search by, the exact bytes, and the versions they replace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, bindparam, delete, insert, literal, select, update

from hlcore.errors import NotFound
from hlcore.model.contact import Contact, digest
from hlcore.model.records import KINDS_READ_ON_CHANGE
from hlcore.store.capture import state as capture_state
from hlcore.store.column_types import UtcDateTime
from hlcore.store.contacts import columns as contact_columns
from hlcore.store.contacts.reads import row_ids, select_by_ids
from hlcore.store.database import Tx
from hlcore.store.dialects import (
    among,
    among_numbers,
    chunked,
    insert_new,
    insert_rows,
    moment_value,
    next_ids,
    update_rows,
)
from hlcore.store.tables import aliases, contact_bytes, contact_details, contact_versions, contacts, facets

_INSERTED = (
    "row_id",
    "location_id",
    "contact_id",
    "status",
    *contact_columns.DERIVED,
    "first_seen_at",
    "seen_at",
    "changed_at",
)
_UPDATED = (*contact_columns.DERIVED, "seen_at", "changed_at")
_VERSION = ("location_id", "contact_id", "part", "captured_at", "replaced_at", "run_id", "digest", "raw")
_LISTING_ONLY = ("digest", "has_dnd_settings")
_DELETE_ALIAS = delete(aliases).where(
    aliases.c.location_id == bindparam("l"),
    aliases.c.kind == bindparam("k"),
    aliases.c.value == bindparam("v"),
    aliases.c.contact_id == bindparam("c"),
)


class _Row(NamedTuple):
    contact_id: str
    row_id: int
    digest: bytes
    status: str

    @property
    def is_erased(self) -> bool:
        return self.status == "erased"


def insert_contacts(tx: Tx, location_id: str, new: Sequence[Contact], *, at: datetime) -> list[int]:
    """Insert these contacts as `present`, first seen `at`; return their `row_id`s. Of a contact given twice the last
    one counts. Raises StoreError when one is held already."""
    fresh = list({contact.contact_id: contact for contact in new}.values())
    ids = next_ids(tx, contacts, len(fresh)) if fresh else ()
    moments = contact_columns.moments(tx, at, at, at)
    insert_rows(
        tx,
        contacts,
        _INSERTED,
        [
            (row_id, location_id, contact.contact_id, "present", *contact_columns.derived(tx, contact), *moments)
            for row_id, contact in zip(ids, fresh, strict=True)
        ],
    )
    insert_rows(tx, contact_bytes, ("row_id", "raw"), [(i, c.raw) for i, c in zip(ids, fresh, strict=True)])
    _insert_aliases(tx, location_id, contact_columns.aliases(fresh), at)
    _insert_facets(tx, location_id, fresh)
    return list(ids)


def replace(tx: Tx, location_id: str, changed: Sequence[Contact], *, at: datetime, run_id: int | None) -> None:
    """Replace the bytes of these contacts; the earlier ones become versions, replaced `at`, and the contacts' changing
    records are due again. The status stays. Contacts with the same bytes and erased ones change nothing, unknown ones
    are inserted."""
    given = {contact.contact_id: contact for contact in changed}
    known = _rows(tx, location_id, list(given))
    insert_contacts(tx, location_id, [contact for contact in given.values() if contact.contact_id not in known], at=at)
    ids = {
        contact_id: row.row_id
        for contact_id, row in known.items()
        if not row.is_erased and row.digest != given[contact_id].digest
    }
    if not ids:
        return
    _archive_rows(tx, list(ids.values()), at, run_id)
    moments = contact_columns.moments(tx, at, at)
    replaced = [given[contact_id] for contact_id in ids]
    values = [(*contact_columns.derived(tx, contact), *moments, ids[contact.contact_id]) for contact in replaced]
    update_rows(tx, contacts, _UPDATED, "row_id", values)
    update_rows(tx, contact_bytes, ("raw",), "row_id", [(c.raw, ids[c.contact_id]) for c in replaced])
    _replace_aliases(tx, location_id, replaced, at)
    _insert_facets(tx, location_id, replaced)
    for kind in KINDS_READ_ON_CHANGE:
        capture_state.mark_due(tx, location_id, kind, ids, at=at)


def set_status(tx: Tx, location_id: str, ids: Sequence[str], status: str, *, only_from: str = "") -> None:
    """Set the status of these contacts (where given, only of those in the status `only_from`). Erased ones stay
    erased."""
    allowed = contacts.c.status == only_from if only_from else contacts.c.status != "erased"
    for part in chunked(ids):
        rows = among_numbers(tx, contacts.c.row_id, row_ids(tx, location_id, part))
        tx.execute(update(contacts).where(rows, allowed).values(status=status))


def store_detail(
    tx: Tx, location_id: str, contact_id: str, raw: bytes, at: datetime, run_id: int | None = None
) -> None:
    """Store the answer of GET by id; an earlier, different one becomes a version. The contact counts as read at `at`.
    An erased contact stays erased. May be repeated. Raises NotFound for a contact that is not held."""
    row = _rows(tx, location_id, [contact_id]).get(contact_id)
    if row is None:
        raise NotFound("There is no such contact in this vault.")
    if row.is_erased:
        return
    fresh = digest(raw)
    detail = contact_details.c.row_id == row.row_id
    before = tx.execute(select(contact_details.c.digest).where(detail)).scalar_one_or_none()
    values = {"captured_at": at, "digest": fresh, "raw": raw}
    if before is None:
        tx.execute(insert(contact_details).values(row_id=row.row_id, **values))
    elif before != fresh:
        _archive_detail(tx, row.row_id, at, run_id)
        tx.execute(update(contact_details).where(detail).values(values))
    tx.execute(update(contacts).where(contacts.c.row_id == row.row_id).values(detail_at=at, seen_at=at))
    capture_state.mark_captured(tx, location_id, "detail", [contact_id], at=at)


def refresh(tx: Tx, location_id: str, contact: Contact, *, at: datetime) -> None:
    """Store the contact as GET by id shows it at `at`: its bytes as by `store_detail`, and everything that people
    search, sort and compare by. The bytes of the listing's row stay, because the next listing is compared with them; a
    contact not held yet is inserted, with these bytes standing for the row until then. An erased contact stays erased.
    May be repeated."""
    row = _rows(tx, location_id, [contact.contact_id]).get(contact.contact_id)
    if row is None:
        insert_contacts(tx, location_id, [contact], at=at)
    elif row.is_erased:
        return
    else:
        values = dict(zip(contact_columns.DERIVED, contact_columns.derived(tx, contact), strict=True))
        names = [name for name in contact_columns.DERIVED if name not in _LISTING_ONLY]
        update_rows(tx, contacts, names, "row_id", [(*(values[name] for name in names), row.row_id)])
        _replace_aliases(tx, location_id, [contact], at)
        _insert_facets(tx, location_id, [contact])
    store_detail(tx, location_id, contact.contact_id, contact.raw, at)


def _rows(tx: Tx, location_id: str, ids: Sequence[str]) -> dict[str, _Row]:
    known: dict[str, _Row] = {}
    columns = [contacts.c[name] for name in _Row._fields]
    for part in chunked(ids):
        known.update((row[0], _Row._make(row)) for row in tx.execute(select_by_ids(tx, location_id, part, *columns)))
    return known


def _archive_rows(tx: Tx, row_ids: Sequence[int], at: datetime, run_id: int | None) -> None:
    """Copy the present bytes of these rows to the versions."""
    contact = (contacts.c.location_id, contacts.c.contact_id)
    when = (contacts.c.changed_at, literal(at, UtcDateTime), literal(run_id, BigInteger))
    earlier = (
        select(*contact, literal("row"), *when, contacts.c.digest, contact_bytes.c.raw)
        .join(contact_bytes, contact_bytes.c.row_id == contacts.c.row_id)
        .where(among_numbers(tx, contacts.c.row_id, row_ids))
        .order_by(contacts.c.row_id)
    )
    tx.execute(insert(contact_versions).from_select(_VERSION, earlier))


def _archive_detail(tx: Tx, row_id: int, at: datetime, run_id: int | None) -> None:
    """Copy the present detail of this row to the versions."""
    contact = (contacts.c.location_id, contacts.c.contact_id)
    when = (contact_details.c.captured_at, literal(at, UtcDateTime), literal(run_id, BigInteger))
    earlier = (
        select(*contact, literal("detail"), *when, contact_details.c.digest, contact_details.c.raw)
        .join(contact_details, contact_details.c.row_id == contacts.c.row_id)
        .where(contacts.c.row_id == row_id)
    )
    tx.execute(insert(contact_versions).from_select(_VERSION, earlier))


def _insert_aliases(tx: Tx, location_id: str, new: Iterable[tuple[str, str, str]], at: datetime) -> None:
    moment = moment_value(tx, at)
    rows = [(location_id, *row, moment) for row in sorted(new)]
    insert_new(tx, aliases, ("location_id", "kind", "value", "contact_id", "since"), rows)


def _replace_aliases(tx: Tx, location_id: str, changed: Sequence[Contact], at: datetime) -> None:
    """Store what these contacts have now; `since` stays for what they had before."""
    wanted = contact_columns.aliases(changed)
    of_changed = among(tx, aliases.c.contact_id, [contact.contact_id for contact in changed])
    query = select(aliases.c.kind, aliases.c.value, aliases.c.contact_id)
    rows = tx.execute(query.where(aliases.c.location_id == location_id, of_changed))
    before = {(row[0], row[1], row[2]) for row in rows}
    dropped = [{"k": kind, "v": value, "c": owner, "l": location_id} for kind, value, owner in sorted(before - wanted)]
    if dropped:
        tx.execute(_DELETE_ALIAS, dropped)
    _insert_aliases(tx, location_id, wanted - before, at)


def _insert_facets(tx: Tx, location_id: str, new: Sequence[Contact]) -> None:
    rows = [(location_id, *row) for row in sorted(contact_columns.facets(new))]
    insert_new(tx, facets, ("location_id", "kind", "value"), rows)
