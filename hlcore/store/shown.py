"""The states that people see, as questions to the register. `expired` is never stored: a deleted contact is expired
once its location's window has closed, so it is asked for by the start of the clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from hlcore.model.lifecycle import Status, shown
from hlcore.model.windows import Remaining
from hlcore.store.locations import Location
from hlcore.store.register_queries import CONFIRMED, Span

_INSTANT = timedelta(microseconds=1)
_KNOWN = frozenset(Status)


def spans(
    locations: Sequence[Location],
    now: datetime,
    statuses: Sequence[str] = (),
    *,
    least_days: int | None = None,
    most_days: int | None = None,
) -> list[Span]:
    """Where in the register the disappearances stand that people see in these states (none: all that were confirmed).

    `least_days` and `most_days` of the window are left, whole days rounded down, both included; they hold for
    `deleted` only."""
    wanted = tuple(statuses) or (*CONFIRMED, Status.EXPIRED)
    return [span for place in locations for span in _spans_of(place, now, wanted, least_days, most_days)]


def status_now(status: str, left: Remaining) -> str:
    """A recorded state of the register as people see it now."""
    return str(shown(Status(status), left)) if status in _KNOWN else status


def opened(location: Location, now: datetime) -> datetime:
    """The window is still open for clocks that started after this moment."""
    return now - timedelta(days=location.window.days)


def _spans_of(
    place: Location, now: datetime, wanted: Sequence[str], least: int | None, most: int | None
) -> Iterator[Span]:
    days, limit = place.window.days, opened(place, now)
    plain = [status for status in wanted if status not in (Status.DELETED, Status.EXPIRED)]
    if plain:
        yield Span(place.location_id, plain, None, None, days)
    if Status.DELETED in wanted:
        start = limit + (timedelta(days=least) if least else _INSTANT)
        end = None if most is None else limit + timedelta(days=most + 1)
        yield Span(place.location_id, (Status.DELETED,), start, end, days)
    if Status.EXPIRED in wanted:
        yield Span(place.location_id, (Status.DELETED,), None, limit + _INSTANT, days)
