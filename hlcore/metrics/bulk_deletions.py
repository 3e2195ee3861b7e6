"""Bulk deletions as people see them: one thing with a time, a size, evidence, a loss, and what has come back since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hlcore.metrics.deletions import places_of
from hlcore.model.deletion_causes import deletion_bursts
from hlcore.model.records import decode
from hlcore.model.recovery_window import RemainingTime, remaining
from hlcore.store import Tx, Vault
from hlcore.store.deletions import bulk_deletions
from hlcore.store.deletions.bulk_deletions import BulkDeletionKey, BulkDeletionTimes, Incident
from hlcore.store.locations import Location
from hlcore.store.records import user_names

SINCE = timedelta(days=400)
MOST = 200
"""So many incidents of each sort are listed at most, the newest."""
RECENT = timedelta(days=7)
RECORDS = ("note", "task", "opportunity", "appointment", "conversation", "message")
EVERY = (*RECORDS, "email")


@dataclass(frozen=True, slots=True)
class BulkDeletion:
    """One bulk deletion. `key` names it in addresses. `state` is waiting, confirmed or dismissed; `known`: how many
    contacts the location held, None where it was not counted. `left`: the window of those whose clock runs longest."""

    key: str
    place: Location
    bulk: BulkDeletionKey
    state: str
    known: int | None
    evidence: str
    counts: dict[str, int]
    times: BulkDeletionTimes | None
    left: RemainingTime | None

    @property
    def contacts(self) -> int:
        """How many belong to it."""
        return sum(self.counts.values())

    @property
    def gone(self) -> int:
        """How many are gone and have not come back."""
        return sum(self.counts.get(status, 0) for status in bulk_deletions.GONE)

    @property
    def back(self) -> int:
        """How many came back, by HighLevel's own restore or by ours."""
        return self.counts.get("returned", 0) + self.counts.get("recreated", 0)

    @property
    def noticed_at(self) -> datetime:
        """When it was noticed."""
        return self.bulk.first


@dataclass(frozen=True, slots=True)
class OpenValue:
    """Open opportunities: how many, how many of them state a value, and the values' sum (in the account's currency)."""

    opportunities: int = 0
    valued: int = 0
    total: float = 0.0


@dataclass(frozen=True, slots=True)
class BulkDeletionDetails:
    """What was on the contacts. `records`: kind → how many; the others are (name, how many), the most first."""

    records: dict[str, int]
    money: OpenValue
    owners: list[tuple[str, int]]
    tags: list[tuple[str, int]]
    sources: list[tuple[str, int]]
    noticed_by: list[tuple[str, int]]
    evidence: list[tuple[str, int]]


def list_bulk_deletions(
    vault: Vault, location_ids: Sequence[str], now: datetime, *, since: timedelta = SINCE
) -> list[BulkDeletion]:
    """The bulk deletions of these locations, newest first. Those whose every suspicion was a false alarm are left out
    unless the incident itself still waits or was dismissed."""
    with vault.read() as tx:
        places = places_of(tx, location_ids)
        found = [_of_incident(tx, places[one.location_id], one, now) for one in bulk_deletions.incidents_since(
            tx, list(places), now - since, limit=MOST)]  # fmt: skip
        for place in places.values():
            found += _small(tx, place, now, since)
    return sorted(found, key=lambda event: (event.noticed_at, event.key), reverse=True)


def get_bulk_deletion(vault: Vault, location_ids: Sequence[str], key: str, now: datetime) -> BulkDeletion | None:
    """The bulk deletion of this key among these locations, with `known` counted; None when there is none."""
    kind, _, name = key.partition("-")
    with vault.read() as tx:
        places = places_of(tx, location_ids)
        if kind == "i" and _is_number(name):
            one = bulk_deletions.incident(tx, int(name))
            return _of_incident(tx, places[one.location_id], one, now) if one and one.location_id in places else None
        found = [each for place in places.values() for each in _small(tx, place, now, SINCE) if each.key == key]
        return _sized(tx, found[0]) if found else None


