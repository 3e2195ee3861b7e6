"""All locations at a glance: whether their copies are good, what is at risk, what came back; the JSON of `status`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from hlcore.metrics.coverage import Coverage, coverage
from hlcore.metrics.deletions import locations_by_id
from hlcore.model.health import Health, HealthFacts, Level, assess
from hlcore.model.lifecycle import LIVE, LOST, Status
from hlcore.model.listing_verdict import listing_interval
from hlcore.model.moments import is_recent, iso
from hlcore.settings import Settings
from hlcore.store import Tx, Vault, locations, oauth_grants, quarantine, runs, webhook_inbox
from hlcore.store.contacts import search as contact_search
from hlcore.store.deletions import bulk_deletions
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions import stats as deletion_stats
from hlcore.store.deletions.stats import DeletionTally
from hlcore.store.leases import SILENT_AFTER
from hlcore.store.locations import Location
from hlcore.store.runs import Run

RECENT_RUNS = 20
MAX_INCIDENTS = 20


@dataclass(frozen=True, slots=True)
class LocationStats:
    """One location. `present`, `suspected`, `lost` (deleted or merged) and `recreated` count contacts; `running` is the
    run under way, `last_complete` the newest complete listing; `set_aside` counts the items in quarantine that wait,
    those of no location included."""

    location: Location
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
    set_aside: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The locations and their sums."""

    at: datetime
    locations: tuple[LocationStats, ...]

    @property
    def protected(self) -> int:
        """The number of contacts that are in the vault and in HighLevel."""
        return sum(stats.present for stats in self.locations)

    @property
    def tally(self) -> DeletionTally:
        """The counts of the register, added up."""
        names = [field.name for field in fields(DeletionTally)]
        return DeletionTally(**{name: sum(getattr(stats.tally, name) for stats in self.locations) for name in names})

    @property
    def requests_today(self) -> int:
        """The requests sent to HighLevel since midnight UTC."""
        return sum(stats.requests_today for stats in self.locations)

    @property
    def last_complete_at(self) -> datetime | None:
        """When the oldest of the locations' copies was completed; None while one has no complete copy."""
        moments = [stats.last_complete.finished_at if stats.last_complete else None for stats in self.locations]
        known = [at for at in moments if at is not None]
        return min(known) if known and len(known) == len(moments) else None

    @property
    def doubts(self) -> list[str]:
        """Why an empty list of deletions does not mean that nobody was deleted, in words; [] where it does."""
        if not self.locations:
            return ["No account is connected yet, so nothing is known of anybody. Connect one under Settings."]
        several = len(self.locations) > 1
        return [
            f"{stats.location.name}: {words}" if several else words
            for stats in self.locations
            for words in stats.health.doubts
        ]

    @property
    def worst(self) -> LocationStats | None:
        """The location whose copy is in the worst state; None without locations."""
        order = (Level.BAD, Level.ATTENTION, Level.OK)
        return min(self.locations, key=lambda stats: order.index(stats.health.level), default=None)


def overview(vault: Vault, location_ids: Sequence[str], now: datetime, settings: Settings) -> Overview:
    """Return the numbers of these locations at `now`, read in one snapshot."""
    last_webhooks = _last_webhooks(vault, location_ids, now)
    with vault.read() as tx:
        held = locations_by_id(tx, location_ids)
        counts = contact_search.count_by_status(tx, list(held))
        return Overview(
            now,
            tuple(
                _stats(tx, location, counts[location_id], last_webhooks.get(location_id), now, settings)
                for location_id, location in held.items()
            ),
        )


def _last_webhooks(vault: Vault, location_ids: Sequence[str], now: datetime) -> dict[str, datetime]:
    if not vault.has_inbox:
        return {}
    with vault.inbox.read() as tx:
        return webhook_inbox.last_received(tx, location_ids, at=now)


