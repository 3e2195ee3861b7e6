"""Bulk deletions: many contacts deleted at once, with their time, their size, what was on them and who came back.

There are two sorts: incidents, which a run opened because more contacts were missing than the location's threshold
allows, and bursts below the threshold, which are grouped here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hlcore.metrics.deletions import locations_by_id
from hlcore.model.deletion_causes import DeletionBurst, deletion_bursts
from hlcore.model.json_codec import decode_object
from hlcore.model.lifecycle import LOST
from hlcore.model.records import KINDS
from hlcore.model.recovery_window import RemainingTime, remaining_time
from hlcore.store import Tx, Vault
from hlcore.store.deletions import bulk_deletions
from hlcore.store.deletions.bulk_deletions import BulkDeletionKey, BulkDeletionTimes, Incident
from hlcore.store.locations import Location
from hlcore.store.records import user_labels

DEFAULT_PERIOD = timedelta(days=400)
RECENT_PERIOD = timedelta(days=7)
MAX_LISTED = 200
"""How many incidents, and how many bursts of a location, are listed; the newest."""
_COUNTED_KINDS = ("note", "task", "opportunity", "appointment", "conversation", "message", "email")


@dataclass(frozen=True, slots=True)
class BulkDeletion:
    """One bulk deletion.

    `key` names it in page addresses; `state`: waiting, confirmed or dismissed; `known`: how many contacts the location
    held, None where they were not counted; `counts`: status → contacts; `left`: the longest window of its contacts.
    """

    key: str
    location: Location
    register_key: BulkDeletionKey
    state: str
    known: int | None
    evidence: str
    counts: dict[str, int]
    times: BulkDeletionTimes | None
    left: RemainingTime | None

    @property
    def contacts(self) -> int:
        """The number of contacts that belong to it."""
        return sum(self.counts.values())

    @property
    def still_missing(self) -> int:
        """The number of contacts that are lost and have not come back."""
        return sum(self.counts.get(status, 0) for status in LOST)

    @property
    def came_back(self) -> int:
        """The number of contacts that came back, by HighLevel's own restore or by ours."""
        return self.counts.get("returned", 0) + self.counts.get("recreated", 0)

    @property
    def noticed_at(self) -> datetime:
        """When it was noticed."""
        return self.register_key.first


@dataclass(frozen=True, slots=True)
class OpenValue:
    """The open opportunities that are known: how many, how many of them state a value, and the sum (in the account's
    currency). Those of `known` of the deletion's contacts had been captured; of the others nobody knows."""

    opportunities: int = 0
    valued: int = 0
    total: float = 0.0
    known: int = 0


@dataclass(frozen=True, slots=True)
class BulkDeletionDetails:
    """What was on the contacts. `records`: kind → how many are known; `known`: kind → of how many contacts it had been
    captured; the lists hold (value, contacts), most contacts first."""

    records: dict[str, int]
    known: dict[str, int]
    open_value: OpenValue
    owners: list[tuple[str, int]]
    tags: list[tuple[str, int]]
    sources: list[tuple[str, int]]
    noticed_by: list[tuple[str, int]]
    evidence: list[tuple[str, int]]


def list_bulk_deletions(
    vault: Vault, location_ids: Sequence[str], now: datetime, *, since: timedelta = DEFAULT_PERIOD
) -> list[BulkDeletion]:
    """Return the bulk deletions of these locations, newest first. One of which every suspicion was a false alarm is
    included only as an incident."""
    with vault.read() as tx:
        held = locations_by_id(tx, location_ids)
        incidents = bulk_deletions.list_incidents(tx, list(held), since=now - since, limit=MAX_LISTED)
        listed = [_from_incident(tx, held[incident.location_id], incident, now) for incident in incidents]
        for location in held.values():
            listed += [_from_burst(tx, location, burst, now) for burst in _bursts(tx, location, now - since)]
    return sorted(listed, key=lambda deletion: (deletion.noticed_at, deletion.key), reverse=True)


def get_bulk_deletion(vault: Vault, location_ids: Sequence[str], key: str, now: datetime) -> BulkDeletion | None:
    """Return the bulk deletion with this key among these locations, with `known` counted; None when there is none."""
    kind, _, name = key.partition("-")
    with vault.read() as tx:
        held = locations_by_id(tx, location_ids)
        if kind == "i" and _is_number(name):
            incident = bulk_deletions.get_incident(tx, int(name))
            if incident is None or incident.location_id not in held:
                return None
            return _from_incident(tx, held[incident.location_id], incident, now)
        for location in held.values():
            for burst in _bursts(tx, location, now - DEFAULT_PERIOD):
                if _burst_key(burst) == key:
                    deletion = _from_burst(tx, location, burst, now)
                    before = bulk_deletions.count_contacts_before(tx, deletion.register_key)
                    return replace(deletion, known=before or None)
    return None


