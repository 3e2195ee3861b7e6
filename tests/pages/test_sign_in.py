"""Who may enter: nobody sees a contact before the app knows who is looking."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest

from hlcore.app_context import AppContext
from hlcore.runtime import Runtime
from hlcore.store import audit
from hlcore.ui.activity import subject_text
from tests.pages.conftest import FRAME, MARA, NOBODY, OTTO, SAM, frame, settings_for, sign_in, text_of

PAGES = sorted(page.name for page in FRAME.parent.glob("[!_]*.py"))


@pytest.mark.parametrize("page", PAGES)
def test_local_mode_opens_every_page(app: AppTest, page: str) -> None:
    app.run()
    if page != "overview.py":
        app.switch_page(page).run()
    assert not app.exception
    assert not app.error
    assert len(app.title) == 1
    assert app.title[0].value not in ("Sign in", "Sign-in is not set up")


@pytest.mark.parametrize("page", PAGES)
def test_signed_out_every_page_is_only_the_sign_in_form(runtime: Runtime, page: str) -> None:
    app = sign_in(frame(), NOBODY).run()
    if page != "overview.py":
        app.switch_page(page).run()
    assert [title.value for title in app.title] == ["Sign in"]
    assert "Sample" not in text_of(app)
    assert not app.dataframe
    assert not app.metric


@pytest.mark.parametrize("page", PAGES)
def test_on_another_address_without_sign_in_nothing_but_the_instruction(runtime: Runtime, page: str) -> None:
    config.set_option("server.address", "0.0.0.0")
    app = frame().run()
    if page != "overview.py":
        app.switch_page(page).run()
    assert [title.value for title in app.title] == ["Sign-in is not set up"]
    assert "HLCORE_ALLOWED_EMAILS" in text_of(app)
    assert "example.org" not in text_of(app)
    assert not app.dataframe


def test_an_unset_address_means_every_address(runtime: Runtime) -> None:
    config.set_option("server.address", None)
    app = frame().run()
    assert [title.value for title in app.title] == ["Sign-in is not set up"]


def test_a_connection_from_another_machine_meets_the_instruction(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hlcore.ui.session.remote_address", lambda: "192.168.1.20")
    assert [title.value for title in frame().run().title] == ["Sign-in is not set up"]


def test_local_mode_can_be_switched_off(tmp_path: Path, runtime: Runtime) -> None:
    runtime.settings = settings_for(tmp_path, local_mode="off")
    app = frame().run()
    assert [title.value for title in app.title] == ["Sign-in is not set up"]
    assert "HLCORE_LOCAL_MODE" in text_of(app)


@pytest.mark.parametrize("content", ["[auth\nclient_id = 'x'", "\x00", "[auth]\nclient_id = 'a'\nclient_id = 'b'"])
def test_secrets_that_cannot_be_read_open_nothing(
    tmp_path: Path, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    (tmp_path / "secrets.toml").write_text(content)
    monkeypatch.setattr(st.secrets, "_secrets", None)
    files = config.get_option("secrets.files")
    config.set_option("secrets.files", [str(tmp_path / "secrets.toml")])
    app = frame().run()
    config.set_option("secrets.files", files)
    assert [title.value for title in app.title] == ["Sign-in is not set up"]


def test_sign_in_that_is_set_up_only_in_part_opens_nothing(runtime: Runtime) -> None:
    app = frame()
    app.secrets, app.user = {"auth": {}}, NOBODY
    assert [title.value for title in app.run().title] == ["Sign in"]


def test_who_is_not_on_the_list_cannot_enter(runtime: Runtime) -> None:
    app = sign_in(frame(), OTTO).run()
    assert [title.value for title in app.title] == ["You cannot enter yet"]
    assert not app.metric


def test_an_unverified_address_cannot_enter(runtime: Runtime) -> None:
    app = sign_in(frame(), {**SAM, "email_verified": False}).run()
    assert [title.value for title in app.title] == ["You cannot enter yet"]


def test_a_viewer_enters_and_sees_the_role(runtime: Runtime) -> None:
    app = sign_in(frame(), MARA).run()
    assert not app.exception
    assert any("may look" in caption.value for caption in app.sidebar.caption)


def test_local_mode_is_marked(app: AppTest) -> None:
    app.run()
    assert "Local mode" in text_of(app)


def test_each_session_leaves_one_line_about_its_sign_in(runtime: Runtime, context: AppContext) -> None:
    app = sign_in(frame(), SAM).run()
    app.run()
    with context.vault.read() as tx:
        lines = audit.list_entries(tx, limit=10, offset=0)
    assert [(line.actor, line.act, line.outcome) for line in lines] == [("sam@example.com", "sign_in", "done")]


def test_who_is_turned_away_leaves_one_line_an_hour_however_often_they_come(
    runtime: Runtime, context: AppContext
) -> None:
    for _ in range(3):  # three visits, each drawn twice
        app = sign_in(frame(), OTTO).run()
        app.run()
    with context.vault.read() as tx:
        lines = audit.list_entries(tx, limit=10, offset=0)
    assert [(line.act, line.outcome, line.detail["times"]) for line in lines] == [("sign_in", "refused", 3)]
    assert "times 3" in subject_text(lines[0])
