"""The inbox of webhooks: a delivery is safe here before anything is done with it, and is known when it comes again.

All functions work in a transaction of `Vault.inbox`. A body is forgotten as soon as it has been processed (the copy
holds what matters); its id stays for `KEPT`, longer than HighLevel's own log of deliveries (30 days), from which people
can send one again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hlcore.store.database import Tx
from hlcore.store.dialects import among, changed_rows, chunked, is_postgres, moment_value, seconds
from hlcore.store.tables import inbox as table
from hlcore.store.tables import webhook_counts as counted
from hlcore.store.text import fit

KEPT = timedelta(days=35)
UNSIGNED, FOREIGN, OVERSIZE, MALFORMED = "unsigned", "foreign", "oversize", "malformed"
DUPLICATE = "duplicate"
REFUSALS = (UNSIGNED, FOREIGN, OVERSIZE, MALFORMED)
AT_ONCE = 500
_COLUMNS = ("webhook_id", "location_id", "type", "sent_at", "received_at", "due_at", "attempts", "error", "raw")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as it is kept. `location_id` is '' for events of a whole agency; `sent_at` is None where HighLevel
    named no time."""

    webhook_id: str
    location_id: str
    type: str
    sent_at: datetime | None
    received_at: datetime
    raw: bytes
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class WebhookTraffic:
    """Deliveries of one type since a moment: how many, the last one's arrival, how many failed for good, and means in
    seconds from HighLevel's time to arrival, and from arrival to processed (None where there is nothing to measure)."""

    type: str
    count: int
    last_at: datetime
    failed: int
    travel: float | None
    handling: float | None


def add(tx: Tx, deliveries: Sequence[Delivery]) -> int:
    """These deliveries are kept and due now; those known already change nothing. How many were new."""
    fresh = {delivery.webhook_id: delivery for delivery in deliveries}
    ordered = [fresh[webhook_id] for webhook_id in sorted(fresh)]  # one order for all
    return sum(_insert(tx, part) for part in chunked(ordered, AT_ONCE))


def due(tx: Tx, *, at: datetime, limit: int) -> list[Delivery]:
    """Deliveries that wait to be processed at `at`: deletions first, then the longest due."""
    names = ("webhook_id", "location_id", "type", "sent_at", "received_at", "raw", "attempts")
    waiting = table.c.processed_at.is_(None), table.c.due_at <= at
    order = (table.c.type != "ContactDelete", table.c.due_at)
    query = select(*(table.c[name] for name in names)).where(*waiting).order_by(*order).limit(limit)
    return [Delivery(*row) for row in tx.execute(query)]


def processed(tx: Tx, webhook_ids: Iterable[str], *, at: datetime, error: str = "") -> None:
    """Nothing more will be done about these; their bodies are forgotten. `error` says why they were given up."""
    mine = update(table).where(among(tx, table.c.webhook_id, webhook_ids))
    tx.execute(mine.values(processed_at=at, attempts=table.c.attempts + 1, error=error, raw=None))


def postpone(tx: Tx, webhook_ids: Iterable[str], *, until: datetime, note: str = "") -> None:
    """These are looked at again from `until` on; `note` says why."""
    mine = update(table).where(among(tx, table.c.webhook_id, webhook_ids), table.c.processed_at.is_(None))
    tx.execute(mine.values(due_at=until, attempts=table.c.attempts + 1, error=note))


def count(tx: Tx, day: str, kinds: dict[str, int]) -> None:
    """So many more were refused (or came again) on this day ('2026-11-23'), by kind."""
    rows = [{"day": day, "kind": kind, "count": number} for kind, number in kinds.items() if number]
    if not rows:
        return
    add_up = (postgresql.insert if is_postgres(tx) else sqlite.insert)(counted)
    total = {"count": counted.c.count + add_up.excluded.count}
    tx.execute(add_up.on_conflict_do_update(index_elements=["day", "kind"], set_=total), rows)


def counts(tx: Tx, since: str) -> dict[str, int]:
    """How many were refused (or came again) from this day on, by kind."""
    query = select(counted.c.kind, func.sum(counted.c.count)).where(counted.c.day >= since).group_by(counted.c.kind)
    return {row[0]: int(row[1]) for row in tx.execute(query)}


def waiting(tx: Tx, *, at: datetime) -> tuple[int, datetime | None]:
    """How many are due and not processed, and when the oldest of them came."""
    query = select(func.count(), func.min(table.c.received_at))
    row = tx.execute(query.where(table.c.processed_at.is_(None), table.c.due_at <= at)).one()
    return row[0], row[1]


def last_received(tx: Tx, location_ids: Iterable[str]) -> dict[str, datetime]:
    """When the last delivery about each of these locations came; without those that never had one."""
    query = select(table.c.location_id, func.max(table.c.received_at))
    query = query.where(among(tx, table.c.location_id, location_ids)).group_by(table.c.location_id)
    return {row[0]: row[1] for row in tx.execute(query)}


def traffic(tx: Tx, location_ids: Iterable[str], *, since: datetime) -> list[WebhookTraffic]:
    """What came about these locations since then, by type."""
    arrival = seconds(tx, table.c.received_at)
    query = select(
        table.c.type,
        func.count(),
        func.max(table.c.received_at),
        func.count().filter(table.c.processed_at.is_not(None), table.c.error != ""),
        func.avg(arrival - seconds(tx, table.c.sent_at)),
        func.avg(seconds(tx, table.c.processed_at) - arrival),
    ).where(among(tx, table.c.location_id, location_ids), table.c.received_at >= since)
    return [WebhookTraffic(*row) for row in tx.execute(query.group_by(table.c.type).order_by(table.c.type))]


def prune(tx: Tx, *, at: datetime) -> int:
    """Ids and counts older than `KEPT` are forgotten, but for the newest of each location; how many ids."""
    before = at - KEPT
    tx.execute(delete(counted).where(counted.c.day < before.date().isoformat()))
    other = table.alias()
    newer = exists().where(other.c.location_id == table.c.location_id, other.c.received_at > table.c.received_at)
    old = delete(table).where(table.c.received_at < before, table.c.processed_at.is_not(None), newer)
    return changed_rows(tx, old)


def _insert(tx: Tx, deliveries: Sequence[Delivery]) -> int:
    """One statement for all of them, and none to ask first: after each the thread waits for its turn beside a sync."""
    mark = "%s" if is_postgres(tx) else "?"
    row = f"({', '.join((mark,) * len(_COLUMNS))})"
    into = f"INSERT INTO {table.name} ({', '.join(_COLUMNS)}) VALUES {', '.join((row,) * len(deliveries))}"  # noqa: S608
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
