"""The one process: its start, its end, the demo beside the real vault, its health."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from streamlit.testing.v1 import AppTest

from hlcore import log_privacy
from hlcore.app_context import AppContext
from hlcore.errors import StoreError, TokenRefused, VaultMissing
from hlcore.governance.roles import Role, User
from hlcore.model.callbacks import Progress
from hlcore.runtime import Runtime, StartupStage, StartupStatus, set_runtime
from hlcore.sandbox import Sandbox
from hlcore.store import database, locations
from hlcore.store.encryption import Cipher
from hlcore.ui import account_tasks, server
from hlcore.worker.background import BackgroundTasks
from tests.pages.conftest import FRAME, HARBOR, OTTO, frame, settings_for, sign_in, text_of
from tests.pages.conftest import SAM as SIGNED_IN

SAM = User("sam@example.com", "Sam", Role.RESTORER, "oidc")


def wait_for(answer: Callable[[], bool]) -> None:
    """Until it is so; half a minute at most."""
    until = time.monotonic() + 30
    while not answer() and time.monotonic() < until:
        threading.Event().wait(0.02)
    assert answer()


def test_the_vault_opens_in_the_background(tmp_path: Path) -> None:
    runtime = Runtime(settings_for(tmp_path))
    runtime.start()
    wait_for(lambda: runtime.startup_status.stage is StartupStage.READY)
    assert runtime.context is runtime.real_context
    runtime.stop()


def test_a_database_that_cannot_be_reached_is_said_and_tried_again(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    runtime = Runtime(settings_for(tmp_path, database_url=f"sqlite:///{blocked}/vault.db"))
    runtime.start()
    wait_for(lambda: runtime.startup_status.stage is StartupStage.FAILED)
    assert isinstance(runtime.startup_status.error, StoreError)
    assert server.health(runtime)["status"] == "failed"
    runtime.stop()


def test_the_worker_gives_signs_of_life_and_stops(tmp_path: Path) -> None:
    runtime = Runtime(settings_for(tmp_path, worker="on"))
    runtime.start()
    wait_for(lambda: server.health(runtime)["worker_beat_seconds"] is not None)
    runtime.stop()
    assert runtime.worker
    assert not runtime.worker._thread.is_alive()


def test_a_token_of_the_settings_that_is_refused_is_kept_as_trouble(
    tmp_path: Path, api_url: str, highlevel: Sandbox
) -> None:
    runtime = Runtime(settings_for(tmp_path, api_url=api_url, location_id=HARBOR, token="pit-wrong", demo="auto"))
    runtime.start()
    wait_for(lambda: runtime.startup_status.stage is StartupStage.READY)
    assert isinstance(runtime.connection_error, TokenRefused)
    assert not runtime.shows_demo
    runtime.stop()


def test_a_database_that_is_gone_beside_its_key_is_said_and_shows_no_demo(
    tmp_path: Path, empty_runtime: Runtime
) -> None:
    settings = settings_for(tmp_path / "lost", demo="auto")
    Cipher.load("", settings.data_dir)
    runtime = Runtime(settings)
    runtime.start()
    wait_for(lambda: runtime.startup_status.stage is StartupStage.FAILED)
    set_runtime(runtime)
    assert isinstance(runtime.startup_status.error, VaultMissing)
    assert "begin with an empty vault on purpose" in text_of(frame().run())
    assert runtime.context is None
    assert not (settings.data_dir / "demo").exists()
    runtime.stop()


def test_health_holds_no_personal_data(runtime: Runtime) -> None:
    result = server.health(runtime)
    assert (result["status"], result["database"], result["worker"]) == ("ok", True, "off")
    assert set(result) == {"status", "version", "database", "worker", "worker_beat_seconds", "demo"}
    assert "example" not in json.dumps(result)


@pytest.fixture
def demo_runtime(tmp_path: Path, api_url: str, context: AppContext) -> Runtime:
    """A process that shows a demo beside a vault to which no account was ever connected."""
    runtime = Runtime(
        settings_for(tmp_path, api_url=api_url), context=AppContext.open(settings_for(tmp_path, api_url=api_url))
    )
    runtime._shown = context
    set_runtime(runtime)
    return runtime


def test_the_demo_is_marked_on_every_page(demo_runtime: Runtime) -> None:
    page = frame().run()
    assert "Demo" in text_of(page)
    assert "Connect your account" in str([link.proto for link in page.get("page_link")])


def test_connecting_from_the_demo_shows_the_real_vault(demo_runtime: Runtime, highlevel: Sandbox) -> None:
    account_tasks.connect(demo_runtime, SAM, HARBOR, f"pit-{HARBOR}")
    assert not demo_runtime.shows_demo
    assert demo_runtime.context
    with demo_runtime.context.vault.read() as tx:
        assert [result.location_id for result in locations.list_all(tx)] == [HARBOR]


def test_the_start_up_screen_shows_how_far_it_is(tmp_path: Path, runtime: Runtime) -> None:
    starting = Runtime(settings_for(tmp_path))
    starting._startup_status = StartupStatus(StartupStage.BUILDING, Progress("Living through sixty days", 15, 60))
    set_runtime(starting)
    page = frame().run()
    assert [title.value for title in page.title] == ["One moment"]
    assert not page.metric
    set_runtime(runtime)


def test_a_failed_start_says_what_to_do(tmp_path: Path, runtime: Runtime) -> None:
    starting = Runtime(settings_for(tmp_path))
    starting._startup_status = StartupStatus(StartupStage.FAILED, Progress("Opening"), StoreError("The disk is full."))
    set_runtime(starting)
    page = frame().run()
    assert "The disk is full" in page.error[0].value
    assert "HLCORE\\_DATABASE\\_URL" in page.error[0].value
    set_runtime(runtime)


def test_an_error_of_the_database_is_shown_calmly(app: AppTest, context: AppContext) -> None:
    context.vault.close()
    Path(str(context.settings.database_url).removeprefix("sqlite:///")).write_bytes(b"this is not a database" * 100)
    page = app.run()
    assert not page.exception
    assert page.error


def test_only_one_job_of_a_key_runs_at_a_time() -> None:
    tasks, gate = BackgroundTasks(), threading.Event()
    assert tasks.start("one", lambda stop: _wait(gate))
    assert not tasks.start("one", lambda stop: None)
    gate.set()
    wait_for(lambda: not tasks.running("one"))
    assert tasks.start("one", lambda stop: None)


def test_a_job_keeps_the_error_that_ended_it() -> None:
    tasks = BackgroundTasks()

    def fail(stop: Callable[[], bool]) -> None:
        raise ValueError("ada@example.org")

    tasks.start("one", fail)
    wait_for(lambda: not tasks.running("one"))
    task = tasks.get("one")
    assert task
    assert "ada@example.org" not in str(task.error)


def test_stopping_asks_every_job() -> None:
    tasks = BackgroundTasks()

    def until_asked(stop: Callable[[], bool]) -> None:
        while not stop():
            threading.Event().wait(0.01)

    tasks.start("one", until_asked)
    tasks.stop()
    assert not tasks.running("one")


def test_the_log_of_an_unexpected_error_names_the_place_and_no_data() -> None:
    record = _record_of(KeyError("ada@example.org"))
    assert log_privacy.PersonalDataFilter().filter(record)
    text = logging.Formatter().format(record)
    assert "ada@example.org" not in text
    assert "KeyError at" in text


def _record_of(error: Exception) -> logging.LogRecord:
    try:
        raise error
    except type(error) as caught:
        result = (type(caught), caught, caught.__traceback__)
        return logging.LogRecord("x", logging.ERROR, "x", 1, "Uncaught", None, result)


def _wait(gate: threading.Event) -> None:
    gate.wait(30)


PAGES = sorted(page.name for page in FRAME.parent.glob("[!_]*.py"))


@pytest.mark.parametrize("fault", ["broken", "out of reach"])
def test_under_a_fault_of_the_database_every_page_says_what_helps(
    runtime: Runtime, context: AppContext, tmp_path: Path, fault: str
) -> None:
    context.vault.close()
    if fault == "broken":
        (context.settings.data_dir / "vault.db").write_bytes(b"this is not a database" * 1_000)
    else:
        context.vault._engine = create_engine("postgresql+psycopg://sam:hush@127.0.0.1:9/vault")
        context.vault.dialect = "postgresql"
    for page in PAGES:
        app = frame().run()
        if page != "overview.py":
            app.switch_page(page).run()
        assert not app.exception, page
        assert app.error, page
        assert "backup" in app.error[0].value or "PostgreSQL runs" in app.error[0].value
        assert "hush" not in text_of(app)
        assert "Traceback" not in text_of(app)


def test_while_the_database_is_locked_nobody_enters_unrecorded(
    runtime: Runtime, context: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = tuple("busy_timeout=0" if "busy" in pragma else pragma for pragma in database._PRAGMAS)
    with monkeypatch.context() as patch, closing(sqlite3.connect(context.settings.data_dir / "vault.db")) as other:
        patch.setattr(database, "_PRAGMAS", at_once)
        context.vault.close()  # new connections do not wait for the lock
        other.execute("BEGIN IMMEDIATE")
        app = sign_in(frame(), SIGNED_IN).run()
        assert not app.exception
        assert "Another process" in app.error[0].value
        assert not app.metric
        stranger = sign_in(frame(), OTTO).run()
        assert [title.value for title in stranger.title] == ["You cannot enter yet"]
        local = frame().run()
        assert not local.exception
        assert local.title
    context.vault.close()
    assert not sign_in(frame(), SIGNED_IN).run().error
