"""Finding contacts: the search box, the filters, lists by page, and who holds an e-mail or phone.

A query scans the narrow `contacts` of one location, at most some 0.5 s for a million of them, and stops earlier when a
page or a capped count is full; the column `search` (see `store.contacts.columns`) covers names, e-mails, phone digits
and tags at once. Filter choices come from `facets`, so that none costs a scan. Lists over several locations are merged
from one bounded list of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, false, func, literal, or_, select, true, union_all

from hlcore.model.search_text import MIN_DIGITS, fold_letters, readings
from hlcore.store.contacts import columns as contact_columns
from hlcore.store.contacts.columns import LIVE
from hlcore.store.contacts.reads import StoredContact, select_stored, to_stored_contact
from hlcore.store.database import Tx
from hlcore.store.dialects import among, among_numbers, contains, folded
from hlcore.store.tables import aliases, contacts, facets
from hlcore.store.text import checksum, clean

Sort = Literal["name", "date_added", "changed_at", "email", "company", "status"]


@dataclass(frozen=True, slots=True)
class ContactQuery:
    """Which contacts, and in which order. Empty parts do not restrict. Every word of `text` must occur in the name,
    an e-mail, a phone (however written), the company or a tag, whatever its case and accents (`model.search_text`); a
    whole contact id finds that contact."""

    location_ids: Sequence[str]
    text: str = ""
    tag: str = ""
    owner_id: str = ""
    source: str = ""
    statuses: Sequence[str] = ()
    sort: Sort = "name"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class ContactSummary:
    """A contact as lists show it."""

    location_id: str
    contact_id: str
    status: str
    name: str
    email: str
    phone: str
    company: str
    owner_id: str
    source: str
    tags: tuple[str, ...] = field(default=())
    dnd: bool = False
    date_added: datetime | None = None
    date_updated: datetime | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """A live contact that holds an e-mail or phone. `value` is the key searched for; `since` is when the vault first
    saw an additional one on this contact, or for the primary one when it first saw the contact."""

    contact_id: str
    field: Literal["email", "phone"]
    value: str
    additional: bool
    since: datetime
    date_added: datetime | None
    date_updated: datetime | None


_SUMMARY = tuple(contacts.c[name] for name in ContactSummary.__slots__)
_TAGS = ContactSummary.__slots__.index("tags")
_ORDER: dict[str, ColumnElement[Any]] = {
    "name": contacts.c.name_key,
    "date_added": contacts.c.date_added,
    "changed_at": contacts.c.changed_at,
    "email": func.nullif(contacts.c.email, ""),
    "status": contacts.c.status,
}


def search(tx: Tx, query: ContactQuery, *, limit: int, offset: int = 0) -> list[ContactSummary]:
    """Return one page of the contacts that match, in the query's order (then by location and id); those without a value
    to sort by come last."""
    if not query.location_ids:
        return []
    parts = [_first_matches(tx, query, location_id, limit + offset) for location_id in query.location_ids]
    keys = union_all(*(select(part.subquery()) for part in parts)).subquery()
    order = _ordered((keys.c.k, keys.c.location_id, keys.c.contact_id), query)
    page = select(keys.c.row_id).order_by(*order).limit(limit).offset(offset)
    row_ids = list(tx.execute(page).scalars())
    if not row_ids:
        return []
    rows = tx.execute(select(contacts.c.row_id, *_SUMMARY).where(contacts.c.row_id.in_(row_ids)))
    summaries = {row[0]: _summary(row[1:]) for row in rows}
    return [summaries[row_id] for row_id in row_ids]


def count_matching(tx: Tx, query: ContactQuery, *, cap: int | None = None) -> int:
    """Return how many contacts match; counting stops at `cap`."""
    left, total = cap, 0
    for location_id in query.location_ids:
        matching = select(literal(1)).select_from(contacts).where(_matches(tx, query, location_id)).limit(left)
        total += tx.execute(select(func.count()).select_from(matching.subquery())).scalar_one()
        if cap is not None and total >= cap:
            return cap
        left = None if cap is None else cap - total
    return total


def iterate(tx: Tx, query: ContactQuery, *, chunk: int = 1000) -> Iterator[StoredContact]:
    """Yield every contact that matches, whole, by location and id, in constant memory."""
    for location_id in sorted(set(query.location_ids)):
        after = ""
        matching = select_stored().where(_matches(tx, query, location_id)).order_by(contacts.c.contact_id).limit(chunk)
        while True:
            rows = tx.execute(matching.where(contacts.c.contact_id > after))
            page = [to_stored_contact(row) for row in rows]
            yield from page
            if len(page) < chunk:
                break
            after = page[-1].contact_id


def filter_choices(
    tx: Tx, location_ids: Sequence[str], column: Literal["tag", "owner_id", "source"], *, limit: int = 200
) -> list[str]:
    """Return the values that contacts of these locations have or once had, in alphabetical order, whatever their case
    and accents."""
    query = (
        select(facets.c.value)
        .where(among(tx, facets.c.location_id, location_ids), facets.c.kind == column)
        .distinct()
        .order_by(facets.c.value)
        .limit(limit)
    )
    return sorted(tx.execute(query).scalars(), key=fold_letters)


def count_by_status(tx: Tx, location_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return location → status → how many contacts. Locations without contacts have an empty inner dict."""
    counts: dict[str, dict[str, int]] = {location_id: {} for location_id in location_ids}
    query = (
        select(contacts.c.location_id, contacts.c.status, func.count())
        .where(among(tx, contacts.c.location_id, location_ids))
        .group_by(contacts.c.location_id, contacts.c.status)
    )
    for location_id, status, number in tx.execute(query):
        counts[location_id][status] = number
    return counts


