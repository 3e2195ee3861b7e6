"""What is safe beside the row of the listing, contact by contact and kind by kind, as questions to the database.

A contact's kind is safe when it was read from HighLevel for this contact (`captures.captured_at`), or when a feed of
the whole location was read to its end after the contact had come to HighLevel (`feeds.covered_at`), and nothing has
said since that it changed (`captures.due_at`). The work that is left is therefore never a list in memory.
"""

from __future__ import annotations

from collections.abc import Iterable
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
from sqlalchemy.dialects import postgresql, sqlite

from hlcore.store.column_types import UtcDateTime
from hlcore.store.database import Tx
from hlcore.store.dialects import among, chunked, is_postgres, upsert
from hlcore.store.tables import captures, contacts, records

LIVING = ("present", "returned")
"""What belongs to contacts of these statuses can be read from HighLevel."""

MANY = 10_000
DEAD = ("suspected", "deleted", "merged", "recreated", "undone", "erased")
"""All other statuses."""


@dataclass(frozen=True, slots=True)
class CaptureCounts:
    """Living contacts of a location by the state of one kind: `never` captured, `wanted` again although they were,
    `stale` because that is long ago (counted up to `MANY`). A contact counts once among the first two."""

    live: int
    never: int
    wanted: int
    stale: int


@dataclass(frozen=True, slots=True)
class Captured:
    """One contact and kind: when it was captured, and since when it is wanted (again); None: not."""

    kind: str
    captured_at: datetime | None
    due_at: datetime | None


Place = tuple[datetime | None, str]
"""Where a list of contacts goes on: dateAdded and id of the last one."""


def captured(tx: Tx, location_id: str, kind: str, subjects: Iterable[str], *, at: datetime) -> None:
    """These were read from HighLevel by a request that began `at`. What was wanted since then stays wanted."""
    rows = [_row(location_id, kind, each, captured_at=at) for each in sorted(set(subjects))]
    if not rows:
        return
    insert = (postgresql.insert if is_postgres(tx) else sqlite.insert)(captures)
    still = or_(captures.c.due_at.is_(None), captures.c.due_at <= literal(at, UtcDateTime))
    due = case((still, literal(None, UtcDateTime)), else_=captures.c.due_at)
    new = {"captured_at": insert.excluded.captured_at, "due_at": due}
    tx.execute(insert.on_conflict_do_update(index_elements=list(_KEY), set_=new), rows)


def want(tx: Tx, location_id: str, kind: str, subjects: Iterable[str], *, at: datetime) -> None:
    """These are wanted (again) since `at`; what was captured stays known. May be repeated."""
    rows = [_row(location_id, kind, each, due_at=at) for each in sorted(set(subjects))]
    for part in chunked(rows):
        upsert(tx, captures, part, keep=("captured_at",))


def forget(tx: Tx, location_id: str, kind: str, subjects: Iterable[str]) -> None:
    """These are not wanted any more. May be repeated."""
    mine = _of(location_id, kind), among(tx, captures.c.subject_id, subjects)
    tx.execute(update(captures).where(*mine).values(due_at=None))


def mark_settled(tx: Tx, location_id: str, kind: str, *, at: datetime) -> None:
    """A complete walk that began `at` has read whatever was wanted before."""
    mine = update(captures).where(_of(location_id, kind), captures.c.due_at <= at)
    tx.execute(mine.values(due_at=None, captured_at=at))


def doubt(tx: Tx, location_id: str, kind: str, *, walked_at: datetime, at: datetime) -> int:
    """Living contacts that have records which the complete walk since `walked_at` did not show are wanted: only
    looking at the contact itself decides. How many."""
    missed = (
        select(records.c.contact_id)
        .distinct()
        .join(contacts, and_(contacts.c.location_id == records.c.location_id, _is(records.c.contact_id)))
        .where(
            records.c.location_id == location_id,
            records.c.kind == kind,
            records.c.vanished_at.is_(None),
            records.c.seen_at < walked_at,
            contacts.c.status.in_(LIVING),
        )
    )
    found = list(tx.execute(missed).scalars())
    want(tx, location_id, kind, found, at=at)
    return len(found)


def live(tx: Tx, location_id: str) -> int:
    """How many contacts of the location live."""
    here = contacts.c.location_id == location_id, contacts.c.status.in_(LIVING)
    return tx.execute(select(func.count()).select_from(contacts).where(*here)).scalar_one()


