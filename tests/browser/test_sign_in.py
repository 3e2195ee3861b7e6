"""Who may enter, on a server that has just started: nobody sees a contact before it is known who is looking."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import (
    PATHS,
    SERVED,
    OpenWindow,
    Server,
    StartServer,
    Window,
    cookies_of,
    download,
    free_port,
)

oidc = pytest.importorskip("oidc_provider_mock", reason="signing in needs the package oidc-provider-mock")
DEEP = [*PATHS, "/contacts?contact=someone&in=demoRecruiting000001"]
SECRETS = """
[auth]
redirect_uri = "http://localhost:{port}/oauth2callback"
cookie_secret = "only-for-this-test-only-for-this-test"
client_id = "contact-vault"
client_secret = "only-for-this-test"
server_metadata_url = "{issuer}/.well-known/openid-configuration"
"""


@pytest.fixture(scope="module")
def guarded(start_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A dashboard with sign-in: Sam restores, everybody of example.com looks."""
    with oidc.run_server_in_thread() as provider:
        port = free_port()
        secrets: Path = tmp_path_factory.mktemp("secrets") / "secrets.toml"
        secrets.write_text(SECRETS.format(port=port, issuer=f"http://localhost:{provider.server_port}"))
        yield start_server(
            f"--secrets.files={secrets}",
            port=str(port),
            HLCORE_WORKER="off",
            HLCORE_RESTORERS="sam@example.com",
            HLCORE_ALLOWED_DOMAINS="example.com",
        )


@pytest.fixture(scope="module")
def open_to_all(start_server: StartServer) -> Server:
    """A dashboard that other machines could reach, without sign-in. Only this machine ever contacts it here."""
    return start_server("--server.address=0.0.0.0", HLCORE_WORKER="off")


def shows_nothing(visitor: Window, title: str, where: str) -> None:
    """The page is that form and nothing else: no menu, no table, nobody's address."""
    page = visitor.page
    assert page.locator("h1").all_inner_texts() == [title], where
    assert page.get_by_test_id("stDataFrame").count() == 0, where
    assert page.get_by_test_id("stSidebarNav").count() == 0, where
    assert page.get_by_role("dialog").count() == 0, where
    assert "@example." not in visitor.text().replace("mara@example.com", ""), where


def test_signed_out_every_deep_link_is_only_the_sign_in_form(guarded: Server, window: OpenWindow) -> None:
    visitor = window(guarded)
    for path in reversed(DEEP):  # the first is the one that finds the process cold
        visitor.open(path)
        shows_nothing(visitor, "Sign in", path)


def test_reachable_by_others_without_sign_in_nothing_but_the_instruction(
    open_to_all: Server, window: OpenWindow
) -> None:
    visitor = window(open_to_all)
    for path in (DEEP[-1], "/settings", "/"):  # the first is the one that finds the process cold
        visitor.open(path)
        shows_nothing(visitor, "Sign-in is not set up", path)


def sign_in(visitor: Window, email: str) -> Window:
    visitor.open("/")
    visitor.page.get_by_role("button", name="Sign in").click()
    visitor.page.locator("input[name=sub]").fill(email)
    visitor.page.get_by_role("button", name="Authorize").click()
    visitor.page.wait_for_url(f"{visitor.base}/**")
    visitor.settle()
    return visitor


def test_whoever_may_look_sees_but_is_told_why_not_to_restore(guarded: Server, window: OpenWindow) -> None:
    mara = sign_in(window(guarded), "mara@example.com")
    page = mara.open("/at_risk")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    expect(page.get_by_role("button", name="Restore …")).to_be_disabled()
    mara.open("/backups")
    expect(page.get_by_role("button", name="Make file")).to_be_disabled()
    expect(page.get_by_text("Your role may look, not download.").first).to_be_visible()


def test_whoever_may_restore_can_begin(guarded: Server, window: OpenWindow) -> None:
    sam = sign_in(window(guarded), "sam@example.com")
    page = sam.open("/at_risk")
    page.get_by_role("button", name="Choose all").click()
    expect(page.get_by_role("button", name="Restore ").first).to_be_enabled()


def test_a_stranger_is_turned_away_by_name_of_the_reason(guarded: Server, window: OpenWindow) -> None:
    otto = sign_in(window(guarded), "otto@elsewhere.org")
    shows_nothing(otto, "You cannot enter yet", "/")
    assert "not on the list" in otto.text()
    otto.open("/contacts")
    shows_nothing(otto, "You cannot enter yet", "/contacts")


def test_a_download_is_for_whoever_may_export(guarded: Server, window: OpenWindow) -> None:
    sam = sign_in(window(guarded), "sam@example.com")
    url, headers = download(sam)
    assert headers["cache-control"] == "no-store"
    cookies = cookies_of(sam)
    assert httpx.get(url, cookies=cookies).status_code in SERVED
    assert httpx.get(url).status_code == 403
    assert httpx.get(url, cookies={"_streamlit_xsrf": cookies["_streamlit_xsrf"]}).status_code == 403
    for name in ("_streamlit_user", "_streamlit_user_1"):
        for wrong in ("", "x", cookies.get(name, "") + "x", cookies.get("_streamlit_xsrf", "")):
            if name in cookies:
                assert httpx.get(url, cookies={**cookies, name: wrong}).status_code == 403, (name, wrong)
    for email in ("mara@example.com", "otto@elsewhere.org"):
        other = sign_in(window(guarded), email)
        assert httpx.get(url, cookies=cookies_of(other)).status_code == 403, email
    sam.page.get_by_role("button", name="Sign out").click()
    sam.page.wait_for_url("**/oauth2/end_session**")
    assert httpx.get(url, cookies=cookies_of(sam)).status_code == 403
