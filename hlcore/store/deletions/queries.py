"""Queries on the register of disappearances, and the states in which people see its rows.

`expired` is never stored: a deleted contact is expired once its location's recovery window has closed, so that queries
ask for it by the start of the clock (`window_spans`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, case, false, func, or_, select

from hlcore.model import lifecycle
from hlcore.model.lifecycle import Status
from hlcore.model.records import KINDS
from hlcore.store.contacts.columns import LIVE
from hlcore.store.contacts.search import tag_condition, text_condition
from hlcore.store.database import Tx
from hlcore.store.dialects import among, contains, seconds
from hlcore.store.locations import Location
from hlcore.store.tables import contacts, disappearances

CONFIRMED = ("deleted", "merged", "returned", "recreated", "erased")
LOST = tuple(sorted(map(str, lifecycle.LOST)))
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Disappearance:
    """One time that a contact went missing, with the contact's last known data. `deleted_at` is exact, and None without
    a webhook; the recovery clock starts at `clock_from`; `ended_at` is None while the contact is missing.
    `captured_kinds`: the kinds of records that had been captured of it by then, each between blanks."""

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
    captured_kinds: str | None
    name: str
    email: str
    phone: str
    owner_id: str
    source: str
    tags: tuple[str, ...]

    @property
    def not_captured(self) -> tuple[str, ...]:
        """The kinds of records of which nobody knows what the contact had of them: they were never captured."""
        return tuple(kind for kind in KINDS if f" {kind} " not in (self.captured_kinds or ""))


@dataclass(frozen=True, slots=True)
class Twin:
    """A person who lives twice: `new_contact_id` was created again by a restore, and `contact_id` came back since."""

    location_id: str
    contact_id: str
    new_contact_id: str
    name: str


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
    not. `text` matches as in `ContactQuery`. `evidence`: words that the evidence holds. `captured_kinds`: kinds of
    records that had all been captured by then. `spans`: also within one of these (see `window_spans`)."""

    location_ids: Sequence[str]
    statuses: Sequence[str] = ()
    owner_id: str = ""
    tag: str = ""
    source: str = ""
    cause: str = ""
    evidence: str = ""
    text: str = ""
    clock_from_after: datetime | None = None
    clock_from_before: datetime | None = None
    detected_since: datetime | None = None
    detected_before: datetime | None = None
    ended_since: datetime | None = None
    incident_id: int | None = None
    contact_ids: Sequence[str] | None = None
    captured_kinds: Sequence[str] = ()
    spans: Sequence[WindowSpan] | None = None


_NAMES = Disappearance.__slots__
_OWN_COLUMNS = _NAMES[: _NAMES.index("name")]
_SAME_CONTACT = and_(
    contacts.c.location_id == disappearances.c.location_id, contacts.c.contact_id == disappearances.c.contact_id
)
_QUERY: Select[Any] = select(
    *(disappearances.c[name] for name in _OWN_COLUMNS), *(contacts.c[name] for name in _NAMES[len(_OWN_COLUMNS) :])
).join(contacts, _SAME_CONTACT)
_SORT_KEYS: dict[str, ColumnElement[Any]] = {
    "clock_from": disappearances.c.clock_from,
    "detected_at": disappearances.c.detected_at,
    "name": contacts.c.name_key,
}


def list_page(
    tx: Tx,
    query: RegisterQuery,
    *,
    limit: int,
    offset: int = 0,
    sort: Literal["clock_from", "detected_at", "name", "window"] = "clock_from",
    descending: bool = False,
) -> list[Disappearance]:
    """Return one page of the disappearances that match; by default the longest running clock first, by `window` those
    whose location's window closes first."""
    keys = (_window_end(tx, query) if sort == "window" else _SORT_KEYS[sort], disappearances.c.disappearance_id)
    order = [key.desc() for key in keys] if descending else keys
    return _fetch(tx, _select(tx, query).order_by(*order).limit(limit).offset(offset))


def count(tx: Tx, query: RegisterQuery) -> int:
    """Return how many disappearances match."""
    matching = _select(tx, query).with_only_columns(func.count(), maintain_column_froms=True)
    return tx.execute(matching).scalar_one()


def iterate(tx: Tx, query: RegisterQuery, *, chunk: int = 1000) -> Iterator[Disappearance]:
    """Yield every disappearance that matches, oldest entry first, in constant memory."""
    after = 0
    matching = _select(tx, query).order_by(disappearances.c.disappearance_id).limit(chunk)
    while page := _fetch(tx, matching.where(disappearances.c.disappearance_id > after)):
        yield from page
        after = page[-1].disappearance_id


