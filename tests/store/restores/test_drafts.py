"""Drafts of restores are kept until they are old, and lead to what they became."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hlcore.store import Vault
from hlcore.store.restores import drafts

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CONTACTS = [("loc2", "b"), ("loc1", "a")]


def save(vault: Vault, draft_id: str, at: datetime = AT, path: str = "auto") -> None:
    with vault.write() as tx:
        drafts.save_draft(tx, draft_id, at=at, contacts=CONTACTS, path=path, choices={"marker": "x"})


def test_a_draft_is_kept_as_it_was_last_stored(vault: Vault) -> None:
    save(vault, "d1")
    save(vault, "d1", AT + timedelta(minutes=1), "recreate")
    with vault.read() as tx:
        found, none = drafts.find_draft(tx, "d1"), drafts.find_draft(tx, "d2")
    changed_at = AT + timedelta(minutes=1)
    assert found == drafts.RestoreDraft("d1", changed_at, CONTACTS, "recreate", {"marker": "x"}, [])
    assert none is None


def test_a_confirmed_draft_keeps_the_jobs_that_it_became(vault: Vault) -> None:
    save(vault, "d1")
    with vault.write() as tx:
        drafts.confirm_draft(tx, "d1", [4, 5])
    save(vault, "d1", AT + timedelta(minutes=1))
    with vault.read() as tx:
        found = drafts.find_draft(tx, "d1")
    assert found is not None
    assert found.job_ids == [4, 5]


def test_only_old_drafts_are_deleted(vault: Vault) -> None:
    save(vault, "old")
    save(vault, "new", AT + timedelta(days=2))
    with vault.write() as tx:
        drafts.delete_old_drafts(tx, AT + timedelta(days=1))
    with vault.read() as tx:
        assert [drafts.find_draft(tx, name) is not None for name in ("old", "new")] == [False, True]
