"""Asking the register of disappearances.

The states that people see, as questions to the register. `expired` is never stored: a deleted contact is expired
once its location's window has closed, so it is asked for by the start of the clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, case, false, func, or_, select

from hlcore.model.lifecycle import Status, shown
from hlcore.model.recovery_window import RemainingTime
from hlcore.store.contacts import columns as contact_columns
from hlcore.store.contacts.search import text_condition
from hlcore.store.database import Tx
from hlcore.store.dialects import among, contains, seconds
from hlcore.store.locations import Location
from hlcore.store.tables import contacts
from hlcore.store.tables import disappearances as table
from hlcore.store.text import clean

CONFIRMED = ("deleted", "merged", "returned", "recreated", "erased")


@dataclass(frozen=True, slots=True)
class Disappearance:
    """One time that a contact went missing, and who it is (from its last copy). `deleted_at` is exact and None where
    nobody told; the recovery clock starts at `clock_from`; `ended_at` is None while the contact is missing."""

    disappearance_id: int
    location_id: str
    contact_id: str
    status: str
    cause: str
    evidence: str
    detected_by: str
    last_seen_at: datetime
    detected_at: datetime
    deleted_at: datetime | None
    confirmed_at: datetime | None
    clock_from: datetime
    checks: int
    last_check: str
    incident_id: int | None
    ended_at: datetime | None
    new_contact_id: str
    winner_id: str
    name: str
    email: str
    phone: str
    owner_id: str
    source: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WindowSpan:
    """Disappearances of one location in these recorded states (empty: any), whose clock started from `clock_from` on
    and before `clock_before`. `window_days`: how long the location's window is, for the order by days left."""

    location_id: str
    statuses: Sequence[str] = ()
    clock_from: datetime | None = None
    clock_before: datetime | None = None
    window_days: int = 0


@dataclass(frozen=True, slots=True)
class RegisterQuery:
    """Which disappearances. Empty parts do not restrict; `…_after` and `…_since` include their moment, `…_before` does
    not. `text` finds as in `finding.ContactQuery`. `spans`: in one of these as well (see `store.shown`)."""

    location_ids: Sequence[str]
    statuses: Sequence[str] = ()
    owner_id: str = ""
    tag: str = ""
    source: str = ""
    cause: str = ""
    text: str = ""
    clock_from_after: datetime | None = None
    clock_from_before: datetime | None = None
    detected_since: datetime | None = None
    detected_before: datetime | None = None
    ended_since: datetime | None = None
    incident_id: int | None = None
    contact_ids: Sequence[str] | None = None
    spans: Sequence[WindowSpan] | None = None


_NAMES = Disappearance.__slots__
_QUERY: Select[Any] = select(
    *(table.c[name] for name in _NAMES[: _NAMES.index("name")]),
    *(contacts.c[name] for name in _NAMES[_NAMES.index("name") :]),
).join(contacts, and_(contacts.c.location_id == table.c.location_id, contacts.c.contact_id == table.c.contact_id))
_ORDER: dict[str, ColumnElement[Any]] = {
    "clock_from": table.c.clock_from,
    "detected_at": table.c.detected_at,
    "name": contacts.c.name_key,
}


def listing(
    tx: Tx,
    query: RegisterQuery,
    *,
    limit: int,
    offset: int = 0,
    sort: Literal["clock_from", "detected_at", "name", "window"] = "clock_from",
    descending: bool = False,
) -> list[Disappearance]:
    """One page of the disappearances that match; by default those first whose clock runs longest, by `window` those
    whose location's window closes first."""
    key = _window_end(tx, query) if sort == "window" else _ORDER[sort]
    order = (key.desc(), table.c.disappearance_id.desc()) if descending else (key, table.c.disappearance_id)
    return _all(tx, _where(tx, query).order_by(*order).limit(limit).offset(offset))


def count(tx: Tx, query: RegisterQuery) -> int:
    """How many disappearances match."""
    matching = _where(tx, query).with_only_columns(func.count(), maintain_column_froms=True)
    return tx.execute(matching).scalar_one()


def iterate(tx: Tx, query: RegisterQuery, *, chunk: int = 1000) -> Iterator[Disappearance]:
    """Every disappearance that matches, oldest entry first, in constant memory."""
    after = 0
    matching = _where(tx, query).order_by(table.c.disappearance_id).limit(chunk)
    while found := _all(tx, matching.where(table.c.disappearance_id > after)):
        yield from found
        after = found[-1].disappearance_id


def get(tx: Tx, disappearance_id: int) -> Disappearance | None:
    """The disappearance, None when there is none."""
    return next(iter(_all(tx, _QUERY.where(table.c.disappearance_id == disappearance_id))), None)


def of_contact(tx: Tx, location_id: str, contact_id: str) -> list[Disappearance]:
    """Every time this contact went missing, oldest first."""
    query = _QUERY.where(table.c.location_id == location_id, table.c.contact_id == contact_id)
    return _all(tx, query.order_by(table.c.disappearance_id))


def open_suspects(tx: Tx, location_id: str, *, limit: int, after: int = 0) -> list[Disappearance]:
    """Disappearances that still wait for an answer, oldest first, behind the id `after`."""
    query = _QUERY.where(*_suspected(location_id), table.c.disappearance_id > after)
    return _all(tx, query.order_by(table.c.disappearance_id).limit(limit))


def count_suspects(tx: Tx, location_id: str) -> int:
    """How many disappearances of this location wait for an answer."""
    return tx.execute(select(func.count()).select_from(table).where(*_suspected(location_id))).scalar_one()


