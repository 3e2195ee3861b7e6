"""The command line's contract: names, keys and exit codes, against the sandbox over real HTTP."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hlcore.cli.console import app, main, print_json
from hlcore.sandbox import Sandbox, SandboxLocation, serve

ROOT = Path(__file__).parents[2]
LOCATION = "locCli00000000000001"
RUN_KEYS = {
    "location_id", "outcome", "reason", "seen", "added", "changed", "suspected", "deleted", "returned", "requests",
    "seconds",
}  # fmt: skip
DELETION_KEYS = {
    "location_id", "contact_id", "name", "email", "phone", "status", "cause", "evidence", "deleted_at", "last_seen_at",
    "detected_at", "window_ends_at", "days_left",
}  # fmt: skip


@dataclass
class Shell:
    """Runs commands as a shell would; gives the exit code, the JSON on standard output and the other stream."""

    location: SandboxLocation
    read: Callable[[], Any]

    def __call__(self, *words: str) -> tuple[int, Any, str]:
        code = 0
        try:
            main(lambda: app([*words, "--json"], standalone_mode=True))
        except SystemExit as exc:
            code = int(exc.code or 0)
        output = self.read()
        return code, json.loads(output.out) if output.out.strip() else None, output.err


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """60 people on the sandbox, and nothing but the four documented settings."""
    sandbox = Sandbox(lambda: datetime.now(UTC), seed=2)
    location = sandbox.add_location(LOCATION, "Shell & Co", token="pit-cli")
    location.fill(60)
    with serve(sandbox) as server:
        monkeypatch.setenv("HLCORE_API_URL", server.url)
        monkeypatch.setenv("HLCORE_LOCATION_ID", LOCATION)
        monkeypatch.setenv("HLCORE_TOKEN", "pit-cli")
        monkeypatch.setenv("HLCORE_DATABASE_URL", f"sqlite:///{tmp_path}/vault.db")
        monkeypatch.setenv("HLCORE_DATA_DIR", str(tmp_path))
        yield Shell(location, capsys.readouterr)


def test_sync_needs_only_the_four_settings(shell: Shell) -> None:
    code, output, _ = shell("sync")
    assert code == 0
    assert set(output["runs"][0]) == RUN_KEYS
    assert (output["runs"][0]["outcome"], output["runs"][0]["seen"]) == ("complete", 60)


def test_the_way_of_a_deleted_contact(shell: Shell) -> None:
    """Noticed, listed, shown, planned, re-created, verified."""
    shell("sync")
    lost = next(iter(shell.location.contacts))
    shell.location.delete(lost)
    assert shell("sync")[1]["runs"][0]["deleted"] == 1
    result = shell("deletions")[1]["deletions"]
    assert [row["contact_id"] for row in result] == [lost]
    assert set(result[0]) >= DELETION_KEYS
    assert shell("show", lost)[1]["status"] == "deleted"
    planned = shell("restore", lost, "--plan")[1]
    assert [item["action"] for item in planned["items"]] == ["use_native"]
    code, done, _ = shell("restore", lost, "--yes", "--path", "recreate")
    item = done["items"][0]
    assert (item["outcome"], item["verified"]) == ("recreated", True), item
    assert item["new_id"] in shell.location.contacts
    assert code == 0
    assert shell("status")[1]["locations"][0]["contacts"] == {"present": 60, "suspected": 0, "deleted": 0}


@pytest.fixture
def lost(shell: Shell) -> str:
    """Somebody who was copied, deleted and noticed; the id."""
    contact_id = shell.location.create(firstName="=Zoe", email="zoe@example.com", city="Kiel")
    shell("sync")
    shell.location.delete(contact_id)
    shell("sync")
    return contact_id


def test_the_plan_can_be_written_as_a_csv_that_is_safe_to_open(shell: Shell, lost: str, tmp_path: Path) -> None:
    out = tmp_path / "plan.csv"
    assert shell("restore", lost, "--plan", "--path", "recreate", "--csv", str(out), "--leave-out", "city")[0] == 0
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = {row["field"]: row for row in csv.DictReader(file)}
    assert (rows["firstName"]["last_copy"], rows["firstName"]["will_be_written"]) == ("'=Zoe", "'=Zoe")
    assert (rows["city"]["will_be_written"], rows["city"]["not_written_because"]) == ("", "left out, as you asked")
    assert rows["email"]["path"] == "recreate"
    assert float(rows["email"]["seconds"]) > 0
    assert "left out, as you asked: city" in rows["email"]["fidelity"]


def test_choices_are_one_json_value_or_a_file_that_holds_it(shell: Shell, lost: str, tmp_path: Path) -> None:
    choices_file = tmp_path / "choices.json"
    choices_file.write_text(json.dumps({"leave_out_of": {lost: ["city"]}}))
    plan = shell("restore", lost, "--plan", "--path", "recreate", "--choices", f"@{choices_file}")[1]
    assert plan["items"][0]["left_out"] == ["city"]
    assert plan["questions"] == []
    code, done, _ = shell("restore", lost, "--yes", "--path", "recreate", "--choices", '{"leave_out": ["city"]}')
    assert (code, done["items"][0]["left_out"], done["items"][0]["verified"]) == (0, ["city"], True)
    assert "city" not in shell.location.contacts[done["items"][0]["new_id"]]


@pytest.mark.parametrize(
    "words",
    [
        ("--leave-out", "dndSettings"),
        ("--choices", '{"leave_out": ["nothing"]}'),
        ("--choices", '{"unheard": 1}'),
        ("--choices", '{"tags": "maybe"}'),
        ("--choices", "[]"),
        ("--choices", "@/nowhere/at/all"),
    ],
)
def test_choices_that_make_no_sense_are_wrong_use(shell: Shell, words: tuple[str, str]) -> None:
    code, _, output = shell("restore", "somebody", "--plan", *words)
    assert code == 2
    assert words[0] in output


def test_watch_speaks_like_sync(shell: Shell) -> None:
    shell("sync")
    assert set(shell("watch")[1]["runs"][0]) == RUN_KEYS


def test_export_prints_its_manifest(shell: Shell, tmp_path: Path) -> None:
    shell("sync")
    out = tmp_path / "contacts.csv"
    code, output, _ = shell("export", "contacts", "--out", str(out), "--mode", "exact")
    assert (code, output["rows"], output["bytes"]) == (0, 60, out.stat().st_size)


def test_verify_finds_a_sound_vault_sound(shell: Shell) -> None:
    shell("sync")
    assert shell("verify", "--live")[1]["ok"] is True


def test_capture_tells_what_is_safe(shell: Shell) -> None:
    shell("sync")
    output = shell("capture", "--max-requests", "30")[1]
    assert {"requests", "captured", "coverage", "done_by"} <= set(output)
    assert output["requests"] <= 30


@pytest.mark.parametrize(
    ("fault", "code"), [("token_revoked", 3), ("ends_early", 1)], ids=["refused is 3", "incomplete is 1"]
)
def test_exit_codes_of_a_troubled_round(shell: Shell, fault: str, code: int) -> None:
    shell("sync")
    shell.location.faults.on(fault, **({"after": 0} if fault == "ends_early" else {}))
    result, output, err = shell("sync")
    assert result == code
    assert output["runs"][0]["reason"]
    assert LOCATION in err


def test_wrong_use_is_2(shell: Shell) -> None:
    assert shell("show", "nobody")[0] == 2
    assert shell("export", "everything", "--out", "x")[0] == 2


def test_a_wrong_token_is_3_and_is_never_repeated(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HLCORE_TOKEN", "pit-wrong-secret")
    code, output, err = shell("sync")
    assert code == 3
    assert output["runs"][0]["outcome"] == "refused"
    assert "pit-wrong-secret" not in json.dumps(output) + err


@pytest.mark.parametrize("text", ["Zoë 😀", "Zoë \ud83d"], ids=["letters", "half an emoji"])
def test_whatever_a_text_holds_it_is_printed_as_json(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "printed.json").open("w", encoding="utf-8") as printed:
        monkeypatch.setattr("sys.stdout", printed)
        print_json({"name": text})
    assert json.loads((tmp_path / "printed.json").read_bytes()) == {"name": text}


@pytest.mark.parametrize("code_page", ["cp1252", "ascii", "cp437"])
def test_names_that_the_terminal_cannot_show_are_replaced(shell: Shell, code_page: str) -> None:
    gone = shell.location.create(firstName="אבי 😀", email="avi@example.org")
    shell("sync")
    shell.location.delete(gone)
    shell("sync")
    environment = {**os.environ, "PYTHONIOENCODING": code_page}
    for words in (["deletions"], ["show", gone], ["restore", gone, "--plan"]):
        command = [sys.executable, "-m", "hlcore", *words]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        assert b"Traceback" not in done.stderr
        assert done.stdout.decode(code_page)


def test_a_lost_vault_and_a_lost_key_are_said_and_replaced_on_request_only(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shell("sync")[0] == 0
    (tmp_path / "vault.db").unlink()
    code, _, error = shell("status")
    assert (code == 4, "new-vault" in error) == (True, True)
    assert not (tmp_path / "vault.db").exists()
    assert shell("new-vault", "--yes")[:2] == (0, {"new_vault": True})
    assert shell("new-vault", "--yes")[0] == 2
    assert shell("sync")[1]["runs"][0]["added"] == 60
    (key,) = tmp_path.rglob("secret.key")
    key.unlink()
    code, _, error = shell("status")
    assert (code, "new-key" in error, key.exists()) == (2, True, False)
    assert shell("new-key", "--yes")[:2] == (0, {"new_key": True})
    assert shell("new-key", "--yes")[0] == 2
    monkeypatch.setattr("sys.stdin", io.StringIO("pit-cli"))
    assert shell("connect", LOCATION)[0] == 0
    assert shell("sync")[1]["runs"][0]["outcome"] == "complete"