def recent_bulk_deletions(vault: Vault, location_ids: Sequence[str], now: datetime) -> list[BulkDeletion]:
    """Return the bulk deletions of the last days that still wait or of which contacts are still missing, newest
    first."""
    listed = list_bulk_deletions(vault, location_ids, now, since=RECENT_PERIOD)
    return [deletion for deletion in listed if deletion.still_missing or deletion.state == "waiting"]


def bulk_deletion_details(vault: Vault, deletion: BulkDeletion) -> BulkDeletionDetails:
    """Return what was on the contacts of this bulk deletion."""
    with vault.read() as tx:
        names, key = user_labels(tx, [deletion.location.location_id]), deletion.register_key
        owners = bulk_deletions.top_values(tx, key, "owner_id", limit=8)
        known = bulk_deletions.count_captured(tx, key, KINDS)
        return BulkDeletionDetails(
            bulk_deletions.count_records(tx, key, _COUNTED_KINDS),
            known,
            replace(_open_value(tx, key), known=known["opportunity"]),
            [(names.get(owner, owner), number) for owner, number in owners],
            bulk_deletions.top_values(tx, key, "tag", limit=12),
            bulk_deletions.top_values(tx, key, "source", limit=8),
            bulk_deletions.top_values(tx, key, "detected_by", limit=4),
            bulk_deletions.top_values(tx, key, "evidence", limit=4),
        )


def contact_ids(vault: Vault, deletion: BulkDeletion) -> list[str]:
    """Return the ids of all its contacts."""
    with vault.read() as tx:
        return bulk_deletions.list_contact_ids(tx, deletion.register_key)


def missing_contact_ids(vault: Vault, deletion: BulkDeletion) -> list[str]:
    """Return the ids of its contacts that have not come back."""
    with vault.read() as tx:
        return bulk_deletions.list_missing_ids(tx, deletion.register_key)


def _from_incident(tx: Tx, location: Location, incident: Incident, now: datetime) -> BulkDeletion:
    key = BulkDeletionKey(incident.location_id, incident.incident_id, incident.opened_at, incident.opened_at)
    times = bulk_deletions.load_times(tx, key)
    return BulkDeletion(
        f"i-{incident.incident_id}",
        location,
        key,
        incident.state,
        incident.known or None,
        incident.evidence,
        bulk_deletions.count_by_status(tx, key),
        times,
        _time_left(location, times, now),
    )


def _bursts(tx: Tx, location: Location, since: datetime) -> list[DeletionBurst]:
    return deletion_bursts(bulk_deletions.count_by_detection(tx, location.location_id, since))[-MAX_LISTED:]


def _burst_key(burst: DeletionBurst) -> str:
    return f"b-{int(burst.first.timestamp() * 1000)}"


def _from_burst(tx: Tx, location: Location, burst: DeletionBurst, now: datetime) -> BulkDeletion:
    key = BulkDeletionKey(location.location_id, None, burst.first, burst.last)
    times, evidence = bulk_deletions.load_times(tx, key), bulk_deletions.top_values(tx, key, "evidence", limit=1)
    return BulkDeletion(
        _burst_key(burst),
        location,
        key,
        "confirmed",
        None,
        evidence[0][0] if evidence else "",
        bulk_deletions.count_by_status(tx, key),
        times,
        _time_left(location, times, now),
    )


def _time_left(location: Location, times: BulkDeletionTimes | None, now: datetime) -> RemainingTime | None:
    if times is None or times.open_from is None:
        return None
    return remaining_time(location.window, deleted_at=None, last_seen_at=times.open_from, now=now)


def _open_value(tx: Tx, key: BulkDeletionKey) -> OpenValue:
    number = valued = 0
    total = 0.0
    for raw in bulk_deletions.iterate_record_bytes(tx, key, "opportunity"):
        opportunity = decode_object(raw)
        if str(opportunity.get("status") or "open").lower() != "open":
            continue
        number += 1
        value = _amount(opportunity.get("monetaryValue"))
        valued += value is not None
        total += value or 0.0
    return OpenValue(number, valued, total)


def _amount(value: Any) -> float | None:
    """Return a positive finite amount, given as number or as text; None for anything else."""
    try:
        amount = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else 0.0
    except (ValueError, OverflowError):
        return None
    return amount if 0 < amount < float("inf") else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16