def confirmed_between(tx: Tx, location_id: str, start: datetime, end: datetime) -> list[tuple[int, datetime, datetime]]:
    """(id, clock_from, detected_at) of the confirmed disappearances detected from `start` to `end`, both included."""
    query = select(table.c.disappearance_id, table.c.clock_from, table.c.detected_at).where(
        table.c.location_id == location_id,
        table.c.status.in_(CONFIRMED),
        table.c.detected_at >= start,
        table.c.detected_at <= end,
    )
    return [(row[0], row[1], row[2]) for row in tx.execute(query.order_by(table.c.disappearance_id))]


def per_day(tx: Tx, location_ids: Sequence[str], since: datetime) -> list[tuple[datetime, int]]:
    """(moment, how many) of the confirmed disappearances since then, ascending: the time of the deletion where it is
    known, else of its detection. Whoever shows them puts them into days of the wanted time zone."""
    moment = func.coalesce(table.c.deleted_at, table.c.detected_at)
    query = (
        select(moment, func.count())
        .where(among(tx, table.c.location_id, location_ids), table.c.status.in_(CONFIRMED), moment >= since)
        .group_by(moment)
        .order_by(moment)
    )
    return [(row[0], row[1]) for row in tx.execute(query)]


def _all(tx: Tx, query: Select[Any]) -> list[Disappearance]:
    return [_disappearance(row) for row in tx.execute(query)]


def _disappearance(row: Sequence[Any]) -> Disappearance:
    values = [*row[:-1], tuple(row[-1])]
    return Disappearance(*values)


def _suspected(location_id: str) -> tuple[ColumnElement[bool], ...]:
    return table.c.location_id == location_id, table.c.status == "suspected", table.c.ended_at.is_(None)


def _where(tx: Tx, query: RegisterQuery) -> Select[Any]:
    found: list[ColumnElement[bool]] = [among(tx, table.c.location_id, query.location_ids)]
    if query.statuses:
        found.append(among(tx, table.c.status, query.statuses))
    if query.contact_ids is not None:
        found.append(among(tx, table.c.contact_id, query.contact_ids))
    if query.incident_id is not None:
        found.append(table.c.incident_id == query.incident_id)
    exact = ((table.c.cause, query.cause), (contacts.c.owner_id, query.owner_id), (contacts.c.source, query.source))
    found += [column == value for column, value in exact if value]
    if query.tag:
        found.append(contains(tx, contacts.c.search, f"\n{contact_columns.tag_line(clean(query.tag))}\n"))
    if query.text.strip():
        found.append(text_condition(tx, query.text))
    if query.spans is not None:
        found.append(or_(false(), *(_in_span(span) for span in query.spans)))
    return _QUERY.where(*found, *_moments(query))


def _in_span(span: WindowSpan) -> ColumnElement[bool]:
    found = [table.c.location_id == span.location_id]
    if span.statuses:
        found.append(table.c.status.in_(span.statuses))
    if span.clock_from is not None:
        found.append(table.c.clock_from >= span.clock_from)
    if span.clock_before is not None:
        found.append(table.c.clock_from < span.clock_before)
    return and_(*found)


def _window_end(tx: Tx, query: RegisterQuery) -> ColumnElement[Any]:
    """When the window closes, as something to sort by. Where all windows are alike an index knows the order."""
    days = {span.location_id: span.window_days for span in query.spans or ()}
    if len(set(days.values())) < 2:
        return table.c.clock_from
    lengths = case({key: value * 86_400 for key, value in days.items()}, value=table.c.location_id, else_=0)
    return seconds(tx, table.c.clock_from) + lengths


def _moments(query: RegisterQuery) -> Iterator[ColumnElement[bool]]:
    since = (
        (table.c.clock_from, query.clock_from_after),
        (table.c.detected_at, query.detected_since),
        (table.c.ended_at, query.ended_since),
    )
    before = ((table.c.clock_from, query.clock_from_before), (table.c.detected_at, query.detected_before))
    yield from (column >= moment for column, moment in since if moment is not None)
    yield from (column < moment for column, moment in before if moment is not None)


_INSTANT = timedelta(microseconds=1)
_KNOWN = frozenset(Status)


def spans(
    locations: Sequence[Location],
    now: datetime,
    statuses: Sequence[str] = (),
    *,
    least_days: int | None = None,
    most_days: int | None = None,
) -> list[WindowSpan]:
    """Where in the register the disappearances stand that people see in these states (none: all that were confirmed).

    `least_days` and `most_days` of the window are left, whole days rounded down, both included; they hold for
    `deleted` only."""
    wanted = tuple(statuses) or (*CONFIRMED, Status.EXPIRED)
    return [span for place in locations for span in _spans_of(place, now, wanted, least_days, most_days)]


def display_status(status: str, left: RemainingTime) -> str:
    """A recorded state of the register as people see it now."""
    return str(shown(Status(status), left)) if status in _KNOWN else status


def window_opened_after(location: Location, now: datetime) -> datetime:
    """The window is still open for clocks that started after this moment."""
    return now - timedelta(days=location.window.days)


def _spans_of(
    place: Location, now: datetime, wanted: Sequence[str], least: int | None, most: int | None
) -> Iterator[WindowSpan]:
    days, limit = place.window.days, window_opened_after(place, now)
    plain = [status for status in wanted if status not in (Status.DELETED, Status.EXPIRED)]
    if plain:
        yield WindowSpan(place.location_id, plain, None, None, days)
    if Status.DELETED in wanted:
        start = limit + (timedelta(days=least) if least else _INSTANT)
        end = None if most is None else limit + timedelta(days=most + 1)
        yield WindowSpan(place.location_id, (Status.DELETED,), start, end, days)
    if Status.EXPIRED in wanted:
        yield WindowSpan(place.location_id, (Status.DELETED,), None, limit + _INSTANT, days)
