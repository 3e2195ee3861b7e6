"""What is refused before a page runs: connections that other pages open, and files for whoever has not entered.

Streamlit serves the files of downloads and images at `/media/NAME` to everybody who knows the name, and accepts
connections from any page of this machine. Both are decided here, by the same facts as the pages (`session.user_from`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.auth_util import get_cookie_with_chunks, get_origin_from_redirect_uri
from streamlit.runtime import Runtime
from streamlit.runtime.media_file_storage import MediaFileKind
from streamlit.web.server.server_util import get_cookie_secret, is_xsrf_enabled
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value, decode_xsrf_token_string
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME, XSRF_COOKIE_NAME

from hlcore.governance.roles import Action, Role, User
from hlcore.network_addresses import is_same_origin
from hlcore.ui import session

READING = ("GET", "HEAD", "OPTIONS")
MEDIA, UPLOADS = "/media/", "/_stcore/upload_file/"
POLICY_VIOLATION = 1008
_OWN = ("same-origin", "none")


class RequestGuard:
    """Middleware that answers 403 to what is refused.

    A connection of a page and a request that changes something must come from a page of this server: `Origin` equals
    `Host` with its port. Where sign-in is set up, a proxy may have changed `Host`: then the address of `redirect_uri`
    and those of `server.corsAllowedOrigins` count too. Files are for whoever may enter, downloads for whoever may
    export; they are never cached. No page takes files, so none are taken: Streamlit would keep them in memory for
    anybody who sees the sign-in form.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or serve."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        path = _path_of(connection)
        media_name = path.removeprefix(MEDIA) if path.startswith(MEDIA) else ""
        is_refused = path.startswith(UPLOADS) or not _comes_from_own_page(scope, connection.headers)
        if not is_refused and (not media_name or may_fetch(connection, media_name)):
            await self.app(scope, receive, _uncached(send) if media_name else send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        else:
            await Response(status_code=403)(scope, receive, send)


def may_fetch(connection: HTTPConnection, media_name: str) -> bool:
    """Whether whoever asks may have this file: someone who may enter, in a browser that has opened the dashboard."""
    if connection.headers.get("sec-fetch-site", "none") not in _OWN:
        return False
    user = user_of(connection)
    if user.how == "local" and is_xsrf_enabled():
        token, _ = decode_xsrf_token_string(connection.cookies.get(XSRF_COOKIE_NAME, ""))
        if token is None:
            return False
    return user.may(Action.EXPORT) if _is_download(media_name) else user.role is not Role.NONE


def user_of(connection: HTTPConnection) -> User:
    """Return the user who makes this request, as the pages would know them."""
    claims = claims_in(connection.cookies) if session.auth_configured() else {}
    return session.user_from(claims, connection.client.host if connection.client else None, connection.headers)


def claims_in(cookies: Mapping[str, str]) -> dict[str, Any]:
    """Return what Streamlit's signed cookie says about whoever has signed in here; nothing when it is not genuine, too
    old or of another address. Never raises."""
    secret = get_cookie_secret()
    try:
        signed = get_cookie_with_chunks(
            lambda name: decode_signed_value(secret, name, cookies.get(name, "").encode("latin-1")), USER_COOKIE_NAME
        )
        claims = json.loads(signed or b"null")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(claims, dict) or claims.get("is_logged_in") is not True:
        return {}
    return claims if claims.get("origin") == get_origin_from_redirect_uri() else {}


def _comes_from_own_page(scope: Scope, headers: Headers) -> bool:
    """Whether no other page can have made this request, where that matters. A request that changes something need not
    come from a page at all: webhooks are signed, and a browser always names the page."""
    if scope["type"] == "http" and scope["method"] in READING:
        return True
    hosts, origins = headers.getlist("host"), headers.getlist("origin")
    if not origins:
        return bool(scope["type"] == "http")
    if len(hosts) != 1 or len(origins) != 1:
        return False
    return is_same_origin(origins[0], hosts[0]) or (session.auth_configured() and origins[0] in _sign_in_origins())


def _sign_in_origins() -> list[str | None]:
    return [get_origin_from_redirect_uri(), *st.get_option("server.corsAllowedOrigins")]


def _path_of(connection: HTTPConnection) -> str:
    """Return the path that is asked for, below the address of the dashboard."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    path = str(connection.scope["path"]).removeprefix(connection.scope.get("root_path", ""))
    return path.removeprefix(f"/{base}" if base else "")


def _is_download(media_name: str) -> bool:
    """Whether this is the file of a download; also true for one that does not exist (any more)."""
    file = Runtime.instance().media_file_mgr.read_file(media_name)
    return file is None or bool(file.kind is MediaFileKind.DOWNLOADABLE)


def _uncached(send: Send) -> Send:
    async def send_uncached(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message["headers"] if pair[0].lower() != b"cache-control"]
            message["headers"] = [*kept, (b"cache-control", b"no-store")]
        await send(message)

    return send_uncached
