"""Is my copy good, what is being deleted, what is at risk, what was saved: the numbers of the first page.

`status`: is my copy good, for programs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from hlcore.metrics.coverage import Coverage, coverage
from hlcore.metrics.deletions import iso, places_of
from hlcore.model.health import Health, HealthFacts, Level, assess
from hlcore.model.lifecycle import LIVE, LOST, Status
from hlcore.model.listing import listing_every
from hlcore.settings import Settings
from hlcore.store import Tx, Vault, locations, oauth_grants, runs, webhook_inbox
from hlcore.store.contacts import search as contact_search
from hlcore.store.deletions import bulk_deletions
from hlcore.store.deletions import stats as deletion_stats
from hlcore.store.deletions.stats import DeletionTally
from hlcore.store.locations import Location
from hlcore.store.runs import SILENT_AFTER, Run

RECENT = 20


@dataclass(frozen=True, slots=True)
class LocationStats:
    """One location. `present`, `suspected`, `lost` (deleted or merged) and `recreated` count contacts; `running` is
    the open run (not one that died), `last_complete` the newest complete listing."""

    place: Location
    health: Health
    present: int
    suspected: int
    lost: int
    recreated: int
    tally: DeletionTally
    last_complete: Run | None
    running: Run | None
    requests_today: int
    daily_limit: int


@dataclass(frozen=True, slots=True)
class Overview:
    """All locations together, and each."""

    at: datetime
    locations: tuple[LocationStats, ...]

    @property
    def protected(self) -> int:
        """Contacts of which the vault holds a copy and that HighLevel still has."""
        return sum(each.present for each in self.locations)

    @property
    def tally(self) -> DeletionTally:
        """The numbers of the register, added up."""
        names = [field.name for field in fields(DeletionTally)]
        return DeletionTally(**{name: sum(getattr(each.tally, name) for each in self.locations) for name in names})

    @property
    def requests_today(self) -> int:
        """Requests sent to HighLevel since midnight UTC."""
        return sum(each.requests_today for each in self.locations)

    @property
    def last_complete_at(self) -> datetime | None:
        """From when on every location is copied completely; None while one has no complete copy."""
        moments = [each.last_complete.finished_at if each.last_complete else None for each in self.locations]
        known = [moment for moment in moments if moment is not None]
        return min(known) if known and len(known) == len(moments) else None

    @property
    def worst(self) -> LocationStats | None:
        """The location whose copy is in the worst state; None without locations."""
        order = (Level.BAD, Level.ATTENTION, Level.OK)
        return min(self.locations, key=lambda each: order.index(each.health.level), default=None)


def overview(vault: Vault, location_ids: Sequence[str], now: datetime, settings: Settings) -> Overview:
    """The numbers of these locations at `now`, from one snapshot."""
    heard = _last_webhooks(vault, location_ids)
    with vault.read() as tx:
        places = places_of(tx, location_ids)
        counted = contact_search.counts(tx, list(places))
        found = (_figures(tx, place, counted[place.location_id], heard, now, settings) for place in places.values())
        return Overview(now, tuple(found))


def _last_webhooks(vault: Vault, location_ids: Sequence[str]) -> dict[str, datetime]:
    if not vault.has_inbox:
        return {}
    with vault.inbox.read() as tx:
        return webhook_inbox.last_received(tx, location_ids)


def _figures(
    tx: Tx, place: Location, counted: dict[str, int], heard: Mapping[str, datetime], now: datetime, settings: Settings
) -> LocationStats:
    day = locations.today(tx, place.location_id, now.date().isoformat())
    recent = runs.recent(tx, [place.location_id], limit=RECENT, kinds=runs.LOOKS)
    last = runs.last_complete(tx, place.location_id)
    alive = [run for run in recent if run.finished_at is None and now - run.heartbeat_at < SILENT_AFTER]
    facts = replace(_facts(tx, place, recent, last, settings), last_webhook_at=heard.get(place.location_id))
    suspected = counted.get(Status.SUSPECTED, 0)
    return LocationStats(
        place=place,
        health=assess(replace(facts, running=bool(alive), suspected=suspected, every=_every(settings, counted)), now),
        present=sum(counted.get(status, 0) for status in LIVE),
        suspected=suspected,
        lost=sum(counted.get(status, 0) for status in LOST),
        recreated=counted.get(Status.RECREATED, 0),
        tally=deletion_stats.tally(tx, place, now),
        last_complete=last,
        running=alive[0] if alive else None,
        requests_today=day.requests,
        daily_limit=day.daily_limit or settings.requests_per_day,
    )


def _every(settings: Settings, counted: Mapping[str, int]) -> timedelta:
    return listing_every(
        settings.sync_minutes, contacts=sum(counted.values()), requests_per_day=settings.requests_per_day
    )


def _facts(tx: Tx, place: Location, recent: Sequence[Run], last: Run | None, settings: Settings) -> HealthFacts:
    newest = next((run for run in recent if run.finished_at is not None), None)
    incidents = bulk_deletions.list_incidents(tx, [place.location_id], limit=RECENT)
    by_app = oauth_grants.get(tx, oauth_grants.LOCATION, place.location_id)
    return HealthFacts(
        connected=place.connected,
        last_complete_at=last.finished_at if last else None,
        last_outcome=newest.outcome if newest else "",
        last_reason=newest.reason if newest else "",
        first_connected_at=place.connected_at,
        running=False,
        suspected=0,
        incidents_waiting=sum(each.state == "waiting" for each in incidents),
        every=timedelta(minutes=settings.sync_minutes),
        webhooks_expected_since=by_app.obtained_at if by_app else None,
        webhook_silence=timedelta(hours=settings.webhook_silence_hours),
    )


def status(
    vault: Vault, settings: Settings, now: datetime, *, location_ids: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Each of these locations (none given: every connected one), by name, with the keys of the command line's
    contract."""
    with vault.read() as tx:
        wanted = list(location_ids) or [place.location_id for place in locations.all(tx)]
    found = overview(vault, wanted, now, settings).locations
    return [to_json(each, coverage(vault, each.place.location_id, now, settings)) for each in found]


def to_json(figures: LocationStats, covered: Coverage) -> dict[str, Any]:
    """One location. `coverage.contacts`: how many are held of how many HighLevel said it has at the last complete
    listing (None before the first); beside it the share of the living contacts for which each kind of record is safe,
    (not before the first complete listing), and in `done_by` when each will be for all (None: never at this pace)."""
    last = figures.last_complete
    listed = (last.total or last.seen) if last else None
    return {
        "location_id": figures.place.location_id,
        "name": figures.place.name,
        "health": {"level": str(figures.health.level), "reasons": list(figures.health.reasons)},
        "contacts": {"present": figures.present, "suspected": figures.suspected, "deleted": figures.lost},
        "at_risk": figures.tally.at_risk,
        "last_complete_listing": iso(last.finished_at) if last else None,
        "coverage": {"contacts": {"held": figures.present, "listed": listed}, **(covered.shares if last else {})},
        "done_by": {each.kind: iso(each.done_by) for each in covered.kinds} | {"all": iso(covered.done_by)},
        "api": {"requests_today": figures.requests_today, "daily_limit": figures.daily_limit},
    }
