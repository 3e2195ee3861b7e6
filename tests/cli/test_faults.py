"""Every command under every fault of HighLevel and of the database: the documented exit code, a hint, no traceback."""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hlcore.cli.console import ATTENTION, DATABASE, HIGHLEVEL, app, main
from hlcore.sandbox import Sandbox, SandboxLocation, serve
from hlcore.store import database
from tests.support.worlds import ManualClock

LOCATION = "locFault000000000001"
NOBODY = 65_534
Run = Callable[..., tuple[int, str]]
ASKS_HIGHLEVEL = ("sync", "watch", "capture", "verify --live", "restore LOST --plan")
WRITES = ("sync", "watch", "capture", "deletions", "show LOST", "export contacts --out OUT", "connect LOCATION")
READS = ("status", "verify")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(lambda: datetime.now(UTC), seed=3)


@pytest.fixture
def location(sandbox: Sandbox) -> SandboxLocation:
    """40 people, of whom one is deleted once all are copied."""
    found = sandbox.add_location(LOCATION, "Faults & Co", token="pit-fault")
    found.fill(40)
    return found


@pytest.fixture
def stop_highlevel(
    folder: Path, sandbox: Sandbox, location: SandboxLocation, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], None]]:
    """HighLevel answers until this is called; waiting takes no time."""
    monkeypatch.setattr("hlcore.app_context.SystemClock", lambda: ManualClock(datetime.now(UTC)))
    with serve(sandbox) as server:
        for name, value in {
            "API_URL": server.url,
            "LOCATION_ID": LOCATION,
            "TOKEN": "pit-fault",
            "DATABASE_URL": f"sqlite:///{folder}/vault.db",
            "DATA_DIR": str(folder),
        }.items():
            monkeypatch.setenv(f"HLCORE_{name}", value)
        yield lambda: monkeypatch.setenv("HLCORE_API_URL", "http://127.0.0.1:9")


