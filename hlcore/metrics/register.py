"""The register of disappearances as people see it: with what is left of the window, and the owner's name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from hlcore.model.lifecycle import Status
from hlcore.model.windows import Remaining, remaining, urgency
from hlcore.store import Tx, Vault, locations, register, shown
from hlcore.store.locations import Location
from hlcore.store.names import user_names
from hlcore.store.register import Disappearance, RegisterQuery

Sort = Literal["window", "detected_at", "name"]


@dataclass(frozen=True, slots=True)
class Lost:
    """One disappearance. `status` is as people see it now, `owner` a name (the id where nobody knows it), `urgency`
    closed, today, soon (within a week) or later."""

    row: Disappearance
    place: Location
    left: Remaining
    status: str
    owner: str

    @property
    def urgency(self) -> str:
        """How soon somebody must act."""
        return urgency(self.left)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which disappearances. Empty parts do not restrict. `statuses` are those people see; none: all that were
    confirmed, that is without suspicions and false alarms. `least_days`, `most_days`: days left, both included, of
    those that are `deleted`."""

    location_ids: Sequence[str]
    statuses: Sequence[str] = ()
    owner_id: str = ""
    tag: str = ""
    source: str = ""
    cause: str = ""
    text: str = ""
    least_days: int | None = None
    most_days: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of `total` disappearances."""

    rows: tuple[Lost, ...]
    total: int


def at_risk(vault: Vault, wanted: Wanted, now: datetime, *, limit: int, offset: int = 0) -> Page:
    """Those that HighLevel's own restore can still bring back, the most urgent first. Asked for with `statuses` the
    same list shows others."""
    return listing(vault, wanted if wanted.statuses else replace(wanted, statuses=(Status.DELETED,)), now,
                   limit=limit, offset=offset)  # fmt: skip


def listing(
    vault: Vault,
    wanted: Wanted,
    now: datetime,
    *,
    limit: int,
    offset: int = 0,
    sort: Sort = "window",
    descending: bool = False,
) -> Page:
    """One page, cut by the database; the order is the same every time. By default those first whose window closes
    first."""
    with vault.read() as tx:
        places = places_of(tx, wanted.location_ids)
        query = query_of(wanted, places, now)
        found = register.listing(tx, query, limit=limit, offset=offset, sort=sort, descending=descending)
        return Page(tuple(_seen(tx, found, places, now)), register.count(tx, query))


def iterate(tx: Tx, wanted: Wanted, now: datetime) -> Iterator[Lost]:
    """All of them, oldest entry first, in constant memory."""
    places = places_of(tx, wanted.location_ids)
    yield from _seen(tx, register.iterate(tx, query_of(wanted, places, now)), places, now)


def of_contact(tx: Tx, location_id: str, contact_id: str, now: datetime) -> list[Lost]:
    """Every time this contact went missing, oldest first."""
    found = register.of_contact(tx, location_id, contact_id)
    return list(_seen(tx, found, places_of(tx, [location_id]), now))


def places_of(tx: Tx, location_ids: Sequence[str]) -> dict[str, Location]:
    """The locations with these ids that the vault holds, disconnected ones too."""
    held = {place.location_id: place for place in locations.all(tx, connected_only=False)}
    return {location_id: place for location_id, place in held.items() if location_id in set(location_ids)}


def query_of(wanted: Wanted, places: Mapping[str, Location], now: datetime) -> RegisterQuery:
    """The question to the store."""
    spans = shown.spans(
        list(places.values()), now, wanted.statuses, least_days=wanted.least_days, most_days=wanted.most_days
    )
    return RegisterQuery(
        list(places),
        owner_id=wanted.owner_id,
        tag=wanted.tag,
        source=wanted.source,
        cause=wanted.cause,
        text=wanted.text,
        spans=spans,
    )


def iso(at: datetime | None) -> str | None:
    """The moment in UTC, ISO 8601 with a Z."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seen(tx: Tx, rows: Iterable[Disappearance], places: Mapping[str, Location], now: datetime) -> Iterator[Lost]:
    names = user_names(tx, list(places))
    for row in rows:
        place = places[row.location_id]
        left = remaining(place.window, deleted_at=row.deleted_at, last_seen_at=row.last_seen_at, now=now)
        owner = names.get(row.owner_id, row.owner_id)
        yield Lost(row, place, left, shown.status_now(row.status, left), owner)