def _stats(
    tx: Tx,
    location: Location,
    counts: dict[str, int],
    last_webhook_at: datetime | None,
    now: datetime,
    settings: Settings,
) -> LocationStats:
    usage = locations.get_usage(tx, location.location_id, now.date().isoformat())
    recent = runs.list_recent(tx, [location.location_id], limit=RECENT_RUNS, kinds=runs.DETECTION_KINDS)
    last = runs.last_complete(tx, location.location_id, at=now)
    open_runs = (run for run in recent if run.finished_at is None)
    running = next((run for run in open_runs if is_recent(run.heartbeat_at, now, SILENT_AFTER)), None)
    suspected = counts.get(Status.SUSPECTED, 0)
    quarantined = quarantine.count_items(tx, [location.location_id])
    facts = replace(
        _health_facts(tx, location, recent, last, settings),
        last_webhook_at=last_webhook_at,
        running=running is not None,
        suspected=suspected,
        set_aside=quarantined,
        newest_moment=recent[0].started_at if recent else None,
        twins=deletion_queries.count_twins(tx, location.location_id),
        every=listing_interval(
            settings.sync_minutes, contacts=sum(counts.values()), requests_per_day=settings.requests_per_day
        ),
    )
    return LocationStats(
        location=location,
        health=assess(facts, now),
        present=sum(counts.get(status, 0) for status in LIVE),
        suspected=suspected,
        lost=sum(counts.get(status, 0) for status in LOST),
        recreated=counts.get(Status.RECREATED, 0),
        tally=deletion_stats.tally_deletions(tx, location, now),
        last_complete=last,
        running=running,
        requests_today=usage.requests,
        daily_limit=usage.daily_limit or settings.requests_per_day,
        set_aside=quarantined,
    )


def _health_facts(
    tx: Tx, location: Location, recent: Sequence[Run], last: Run | None, settings: Settings
) -> HealthFacts:
    newest = next((run for run in recent if run.finished_at is not None), None)
    incidents = bulk_deletions.list_incidents(tx, [location.location_id], limit=MAX_INCIDENTS)
    grant = oauth_grants.get(tx, oauth_grants.LOCATION, location.location_id)
    return HealthFacts(
        connected=location.connected,
        last_complete_at=last.finished_at if last else None,
        last_outcome=newest.outcome if newest else "",
        last_reason=newest.reason if newest else "",
        running=False,
        suspected=0,
        incidents_waiting=sum(incident.state == "waiting" for incident in incidents),
        every=timedelta(minutes=settings.sync_minutes),
        webhooks_expected_since=grant.obtained_at if grant else None,
        webhook_silence=timedelta(hours=settings.webhook_silence_hours),
    )


def status_json(
    vault: Vault, settings: Settings, now: datetime, *, location_ids: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return these locations (none given: every connected one), by name."""
    with vault.read() as tx:
        wanted = list(location_ids) or [location.location_id for location in locations.list_all(tx)]
    listed = overview(vault, wanted, now, settings).locations
    return [location_json(stats, coverage(vault, stats.location.location_id, now, settings)) for stats in listed]


def location_json(stats: LocationStats, covered: Coverage) -> dict[str, Any]:
    """Return one location with the keys that the command line promises.

    `coverage` holds the contacts (`held`, and `listed` by HighLevel at the last complete listing, None before the
    first) and from then on kind → the share of the live contacts for which it is safe; `done_by`: kind → when it will
    be safe for all, None for never at this pace.
    """
    last = stats.last_complete
    listed = (last.total or last.seen) if last else None
    return {
        "location_id": stats.location.location_id,
        "name": stats.location.name,
        "health": {"level": str(stats.health.level), "reasons": list(stats.health.reasons)},
        "contacts": {"present": stats.present, "suspected": stats.suspected, "deleted": stats.lost},
        "at_risk": stats.tally.at_risk,
        "last_complete_listing": iso(last.finished_at) if last else None,
        "coverage": {"contacts": {"held": stats.present, "listed": listed}, **(covered.shares if last else {})},
        "done_by": {kind.kind: iso(kind.done_by) for kind in covered.kinds} | {"all": iso(covered.done_by)},
        "set_aside": stats.set_aside,
        "api": {"requests_today": stats.requests_today, "daily_limit": stats.daily_limit},
    }
