"""The inbox of webhooks: a delivery is stored here before it is processed, and recognised when it comes again.

All functions work in a transaction of `Vault.inbox`. A body is deleted as soon as it has been processed; its id stays
for `KEEP_IDS_FOR`, longer than HighLevel's own log of deliveries (30 days), from which people can send one again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, update

from hlcore.model.moments import CLOCK_SLACK
from hlcore.store.database import Tx
from hlcore.store.dialects import among, changed_rows, chunked, insert_into, is_postgres, moment_value, seconds
from hlcore.store.tables import webhook_counts, webhook_inbox
from hlcore.store.text import fit

KEEP_IDS_FOR = timedelta(days=35)
LONGEST_WAIT = timedelta(hours=2)
"""No delivery is postponed for longer."""
UNSIGNED, FOREIGN, OVERSIZE, MALFORMED = "unsigned", "foreign", "oversize", "malformed"
DUPLICATE = "duplicate"
_INSERT_BATCH = 500
_COLUMNS = ("webhook_id", "location_id", "type", "sent_at", "received_at", "due_at", "attempts", "error", "raw")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A stored delivery. `location_id` is '' for events of a whole agency; `sent_at` is None where HighLevel named no
    time."""

    webhook_id: str
    location_id: str
    type: str
    sent_at: datetime | None
    received_at: datetime
    raw: bytes
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class WebhookTraffic:
    """Deliveries of one type since a moment: how many, the last arrival, how many failed for good, and the mean seconds
    from HighLevel's time to arrival and from arrival to processed (None where there is nothing to measure)."""

    type: str
    count: int
    last_at: datetime
    failed: int
    arrival_seconds: float | None
    processing_seconds: float | None


def add(tx: Tx, deliveries: Sequence[Delivery]) -> int:
    """Store these deliveries as due now, except those whose id is known; return how many were new."""
    by_id = {delivery.webhook_id: delivery for delivery in deliveries}
    ordered = [by_id[webhook_id] for webhook_id in sorted(by_id)]  # one order for all writers: no deadlock
    return sum(_insert(tx, part) for part in chunked(ordered, _INSERT_BATCH))


def list_due(tx: Tx, *, at: datetime, limit: int) -> list[Delivery]:
    """Return deliveries that are due at `at`: deletions first, then the longest due."""
    names = ("webhook_id", "location_id", "type", "sent_at", "received_at", "raw", "attempts")
    waiting = _waiting(), _is_due(at)
    order = (webhook_inbox.c.type != "ContactDelete", webhook_inbox.c.due_at)
    query = select(*(webhook_inbox.c[name] for name in names)).where(*waiting).order_by(*order).limit(limit)
    return [Delivery(*row) for row in tx.execute(query)]


def mark_processed(tx: Tx, webhook_ids: Iterable[str], *, at: datetime, error: str = "") -> None:
    """Close these deliveries and delete their bodies. `error` says why they were given up."""
    statement = update(webhook_inbox).where(among(tx, webhook_inbox.c.webhook_id, webhook_ids))
    tx.execute(statement.values(processed_at=at, attempts=webhook_inbox.c.attempts + 1, error=error, raw=None))


def postpone(tx: Tx, webhook_ids: Iterable[str], *, until: datetime, note: str = "", is_attempt: bool = True) -> None:
    """Make these due again at `until`; `note` says why. `is_attempt`: it was tried, which counts."""
    statement = update(webhook_inbox).where(
        among(tx, webhook_inbox.c.webhook_id, webhook_ids), webhook_inbox.c.processed_at.is_(None)
    )
    tx.execute(statement.values(due_at=until, attempts=webhook_inbox.c.attempts + int(is_attempt), error=note))


def set_aside(tx: Tx, webhook_ids: Iterable[str], *, at: datetime, note: str = "") -> None:
    """Keep these with their bodies, and let them not be due until `release`; `note` says why."""
    statement = update(webhook_inbox).where(among(tx, webhook_inbox.c.webhook_id, webhook_ids), _waiting())
    tx.execute(statement.values(set_aside_at=at, attempts=webhook_inbox.c.attempts + 1, error=note))


def release(tx: Tx, webhook_ids: Iterable[str], *, at: datetime) -> int:
    """Make deliveries that were set aside due at `at`, as if they had just come and failed once;
    return how many."""
    aside = webhook_inbox.c.processed_at.is_(None) & webhook_inbox.c.set_aside_at.is_not(None)
    statement = update(webhook_inbox).where(among(tx, webhook_inbox.c.webhook_id, webhook_ids), aside)
    return changed_rows(tx, statement.values(set_aside_at=None, due_at=at, received_at=at, attempts=1))


