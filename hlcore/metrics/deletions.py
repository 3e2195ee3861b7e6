"""`deletions`: the register for programs.

The register of disappearances as people see it: with what is left of the window, and the owner's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from hlcore.errors import SettingsError
from hlcore.model.lifecycle import Status
from hlcore.model.recovery_window import RemainingTime, remaining, urgency
from hlcore.store import Tx, Vault, locations
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions.queries import Disappearance, RegisterQuery
from hlcore.store.locations import Location
from hlcore.store.records import user_names

Sort = Literal["window", "detected_at", "name"]


@dataclass(frozen=True, slots=True)
class DeletionView:
    """One disappearance. `status` is as people see it now, `owner` a name (the id where nobody knows it), `urgency`
    closed, today, soon (within a week) or later."""

    row: Disappearance
    place: Location
    left: RemainingTime
    status: str
    owner: str

    @property
    def urgency(self) -> str:
        """How soon somebody must act."""
        return urgency(self.left)


@dataclass(frozen=True, slots=True)
class DeletionFilter:
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
class DeletionPage:
    """Some of `total` disappearances."""

    rows: tuple[DeletionView, ...]
    total: int


def at_risk(vault: Vault, wanted: DeletionFilter, now: datetime, *, limit: int, offset: int = 0) -> DeletionPage:
    """Those that HighLevel's own restore can still bring back, the most urgent first. Asked for with `statuses` the
    same list shows others."""
    return listing(vault, wanted if wanted.statuses else replace(wanted, statuses=(Status.DELETED,)), now,
                   limit=limit, offset=offset)  # fmt: skip


def listing(
    vault: Vault,
    wanted: DeletionFilter,
    now: datetime,
    *,
    limit: int,
    offset: int = 0,
    sort: Sort = "window",
    descending: bool = False,
) -> DeletionPage:
    """One page, cut by the database; the order is the same every time. By default those first whose window closes
    first."""
    with vault.read() as tx:
        places = places_of(tx, wanted.location_ids)
        query = query_of(wanted, places, now)
        found = deletion_queries.listing(tx, query, limit=limit, offset=offset, sort=sort, descending=descending)
        return DeletionPage(tuple(_seen(tx, found, places, now)), deletion_queries.count(tx, query))


def iterate(tx: Tx, wanted: DeletionFilter, now: datetime) -> Iterator[DeletionView]:
    """All of them, oldest entry first, in constant memory."""
    places = places_of(tx, wanted.location_ids)
    yield from _seen(tx, deletion_queries.iterate(tx, query_of(wanted, places, now)), places, now)


def of_contact(tx: Tx, location_id: str, contact_id: str, now: datetime) -> list[DeletionView]:
    """Every time this contact went missing, oldest first."""
    found = deletion_queries.of_contact(tx, location_id, contact_id)
    return list(_seen(tx, found, places_of(tx, [location_id]), now))


def places_of(tx: Tx, location_ids: Sequence[str]) -> dict[str, Location]:
    """The locations with these ids that the vault holds, disconnected ones too."""
    held = {place.location_id: place for place in locations.all(tx, connected_only=False)}
    return {location_id: place for location_id, place in held.items() if location_id in set(location_ids)}


def query_of(wanted: DeletionFilter, places: Mapping[str, Location], now: datetime) -> RegisterQuery:
    """The question to the store."""
    spans = deletion_queries.spans(
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


def _seen(
    tx: Tx, rows: Iterable[Disappearance], places: Mapping[str, Location], now: datetime
) -> Iterator[DeletionView]:
    names = user_names(tx, list(places))
    for row in rows:
        place = places[row.location_id]
        left = remaining(place.window, deleted_at=row.deleted_at, last_seen_at=row.last_seen_at, now=now)
        owner = names.get(row.owner_id, row.owner_id)
        yield DeletionView(row, place, left, deletion_queries.display_status(row.status, left), owner)


STATUSES = (*(str(status) for status in Status if status is not Status.PRESENT), "withdrawn")


def deletions(vault: Vault, location_ids: Sequence[str], now: datetime, *, status: str = "") -> list[dict[str, Any]]:
    """Every confirmed disappearance of these locations, oldest first, or those in one status (`expired` follows from
    the window and the clock; `suspected` and `withdrawn` are only there when asked for). Moments are ISO 8601 in UTC.
    Raises SettingsError for a status that does not exist."""
    if status and status not in STATUSES:
        raise SettingsError(f"There is no status {status!r}.", hint=f"One of: {', '.join(STATUSES)}.")
    with vault.read() as tx:
        found = iterate(tx, DeletionFilter(location_ids, (status,) if status else ()), now)
        return [to_json(lost) for lost in found]


def to_json(lost: DeletionView) -> dict[str, Any]:
    """One disappearance with the keys of the command line's contract."""
    row, left = lost.row, lost.left
    return {
        "location_id": row.location_id,
        "contact_id": row.contact_id,
        "name": row.name,
        "email": row.email,
        "phone": row.phone,
        "status": lost.status,
        "cause": row.cause,
        "evidence": row.evidence,
        "deleted_at": iso(row.deleted_at),
        "last_seen_at": iso(row.last_seen_at),
        "detected_at": iso(row.detected_at),
        "window_ends_at": iso(left.ends_at),
        "days_left": left.days_left,
    }
