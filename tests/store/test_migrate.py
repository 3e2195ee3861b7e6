"""Bringing a database to this version's tables."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, update

from hlcore.errors import SchemaTooNew
from hlcore.store import Tx, Vault, migrate, records
from hlcore.store.capture import feeds
from hlcore.store.capture import state as capture_state
from hlcore.store.column_types import column_type_differs
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions import register
from hlcore.store.tables import contacts, metadata

ROOT = Path(__file__).parents[2]


def test_migrations_make_exactly_the_tables_that_the_code_knows(vault: Vault) -> None:
    with vault.read() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": column_type_differs})
        assert compare_metadata(context, metadata) == []


def test_migrations_are_one_line_and_named_for_their_intent() -> None:
    names = migrate.revisions()
    scripts = ScriptDirectory(str(migrate.FOLDER)).walk_revisions()
    assert [script.revision for script in scripts] == list(reversed(names)), "each file is named after its revision"
    assert [name.partition("_")[0] for name in names] == [f"{number:04d}" for number in range(1, len(names) + 1)]
    assert all(re.fullmatch(r"\d{4}(_[a-z]+)+", name) and "auto" not in name for name in names)


def test_opening_again_changes_nothing(vault_url: str) -> None:
    for _ in range(2):
        vault = Vault.open(vault_url)
        assert vault.pending() == []
        vault.close()


def test_each_migration_is_recorded_with_what_it_did(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that fails leaves the database at the one before it, whole."""
    first = migrate.revisions()[0]
    apply = command.upgrade

    def failing(config: object, revision: str) -> None:
        apply(config, revision)
        if revision != first:
            raise RuntimeError("the disk burns")

    monkeypatch.setattr(command, "upgrade", failing)
    with pytest.raises(RuntimeError):
        Vault.open(empty_url)
    monkeypatch.undo()
    vault = Vault.open(empty_url)
    assert vault.pending() == []
    vault.close()


def test_a_newer_database_is_refused_untouched(vault_url: str) -> None:
    vault = Vault.open(vault_url)
    with vault.write() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999_from_the_future'")
    vault.close()
    with pytest.raises(SchemaTooNew):
        Vault.open(vault_url)


def test_two_processes_that_open_at_once_migrate_once(empty_url: str) -> None:
    code = "import sys; from hlcore.store import Vault; print(Vault.open(sys.argv[1]).pending())"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, empty_url], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    assert [process.communicate() for process in started] == [("[]\n", "")] * 4


def migrate_alone(tx: Tx, revision: str) -> None:
    """Apply this one migration to a database that has the tables of later ones already."""
    with Operations.context(MigrationContext.configure(tx)):
        ScriptDirectory(str(migrate.FOLDER)).get_revision(revision).module.upgrade()


def test_an_older_vault_is_searched_without_regard_to_accents(vault_url: str, make_contact: Any, clock: Any) -> None:
    """What an older version wrote, and what the migration makes of it, equal what this version writes."""
    vault = Vault.open(vault_url)
    given = [
        make_contact(
            "a", firstName="Jose\u0301", lastName="MUN\u0303OZ", email="jose\u0301@example.com", tags=["Café", "vip"]
        ),
        make_contact("b", firstName="Śliwa", phone="+٤٩ ١٧١ ١٢٣", companyName="Straße"),
        make_contact("c", firstName="Ada", tags=["#lead"]),
        make_contact("d", phone="+49 171 555"),
    ]
    columns = [contacts.c[name] for name in ("contact_id", "name_key", "search", "phone_key", "phone_hash")]
    query = select(*columns).order_by(contacts.c.contact_id)
    with vault.write() as tx:
        contact_writes.insert_contacts(tx, "loc", given, at=clock())
        right = tx.execute(query).all()
        older = {
            "name_key": "jose\u0301 mun\u0303oz",
            "search": "\njose\u0301 mun\u0303oz\njose\u0301@example.com\n#café\n#vip\n",
        }
        tx.execute(update(contacts).where(contacts.c.contact_id == "a").values(older))
        older = {
            "name_key": "śliwa",
            "search": "\nśliwa\n٤٩١٧١١٢٣\nstrasse\n",
            "phone_key": "٤٩١٧١١٢٣",
            "phone_hash": 1,
        }
        tx.execute(update(contacts).where(contacts.c.contact_id == "b").values(older))
        assert tx.execute(query).all() != right
        migrate_alone(tx, "0009_fold_accents")
        assert tx.execute(query).all() == right
    vault.close()


def test_an_older_register_learns_what_was_captured_as_far_as_it_is_known(
    vault_url: str, make_contact: Any, clock: Any
) -> None:
    vault = Vault.open(vault_url)
    lost = [(name, clock() - timedelta(hours=1)) for name in "abc"]
    with vault.write() as tx:
        given = [make_contact(name) for name, _ in lost]
        contact_writes.insert_contacts(tx, "loc", given, at=clock() - timedelta(days=1))
        capture_state.mark_captured(tx, "loc", "note", ["a"], at=clock() - timedelta(hours=2))
        records.save(tx, "loc", "message", [("m1", "b", b"{}")], at=clock())
        feeds.save(tx, "loc", "task", covered_at=clock() - timedelta(hours=2))
        feeds.save(tx, "loc", "opportunity", covered_at=clock())
        register.mark_suspected(tx, "loc", lost, at=clock(), detected_by="listing")
        tx.exec_driver_sql("ALTER TABLE disappearances DROP COLUMN captured_kinds")
        migrate_alone(tx, "0011_captured_at_deletion")
    with vault.read() as tx:
        rows = {row.contact_id: row for row in deletion_queries.list_open_suspects(tx, "loc", limit=9)}
    vault.close()
    assert {name: row.captured_kinds for name, row in rows.items()} == {
        "a": " note task ", "b": " task message ", "c": " task "
    }  # fmt: skip
    assert rows["c"].not_captured == ("detail", "note", "opportunity", "appointment", "conversation", "message")
