"""The two addresses of an installation: `/oauth/start` sends the browser to HighLevel, `/oauth/callback` takes it back.

A callback counts only in the browser that began (a cookie that no script can read), for the person who began, within
ten minutes, and once: the code in it works once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

import anyio
import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hlcore.accounts.oauth_install import LASTS, Installed, begin, finish
from hlcore.app_context import AppContext
from hlcore.errors import NotAllowed, SettingsError, VaultError

log = structlog.get_logger(__name__)
COOKIE = "contact_vault_install"
BACK = "../settings"


def routes(office_of: Callable[[], AppContext | None], arrived: Callable[[], None]) -> list[Route]:
    """The routes for an app to mount. `office_of` gives the office of the real vault, None while it is opening;
    `arrived` is called when accounts were connected."""

    async def start(request: Request) -> Response:
        context = office_of()
        if context is None:
            return _back(problem="not_open")
        try:
            word = request.query_params.get("ticket", "")
            address, secret = await anyio.to_thread.run_sync(partial(begin, context, word))
        except VaultError as exc:
            return _back(problem=_name(exc))
        answer = RedirectResponse(address, status_code=303)
        secure = context.settings.redirect_uri.startswith("https://")
        answer.set_cookie(
            COOKIE, secret, max_age=int(LASTS.total_seconds()), httponly=True, secure=secure, samesite="lax"
        )
        return answer

    async def callback(request: Request) -> Response:
        context, asked = office_of(), request.query_params
        if context is None:
            return _back(problem="not_open")
        if "code" not in asked:
            return _back(problem="declined")
        secret = request.cookies.get(COOKIE, "")
        work = partial(finish, context, state=asked.get("state", ""), secret=secret, code=asked["code"])
        try:
            found: Installed = await anyio.to_thread.run_sync(work)
        except VaultError as exc:
            log.warning("app_not_installed", kind=type(exc).__name__, text=str(exc))
            return _back(problem=_name(exc))
        if found.connected:
            arrived()
        answer = _back(connected=str(len(found.connected)), failed=str(len(found.failed)))
        answer.delete_cookie(COOKIE)
        return answer

    return [
        Route("/oauth/start", start, methods=["GET"]),
        Route("/oauth/callback", callback, methods=["GET"]),
    ]


def _back(**words: str) -> Response:
    """To the Settings page, with words that name no account and no person."""
    answer = RedirectResponse(f"{BACK}?{urlencode({'install': 'back', **words})}", status_code=303)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _name(exc: VaultError) -> str:
    if isinstance(exc, NotAllowed):
        return "not_allowed"
    return "no_app" if isinstance(exc, SettingsError) else "refused"
