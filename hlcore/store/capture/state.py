"""Which kinds of records of which contacts are captured, due (again) or stale.

A kind of a contact is safe when it was read from HighLevel for this contact (`captures.captured_at`), or when a feed of
the whole location was read to its end after the contact was added to HighLevel (`feeds.covered_at`), and it has not
been due since (`captures.due_at`). The remaining work is queried from the database, never held in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)

from hlcore.model.lifecycle import Status
from hlcore.model.records import FEED_KINDS, KINDS
from hlcore.store.capture import feeds
from hlcore.store.column_types import UtcDateTime
from hlcore.store.contacts.columns import LIVE
from hlcore.store.contacts.reads import select_by_ids
from hlcore.store.database import Tx
from hlcore.store.dialects import among, changed_rows, chunked, insert_into, upsert
from hlcore.store.tables import captures, contacts, records

STALE_COUNT_CAP = 10_000
_NOT_LIVE = tuple(str(status) for status in Status if status not in (*LIVE, Status.EXPIRED))

ContactCursor = tuple[datetime | None, str]
"""Where a list of contacts continues: dateAdded and id of the last one."""


@dataclass(frozen=True, slots=True)
class CaptureCounts:
    """Live contacts of a location by the state of one kind: `never` captured, `due` again although captured, `stale`
    because captured long ago (counted up to `STALE_COUNT_CAP`). A contact counts once among the first two."""

    live: int
    never: int
    due: int
    stale: int


@dataclass(frozen=True, slots=True)
class CaptureState:
    """One kind of a contact: when it was captured, and since when it is due (again); None: not."""

    kind: str
    captured_at: datetime | None
    due_at: datetime | None


_KEY = ("location_id", "kind", "subject_id")
_IS_DUE = captures.c.due_at > literal(datetime(1970, 1, 1, tzinfo=UTC), UtcDateTime)
_IS_CAPTURED = captures.c.captured_at.is_not(None)
_LOCATION, _KIND = bindparam("location", type_=String), bindparam("kind", type_=String)
_SINCE = bindparam("since", type_=UtcDateTime)
_Text = str | BindParameter[str]


def mark_captured(tx: Tx, location_id: str, kind: str, subjects: Iterable[str], *, at: datetime) -> None:
    """Record that these were read from HighLevel by a request that began `at`. What became due since stays due."""
    rows = [_row(location_id, kind, subject, captured_at=at) for subject in sorted(set(subjects))]
    if not rows:
        return
    insert = insert_into(tx, captures)
    due_before = or_(captures.c.due_at.is_(None), captures.c.due_at <= literal(at, UtcDateTime))
    due_at = case((due_before, literal(None, UtcDateTime)), else_=captures.c.due_at)
    values = {"captured_at": insert.excluded.captured_at, "due_at": due_at}
    tx.execute(insert.on_conflict_do_update(index_elements=list(_KEY), set_=values), rows)


def mark_due(tx: Tx, location_id: str, kind: str, subjects: Iterable[str], *, at: datetime) -> None:
    """Make these due (again) from `at` on; when they were captured stays known. May be repeated."""
    rows = [_row(location_id, kind, subject, due_at=at) for subject in sorted(set(subjects))]
    for part in chunked(rows):
        upsert(tx, captures, part, keep=("captured_at",))


def mark_settled(tx: Tx, location_id: str, kind: str, *, at: datetime) -> None:
    """Mark everything that was due before as captured by a complete read of the feed that began `at`."""
    due = update(captures).where(_of_kind(location_id, kind), captures.c.due_at <= at)
    tx.execute(due.values(due_at=None, captured_at=at))


def mark_missed_due(tx: Tx, location_id: str, kind: str, *, walked_at: datetime, at: datetime) -> int:
    """Make the live contacts due that have records which the complete read of the feed since `walked_at` did not show:
    only reading them by contact decides whether those vanished. Return how many."""
    same_contact = and_(contacts.c.location_id == records.c.location_id, contacts.c.contact_id == records.c.contact_id)
    missed = (
        select(records.c.contact_id)
        .distinct()
        .join(contacts, same_contact)
        .where(
            records.c.location_id == location_id,
            records.c.kind == kind,
            records.c.vanished_at.is_(None),
            records.c.seen_at < walked_at,
            contacts.c.status.in_(LIVE),
        )
    )
    contact_ids = list(tx.execute(missed).scalars())
    mark_due(tx, location_id, kind, contact_ids, at=at)
    return len(contact_ids)


def forget_future(tx: Tx, location_id: str, kinds: Iterable[str], *, after: datetime, at: datetime) -> int:
    """Forget when records were captured where that is after `after`: the clock has been turned back since, and it
    proves nothing. What is due later than `after` is due `at`. Return how many changed."""
    changed = 0
    for kind in kinds:
        captured = _of_kind(location_id, kind), captures.c.captured_at > after
        due = _of_kind(location_id, kind), captures.c.due_at > after
        if tx.execute(select(captures.c.subject_id).where(*captured).limit(1)).first():
            changed += changed_rows(tx, update(captures).where(*captured).values(captured_at=None, due_at=at))
        if tx.execute(select(captures.c.subject_id).where(*due).limit(1)).first():
            changed += changed_rows(tx, update(captures).where(*due).values(due_at=at))
    return changed


def count_live(tx: Tx, location_id: str) -> int:
    """Return how many live contacts the location has."""
    live = contacts.c.location_id == location_id, contacts.c.status.in_(LIVE)
    return tx.execute(select(func.count()).select_from(contacts).where(*live)).scalar_one()


def count_states(
    tx: Tx,
    location_id: str,
    kind: str,
    *,
    live: int,
    covered_at: datetime | None = None,
    before: datetime | None = None,
) -> CaptureCounts:
    """Return the counts of one kind; `live` is `count_live`. `covered_at`: its feed covers contacts added to HighLevel
    before; `before`: what was captured earlier is stale."""
    has_feed = covered_at is not None
    parameters = {"location": location_id, "kind": kind, "since": covered_at, "before": before}
    if has_feed:
        never = sum(_count(tx, query, parameters) for query in _count_uncovered())
    else:
        captured = _count(tx, _count_captured(), parameters) - _count(tx, _count_captured_not_live(), parameters)
        never = max(0, live - captured)
    due = _count(tx, _count_due(has_feed=has_feed), parameters)
    stale = 0 if has_feed or before is None else _count(tx, _count_stale(), parameters)
    return CaptureCounts(live, never, due, stale)


def count_known(tx: Tx, location_ids: Iterable[str], kind: str) -> tuple[int, int]:
    """Return for how many of these locations' live contacts the records of this kind were captured at least once, and
    how many live contacts there are."""
    known = total = 0
    for location_id in location_ids:
        live, feed = count_live(tx, location_id), feeds.get_all(tx, location_id).get(kind)
        covered_at = feed.covered_at if feed and kind in FEED_KINDS else None
        known += live - count_states(tx, location_id, kind, live=live, covered_at=covered_at).never
        total += live
    return known, total


def list_due(tx: Tx, location_id: str, kind: str, *, at: datetime, limit: int, skip: Iterable[str] = ()) -> list[str]:
    """Return the live contacts whose records of this kind are due (again) at `at`, the longest due first, without
    `skip`."""
    query = _with_contacts(location_id, kind, captures.c.subject_id)
    query = query.where(captures.c.due_at <= at, contacts.c.status.in_(LIVE))
    query = query.where(~among(tx, captures.c.subject_id, skip))
    return list(tx.execute(query.order_by(captures.c.due_at, captures.c.subject_id).limit(limit)).scalars())


def list_never_captured(
    tx: Tx,
    location_id: str,
    kind: str,
    *,
    at: datetime,
    limit: int,
    covered_at: datetime | None = None,
    after: ContactCursor | None = None,
) -> list[ContactCursor]:
    """Return (dateAdded, id) of live contacts whose records of this kind were never captured, the newest first, those
    without a date last, behind `after`; without those that are postponed until after `at`."""
    date, contact_id = contacts.c.date_added, contacts.c.contact_id
    never = _never_captured(location_id, kind, covered_at)
    never = never.where(or_(captures.c.due_at.is_(None), captures.c.due_at <= at))
    page: list[ContactCursor] = []
    if after is None or after[0] is not None:
        dated = never.where(date.is_not(None))
        if after is not None:
            dated = dated.where(or_(date < after[0], and_(date == after[0], contact_id < after[1])))
        rows = tx.execute(dated.order_by(date.desc(), contact_id.desc()).limit(limit))
        page = [(row[0], row[1]) for row in rows]
    if len(page) < limit:
        undated = never.where(date.is_(None))
        if after is not None and after[0] is None:
            undated = undated.where(contact_id < after[1])
        rows = tx.execute(undated.order_by(contact_id.desc()).limit(limit - len(page)))
        page += [(row[0], row[1]) for row in rows]
    return page


def list_stale(
    tx: Tx, location_id: str, kind: str, *, before: datetime, limit: int, skip: Iterable[str] = ()
) -> list[str]:
    """Return the live contacts whose records of this kind were captured before `before`, the oldest capture first,
    without `skip`."""
    query = _with_contacts(location_id, kind, captures.c.subject_id).where(
        captures.c.captured_at < before, contacts.c.status.in_(LIVE), ~among(tx, captures.c.subject_id, skip)
    )
    return list(tx.execute(query.order_by(captures.c.captured_at, captures.c.subject_id).limit(limit)).scalars())


def list_due_subjects(tx: Tx, location_id: str, kind: str, *, at: datetime, limit: int) -> list[str]:
    """Return what is due at `at` of a kind whose subjects are no contacts, the longest due first."""
    query = select(captures.c.subject_id).where(_of_kind(location_id, kind), captures.c.due_at <= at)
    return list(tx.execute(query.order_by(captures.c.due_at, captures.c.subject_id).limit(limit)).scalars())


def count_due(tx: Tx, location_id: str, kind: str) -> int:
    """Return how many subjects of a kind are due, including postponed ones."""
    return _count(tx, select(func.count()).select_from(captures).where(_of_kind(location_id, kind), _IS_DUE), {})


def filter_uncaptured(tx: Tx, location_id: str, kind: str, subjects: Iterable[str]) -> list[str]:
    """Return those of these subjects that were never captured, sorted."""
    given = sorted(set(subjects))
    known = _of_kind(location_id, kind), _IS_CAPTURED, among(tx, captures.c.subject_id, given)
    captured = set(tx.execute(select(captures.c.subject_id).where(*known)).scalars())
    return [subject for subject in given if subject not in captured]


def states_of_contact(tx: Tx, location_id: str, contact_id: str) -> dict[str, CaptureState]:
    """Return the state of each kind of this contact, by kind."""
    columns = captures.c.kind, captures.c.captured_at, captures.c.due_at
    query = select(*columns).where(captures.c.location_id == location_id, captures.c.subject_id == contact_id)
    return {row[0]: CaptureState(*row) for row in tx.execute(query)}


def captured_kinds(tx: Tx, location_id: str, alive_at: Mapping[str, datetime]) -> dict[str, tuple[str, ...]]:
    """Return id → the kinds of records that were captured at least once of each of these contacts while it was there.
    `alive_at`: up to when each surely was; a feed that was read later did not show what belonged to it, and a list of
    its own that was read later and empty does not say that it had none. The detail, and a list with records, do."""
    held: dict[str, set[str]] = {contact_id: set() for contact_id in alive_at}
    covered = {kind: state.covered_at for kind, state in feeds.get_all(tx, location_id).items() if kind in FEED_KINDS}
    for part in chunked(list(alive_at)):
        own = captures.c.location_id == location_id, _IS_CAPTURED, among(tx, captures.c.subject_id, part)
        shown = records.c.location_id == location_id, among(tx, records.c.contact_id, part)
        pairs = set(map(tuple, tx.execute(select(records.c.contact_id, records.c.kind).where(*shown).distinct())))
        moments = select(captures.c.subject_id, captures.c.kind, captures.c.captured_at).where(*own)
        for contact_id, kind, captured_at in tx.execute(moments):
            if captured_at <= alive_at[contact_id] or kind == "detail" or (contact_id, kind) in pairs:
                held[contact_id].add(kind)
        columns = contacts.c.contact_id, contacts.c.date_added, contacts.c.first_seen_at
        for contact_id, added, first_seen in tx.execute(select_by_ids(tx, location_id, part, *columns)):
            for kind, at in covered.items():
                if at is not None and (added or first_seen) < at <= alive_at[contact_id]:
                    held[contact_id].add(kind)
    return {contact_id: tuple(kind for kind in KINDS if kind in kinds) for contact_id, kinds in held.items()}


def _row(location_id: str, kind: str, subject: str, **moments: datetime) -> dict[str, Any]:
    moments_or_none = {"captured_at": None, "due_at": None, **moments}
    return {"location_id": location_id, "kind": kind, "subject_id": subject, **moments_or_none}


def _of_kind(location_id: _Text, kind: _Text) -> ColumnElement[bool]:
    return and_(captures.c.location_id == location_id, captures.c.kind == kind)


def _with_contacts(location_id: _Text, kind: _Text, column: ColumnElement[Any]) -> Select[Any]:
    """Select from the captures of a kind joined with their contacts."""
    same = and_(contacts.c.location_id == captures.c.location_id, contacts.c.contact_id == captures.c.subject_id)
    return select(column).select_from(captures).join(contacts, same).where(_of_kind(location_id, kind))


def _never_captured(location_id: str, kind: str, covered_at: datetime | None) -> Select[datetime, str]:
    """Select (dateAdded, id) of live contacts that neither were captured nor are covered by the feed."""
    own = and_(_of_kind(location_id, kind), captures.c.subject_id == contacts.c.contact_id)
    query = (
        select(contacts.c.date_added, contacts.c.contact_id)
        .select_from(contacts)
        .outerjoin(captures, own)
        .where(captures.c.captured_at.is_(None), contacts.c.location_id == location_id, contacts.c.status.in_(LIVE))
    )
    return query if covered_at is None else query.where(or_(*_added_since(covered_at)))


def _added_since(covered_at: datetime | BindParameter[Any]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions on contacts added to HighLevel later, and on those without a date first seen later."""
    undated = and_(contacts.c.date_added.is_(None), contacts.c.first_seen_at >= covered_at)
    return contacts.c.date_added >= covered_at, undated


