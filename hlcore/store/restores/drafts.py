"""Drafts of restores: whom a plan is about and what was decided, until it is confirmed. Ids and decisions only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from hlcore.store.database import Tx
from hlcore.store.dialects import upsert
from hlcore.store.tables import restore_drafts


@dataclass(frozen=True, slots=True)
class RestoreDraft:
    """`contacts`: (location, contact) in the order of choosing; `choices`: a JSON value; `job_ids`: the jobs that it
    became, none while it is not confirmed."""

    draft_id: str
    changed_at: datetime
    contacts: list[tuple[str, str]]
    path: str
    choices: Any
    job_ids: list[int]


def save_draft(
    tx: Tx, draft_id: str, *, at: datetime, contacts: Sequence[tuple[str, str]], path: str, choices: Any
) -> None:
    """Store the draft, new or changed. May be repeated; what it became stays."""
    values = {"draft_id": draft_id, "changed_at": at, "contacts": [list(ids) for ids in contacts], "path": path}
    upsert(tx, restore_drafts, [{**values, "choices": choices, "job_ids": []}], keep=["job_ids"])


def find_draft(tx: Tx, draft_id: str) -> RestoreDraft | None:
    """Return the draft; None when there is none."""
    row = tx.execute(select(restore_drafts).where(restore_drafts.c.draft_id == draft_id)).one_or_none()
    if row is None:
        return None
    contacts = [(str(location_id), str(contact_id)) for location_id, contact_id in row.contacts]
    return RestoreDraft(row.draft_id, row.changed_at, contacts, row.path, row.choices, list(row.job_ids))


def confirm_draft(tx: Tx, draft_id: str, job_ids: Sequence[int]) -> None:
    """Record the jobs that the draft became. May be repeated."""
    statement = update(restore_drafts).where(restore_drafts.c.draft_id == draft_id)
    tx.execute(statement.values(job_ids=list(job_ids)))


def delete_old_drafts(tx: Tx, before: datetime) -> None:
    """Delete the drafts that were last changed before this moment."""
    tx.execute(delete(restore_drafts).where(restore_drafts.c.changed_at < before))