def list_for_contact(tx: Tx, location_id: str, contact_id: str) -> list[Disappearance]:
    """Return every time this contact went missing, oldest first."""
    query = _QUERY.where(disappearances.c.location_id == location_id, disappearances.c.contact_id == contact_id)
    return _fetch(tx, query.order_by(disappearances.c.disappearance_id))


def list_twins(tx: Tx, location_ids: Sequence[str], *, contact_id: str = "", limit: int) -> list[Twin]:
    """Return who lives twice as far as is known, or only those of whom one record is `contact_id`, by name."""
    query = _twins(tx, location_ids)
    if contact_id:
        query = query.where(
            or_(disappearances.c.contact_id == contact_id, disappearances.c.new_contact_id == contact_id)
        )
    query = query.distinct().order_by(contacts.c.name, disappearances.c.contact_id, disappearances.c.new_contact_id)
    return [Twin(*row) for row in tx.execute(query.limit(limit))]


def count_twins(tx: Tx, location_id: str) -> int:
    """Return how many people of this location live twice."""
    return tx.execute(select(func.count()).select_from(_twins(tx, [location_id]).distinct().subquery())).scalar_one()


def _twins(tx: Tx, location_ids: Sequence[str]) -> Select[Any]:
    new = contacts.alias()
    names = ("location_id", "contact_id", "new_contact_id")
    return (
        select(*(disappearances.c[name] for name in names), contacts.c.name)
        .join(contacts, _SAME_CONTACT)
        .join(
            new,
            and_(
                new.c.location_id == disappearances.c.location_id, new.c.contact_id == disappearances.c.new_contact_id
            ),
        )
        .where(
            among(tx, disappearances.c.location_id, location_ids),
            disappearances.c.status == Status.RECREATED,
            contacts.c.status.in_(LIVE),
            new.c.status.in_(LIVE),
        )
    )


def list_open_suspects(tx: Tx, location_id: str, *, limit: int, after: int = 0) -> list[Disappearance]:
    """Return unconfirmed disappearances behind the id `after`: first those that were checked least often, of these the
    oldest, so that some that can never be checked do not keep the others waiting."""
    query = _QUERY.where(*_suspected(location_id), disappearances.c.disappearance_id > after)
    order = disappearances.c.checks, disappearances.c.disappearance_id
    return _fetch(tx, query.order_by(*order).limit(limit))


def count_suspects(tx: Tx, location_id: str) -> int:
    """Return how many disappearances of this location are unconfirmed."""
    return tx.execute(select(func.count()).select_from(disappearances).where(*_suspected(location_id))).scalar_one()