def bulk_deletion_details(vault: Vault, found: BulkDeletion) -> BulkDeletionDetails:
    """What was on the contacts of this bulk deletion."""
    with vault.read() as tx:
        names, bulk = user_names(tx, [found.place.location_id]), found.bulk
        owners = [
            (names.get(owner, owner), number)
            for owner, number in bulk_deletions.top_values(tx, bulk, "owner_id", limit=8)
        ]
        return BulkDeletionDetails(
            bulk_deletions.record_counts(tx, bulk, EVERY),
            _money(tx, bulk),
            owners,
            bulk_deletions.top_values(tx, bulk, "tag", limit=12),
            bulk_deletions.top_values(tx, bulk, "source", limit=8),
            bulk_deletions.top_values(tx, bulk, "detected_by", limit=4),
            bulk_deletions.top_values(tx, bulk, "evidence", limit=4),
        )


def still_gone(vault: Vault, found: BulkDeletion) -> list[str]:
    """The ids of those that have not come back."""
    with vault.read() as tx:
        return bulk_deletions.still_gone(tx, found.bulk)


def everybody(vault: Vault, found: BulkDeletion) -> list[str]:
    """The ids of all who belong to it."""
    with vault.read() as tx:
        return bulk_deletions.everybody(tx, found.bulk)


def recent(vault: Vault, location_ids: Sequence[str], now: datetime) -> list[BulkDeletion]:
    """Bulk deletions of the last days of which somebody is still gone, newest first."""
    return [
        each
        for each in list_bulk_deletions(vault, location_ids, now, since=RECENT)
        if each.gone or each.state == "waiting"
    ]


def _of_incident(tx: Tx, place: Location, one: Incident, now: datetime) -> BulkDeletion:
    bulk = BulkDeletionKey(one.location_id, one.incident_id, one.opened_at, one.opened_at)
    counts, known, times = bulk_deletions.by_status(tx, bulk), one.known or None, bulk_deletions.times(tx, bulk)
    left = _left(place, times, now)
    return BulkDeletion(f"i-{one.incident_id}", place, bulk, one.state, known, one.evidence, counts, times, left)


def _small(tx: Tx, place: Location, now: datetime, since: timedelta) -> list[BulkDeletion]:
    """Those below the location's threshold."""
    found = []
    for spell in deletion_bursts(bulk_deletions.noticed(tx, place.location_id, now - since))[-MOST:]:
        bulk = BulkDeletionKey(place.location_id, None, spell.first, spell.last)
        times, evidence = bulk_deletions.times(tx, bulk), bulk_deletions.top_values(tx, bulk, "evidence", limit=1)
        said = evidence[0][0] if evidence else ""
        key = f"b-{int(spell.first.timestamp() * 1000)}"
        counts = bulk_deletions.by_status(tx, bulk)
        found.append(BulkDeletion(key, place, bulk, "confirmed", None, said, counts, times, _left(place, times, now)))
    return found


def _sized(tx: Tx, found: BulkDeletion) -> BulkDeletion:
    known = bulk_deletions.held_then(tx, found.bulk)
    return BulkDeletion(
        found.key, found.place, found.bulk, found.state, known or None, found.evidence, found.counts, found.times,
        found.left,
    )  # fmt: skip


def _left(place: Location, times: BulkDeletionTimes | None, now: datetime) -> RemainingTime | None:
    if times is None or times.open_from is None:
        return None
    return remaining(place.window, deleted_at=None, last_seen_at=times.open_from, now=now)


def _money(tx: Tx, bulk: BulkDeletionKey) -> OpenValue:
    number = valued = 0
    total = 0.0
    for raw in bulk_deletions.record_bytes(tx, bulk, "opportunity"):
        entry = decode(raw)
        if str(entry.get("status") or "open").lower() != "open":
            continue
        number += 1
        value = _amount(entry.get("monetaryValue"))
        valued += value is not None
        total += value or 0.0
    return OpenValue(number, valued, total)


def _amount(value: Any) -> float | None:
    """A positive finite amount, as number or as text; None for anything else."""
    try:
        found = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else 0.0
    except ValueError:
        return None
    return found if 0 < found < float("inf") else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16
