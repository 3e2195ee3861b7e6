"""Opening the vault, and its transactions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hlcore.errors import StoreError
from hlcore.store import Vault, audit, locations

ROOT = Path(__file__).parents[2]


def in_process(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Another Python process that runs this code."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_an_open_vault_has_nothing_pending(vault: Vault) -> None:
    assert vault.pending() == []


def test_what_a_block_wrote_is_there_afterwards(vault: Vault) -> None:
    with vault.write() as tx:
        locations.add_usage(tx, "l", "2026-03-02", 3)
    with vault.read() as tx:
        assert locations.get_usage(tx, "l", "2026-03-02").requests == 3


def test_a_block_that_raises_leaves_nothing(vault: Vault) -> None:
    with pytest.raises(KeyError), vault.write() as tx:  # noqa: PT012
        locations.add_usage(tx, "l", "2026-03-02", 3)
        raise KeyError
    with vault.read() as tx:
        assert locations.get_usage(tx, "l", "2026-03-02").requests == 0


def test_reading_sees_one_moment(vault: Vault) -> None:
    with vault.read() as reading:
        assert locations.get_usage(reading, "l", "2026-03-02").requests == 0
        with vault.write() as tx:
            locations.add_usage(tx, "l", "2026-03-02", 3)
        assert locations.get_usage(reading, "l", "2026-03-02").requests == 0


def test_reading_refuses_to_write(vault: Vault) -> None:
    with pytest.raises(StoreError), vault.read() as tx:
        locations.add_usage(tx, "l", "2026-03-02", 3)
    with vault.write() as tx:
        locations.add_usage(tx, "l", "2026-03-02", 1)


def test_naive_moments_are_refused(vault: Vault) -> None:
    with pytest.raises(StoreError), vault.write() as tx:
        audit.append(tx, at=datetime(2026, 3, 2), actor="sam", role="", act="view")  # noqa: DTZ001


def test_moments_come_back_in_utc(vault: Vault) -> None:
    local = datetime.fromisoformat("2026-03-02T12:00:00.123456+05:30")
    with vault.write() as tx:
        audit.append(tx, at=local, actor="sam", role="", act="view")
        found = audit.list_entries(tx, limit=1)[0].at
    assert found == local
    assert found.tzinfo is UTC


def test_an_error_names_no_value(vault: Vault) -> None:
    mark = "%s" if vault.dialect == "postgresql" else "?"
    with pytest.raises(StoreError) as caught, vault.write() as tx:
        tx.exec_driver_sql(f"INSERT INTO leases (name) VALUES ({mark})", ("ada@example.com",))
    assert "holder" in str(caught.value)
    assert "ada" not in "".join(traceback.format_exception(caught.value)).replace('("ada@example.com",)', "")


def test_repr_shows_no_address(vault: Vault) -> None:
    assert repr(vault) == f"<Vault on {vault.dialect}>"


@pytest.mark.parametrize(
    "url",
    ["nonsense", "mysql://localhost/x", "sqlite://", "sqlite:///:memory:", "postgresql://nobody@127.0.0.1:9/none"],
)
def test_an_address_that_cannot_work_is_refused_with_words(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        Vault.open(url)
    assert str(caught.value)


def test_a_file_that_is_no_database_is_named_so(tmp_path: Path) -> None:
    path = tmp_path / "vault.db"
    path.write_bytes(b"not a database at all" * 500)
    with pytest.raises(StoreError, match="not a usable SQLite database"):
        Vault.open(f"sqlite:///{path}")


_WRITE_AND_WAIT = """
import sys, time
from hlcore.store import Vault, locations
vault = Vault.open(sys.argv[1])
with vault.write() as tx:
    locations.add_usage(tx, "l", "kept", 1)
with vault.write() as tx:
    locations.add_usage(tx, "l", "lost", 1)
    print("writing", flush=True)
    time.sleep(60)
"""


def test_a_process_killed_while_writing_loses_only_what_it_had_not_committed(vault_url: str) -> None:
    process = in_process(_WRITE_AND_WAIT, vault_url)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    vault = Vault.open(vault_url)
    with vault.write() as tx:
        assert locations.get_usage(tx, "l", "kept").requests == 1
        assert locations.get_usage(tx, "l", "lost").requests == 0
    vault.close()


_COUNT = """
import sys
import traceback
from hlcore.store import Vault, locations
vault = Vault.open(sys.argv[1])
for _ in range(25):
    with vault.write() as tx:
        before = locations.get_usage(tx, "l", "d").requests
        locations.add_usage(tx, "l", "d", 1)
"""


def test_several_processes_write_without_losing_anything(vault_url: str) -> None:
    processes = [in_process(_COUNT, vault_url) for _ in range(3)]
    assert [process.communicate()[1] for process in processes] == [""] * 3
    vault = Vault.open(vault_url)
    with vault.read() as tx:
        assert locations.get_usage(tx, "l", "d").requests == 75
    vault.close()


def test_postgresql_keeps_no_plan_that_was_made_for_an_empty_table(vault: Vault) -> None:
    if vault._engine.dialect.name != "postgresql":
        pytest.skip("SQLite plans each statement when it is prepared")
    with vault.read() as tx:
        assert tx.exec_driver_sql("SHOW plan_cache_mode").scalar_one() == "force_custom_plan"