def find_holders(
    tx: Tx, location_id: str, *, emails: Iterable[str], phone_keys: Iterable[str], exclude: str = ""
) -> list[Holder]:
    """Return the live contacts, other than `exclude`, that hold one of these e-mails (lower-case) or phones (digits),
    as their primary or an additional one, ordered by id."""
    holders: list[Holder] = []
    for kind, given in (("email", emails), ("phone", phone_keys)):
        values = sorted({clean(value) for value in given if value})
        if values:
            holders += _primary_holders(tx, location_id, kind, values)
            holders += _additional_holders(tx, location_id, kind, values)
    return sorted(
        (holder for holder in holders if holder.contact_id != exclude),
        key=lambda holder: (holder.contact_id, holder.field, holder.additional, holder.value),
    )


def filter_conditions(tx: Tx, query: ContactQuery) -> list[ColumnElement[bool]]:
    """Return the conditions of a query except that on the location."""
    conditions: list[ColumnElement[bool]] = []
    if query.statuses:
        conditions.append(among(tx, contacts.c.status, query.statuses))
    if query.owner_id:
        conditions.append(contacts.c.owner_id == query.owner_id)
    if query.source:
        conditions.append(contacts.c.source == query.source)
    if query.tag:
        conditions.append(tag_condition(tx, query.tag))
    if query.text.strip():
        conditions.append(text_condition(tx, query.text))
    return conditions


def tag_condition(tx: Tx, tag: str) -> ColumnElement[bool]:
    """Return the condition that a contact has this tag, whatever its case."""
    return contains(tx, contacts.c.search, f"\n{contact_columns.tag_line(clean(tag))}\n")


def text_condition(tx: Tx, typed: str) -> ColumnElement[bool]:
    """Return the condition under which the search box finds a contact. Each look into `search` costs a scan as much
    again, so what the readings have in common is looked for once, and what most contacts lack first."""
    found = readings(clean(typed))
    always = [group for group in found[0] if all(group in reading for reading in found)] if found else []
    others = [_all_of(tx, [group for group in reading if group not in always]) for reading in found]
    conditions = [and_(_all_of(tx, always), or_(false(), *others))]
    if len(clean(typed).split()) == 1:
        conditions.append(contacts.c.contact_id == clean(typed).strip())
    return or_(*conditions)


