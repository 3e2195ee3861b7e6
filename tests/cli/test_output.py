"""What commands print: readable in every code page, literal, and quiet when nobody reads it any more."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hlcore.app_context import AppContext
from hlcore.cli.console import app, main
from hlcore.model.contact import parse_contact
from hlcore.settings import Settings
from hlcore.store import locations
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.deletions import queries, register

ROOT = Path(__file__).parents[2]
LOCATION, GONE = "locOutput00000000001", "gone1"
NAME = "אבי 😀 [/b] [red]x \x1b[31m \ud83d"
CODE_PAGES = ["cp1252", "ascii", "utf-16"]
Run = Callable[..., tuple[int, bytes, bytes]]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vault with one deleted person whose name is a trial for terminals."""
    folder = tmp_path_factory.mktemp("output")
    context = AppContext.open(Settings(data_dir=folder, database_url=f"sqlite:///{folder}/vault.db"))
    at, raw = datetime.now(UTC), json.dumps({"id": GONE, "firstName": NAME, "tags": [NAME]}).encode()
    with context.vault.write() as tx:
        locations.connect(tx, LOCATION, name=NAME, timezone="UTC", company_id="", token=b"x", at=at, raw=None)
        contact_writes.insert_contacts(tx, LOCATION, [parse_contact(raw)], at=at)
        register.mark_suspected(tx, LOCATION, [(GONE, at)], at=at, detected_by="listing")
        row = queries.list_for_contact(tx, LOCATION, GONE)[-1].disappearance_id
        register.confirm(tx, row, at=at, status="deleted", cause="unknown", evidence=NAME)
    context.close()
    return folder


@pytest.fixture
def vault_folder(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that vault, named by the environment; HighLevel cannot be reached."""
    shutil.copytree(prepared, tmp_path / "data")
    monkeypatch.setenv("HLCORE_API_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HLCORE_DATABASE_URL", f"sqlite:///{tmp_path}/data/vault.db")
    monkeypatch.setenv("HLCORE_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def run(vault_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command with streams in this code page: exit code, standard output, standard error."""

    def run(*words: str, code_page: str = "utf-8") -> tuple[int, bytes, bytes]:
        out, err, code = io.BytesIO(), io.BytesIO(), 0
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(out, encoding=code_page))
        monkeypatch.setattr("sys.stderr", io.TextIOWrapper(err, encoding=code_page))
        try:
            main(lambda: app(list(words), standalone_mode=True))
        except SystemExit as exc:
            code = int(exc.code or 0)
        sys.stderr.flush()
        return code, out.getvalue(), err.getvalue()

    return run


@pytest.mark.parametrize("code_page", CODE_PAGES)
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["deletions"], 0),
        (["status"], 0),
        (["show", GONE], 0),
        (["verify"], 0),
        (["--help"], 0),
        (["restore", "--help"], 0),
        (["show", NAME.encode("utf-8", "replace").decode()], 2),
        (["nothing"], 2),
        (["watch"], 2),
    ],
    ids=lambda value: " ".join(value)[:16] if isinstance(value, list) else "",
)
def test_text_is_printed_in_every_code_page(run: Run, words: list[str], code: int, code_page: str) -> None:
    result, out, err = run(*words, code_page=code_page)
    assert result == code, err.decode(code_page)
    assert (out + err).strip()
    out.decode(code_page)
    assert "Traceback" not in err.decode(code_page)


@pytest.mark.parametrize("code_page", CODE_PAGES)
@pytest.mark.parametrize("words", [["deletions"], ["show", GONE], ["status"]], ids=lambda words: words[0])
def test_json_keeps_every_character_in_every_code_page(run: Run, words: list[str], code_page: str) -> None:
    _, out, _ = run(*words, "--json", code_page=code_page)
    assert "אבי 😀 [/b]" in json.dumps(json.loads(out.decode(code_page)), ensure_ascii=False)


def test_a_name_is_no_command_to_the_terminal_and_no_format(run: Run) -> None:
    _, out, _ = run("deletions")
    text = out.decode()
    assert "\x1b" not in text
    assert "[/b]" in text
    assert "[red]x" in text


def test_the_list_of_deletions_says_what_was_never_captured(run: Run) -> None:
    _, out, _ = run("deletions")
    assert "What belonged to them (notes, tasks, opportunities and so on) is known for 0 of 1." in out.decode()


@pytest.mark.parametrize("code_page", ["ascii", "utf-16"])
def test_an_export_to_standard_output_is_utf_8_whatever_the_terminal(run: Run, code_page: str) -> None:
    code, out, err = run("export", "contacts", "--out", "-", "--mode", "exact", code_page=code_page)
    assert code == 0
    (row,) = csv.DictReader(io.StringIO(out.decode("utf-8"), newline=""))
    assert row["id"] == GONE
    assert "1 row," in err.decode(code_page)


def test_an_export_into_a_pipe_leaves_the_pipe_in_place(run: Run, vault_folder: Path) -> None:
    pipe = vault_folder / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run("export", "contacts", "--out", str(pipe))[0] == 0
        assert os.read(reader, 100_000).startswith(b"id,")
    finally:
        os.close(reader)
    assert pipe.is_fifo()


@pytest.fixture
def closed_pipe() -> Iterator[int]:
    """The writing end of a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    with suppress(OSError):
        os.close(writer)


@pytest.mark.parametrize(
    "words", [["deletions"], ["show", GONE, "--json"], ["export", "contacts", "--out", "-"]], ids=" ".join
)
def test_whoever_stops_reading_ends_the_command_quietly(vault_folder: Path, closed_pipe: int, words: list[str]) -> None:
    command = [sys.executable, "-m", "hlcore", *words]
    done = subprocess.run(command, cwd=ROOT, stdout=closed_pipe, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (141, b"")


def test_without_any_output_the_command_is_done_all_the_same(vault_folder: Path) -> None:
    command = f'"{sys.executable}" -m hlcore deletions >&- 2>&-'
    assert subprocess.run(command, cwd=ROOT, shell=True, check=False).returncode == 0
