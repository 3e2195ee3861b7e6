"""Who may connect and fetch files while nobody has to sign in: this machine's browser, from this server's own pages."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import expect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.browser.conftest import SERVED, OpenWindow, Server, cookies_of, download

ON_EVERY_ANSWER = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "SAMEORIGIN",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


def port_of(server: Server) -> int:
    return urlsplit(server.url).port or 0


def connects(server: Server, host: str, origin: str | None, **headers: str) -> bool:
    """Whether a page at `origin` is given a connection to this server under the name `host`."""
    target = f"ws://{host}:{port_of(server)}/_stcore/stream"
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with connect(target, origin=origin, additional_headers=more, subprotocols=["streamlit"]):  # type: ignore[arg-type]
            return True
    except InvalidStatus:
        return False


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_dashboard_opens_on_this_machine_without_any_further_step(
    server: Server, window: OpenWindow, host: str
) -> None:
    own = window(server)
    own.base = f"http://{host}:{port_of(server)}"
    page = own.open("/")
    expect(page.get_by_text("Local mode").first).to_be_visible()
    assert not own.faults
    assert connects(server, host, own.base)


def test_a_page_of_another_program_on_this_machine_gets_no_connection(server: Server) -> None:
    port = port_of(server)
    for origin in (
        "http://localhost:3000",
        "http://localhost",
        f"http://127.0.0.1:{port}",
        f"https://localhost.evil.example:{port}",
        f"http://localhost:{port}.evil.example",
        f"http://evil.example@localhost:{port}",
        "null",
        "",
        None,
    ):
        assert not connects(server, "localhost", origin), origin
    assert connects(server, "localhost", f"http://LOCALHOST:{port}")


def test_a_page_elsewhere_changes_nothing(server: Server) -> None:
    for path in ("/webhooks/highlevel", "/_stcore/upload_file/some/thing"):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            foreign = httpx.request(method, server.url + path, headers={"Origin": "http://localhost:3000"})
            assert foreign.status_code == 403, (method, path)
    unsigned = httpx.post(f"{server.url}/webhooks/highlevel", content=b"{}")
    assert unsigned.status_code in (401, 503)  # HighLevel is no browser: what counts is its signature


def test_a_download_is_for_the_browser_that_has_opened_the_dashboard(server: Server, window: OpenWindow) -> None:
    own = window(server)
    url, headers = download(own)
    assert headers["cache-control"] == "no-store"
    cookies = cookies_of(own)
    assert httpx.get(url, cookies=cookies).status_code in SERVED
    assert httpx.get(url).status_code == 403
    assert httpx.head(url).status_code == 403
    for name, value in (
        ("X-Forwarded-Server", "vault"),
        ("X-Forwarded", "for=192.0.2.1"),
        ("X-Cluster-Client-IP", "192.0.2.1"),
        ("Fly-Client-IP", ""),
        ("Host", "vault.example.com"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ):
        refused = httpx.get(url, cookies=cookies, headers={name: value})
        assert (refused.status_code, refused.content) == (403, b""), name
        assert refused.headers["cache-control"] == "no-store"


def test_every_answer_carries_the_headers(server: Server) -> None:
    page = httpx.get(server.url)
    script = page.text.partition('src="./')[2].partition('"')[0]
    for path in ("/", "/healthz", "/at_risk", "/media/nothing.csv", "/_stcore/health", f"/{script}", "/oauth/callback"):
        answer = httpx.get(server.url + path)
        assert {name: answer.headers.get(name) for name in ON_EVERY_ANSWER} == ON_EVERY_ANSWER, path
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'self'" in policy
        assert "img-src 'self' data: blob:;" in policy
        assert ("no-store" in answer.headers["cache-control"]) is (path != f"/{script}" and path not in NOT_STORED), (
            path
        )


NOT_STORED = ("/", "/at_risk", "/_stcore/health")
"""Answers without any data, which Streamlit lets the browser keep and ask for again."""
