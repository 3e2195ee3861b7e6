"""The audit log: who did what, when, with what outcome. Append-only; the database itself refuses anything else.

Whoever is turned away may come back a thousand times in an hour: that is one line, and a count beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, desc, func, insert, select, update

from hlcore.store.database import Tx
from hlcore.store.dialects import among, among_numbers, changed_rows
from hlcore.store.tables import audit, refused_sign_ins


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One act. `outcome` is done, refused, failed or stopped; `detail` holds counts and ids, never personal data."""

    audit_id: int
    at: datetime
    actor: str
    role: str
    act: str
    location_id: str
    subject: str
    outcome: str
    detail: Any


def append(
    tx: Tx,
    *,
    at: datetime,
    actor: str,
    role: str,
    act: str,
    location_id: str = "",
    subject: str = "",
    outcome: str = "done",
    detail: dict[str, Any] | None = None,
) -> int:
    """Add an entry to the log and return its id; it can never be changed or removed."""
    values = {"at": at, "actor": actor, "role": role, "act": act, "location_id": location_id, "subject": subject}
    added = insert(audit).values(values | {"outcome": outcome, "detail": detail}).returning(audit.c.audit_id)
    return int(tx.execute(added).scalar_one())


def append_refused_sign_in(tx: Tx, *, at: datetime, actor: str, role: str, act: str, detail: dict[str, Any]) -> None:
    """Count one more sign-in of this person that was refused; the first within an hour also becomes an entry."""
    hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    known = (refused_sign_ins.c.actor == actor) & (refused_sign_ins.c.hour == hour)
    if changed_rows(tx, update(refused_sign_ins).where(known).values(count=refused_sign_ins.c.count + 1)):
        return
    audit_id = append(tx, at=at, actor=actor, role=role, act=act, outcome="refused", detail=detail)
    tx.execute(insert(refused_sign_ins).values(actor=actor, hour=hour, count=1, audit_id=audit_id))


def list_entries(
    tx: Tx, *, limit: int, offset: int = 0, location_ids: Sequence[str] | None = None, act: str | None = None
) -> list[AuditEntry]:
    """Return acts, newest first. With `location_ids`: those on these locations and those on none (''). The detail of a
    refused sign-in holds how often that person was refused within that hour."""
    query = _matching(tx, select(audit), location_ids, act).order_by(desc(audit.c.audit_id))
    rows = tx.execute(query.limit(limit).offset(offset)).all()
    refused = [row.audit_id for row in rows if row.outcome == "refused"]
    counts = select(refused_sign_ins.c.audit_id, refused_sign_ins.c.count)
    counts = counts.where(among_numbers(tx, refused_sign_ins.c.audit_id, refused))
    times = dict(tx.execute(counts).tuples().all())
    return [_with_times(AuditEntry(*row), times.get(row.audit_id)) for row in rows]


def count(tx: Tx, *, location_ids: Sequence[str] | None = None, act: str | None = None) -> int:
    """Return how many acts `list_entries` has altogether."""
    return int(tx.execute(_matching(tx, select(func.count(audit.c.audit_id)), location_ids, act)).scalar_one())


def _with_times(entry: AuditEntry, times: int | None) -> AuditEntry:
    return entry if times is None else replace(entry, detail={**(entry.detail or {}), "times": times})


def _matching(tx: Tx, query: Select[Any], location_ids: Sequence[str] | None, act: str | None) -> Select[Any]:
    if location_ids is not None:
        query = query.where(among(tx, audit.c.location_id, [*location_ids, ""]))
    return query.where(audit.c.act == act) if act else query
