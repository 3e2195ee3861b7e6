"""An export is allowed, whole, hashed and recorded, or there is none."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from hlcore.errors import Cancelled, ExportError, NotAllowed, NotFound, StoreError
from hlcore.export import ExportKind, ExportMode, ExportSelection, export_csv, export_file, export_table, rows_to_csv
from hlcore.model.callbacks import Progress
from hlcore.store import audit
from hlcore.store.audit import AuditEntry
from tests.export.conftest import AGENCY, Story, read

ALL = ExportSelection(ExportKind.CONTACTS)


def lines(story: Story) -> list[AuditEntry]:
    with story.vault.read() as tx:
        return audit.list_entries(tx, limit=10)


def save(story: Story, path: Path, **more: Any) -> Any:
    return export_file(story.vault, more.pop("selection", ALL), path, **{"user": story.user, "now": story.now, **more})


def test_the_manifest_is_that_of_the_bytes(story: Story) -> None:
    story.add("c1", firstName="Zoë")
    data, manifest = story.file()
    assert manifest.to_json() == {"rows": 1, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_lines_end_as_rfc_4180_says_and_the_text_is_utf_8(story: Story) -> None:
    story.add("c1", firstName="Zoë")
    data, _ = story.file()
    assert data.count(b"\r\n") == data.count(b"\n") == 2
    assert "Zoë" in data.decode("utf-8")


def test_an_empty_vault_gives_a_header(story: Story) -> None:
    data, manifest = story.file()
    assert manifest.rows == 0
    assert data.startswith(b"id,locationId,name,firstName,lastName,email,phone,")


def test_a_byte_order_mark_only_on_request(story: Story) -> None:
    out = io.BytesIO()
    manifest = export_csv(story.vault, ALL, out, bom=True, user=story.user, now=story.now)
    assert out.getvalue().startswith(b"\xef\xbb\xbfid,")
    assert manifest.sha256 == hashlib.sha256(out.getvalue()).hexdigest()
    assert story.file()[0].startswith(b"id,")


def test_the_export_is_recorded_with_counts_and_without_personal_data(story: Story) -> None:
    story.add("c1", lastName="Ruiz")
    _, manifest = story.file(mode=ExportMode.SAFE, location_ids=[AGENCY], text="ruiz", contact_ids=["c1"])
    (line,) = lines(story)
    assert (line.act, line.actor, line.outcome, line.location_id) == ("export", "sam@example.com", "done", AGENCY)
    assert line.subject == "contacts"
    assert line.detail | {"rows": 1, "sha256": manifest.sha256, "mode": "safe", "chosen": 1} == line.detail
    assert "ruiz" not in repr(line).lower()


def test_a_viewer_gets_no_file_and_it_is_recorded(story: Story, cast: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(NotAllowed):
        save(story, path, user=cast.mara)
    assert list(tmp_path.glob("*.csv*")) == []
    assert [(line.outcome, line.actor) for line in lines(story)] == [("refused", "mara@example.com")]


def test_a_file_stands_whole_at_its_place_and_only_this_user_may_read_it(story: Story, tmp_path: Path) -> None:
    story.add("c1")
    path = tmp_path / "a.csv"
    path.write_text("old")
    manifest = save(story, path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == manifest.sha256
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir() if "csv" in each.name] == ["a.csv"]


def test_a_cancelled_export_leaves_what_was_there(story: Story, tmp_path: Path) -> None:
    story.add("c1")
    path = tmp_path / "a.csv"
    path.write_text("old")

    def stop(progress: Progress) -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        save(story, path, listener=stop)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir() if "csv" in each.name] == ["a.csv"]
    assert [(line.outcome, line.detail["error"]) for line in lines(story)] == [("stopped", "Cancelled")]


def test_no_file_appears_that_could_not_be_recorded(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **more: Any) -> None:
        raise StoreError("The disk of the database is full.")

    monkeypatch.setattr(audit, "append", full)
    with pytest.raises(StoreError):
        save(story, tmp_path / "a.csv")
    assert list(tmp_path.glob("*.csv*")) == []


@pytest.mark.parametrize(
    ("path", "hint"), [("missing/a.csv", "does not exist"), (".", "name a file"), ("file/a.csv", "is a file")]
)
def test_a_path_that_cannot_be_written_is_explained(story: Story, tmp_path: Path, path: str, hint: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError) as caught:
        save(story, tmp_path / path)
    assert hint in caught.value.hint
    assert str(tmp_path) not in str(caught.value)


def test_a_full_disk_is_explained(story: Story) -> None:
    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(ExportError, match="No space left") as caught:
        export_csv(story.vault, ALL, Full(), user=story.user, now=story.now)
    assert "free some space" in caught.value.hint
    assert [line.outcome for line in lines(story)] == ["failed"]


def test_an_account_that_is_not_held_is_not_found(story: Story) -> None:
    with pytest.raises(NotFound):
        story.file(location_ids=[AGENCY, "elsewhere"])


def test_whoever_waits_is_told(story: Story) -> None:
    for number in range(3):
        story.add(f"c{number}")
    told: list[Progress] = []
    export_csv(story.vault, ALL, io.BytesIO(), user=story.user, now=story.now, listener=told.append)
    assert [each.stage for each in told] == ["Reading", "Written"]
    assert (told[-1].done, told[-1].total) == (3, 3)


def test_a_small_table_follows_the_same_rules() -> None:
    data = rows_to_csv(["=name", "n"], [["=1+1", -1], ["a\r\nb", None], ["x", True]])
    assert read(data) == [
        {"'=name": "'=1+1", "n": "-1"}, {"'=name": "a\r\nb", "n": ""}, {"'=name": "x", "n": "true"},
    ]  # fmt: skip


def test_a_table_that_leaves_is_recorded_with_its_rows(story: Story) -> None:
    rows = [["a\r\nb"], ["c"]]
    data = export_table(story.vault, ["x"], rows, subject="runs", user=story.user, now=story.now)
    assert data.startswith(b"\xef\xbb\xbfx\r\n")
    (line,) = lines(story)
    assert (line.subject, line.detail["rows"], line.detail["bytes"]) == ("runs", 2, len(data))


def test_a_viewer_gets_no_table(story: Story, cast: Any) -> None:
    with pytest.raises(NotAllowed):
        export_table(story.vault, ["x"], [], subject="runs", user=cast.cora, now=story.now)
