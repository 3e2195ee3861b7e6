"""What is refused before a page runs, without a server: whose page may connect, and whose cookie counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from hlcore.ui import request_guard, session
from hlcore.ui.request_guard import RequestGuard, claims_in

VAULT = "https://vault.example.com"
SECRET = "a-secret-of-this-test"
CLAIMS = {"is_logged_in": True, "email": "sam@example.com", "email_verified": True, "origin": VAULT}


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


async def act(request: Request) -> PlainTextResponse:
    return PlainTextResponse("done")


@pytest.fixture(params=[False, True], ids=["local mode", "sign-in"])
def signed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether sign-in is set up, at the address VAULT."""
    monkeypatch.setattr(session, "auth_configured", lambda: request.param)
    monkeypatch.setattr(request_guard, "get_origin_from_redirect_uri", lambda: VAULT if request.param else None)
    return bool(request.param)


@pytest.fixture
def client(signed: bool) -> Iterator[TestClient]:
    upload = Route("/_stcore/upload_file/{session}/{file}", act, methods=["PUT", "DELETE", "OPTIONS"])
    routes = [WebSocketRoute("/stream", talk), Route("/act", act, methods=["GET", "POST"]), upload]
    with TestClient(Starlette(routes=routes, middleware=[Middleware(RequestGuard)])) as made:
        yield made


def connects(client: TestClient, *headers: tuple[str, str]) -> bool:
    client.headers.clear()
    try:
        with client.websocket_connect("/stream", headers=dict(headers)):
            return True
    except WebSocketDisconnect as closed:
        if closed.code != request_guard.POLICY_VIOLATION:
            raise
        return False


def test_a_page_connects_to_its_own_server(client: TestClient, signed: bool) -> None:
    assert connects(client, ("host", "vault:8501"), ("origin", "http://vault:8501"))
    assert connects(client, ("host", "127.0.0.1:8501"), ("origin", VAULT)) is signed  # a proxy has changed the host


@pytest.mark.parametrize(
    "origin",
    ["http://vault:8502", "http://localhost:8501", "https://evil.example", f"{VAULT}.evil.example", "null", ""],
)
def test_no_other_page_does(client: TestClient, origin: str) -> None:
    assert not connects(client, ("host", "vault:8501"), ("origin", origin))
    answer = client.post("/act", headers={"host": "vault:8501", "origin": origin})
    assert answer.status_code == 403
    assert client.get("/act", headers={"host": "vault:8501", "origin": origin}).status_code == 200


def test_a_program_without_a_page_may_post_and_not_connect(client: TestClient) -> None:
    assert client.post("/act", headers={"host": "vault:8501"}).status_code == 200
    assert not connects(client, ("host", "vault:8501"))


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
def test_no_file_is_taken_from_anybody(client: TestClient, method: str) -> None:
    own = {"host": "vault:8501", "origin": "http://vault:8501"}
    assert client.request(method, "/_stcore/upload_file/a/b", headers=own).status_code == 403


def cookies(claims: Any, *, secret: str = SECRET, name: str = "_streamlit_user") -> dict[str, str]:
    return {"_streamlit_user": create_signed_value(secret, name, json.dumps(claims)).decode()}


@pytest.fixture
def cookie_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_guard, "get_cookie_secret", lambda: SECRET)
    monkeypatch.setattr(request_guard, "get_origin_from_redirect_uri", lambda: VAULT)


def test_a_genuine_cookie_says_who_has_signed_in(cookie_secret: None) -> None:
    assert claims_in(cookies(CLAIMS))["email"] == "sam@example.com"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"_streamlit_user": ""},
        {"_streamlit_user": json.dumps(CLAIMS)},
        {"_streamlit_user": "é"},
        cookies(CLAIMS, secret="another"),
        cookies(CLAIMS, name="_streamlit_xsrf"),
        cookies({**CLAIMS, "origin": "https://evil.example"}),
        cookies({name: value for name, value in CLAIMS.items() if name != "origin"}),
        cookies({**CLAIMS, "is_logged_in": "true"}),
        cookies({**CLAIMS, "is_logged_in": False}),
        cookies([CLAIMS]),
        cookies(None),
        cookies("chunks-99"),
    ],
)
def test_any_other_cookie_says_nothing(cookie_secret: None, wrong: dict[str, str]) -> None:
    assert claims_in(wrong) == {}


def test_an_old_cookie_says_nothing(cookie_secret: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("itsdangerous.timed.time.time", lambda: 1_700_000_000)
        old = cookies(CLAIMS)
    assert claims_in(old) == {}


@given(st.dictionaries(st.sampled_from(["_streamlit_user", "_streamlit_user_1", "x"]), st.text(max_size=60)))
def test_no_cookie_breaks_the_decision(sent: dict[str, str]) -> None:
    assert claims_in(sent) == {}