def add_refusals(tx: Tx, day: str, kinds: dict[str, int]) -> None:
    """Add to the day's ('2026-11-23') counts of refused or repeated deliveries, by kind."""
    rows = [{"day": day, "kind": kind, "count": number} for kind, number in kinds.items() if number]
    if not rows:
        return
    insert = insert_into(tx, webhook_counts)
    total = {"count": webhook_counts.c.count + insert.excluded.count}
    tx.execute(insert.on_conflict_do_update(index_elements=["day", "kind"], set_=total), rows)


def count_refusals(tx: Tx, since: str) -> dict[str, int]:
    """Return how many deliveries were refused or repeated from this day on, by kind."""
    query = select(webhook_counts.c.kind, func.sum(webhook_counts.c.count)).where(webhook_counts.c.day >= since)
    return {row[0]: int(row[1]) for row in tx.execute(query.group_by(webhook_counts.c.kind))}


def backlog(tx: Tx, *, at: datetime) -> tuple[int, datetime | None]:
    """Return how many deliveries are due and not processed, and when the oldest of them arrived."""
    query = select(func.count(), func.min(webhook_inbox.c.received_at))
    row = tx.execute(query.where(_waiting(), _is_due(at))).one()
    return row[0], row[1]


def last_received(tx: Tx, location_ids: Iterable[str], *, at: datetime) -> dict[str, datetime]:
    """Return when the last delivery about each of these locations arrived; locations without any are left out, and so
    are arrivals in the future (of `at`), which prove nothing."""
    query = select(webhook_inbox.c.location_id, func.max(webhook_inbox.c.received_at))
    query = query.where(
        among(tx, webhook_inbox.c.location_id, location_ids), webhook_inbox.c.received_at <= at + CLOCK_SLACK
    ).group_by(webhook_inbox.c.location_id)
    return {row[0]: row[1] for row in tx.execute(query)}


def traffic_by_type(tx: Tx, location_ids: Iterable[str], *, since: datetime) -> list[WebhookTraffic]:
    """Return the deliveries about these locations since then, summed up by type."""
    arrival = seconds(tx, webhook_inbox.c.received_at)
    query = select(
        webhook_inbox.c.type,
        func.count(),
        func.max(webhook_inbox.c.received_at),
        func.count().filter(webhook_inbox.c.processed_at.is_not(None), webhook_inbox.c.error != ""),
        func.avg(arrival - seconds(tx, webhook_inbox.c.sent_at)),
        func.avg(seconds(tx, webhook_inbox.c.processed_at) - arrival),
    ).where(among(tx, webhook_inbox.c.location_id, location_ids), webhook_inbox.c.received_at >= since)
    return [
        WebhookTraffic(*row) for row in tx.execute(query.group_by(webhook_inbox.c.type).order_by(webhook_inbox.c.type))
    ]


def prune(tx: Tx, *, at: datetime) -> int:
    """Delete ids and counts older than `KEEP_IDS_FOR`, except the newest id of each location; return how many ids."""
    before = at - KEEP_IDS_FOR
    tx.execute(delete(webhook_counts).where(webhook_counts.c.day < before.date().isoformat()))
    other = webhook_inbox.alias()
    newer = exists().where(
        other.c.location_id == webhook_inbox.c.location_id, other.c.received_at > webhook_inbox.c.received_at
    )
    old = delete(webhook_inbox).where(
        webhook_inbox.c.received_at < before, webhook_inbox.c.processed_at.is_not(None), newer
    )
    return changed_rows(tx, old)


def _is_due(at: datetime) -> ColumnElement[bool]:
    """Return whether a delivery is due: now, or later than anything is postponed, under a clock that was wrong."""
    return or_(webhook_inbox.c.due_at <= at, webhook_inbox.c.due_at > at + LONGEST_WAIT)


def _waiting() -> ColumnElement[bool]:
    """Return whether a delivery is still to be processed."""
    return webhook_inbox.c.processed_at.is_(None) & webhook_inbox.c.set_aside_at.is_(None)


def _insert(tx: Tx, deliveries: Sequence[Delivery]) -> int:
    """Insert with a single statement and no query before it: after each one the thread waits its turn beside a sync."""
    mark = "%s" if is_postgres(tx) else "?"
    row = f"({', '.join((mark,) * len(_COLUMNS))})"
    into = f"INSERT INTO {webhook_inbox.name} ({', '.join(_COLUMNS)}) VALUES {', '.join((row,) * len(deliveries))}"  # noqa: S608
    values = tuple(value for delivery in deliveries for value in _row(tx, delivery))
    preserved = {"preserve_rowcount": True}
    return tx.exec_driver_sql(f"{into} ON CONFLICT DO NOTHING", values, execution_options=preserved).rowcount


def _row(tx: Tx, delivery: Delivery) -> tuple[Any, ...]:
    received_at = moment_value(tx, delivery.received_at)
    return (
        fit(delivery.webhook_id, 80),
        fit(delivery.location_id, 64),
        fit(delivery.type, 48),
        moment_value(tx, delivery.sent_at),
        received_at,
        received_at,
        0,
        "",
        delivery.raw,
    )
