"""The register of deletions as people see it: with what is left of the recovery window, and the owner's name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from hlcore.errors import SettingsError
from hlcore.model.lifecycle import Status, display_status
from hlcore.model.moments import iso
from hlcore.model.records import KINDS
from hlcore.model.recovery_window import RemainingTime, remaining_time, urgency
from hlcore.store import Tx, Vault, locations
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions.queries import Disappearance, RegisterQuery
from hlcore.store.locations import Location
from hlcore.store.records import user_labels

Sort = Literal["window", "detected_at", "name"]
STATUSES = (*(str(status) for status in Status if status is not Status.PRESENT), "withdrawn")


@dataclass(frozen=True, slots=True)
class DeletionView:
    """One disappearance. `status` as people see it now; `owner`: a name, also of one who
    has left, or the id."""

    row: Disappearance
    location: Location
    left: RemainingTime
    status: str
    owner: str

    @property
    def urgency(self) -> str:
        """How soon somebody must act: closed, today, soon (within a week) or later."""
        return urgency(self.left)


@dataclass(frozen=True, slots=True)
class DeletionFilter:
    """Which disappearances; empty parts do not restrict.

    `statuses` as people see them; none: all that were confirmed, that is, no suspicions and no false alarms.
    `min_days`, `max_days`: days left, both included; they apply to `deleted` only.
    """

    location_ids: Sequence[str]
    statuses: Sequence[str] = ()
    owner_id: str = ""
    tag: str = ""
    source: str = ""
    cause: str = ""
    text: str = ""
    min_days: int | None = None
    max_days: int | None = None


@dataclass(frozen=True, slots=True)
class DeletionPage:
    """A page of `total` disappearances."""

    rows: tuple[DeletionView, ...]
    total: int


def list_deletions(
    vault: Vault,
    wanted: DeletionFilter,
    now: datetime,
    *,
    limit: int,
    offset: int = 0,
    sort: Sort = "window",
    descending: bool = False,
) -> DeletionPage:
    """Return one page in a stable order, by default those first whose window closes first."""
    with vault.read() as tx:
        held = locations_by_id(tx, wanted.location_ids)
        query = _register_query(wanted, held, now)
        rows = deletion_queries.list_page(tx, query, limit=limit, offset=offset, sort=sort, descending=descending)
        return DeletionPage(tuple(_views(tx, rows, held, now)), deletion_queries.count(tx, query))


def count_known(vault: Vault, wanted: DeletionFilter, now: datetime) -> int:
    """Return of how many of them every kind of record had been captured before they were gone."""
    with vault.read() as tx:
        query = _register_query(wanted, locations_by_id(tx, wanted.location_ids), now)
        return deletion_queries.count(tx, replace(query, captured_kinds=KINDS))


def iterate_deletions(tx: Tx, wanted: DeletionFilter, now: datetime) -> Iterator[DeletionView]:
    """Yield all of them, the oldest entry first, in constant memory."""
    held = locations_by_id(tx, wanted.location_ids)
    yield from _views(tx, deletion_queries.iterate(tx, _register_query(wanted, held, now)), held, now)


def deletions_of_contact(tx: Tx, location_id: str, contact_id: str, now: datetime) -> list[DeletionView]:
    """Return every disappearance of this contact, oldest first."""
    rows = deletion_queries.list_for_contact(tx, location_id, contact_id)
    return list(_views(tx, rows, locations_by_id(tx, [location_id]), now))


def deletions_json(
    vault: Vault, location_ids: Sequence[str], now: datetime, *, status: str = ""
) -> list[dict[str, Any]]:
    """Return every confirmed disappearance of these locations, oldest first, or those in one status (`suspected` and
    `withdrawn` only when asked for). Raises SettingsError for a status that does not exist."""
    if status and status not in STATUSES:
        raise SettingsError(f"There is no status {status!r}.", hint=f"Use one of: {', '.join(STATUSES)}.")
    with vault.read() as tx:
        wanted = DeletionFilter(location_ids, (status,) if status else ())
        return [deletion_json(view) for view in iterate_deletions(tx, wanted, now)]


def deletion_json(view: DeletionView) -> dict[str, Any]:
    """Return one disappearance with the keys that the command line promises."""
    row, left = view.row, view.left
    return {
        "location_id": row.location_id,
        "contact_id": row.contact_id,
        "name": row.name,
        "email": row.email,
        "phone": row.phone,
        "status": view.status,
        "cause": row.cause,
        "evidence": row.evidence,
        "deleted_at": iso(row.deleted_at),
        "last_seen_at": iso(row.last_seen_at),
        "detected_at": iso(row.detected_at),
        "window_ends_at": iso(left.ends_at),
        "days_left": left.days_left,
        "not_captured": list(row.not_captured),
    }


def locations_by_id(tx: Tx, location_ids: Sequence[str]) -> dict[str, Location]:
    """Return those of these locations that the vault holds, disconnected ones too."""
    wanted = set(location_ids)
    held = locations.list_all(tx, connected_only=False)
    return {location.location_id: location for location in held if location.location_id in wanted}


def _register_query(wanted: DeletionFilter, held: Mapping[str, Location], now: datetime) -> RegisterQuery:
    spans = deletion_queries.window_spans(
        list(held.values()), now, wanted.statuses, min_days=wanted.min_days, max_days=wanted.max_days
    )
    return RegisterQuery(
        list(held),
        owner_id=wanted.owner_id,
        tag=wanted.tag,
        source=wanted.source,
        cause=wanted.cause,
        text=wanted.text,
        spans=spans,
    )


def _views(
    tx: Tx, rows: Iterable[Disappearance], held: Mapping[str, Location], now: datetime
) -> Iterator[DeletionView]:
    names = user_labels(tx, list(held))
    for row in rows:
        location = held[row.location_id]
        left = remaining_time(location.window, deleted_at=row.deleted_at, last_seen_at=row.last_seen_at, now=now)
        owner = names.get(row.owner_id, row.owner_id)
        yield DeletionView(row, location, left, display_status(row.status, left), owner)