def counts(
    tx: Tx,
    location_id: str,
    kind: str,
    *,
    living: int,
    covered_at: datetime | None = None,
    before: datetime | None = None,
) -> CaptureCounts:
    """How far one kind is. `covered_at`: its feed covers who came to HighLevel before; `before`: what was captured
    earlier is stale."""
    fed = covered_at is not None
    given = {"location": location_id, "of": kind, "since": covered_at, "before": before}
    if fed:
        never = sum(_count(tx, late, given) for late in _counting_late())
    else:
        never = max(0, living - (_count(tx, _counting_done(), given) - _count(tx, _counting_dead(), given)))
    wanted = _count(tx, _counting_wanted(fed=fed), given)
    stale = 0 if fed or before is None else _count(tx, _counting_stale(), given)
    return CaptureCounts(living, never, wanted, stale)


def wanted(tx: Tx, location_id: str, kind: str, *, at: datetime, limit: int, skip: Iterable[str] = ()) -> list[str]:
    """Living contacts whose records of this kind are wanted (again) at `at`, the longest waiting first, without
    `skip`."""
    query = _joined(location_id, kind, captures.c.subject_id)
    query = query.where(captures.c.due_at <= at, contacts.c.status.in_(LIVING))
    query = query.where(~among(tx, captures.c.subject_id, skip))
    return list(tx.execute(query.order_by(captures.c.due_at, captures.c.subject_id).limit(limit)).scalars())


def never(
    tx: Tx,
    location_id: str,
    kind: str,
    *,
    at: datetime,
    limit: int,
    covered_at: datetime | None = None,
    after: Place | None = None,
) -> list[Place]:
    """Living contacts whose records of this kind were never captured, the newest first, behind `after`; without those
    that are put off until after `at`."""
    base = _never(select(contacts.c.date_added, contacts.c.contact_id), location_id, kind, covered_at)
    base = base.where(or_(captures.c.due_at.is_(None), captures.c.due_at <= at))
    date, who = contacts.c.date_added, contacts.c.contact_id
    found: list[Place] = []
    if after is None or after[0] is not None:
        dated = base.where(date.is_not(None))
        if after is not None:
            dated = dated.where(or_(date < after[0], and_(date == after[0], who < after[1])))
        found = [(row[0], row[1]) for row in tx.execute(dated.order_by(date.desc(), who.desc()).limit(limit))]
    if len(found) < limit:
        undated = base.where(date.is_(None))
        if after is not None and after[0] is None:
            undated = undated.where(who < after[1])
        rest = undated.order_by(who.desc()).limit(limit - len(found))
        found += [(row[0], row[1]) for row in tx.execute(rest)]
    return found


def stale(tx: Tx, location_id: str, kind: str, *, before: datetime, limit: int, skip: Iterable[str] = ()) -> list[str]:
    """Living contacts whose records of this kind were captured before `before`, the oldest capture first."""
    query = _joined(location_id, kind, captures.c.subject_id).where(
        captures.c.captured_at < before, contacts.c.status.in_(LIVING), ~among(tx, captures.c.subject_id, skip)
    )
    return list(tx.execute(query.order_by(captures.c.captured_at, captures.c.subject_id).limit(limit)).scalars())


def subjects_due(tx: Tx, location_id: str, kind: str, *, at: datetime, limit: int) -> list[str]:
    """What is wanted at `at` of a kind whose subjects are no contacts, the longest waiting first."""
    query = select(captures.c.subject_id).where(_of(location_id, kind), captures.c.due_at <= at)
    return list(tx.execute(query.order_by(captures.c.due_at, captures.c.subject_id).limit(limit)).scalars())


def count_due(tx: Tx, location_id: str, kind: str) -> int:
    """How many subjects of a kind are wanted, those that are put off included."""
    return _count(tx, select(func.count()).select_from(captures).where(_of(location_id, kind), _DUE), {})


def uncaptured(tx: Tx, location_id: str, kind: str, subjects: Iterable[str]) -> list[str]:
    """Those of these subjects that were never captured."""
    given = sorted(set(subjects))
    mine = _of(location_id, kind), _DONE, among(tx, captures.c.subject_id, given)
    known = set(tx.execute(select(captures.c.subject_id).where(*mine)).scalars())
    return [each for each in given if each not in known]