def list_recently_lost(tx: Tx, location_id: str, since: datetime, *, limit: int) -> list[str]:
    """Return the ids of contacts that were lost since this moment and have not come back, the newest first."""
    query = (
        select(disappearances.c.contact_id)
        .where(
            disappearances.c.location_id == location_id,
            disappearances.c.status.in_(LOST),
            disappearances.c.clock_from >= since,
            disappearances.c.ended_at.is_(None),
        )
        .order_by(disappearances.c.clock_from.desc(), disappearances.c.contact_id)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


def confirmed_between(tx: Tx, location_id: str, start: datetime, end: datetime) -> list[tuple[int, datetime, datetime]]:
    """Return (id, clock_from, detected_at) of the confirmed disappearances detected from `start` to `end`, both
    included."""
    columns = (disappearances.c.disappearance_id, disappearances.c.clock_from, disappearances.c.detected_at)
    query = select(*columns).where(
        disappearances.c.location_id == location_id,
        disappearances.c.status.in_(CONFIRMED),
        disappearances.c.detected_at >= start,
        disappearances.c.detected_at <= end,
    )
    return [(row[0], row[1], row[2]) for row in tx.execute(query.order_by(disappearances.c.disappearance_id))]


def window_spans(
    locations: Sequence[Location],
    now: datetime,
    statuses: Sequence[str] = (),
    *,
    min_days: int | None = None,
    max_days: int | None = None,
) -> list[WindowSpan]:
    """Return the spans of the register whose rows people see in these states (none: all that were confirmed).

    `min_days` and `max_days` of the window are left, in whole days rounded down, both included; they apply to
    `deleted` only.
    """
    wanted = tuple(statuses) or (*CONFIRMED, Status.EXPIRED)
    return [span for location in locations for span in _spans_of(location, now, wanted, min_days, max_days)]


def window_opened_after(location: Location, now: datetime) -> datetime:
    """Return the moment after which a clock must have started for the recovery window to be open still."""
    return now - timedelta(days=location.window.days)


def _fetch(tx: Tx, query: Select[Any]) -> list[Disappearance]:
    return [_disappearance(row) for row in tx.execute(query)]


def _disappearance(row: Sequence[Any]) -> Disappearance:
    values = [*row[:-1], tuple(row[-1])]
    return Disappearance(*values)


def _suspected(location_id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        disappearances.c.location_id == location_id,
        disappearances.c.status == "suspected",
        disappearances.c.ended_at.is_(None),
    )


def _select(tx: Tx, query: RegisterQuery) -> Select[Any]:
    conditions = [among(tx, disappearances.c.location_id, query.location_ids)]
    if query.statuses:
        conditions.append(among(tx, disappearances.c.status, query.statuses))
    if query.contact_ids is not None:
        conditions.append(among(tx, disappearances.c.contact_id, query.contact_ids))
    if query.tag:
        conditions.append(tag_condition(tx, query.tag))
    if query.text.strip():
        conditions.append(text_condition(tx, query.text))
    for kind in query.captured_kinds:
        conditions.append(contains(tx, func.coalesce(disappearances.c.captured_kinds, ""), f" {kind} "))
    if query.evidence:
        conditions.append(contains(tx, disappearances.c.evidence, query.evidence))
    if query.spans is not None:
        conditions.append(or_(false(), *(_in_span(span) for span in query.spans)))
    return _QUERY.where(*conditions, *_exact_values(query), *_bounds(query))


def _exact_values(query: RegisterQuery) -> Iterator[ColumnElement[bool]]:
    if query.incident_id is not None:
        yield disappearances.c.incident_id == query.incident_id
    if query.cause:
        yield disappearances.c.cause == query.cause
    if query.owner_id:
        yield contacts.c.owner_id == query.owner_id
    if query.source:
        yield contacts.c.source == query.source


def _bounds(query: RegisterQuery) -> Iterator[ColumnElement[bool]]:
    since = (
        (disappearances.c.clock_from, query.clock_from_after),
        (disappearances.c.detected_at, query.detected_since),
        (disappearances.c.ended_at, query.ended_since),
    )
    before = (
        (disappearances.c.clock_from, query.clock_from_before),
        (disappearances.c.detected_at, query.detected_before),
    )
    yield from (column >= moment for column, moment in since if moment is not None)
    yield from (column < moment for column, moment in before if moment is not None)


def _in_span(span: WindowSpan) -> ColumnElement[bool]:
    conditions = [disappearances.c.location_id == span.location_id]
    if span.statuses:
        conditions.append(disappearances.c.status.in_(span.statuses))
    if span.clock_from is not None:
        conditions.append(disappearances.c.clock_from >= span.clock_from)
    if span.clock_before is not None:
        conditions.append(disappearances.c.clock_from < span.clock_before)
    return and_(*conditions)


def _window_end(tx: Tx, query: RegisterQuery) -> ColumnElement[Any]:
    """Return when the window closes, as a sort key. Where all windows are equally long an index knows the order."""
    days = {span.location_id: span.window_days for span in query.spans or ()}
    if len(set(days.values())) < 2:
        return disappearances.c.clock_from
    lengths = case({key: value * 86_400 for key, value in days.items()}, value=disappearances.c.location_id, else_=0)
    return seconds(tx, disappearances.c.clock_from) + lengths


def _spans_of(
    location: Location, now: datetime, wanted: Sequence[str], least: int | None, most: int | None
) -> Iterator[WindowSpan]:
    days, opened_after = location.window.days, window_opened_after(location, now)
    others = [status for status in wanted if status not in (Status.DELETED, Status.EXPIRED)]
    if others:
        yield WindowSpan(location.location_id, others, None, None, days)
    if Status.DELETED in wanted:
        start = opened_after + (timedelta(days=least) if least else _INSTANT)
        end = None if most is None else opened_after + timedelta(days=most + 1)
        yield WindowSpan(location.location_id, (Status.DELETED,), start, end, days)
    if Status.EXPIRED in wanted:
        yield WindowSpan(location.location_id, (Status.DELETED,), None, opened_after + _INSTANT, days)
