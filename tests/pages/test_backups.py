"""Backups: how many rows beforehand, a file that is counted and hashed, and a record of it."""

from __future__ import annotations

import hashlib
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from hlcore.app_context import AppContext
from hlcore.errors import NotAllowed
from hlcore.export import ExportMode
from hlcore.runtime import Runtime
from hlcore.store import audit
from hlcore.ui import backups
from hlcore.ui.backups import CHOICES, RunningExport, size_text
from tests.conftest import Cast
from tests.pages.conftest import DENTAL, MARA, frame, sign_in, text_of


def backups_page(app: AppTest) -> AppTest:
    return app.run().switch_page("backups.py").run()


def finished(page: AppTest) -> RunningExport:
    """The file of this session, finished."""
    running: RunningExport = page.session_state["backup_making"]
    end = time.monotonic() + 30
    while not running.done and time.monotonic() < end:
        time.sleep(0.01)
    page.run()
    return running


def test_every_kind_tells_its_rows_beforehand(app: AppTest) -> None:
    page = backups_page(app)
    captions = dict(zip(CHOICES, page.radio(key="what").proto.captions, strict=True))
    assert captions["all"].startswith("60 rows")
    assert captions["living"].startswith("54 rows")
    assert captions["gone"].startswith("6 rows")
    assert captions["risk"].startswith("4 rows")
    assert captions["register"].startswith("7 rows")
    assert captions["notes"].startswith("no rows")


@pytest.mark.parametrize("what", list(CHOICES))
def test_the_rows_told_are_the_rows_of_the_file(app: AppTest, what: str) -> None:
    page = backups_page(app)
    caption = page.radio(key="what").proto.captions[list(CHOICES).index(what)].split(" row")[0]
    page.radio(key="what").set_value(what).run()
    page.button(key="make").click().run()
    manifest = finished(page).manifest
    assert manifest
    assert manifest.rows == (0 if caption == "no" else int(caption.replace(",", "")))


def test_rows_size_and_hash_of_the_file_are_shown_and_true(app: AppTest) -> None:
    page = backups_page(app)
    page.button(key="make").click().run()
    file = finished(page)
    assert file.manifest
    data = file.path.read_bytes()
    assert page.code[0].value == hashlib.sha256(data).hexdigest() == file.manifest.sha256
    assert ("Rows", "60") in [(metric.label, metric.value) for metric in page.metric]
    assert data.startswith(b"\xef\xbb\xbf")


def test_one_account_and_exact_values_on_wish(app: AppTest) -> None:
    app.query_params["location"] = DENTAL
    page = backups_page(app)
    page.radio(key="mode").set_value(ExportMode.EXACT)
    page.checkbox(key="bom").uncheck()
    page.button(key="make").click().run()
    header, *lines = finished(page).path.read_text(encoding="utf-8").splitlines()
    assert "raw" in header.split(",")
    assert len(lines) == 30
    assert page.session_state["backup_making"].file_name.endswith("-exact.csv")


def test_every_file_is_listed_with_its_hash(app: AppTest, context: AppContext) -> None:
    page = backups_page(app)
    page.button(key="make").click().run()
    file = finished(page)
    assert file.manifest
    assert file.manifest.sha256 in text_of(page)
    with context.vault.read() as tx:
        assert audit.list_entries(tx, limit=1, offset=0)[0].detail["rows"] == 60


def test_nothing_downloaded_yet_is_said(app: AppTest) -> None:
    assert "Nothing has been downloaded yet" in text_of(backups_page(app))


def test_without_an_account_there_is_nothing_to_take_away(empty_runtime: Runtime) -> None:
    assert "Nothing to take away yet" in text_of(backups_page(frame()))


def test_a_viewer_is_told_why_not(runtime: Runtime) -> None:
    page = backups_page(sign_in(frame(), MARA))
    assert page.button(key="make").disabled
    assert "Your role may look, not download." in text_of(page)


def test_a_viewer_is_refused_behind_the_page_too(
    runtime: Runtime, context: AppContext, cast: Cast, tmp_path: Path
) -> None:
    file = RunningExport(CHOICES["all"], "all.csv", tmp_path / "all.csv", context.clock.now())
    backups.write_export(context, file, CHOICES["all"].selection([]), ExportMode.SAFE, bom=True, user=cast.mara)
    assert isinstance(file.error, NotAllowed)
    assert not file.path.exists()


def test_a_file_that_is_stopped_leaves_nothing_behind(context: AppContext, cast: Cast, tmp_path: Path) -> None:
    file = RunningExport(CHOICES["all"], "all.csv", tmp_path / "all.csv", context.clock.now())
    selection = CHOICES["all"].selection([])
    backups.write_export(context, file, selection, ExportMode.SAFE, bom=True, user=cast.sam, stop=lambda: True)
    assert file.error
    assert not list(tmp_path.glob("*.*"))


def test_files_are_removed_after_a_day(context: AppContext) -> None:
    old, young = (backups.export_folder(context) / name for name in ("old.csv", "young.csv"))
    for path, age in ((old, timedelta(hours=25)), (young, timedelta(hours=23))):
        path.write_text("x")
        at = time.time() - age.total_seconds()
        os.utime(path, (at, at))
    backups.export_folder(context)
    assert (old.exists(), young.exists()) == (False, True)


@pytest.mark.parametrize(
    ("size", "words"), [(1, "1 byte"), (999, "999 bytes"), (1500, "1.5 kB"), (3_400_000, "3.4 MB"), (2e12, "2000.0 GB")]
)
def test_sizes_are_readable(size: int, words: str) -> None:
    assert size_text(int(size)) == words
