"""The grants of the OAuth app: the tokens of a location or of a whole agency (company), and who is renewing one.

A refresh token works once (HighLevel's OAuth documentation). Its use is therefore recorded before it is sent
(`claim_refresh_token`), so that an interruption between HighLevel's answer and its storing can be told from a grant
that was withdrawn. A claim keeps nobody out: `Vault.exclusive` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update

from hlcore.store.database import Tx
from hlcore.store.dialects import changed_rows, upsert
from hlcore.store.tables import oauth_grants

LOCATION, COMPANY = "location", "company"


@dataclass(frozen=True, slots=True)
class StoredGrant:
    """A stored grant; `tokens` are encrypted. `trouble` says why a person must connect again, '' while all is well;
    `claimed_by` is the process that is using the refresh token, or was when it was interrupted."""

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
    """Return the grant, None when there is none."""
    row = tx.execute(select(oauth_grants).where(_of_owner(kind, owner_id))).one_or_none()
    return StoredGrant(*row) if row else None


def list_all(tx: Tx, kind: str = "") -> list[StoredGrant]:
    """Return all grants (of this kind, where given), ordered by owner."""
    query = select(oauth_grants).where(oauth_grants.c.kind == kind) if kind else select(oauth_grants)
    return [StoredGrant(*row) for row in tx.execute(query.order_by(oauth_grants.c.kind, oauth_grants.c.owner_id))]


def save(
    tx: Tx, kind: str, owner_id: str, *, company_id: str, tokens: bytes, expires_at: datetime, at: datetime
) -> None:
    """Store the grant that a person gave. It replaces an earlier one and clears `trouble`."""
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
    upsert(tx, oauth_grants, [row])


def any_held(tx: Tx) -> bool:
    """Return whether any grant is stored."""
    return tx.execute(select(oauth_grants.c.kind).limit(1)).one_or_none() is not None


def claim_refresh_token(tx: Tx, kind: str, owner_id: str, *, holder: str, at: datetime) -> None:
    """Record that `holder` uses the refresh token from `at` on."""
    tx.execute(update(oauth_grants).where(_of_owner(kind, owner_id)).values(claimed_by=holder, claimed_at=at))


def release_refresh_token(tx: Tx, kind: str, owner_id: str, *, holder: str) -> None:
    """Take the claim back: `holder` surely did not use the refresh token."""
    statement = update(oauth_grants).where(_of_owner(kind, owner_id), oauth_grants.c.claimed_by == holder)
    tx.execute(statement.values(claimed_by="", claimed_at=None))


def store_renewed(
    tx: Tx, kind: str, owner_id: str, *, tokens: bytes, expires_at: datetime, at: datetime, generation: int
) -> bool:
    """Replace the pair of this generation and end the claim, in one statement. Return False when another pair has
    replaced it already."""
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
    statement = update(oauth_grants).where(_of_owner(kind, owner_id), oauth_grants.c.generation == generation)
    return changed_rows(tx, statement.values(values)) == 1


def record_trouble(tx: Tx, kind: str, owner_id: str, *, trouble: str, at: datetime, generation: int) -> None:
    """Record why a person must connect again, unless the grant has been renewed meanwhile."""
    statement = update(oauth_grants).where(_of_owner(kind, owner_id), oauth_grants.c.generation == generation)
    tx.execute(statement.values(trouble=trouble, trouble_at=at, claimed_by="", claimed_at=None))


def remove(tx: Tx, kind: str, owner_id: str) -> None:
    """Remove the grant. May be repeated."""
    tx.execute(delete(oauth_grants).where(_of_owner(kind, owner_id)))


def _of_owner(kind: str, owner_id: str) -> ColumnElement[bool]:
    return (oauth_grants.c.kind == kind) & (oauth_grants.c.owner_id == owner_id)