def _all_of(tx: Tx, groups: Sequence[Sequence[str]]) -> ColumnElement[bool]:
    """Of each group something occurs; the longest is tested first, because the fewest contacts have it."""
    by_length = sorted(groups, key=lambda group: min(map(len, group)), reverse=True)
    return and_(true(), *(_any_of(tx, group) for group in by_length))


def _any_of(tx: Tx, fragments: Sequence[str]) -> ColumnElement[bool]:
    """One of the fragments occurs; tested behind the ending that they have in common, which one look tells."""
    shortest = min(fragments, key=len)
    endings = (shortest[at:] for at in range(len(shortest) + 1))
    ending = next(each for each in endings if all(fragment.endswith(each) for fragment in fragments))
    if ending in fragments:
        return contains(tx, contacts.c.search, ending)
    alternatives = or_(*(contains(tx, contacts.c.search, fragment) for fragment in fragments))
    return and_(contains(tx, contacts.c.search, ending), alternatives) if len(ending) >= MIN_DIGITS else alternatives


def _matches(tx: Tx, query: ContactQuery, location_id: str) -> ColumnElement[bool]:
    return and_(contacts.c.location_id == location_id, *filter_conditions(tx, query))


def _first_matches(tx: Tx, query: ContactQuery, location_id: str, limit: int) -> Select[Any]:
    """Select the first `limit` matches of one location, as sort key and identity."""
    key = _ORDER[query.sort] if query.sort != "company" else func.nullif(folded(tx, contacts.c.company), "")
    identity = (contacts.c.location_id, contacts.c.contact_id)
    matching = select(key.label("k"), *identity, contacts.c.row_id).where(_matches(tx, query, location_id))
    return matching.order_by(*_ordered((key, *identity), query)).limit(limit)


def _ordered(columns: Sequence[ColumnElement[Any]], query: ContactQuery) -> list[ColumnElement[Any]]:
    first, *rest = columns
    return [first.desc().nulls_last() if query.descending else first.asc().nulls_last(), *rest]


def _summary(row: Sequence[Any]) -> ContactSummary:
    values = list(row)
    values[_TAGS] = tuple(values[_TAGS])
    return ContactSummary(*values)


def _primary_holders(tx: Tx, location_id: str, kind: str, values: Sequence[str]) -> list[Holder]:
    column, hashed = (
        (contacts.c.email, contacts.c.email_hash) if kind == "email" else (contacts.c.phone_key, contacts.c.phone_hash)
    )
    query = select(
        contacts.c.contact_id,
        literal(kind),
        column,
        literal(False),
        contacts.c.first_seen_at,
        contacts.c.date_added,
        contacts.c.date_updated,
    ).where(
        among_numbers(tx, hashed, (checksum(value) or 0 for value in values)),
        among(tx, column, values),
        func.coalesce(contacts.c.location_id, "") == location_id,  # no index of the location is wanted here
        contacts.c.status.in_(LIVE),
    )
    return [_holder(row) for row in tx.execute(query)]


def _additional_holders(tx: Tx, location_id: str, kind: str, values: Sequence[str]) -> list[Holder]:
    keys = {contact_columns.alias(value): value for value in values}
    query = (
        select(
            aliases.c.contact_id,
            literal(kind),
            aliases.c.value,
            literal(True),
            aliases.c.since,
            contacts.c.date_added,
            contacts.c.date_updated,
        )
        .join(
            contacts,
            and_(contacts.c.location_id == aliases.c.location_id, contacts.c.contact_id == aliases.c.contact_id),
        )
        .where(
            aliases.c.location_id == location_id,
            aliases.c.kind == kind,
            among(tx, aliases.c.value, keys),
            contacts.c.status.in_(LIVE),
        )
    )
    return [_holder((*row[:2], keys[row[2]], *row[3:])) for row in tx.execute(query)]


def _holder(row: Sequence[Any]) -> Holder:
    return Holder(*row)
