"""The audit log: who did what, when, with what outcome. Append-only; the database itself refuses anything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, desc, func, insert, select

from hlcore.store.database import Tx
from hlcore.store.dialects import among
from hlcore.store.tables import audit


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One act. `outcome` is done, refused or failed; `detail` holds counts and ids, never personal data."""

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
) -> None:
    """Add an entry to the log; it can never be changed or removed."""
    values = {"at": at, "actor": actor, "role": role, "act": act, "location_id": location_id, "subject": subject}
    tx.execute(insert(audit).values(values | {"outcome": outcome, "detail": detail}))


def list_entries(
    tx: Tx, *, limit: int, offset: int = 0, location_ids: Sequence[str] | None = None, act: str | None = None
) -> list[AuditEntry]:
    """Return acts, newest first. With `location_ids`: those on these locations and those on none ('')."""
    query = _matching(tx, select(audit), location_ids, act).order_by(desc(audit.c.audit_id))
    return [AuditEntry(*row) for row in tx.execute(query.limit(limit).offset(offset))]


def count(tx: Tx, *, location_ids: Sequence[str] | None = None, act: str | None = None) -> int:
    """Return how many acts `list_entries` has altogether."""
    return int(tx.execute(_matching(tx, select(func.count(audit.c.audit_id)), location_ids, act)).scalar_one())


def _matching(tx: Tx, query: Select[Any], location_ids: Sequence[str] | None, act: str | None) -> Select[Any]:
    if location_ids is not None:
        query = query.where(among(tx, audit.c.location_id, [*location_ids, ""]))
    return query.where(audit.c.act == act) if act else query
