"""The grants of the OAuth app: the tokens of a location or of a whole agency, and who is renewing one right now.

A refresh token works once (HighLevel's OAuth documentation). Whoever wants to use it writes down first that he does
(`claim`), so that an interruption between HighLevel's answer and its storing is known for what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update

from hlcore.store.database import Tx
from hlcore.store.dialects import changed_rows, upsert
from hlcore.store.tables import grants as table

LOCATION, COMPANY = "location", "company"


@dataclass(frozen=True, slots=True)
class StoredGrant:
    """A grant as it is kept; `tokens` are encrypted. `trouble` says why a person must connect again, '' while all is
    well; `claimed_by` who wrote down that the refresh token is being used, and has not come back."""

    kind: str
    owner_id: str
    company_id: str
    tokens: bytes | None
    expires_at: datetime
    obtained_at: datetime
    refreshed_at: datetime
    generation: int
    claimed_by: str
    claimed_at: datetime | None
    trouble: str
    trouble_at: datetime | None


def get(tx: Tx, kind: str, owner_id: str) -> StoredGrant | None:
    """The grant, None when there is none."""
    row = tx.execute(select(table).where(_is(kind, owner_id))).one_or_none()
    return StoredGrant(*row) if row else None


def all(tx: Tx, kind: str = "") -> list[StoredGrant]:  # noqa: A001
    """All grants (of this kind, where given), by owner."""
    query = select(table).where(table.c.kind == kind) if kind else select(table)
    return [StoredGrant(*row) for row in tx.execute(query.order_by(table.c.kind, table.c.owner_id))]


def save(
    tx: Tx, kind: str, owner_id: str, *, company_id: str, tokens: bytes, expires_at: datetime, at: datetime
) -> None:
    """A person has given this grant: it takes the place of an earlier one, and all trouble is over."""
    before = get(tx, kind, owner_id)
    row: dict[str, Any] = {
        "kind": kind,
        "owner_id": owner_id,
        "company_id": company_id,
        "tokens": tokens,
        "expires_at": expires_at,
        "obtained_at": at,
        "refreshed_at": at,
        "generation": before.generation + 1 if before else 1,
        "claimed_by": "",
        "claimed_at": None,
        "trouble": "",
        "trouble_at": None,
    }
    upsert(tx, table, [row])


def claim(tx: Tx, kind: str, owner_id: str, *, holder: str, at: datetime) -> None:
    """It is written down that `holder` uses the refresh token from `at` on."""
    tx.execute(update(table).where(_is(kind, owner_id)).values(claimed_by=holder, claimed_at=at))


def unclaim(tx: Tx, kind: str, owner_id: str, *, holder: str) -> None:
    """The refresh token was surely not used by `holder`."""
    mine = update(table).where(_is(kind, owner_id), table.c.claimed_by == holder)
    tx.execute(mine.values(claimed_by="", claimed_at=None))


def renewed(
    tx: Tx, kind: str, owner_id: str, *, tokens: bytes, expires_at: datetime, at: datetime, generation: int
) -> bool:
    """The pair that took the place of generation `generation` is kept and the claim ended, in one; False when another
    pair has taken its place already."""
    values = {
        "tokens": tokens,
        "expires_at": expires_at,
        "refreshed_at": at,
        "generation": generation + 1,
        "claimed_by": "",
        "claimed_at": None,
        "trouble": "",
        "trouble_at": None,
    }
    mine = update(table).where(_is(kind, owner_id), table.c.generation == generation)
    return changed_rows(tx, mine.values(values)) == 1


def troubled(tx: Tx, kind: str, owner_id: str, *, trouble: str, at: datetime, generation: int) -> None:
    """A person must connect again, because of this; unless somebody has renewed it meanwhile."""
    mine = update(table).where(_is(kind, owner_id), table.c.generation == generation)
    tx.execute(mine.values(trouble=trouble, trouble_at=at, claimed_by="", claimed_at=None))


def remove(tx: Tx, kind: str, owner_id: str) -> None:
    """There is no such grant. May be repeated."""
    tx.execute(delete(table).where(_is(kind, owner_id)))


def _is(kind: str, owner_id: str) -> ColumnElement[bool]:
    return (table.c.kind == kind) & (table.c.owner_id == owner_id)