def _count(tx: Tx, query: Select[Any], parameters: dict[str, Any]) -> int:
    return int(tx.execute(query, parameters).scalar_one())


# The counts are built once and run with parameters, because the planner needs all of them at each step.

_CAPTURED_ITSELF = and_(_of_kind(_LOCATION, _KIND), _IS_CAPTURED, captures.c.subject_id == contacts.c.contact_id)


@cache
def _count_captured() -> Select[Any]:
    return select(func.count()).select_from(captures).where(_of_kind(_LOCATION, _KIND), _IS_CAPTURED)


@cache
def _count_captured_not_live() -> Select[Any]:
    """Counts captured contacts that do not live: few, so that they come first."""
    not_live = contacts.c.location_id == _LOCATION, contacts.c.status.in_(_NOT_LIVE)
    return select(func.count()).select_from(contacts).where(*not_live, exists().where(_CAPTURED_ITSELF))


@cache
def _count_uncovered() -> tuple[Select[Any], ...]:
    """Count live contacts that were added after the feed was read and not captured themselves. The status is compared
    in a way that no index answers: the date is what narrows."""
    live = contacts.c.status.concat("").in_(LIVE)
    uncaptured = contacts.c.location_id == _LOCATION, live, ~exists().where(_CAPTURED_ITSELF)
    return tuple(select(func.count()).select_from(contacts).where(added, *uncaptured) for added in _added_since(_SINCE))


@cache
def _count_due(*, has_feed: bool) -> Select[Any]:
    again = or_(_IS_CAPTURED, ~or_(*_added_since(_SINCE))) if has_feed else _IS_CAPTURED
    return _with_contacts(_LOCATION, _KIND, func.count()).where(_IS_DUE, again, contacts.c.status.in_(LIVE))


@cache
def _count_stale() -> Select[Any]:
    old = captures.c.captured_at < bindparam("before", type_=UtcDateTime)
    stale = _with_contacts(_LOCATION, _KIND, captures.c.subject_id).where(old, contacts.c.status.in_(LIVE))
    return select(func.count()).select_from(stale.limit(STALE_COUNT_CAP).subquery())