def of_contact(tx: Tx, location_id: str, contact_id: str) -> dict[str, Captured]:
    """What is known of each kind of this contact."""
    columns = captures.c.kind, captures.c.captured_at, captures.c.due_at
    query = select(*columns).where(captures.c.location_id == location_id, captures.c.subject_id == contact_id)
    return {row[0]: Captured(*row) for row in tx.execute(query)}


_KEY = ("location_id", "kind", "subject_id")
_DUE = captures.c.due_at > literal(datetime(1970, 1, 1, tzinfo=UTC), UtcDateTime)
_DONE = captures.c.captured_at.is_not(None)
_LOCATION, _KIND = bindparam("location", type_=String), bindparam("of", type_=String)
_SINCE = bindparam("since", type_=UtcDateTime)
_Text = str | BindParameter[str]


def _row(location_id: str, kind: str, subject: str, **moments: datetime) -> dict[str, Any]:
    moments_or_none = {"captured_at": None, "due_at": None, **moments}
    return {"location_id": location_id, "kind": kind, "subject_id": subject, **moments_or_none}


def _of(location_id: _Text, kind: _Text) -> ColumnElement[bool]:
    return and_(captures.c.location_id == location_id, captures.c.kind == kind)


def _is(column: ColumnElement[str]) -> ColumnElement[bool]:
    return contacts.c.contact_id == column


def _count(tx: Tx, query: Select[Any], given: dict[str, Any]) -> int:
    return int(tx.execute(query, given).scalar_one())


def _joined(location_id: _Text, kind: _Text, column: ColumnElement[Any] | None = None) -> Select[Any]:
    """Captures of a kind beside their contacts."""
    what = func.count() if column is None else column
    same = and_(contacts.c.location_id == captures.c.location_id, contacts.c.contact_id == captures.c.subject_id)
    return select(what).select_from(captures).join(contacts, same).where(_of(location_id, kind))


def _never(base: Any, location_id: str, kind: str, covered_at: datetime | None) -> Any:
    """Living contacts that neither were read nor are covered by the feed."""
    mine = and_(
        captures.c.location_id == location_id,
        captures.c.kind == kind,
        captures.c.subject_id == contacts.c.contact_id,
    )
    query = base.select_from(contacts).outerjoin(captures, mine).where(captures.c.captured_at.is_(None))
    query = query.where(contacts.c.location_id == location_id, contacts.c.status.in_(LIVING))
    if covered_at is None:
        return query
    return query.where(or_(*_since(covered_at)))


@cache
def _counting_done() -> Select[Any]:
    """Counts what was read of a kind. As the other counts, made once: the planner asks for all of them at each step."""
    return select(func.count()).select_from(captures).where(_MINE, _DONE)


@cache
def _counting_dead() -> Select[Any]:
    """Counts contacts that do not live and were read: few, so they come first."""
    here = contacts.c.location_id == _LOCATION, contacts.c.status.in_(DEAD)
    return select(func.count()).select_from(contacts).where(*here, exists().where(_READ))


@cache
def _counting_late() -> tuple[Select[Any], ...]:
    """Count living contacts that came after the feed and were not read. The status is compared in a way that no index
    answers: the date is what narrows."""
    alive = contacts.c.status.concat("").in_(LIVING)
    here = contacts.c.location_id == _LOCATION, alive, ~exists().where(_READ)
    return tuple(select(func.count()).select_from(contacts).where(came, *here) for came in _since(_SINCE))


@cache
def _counting_wanted(*, fed: bool) -> Select[Any]:
    again = or_(_DONE, ~or_(*_since(_SINCE))) if fed else _DONE
    return _joined(_LOCATION, _KIND).where(_DUE, again, contacts.c.status.in_(LIVING))


@cache
def _counting_stale() -> Select[Any]:
    old = captures.c.captured_at < bindparam("before", type_=UtcDateTime)
    some = _joined(_LOCATION, _KIND, captures.c.subject_id).where(old, contacts.c.status.in_(LIVING))
    return select(func.count()).select_from(some.limit(MANY).subquery())


def _since(covered_at: datetime | BindParameter[Any]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Contacts that came to HighLevel later, and those without a date that came to the vault later."""
    undated = and_(contacts.c.date_added.is_(None), contacts.c.first_seen_at >= covered_at)
    return contacts.c.date_added >= covered_at, undated


_MINE = _of(_LOCATION, _KIND)
_READ = and_(_MINE, _DONE, captures.c.subject_id == contacts.c.contact_id)