@pytest.fixture
def run(
    stop_highlevel: object, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Runs a command line; returns its exit code and all that it printed."""

    def command(line: str, lost: str = "") -> tuple[int, str]:
        words = (
            line.replace("LOST", lost).replace("OUT", str(tmp_path / "out.csv")).replace("LOCATION", LOCATION).split()
        )
        code = 0
        monkeypatch.setattr("sys.stdin", io.StringIO("pit-fault"))
        try:
            main(lambda: app(words, standalone_mode=True))
        except SystemExit as ended:
            code = int(ended.code or 0)
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
        return code, printed.out + printed.err

    return command


@pytest.fixture
def lost(run: Run, location: SandboxLocation) -> str:
    """Somebody who was copied, deleted and noticed; the id."""
    run("sync")
    contact_id = next(iter(location.contacts))
    location.delete(contact_id)
    run("sync")
    return contact_id


def test_a_highlevel_that_cannot_be_reached_is_3(run: Run, lost: str, stop_highlevel: Callable[[], None]) -> None:
    stop_highlevel()
    for line in ASKS_HIGHLEVEL:
        code, printed = run(line, lost)
        assert (line, code) == (line, HIGHLEVEL)
        assert "reached" in printed


def test_a_highlevel_that_was_never_reached_is_3(run: Run, stop_highlevel: Callable[[], None]) -> None:
    stop_highlevel()
    for line in ("sync", "watch", "capture"):
        assert (line, run(line)[0]) == (line, HIGHLEVEL)


def test_a_token_that_is_refused_is_3(run: Run, lost: str, location: SandboxLocation) -> None:
    location.faults.on("token_revoked")
    for line in ASKS_HIGHLEVEL:
        code, printed = run(line, lost)
        assert (line, code) == (line, HIGHLEVEL)
        assert "pit-fault" not in printed


def test_another_run_under_way_is_no_refusal_of_highlevel(run: Run, lost: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from hlcore.errors import RunInProgress
    from hlcore.store import runs

    def taken(*args: object, **more: object) -> None:
        raise RunInProgress("Another process works on this location.")

    monkeypatch.setattr(runs, "claim", taken)
    for line in ("sync", "watch"):
        assert (line, run(line)[0]) == (line, 1)


def test_what_needs_no_highlevel_works_without_it(run: Run, lost: str, stop_highlevel: Callable[[], None]) -> None:
    stop_highlevel()
    for line in ("status", "deletions", "show LOST", "verify", "export contacts --out OUT"):
        assert (line, run(line, lost)[0]) == (line, 0)


def test_a_locked_database_is_4(run: Run, lost: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = tuple("busy_timeout=0" if "busy" in pragma else pragma for pragma in database._PRAGMAS)
    other = sqlite3.connect(folder / "vault.db", isolation_level=None)
    with monkeypatch.context() as patch, closing(other):
        patch.setattr(database, "_PRAGMAS", at_once)
        other.execute("BEGIN IMMEDIATE")
        for line in WRITES:
            code, printed = run(line, lost)
            assert (line, code) == (line, DATABASE)
            assert "Another process" in printed
        for line in READS:
            assert (line, run(line)[0]) == (line, 0)
    assert run("sync")[0] == 0


@pytest.fixture
def read_only(lost: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The vault in a folder in which this user may read and not write."""
    with tempfile.TemporaryDirectory() as place:
        copy = shutil.copytree(folder, Path(place) / "data")
        for path in (*copy.iterdir(), copy):
            path.chmod(0o500 if path == copy else 0o400)
        monkeypatch.setenv("HLCORE_DATA_DIR", str(copy))
        monkeypatch.setenv("HLCORE_DATABASE_URL", f"sqlite:///{copy}/vault.db")
        is_root = os.geteuid() == 0
        if is_root:  # for whom permissions do not count
            for path in (Path(place), copy, *copy.iterdir()):
                os.chown(path, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        yield
        if is_root:
            os.seteuid(0)
        copy.chmod(0o700)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
def test_a_read_only_folder_is_4(run: Run, lost: str, read_only: None) -> None:
    for line in WRITES:
        code, printed = run(line, lost)
        assert (line, code) == (line, DATABASE), printed
        assert "HLCORE_DATABASE_URL" in printed


def test_a_full_disk_is_4_and_nothing_is_lost(
    run: Run, lost: str, folder: Path, location: SandboxLocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(folder / "vault.db")) as other:
        pages = other.execute("PRAGMA page_count").fetchone()[0]
    location.fill(2_000)
    with monkeypatch.context() as patch:
        patch.setattr(database, "_PRAGMAS", (*database._PRAGMAS, f"max_page_count={pages}"))
        code, printed = run("sync")
        assert code == DATABASE
        assert "disk of the database is full" in printed
        assert run("status")[0] == 0
    assert run("sync")[0] == 0
    assert json.loads(run("status --json")[1])["locations"][0]["contacts"]["present"] == 2_039


@pytest.mark.parametrize("content", [b"this is no database" * 500, b"SQLite format 3\0" + bytes(200) + b"x" * 9_000])
def test_a_broken_database_is_4(run: Run, folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "vault.db").write_bytes(content)
    for line in (*WRITES, *READS, "restore LOST --plan", "worker"):
        code, printed = run(line, "somebody")
        assert (line, code) == (line, DATABASE)
        assert "backup" in printed
    assert (folder / "vault.db").read_bytes() == content


@pytest.mark.parametrize("place", ["a/file/vault.db", "folder"])
def test_a_path_that_is_no_place_for_a_database_is_4(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").touch()
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("HLCORE_DATABASE_URL", f"sqlite:///{tmp_path}/{place}")
    for line in ("status", "sync", "worker"):
        assert (line, run(line)[0]) == (line, DATABASE)


def test_a_postgresql_that_is_out_of_reach_is_4(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HLCORE_DATABASE_URL", "postgresql://sam:hush-5c1f@127.0.0.1:9/vault")
    for line in (*WRITES, *READS, "restore LOST --plan", "worker"):
        code, printed = run(line, "somebody")
        assert (line, code) == (line, DATABASE)
        assert "PostgreSQL runs" in printed
        assert "hush" not in printed


def test_wrong_settings_are_2(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HLCORE_API_URL", "https://hl.test:hush-5c1f")
    for line in (*WRITES, *READS, "worker", "demo"):
        code, printed = run(line, "somebody")
        assert (line, code) == (line, 2)
        assert "HLCORE_API_URL" in printed
        assert "hush" not in printed


def test_a_defect_is_named_by_its_place_and_shows_nobody(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise KeyError("ada@example.org")

    monkeypatch.setattr("hlcore.metrics.overview.status_json", fail)
    code, printed = run("status")
    assert code == ATTENTION
    assert "KeyError at cli/test_faults.py" in printed
    assert "ada@" not in printed
