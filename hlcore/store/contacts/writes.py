"""Contacts: taking them in, and the copy of each. Finding them is in `store.finding`, what a listing saw in
`store.sightings`; both are reachable from here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import BigInteger, Update, bindparam, delete, literal, select, update
from sqlalchemy import insert as sql_insert

from hlcore.errors import NotFound
from hlcore.model.contact import Contact, digest
from hlcore.model.records import CHANGING
from hlcore.store.capture import state as capture_state
from hlcore.store.column_types import UtcDateTime
from hlcore.store.contacts import columns as contact_columns
from hlcore.store.contacts.presence import (
    EXPECTED,
    MissingContact,
    count_missing,
    forget_sightings,
    missing,
    sight,
    sight_rows,
    sighted,
    sighted_with_status,
    some_sighted,
)
from hlcore.store.contacts.reads import (
    StoredContact,
    Version,
    by_id,
    digests,
    find,
    get,
    get_many,
    iterate_ids,
    row_ids,
    rows_of,
    versions,
)
from hlcore.store.contacts.search import (
    ContactQuery,
    ContactSummary,
    Holder,
    any_dnd_settings,
    count_matching,
    counts,
    distinct,
    holders,
    iterate,
    search,
)
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
from hlcore.store.tables import aliases, contact_bytes, contacts, details, facets
from hlcore.store.tables import versions as version_table

__all__ = [
    "EXPECTED",
    "ContactQuery",
    "ContactSummary",
    "Holder",
    "KnownContact",
    "MissingContact",
    "StoredContact",
    "Version",
    "any_dnd_settings",
    "count_matching",
    "count_missing",
    "counts",
    "digests",
    "distinct",
    "find",
    "forget_sightings",
    "get",
    "get_many",
    "held",
    "holders",
    "insert",
    "iterate",
    "iterate_ids",
    "mark_read",
    "missing",
    "refresh",
    "replace",
    "rows_of",
    "search",
    "set_status",
    "sight",
    "sight_rows",
    "sighted",
    "sighted_with_status",
    "some_sighted",
    "store_detail",
    "versions",
]

_NEW = (
    "row_id",
    "location_id",
    "contact_id",
    "status",
    *contact_columns.DERIVED,
    "first_seen_at",
    "seen_at",
    "changed_at",
)
_CHANGED = (*contact_columns.DERIVED, "seen_at", "changed_at")
_ERASED = "erased"


@dataclass(frozen=True, slots=True)
class KnownContact:
    """What a listing compares a contact with. The digest is SHA-256, 32 bytes."""

    contact_id: str
    digest: bytes
    status: str
    date_updated: datetime | None
    seen_at: datetime


_HELD = tuple(contacts.c[name] for name in KnownContact.__slots__)


def held(tx: Tx, location_id: str, ids: Sequence[str]) -> dict[str, KnownContact]:
    """Which of these contacts the vault holds, by id."""
    found: dict[str, KnownContact] = {}
    for part in chunked(ids):
        found.update((row[0], KnownContact(*row)) for row in tx.execute(by_id(tx, location_id, part, *_HELD)))
    return found


def insert(tx: Tx, location_id: str, new: Sequence[Contact], *, at: datetime) -> list[int]:
    """These contacts, none of them held yet, are in the vault as `present`, first seen `at`, under the `row_id`s that
    are answered. Of a contact given twice the last one counts. Raises StoreError when one is held already."""
    fresh = list({contact.contact_id: contact for contact in new}.values())
    ids = next_ids(tx, contacts, len(fresh)) if fresh else ()
    moment = contact_columns.moments(tx, at, at, at)
    insert_rows(
        tx,
        contacts,
        _NEW,
        [
            (row_id, location_id, contact.contact_id, "present", *contact_columns.derived(tx, contact), *moment)
            for row_id, contact in zip(ids, fresh, strict=True)
        ],
    )
    insert_rows(tx, contact_bytes, ("row_id", "raw"), [(i, c.raw) for i, c in zip(ids, fresh, strict=True)])
    _note_aliases(tx, location_id, contact_columns.aliases(fresh), at)
    _note_facets(tx, location_id, fresh)
    return list(ids)


def replace(tx: Tx, location_id: str, changed: Sequence[Contact], *, at: datetime, run_id: int | None) -> None:
    """These bytes are the present ones; the earlier ones are versions, replaced `at`. The status stays. Contacts with
    the same bytes as before change nothing, unknown ones are inserted, erased ones stay erased. What belongs to changed
    ones is wanted again."""
    given = {contact.contact_id: contact for contact in changed}
    known = _identities(tx, location_id, list(given))
    insert(tx, location_id, [contact for contact in given.values() if contact.contact_id not in known], at=at)
    ids = {
        contact_id: row_id
        for contact_id, (row_id, before, status) in known.items()
        if status != _ERASED and before != given[contact_id].digest
    }
    if not ids:
        return
    _keep_versions(tx, list(ids.values()), at, run_id)
    moment = contact_columns.moments(tx, at, at)
    replaced = [given[contact_id] for contact_id in ids]
    values = [(*contact_columns.derived(tx, contact), *moment, ids[contact.contact_id]) for contact in replaced]
    update_rows(tx, contacts, _CHANGED, "row_id", values)
    update_rows(tx, contact_bytes, ("raw",), "row_id", [(c.raw, ids[c.contact_id]) for c in replaced])
    _replace_aliases(tx, location_id, replaced, at)
    _note_facets(tx, location_id, replaced)
    for kind in CHANGING:
        capture_state.want(tx, location_id, kind, ids, at=at)


def set_status(tx: Tx, location_id: str, ids: Sequence[str], status: str, *, of: str = "") -> None:
    """These contacts (only those whose status is `of`, where given) have this status; erased ones stay erased."""
    allowed = contacts.c.status == of if of else contacts.c.status != _ERASED
    for part in chunked(ids):
        tx.execute(_these(tx, location_id, part).where(allowed).values(status=status))


def mark_read(tx: Tx, location_id: str, ids: Sequence[str], at: datetime) -> None:
    """HighLevel was seen to hold these contacts at `at`."""
    for part in chunked(ids):
        tx.execute(_these(tx, location_id, part).values(seen_at=at))


def store_detail(
    tx: Tx, location_id: str, contact_id: str, raw: bytes, at: datetime, run_id: int | None = None
) -> None:
    """The answer of GET by id is held exactly; an earlier, different one is a version. The contact counts as read at
    `at`. An erased contact stays erased. May be repeated. Raises NotFound for a contact that is not held."""
    known = _identities(tx, location_id, [contact_id]).get(contact_id)
    if known is None:
        raise NotFound("There is no such contact in this vault.")
    if known[2] == _ERASED:
        return
    row_id, fresh = known[0], digest(raw)
    before = tx.execute(select(details.c.digest).where(details.c.row_id == row_id)).scalar_one_or_none()
    values = {"captured_at": at, "digest": fresh, "raw": raw}
    if before is None:
        tx.execute(sql_insert(details).values(row_id=row_id, **values))
    elif before != fresh:
        _keep_detail(tx, row_id, at, run_id)
        tx.execute(update(details).where(details.c.row_id == row_id).values(values))
    tx.execute(update(contacts).where(contacts.c.row_id == row_id).values(detail_at=at, seen_at=at))
    capture_state.captured(tx, location_id, "detail", [contact_id], at=at)


def refresh(tx: Tx, location_id: str, contact: Contact, *, at: datetime) -> None:
    """The contact as GET by id shows it at `at`: its bytes are held as by `store_detail`, and all that people search,
    sort and compare by says the same. The row of the listing stays as it was sent, so that the next one is compared
    with it; a contact not held yet is inserted, and its bytes stand for the row until then. An erased contact stays
    erased. May be repeated."""
    known = _identities(tx, location_id, [contact.contact_id]).get(contact.contact_id)
    if known is None:
        # it is no evidence that the rows of this location tell do-not-disturb
        insert(tx, location_id, [msgspec.structs.replace(contact, has_dnd_settings=False)], at=at)
    elif known[2] == _ERASED:
        return
    else:
        fresh = dict(zip(contact_columns.DERIVED, contact_columns.derived(tx, contact), strict=True))
        names = [name for name in contact_columns.DERIVED if name not in _OF_THE_ROW]
        update_rows(tx, contacts, names, "row_id", [(*(fresh[name] for name in names), known[0])])
        _replace_aliases(tx, location_id, [contact], at)
        _note_facets(tx, location_id, [contact])
    store_detail(tx, location_id, contact.contact_id, contact.raw, at)


_OF_THE_ROW = ("digest", "has_dnd_settings")


def _these(tx: Tx, location_id: str, ids: Sequence[str]) -> Update:
    return update(contacts).where(among_numbers(tx, contacts.c.row_id, row_ids(tx, location_id, ids)))


def _identities(tx: Tx, location_id: str, ids: Sequence[str]) -> dict[str, tuple[int, bytes, str]]:
    """contact_id → (row_id, digest, status)."""
    found: dict[str, tuple[int, bytes, str]] = {}
    wanted = (contacts.c.contact_id, contacts.c.row_id, contacts.c.digest, contacts.c.status)
    for part in chunked(ids):
        found.update((row[0], (row[1], row[2], row[3])) for row in tx.execute(by_id(tx, location_id, part, *wanted)))
    return found


_VERSION = ("location_id", "contact_id", "part", "captured_at", "replaced_at", "run_id", "digest", "raw")


def _keep_versions(tx: Tx, row_ids: Sequence[int], at: datetime, run_id: int | None) -> None:
    who = (contacts.c.location_id, contacts.c.contact_id)
    when = (contacts.c.changed_at, literal(at, UtcDateTime), literal(run_id, BigInteger))
    earlier = (
        select(*who, literal("row"), *when, contacts.c.digest, contact_bytes.c.raw)
        .join(contact_bytes, contact_bytes.c.row_id == contacts.c.row_id)
        .where(among_numbers(tx, contacts.c.row_id, row_ids))
        .order_by(contacts.c.row_id)
    )
    tx.execute(sql_insert(version_table).from_select(_VERSION, earlier))


def _keep_detail(tx: Tx, row_id: int, at: datetime, run_id: int | None) -> None:
    who = (contacts.c.location_id, contacts.c.contact_id)
    when = (details.c.captured_at, literal(at, UtcDateTime), literal(run_id, BigInteger))
    earlier = (
        select(*who, literal("detail"), *when, details.c.digest, details.c.raw)
        .join(details, details.c.row_id == contacts.c.row_id)
        .where(contacts.c.row_id == row_id)
    )
    tx.execute(sql_insert(version_table).from_select(_VERSION, earlier))


def _note_aliases(tx: Tx, location_id: str, found: Iterable[tuple[str, str, str]], at: datetime) -> None:
    moment = moment_value(tx, at)
    fresh = [(location_id, *row, moment) for row in sorted(found)]
    insert_new(tx, aliases, ("location_id", "kind", "value", "contact_id", "since"), fresh)


def _replace_aliases(tx: Tx, location_id: str, changed: Sequence[Contact], at: datetime) -> None:
    """What these contacts have now; `since` stays for what they had before."""
    wanted = contact_columns.aliases(changed)
    here = (aliases.c.location_id == location_id, among(tx, aliases.c.contact_id, [c.contact_id for c in changed]))
    held_before = tx.execute(select(aliases.c.kind, aliases.c.value, aliases.c.contact_id).where(*here))
    kept = {(row[0], row[1], row[2]) for row in held_before}
    gone = [{"k": kind, "v": value, "c": who, "l": location_id} for kind, value, who in sorted(kept - wanted)]
    if gone:
        tx.execute(_FORGET_ALIAS, gone)
    _note_aliases(tx, location_id, wanted - kept, at)


_FORGET_ALIAS = delete(aliases).where(
    aliases.c.location_id == bindparam("l"),
    aliases.c.kind == bindparam("k"),
    aliases.c.value == bindparam("v"),
    aliases.c.contact_id == bindparam("c"),
)


def _note_facets(tx: Tx, location_id: str, found: Sequence[Contact]) -> None:
    fresh = [(location_id, *row) for row in sorted(contact_columns.facets(found))]
    insert_new(tx, facets, ("location_id", "kind", "value"), fresh)
