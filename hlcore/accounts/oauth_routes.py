"""The two addresses of an installation: `/oauth/start` sends the browser to HighLevel, `/oauth/callback` receives it
back.

A callback is accepted only in the browser that began (a cookie that no script can read), for the user who began, within
ten minutes, and once.
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

from hlcore.accounts.oauth_install import LINK_LIFETIME, InstallResult, finish_install, start_install
from hlcore.app_context import AppContext
from hlcore.errors import NotAllowed, SettingsError, VaultError

log = structlog.get_logger(__name__)
COOKIE = "contact_vault_install"
SETTINGS_PAGE = "../settings"


def routes(get_context: Callable[[], AppContext | None], on_connected: Callable[[], None]) -> list[Route]:
    """Return the routes for an app to mount. `get_context` gives the context of the real vault, None while it is
    opening; `on_connected` is called when locations were connected."""

    async def start(request: Request) -> Response:
        context = get_context()
        if context is None:
            return _to_settings(problem="not_open")
        try:
            ticket = request.query_params.get("ticket", "")
            address, secret = await anyio.to_thread.run_sync(partial(start_install, context, ticket))
        except VaultError as exc:
            return _to_settings(problem=_problem(exc))
        response = RedirectResponse(address, status_code=303)
        secure = context.settings.redirect_uri.startswith("https://")
        response.set_cookie(
            COOKIE, secret, max_age=int(LINK_LIFETIME.total_seconds()), httponly=True, secure=secure, samesite="lax"
        )
        return response

    async def callback(request: Request) -> Response:
        context, params = get_context(), request.query_params
        if context is None:
            return _to_settings(problem="not_open")
        if "code" not in params:
            return _to_settings(problem="declined")
        secret = request.cookies.get(COOKIE, "")
        work = partial(finish_install, context, state=params.get("state", ""), secret=secret, code=params["code"])
        try:
            result: InstallResult = await anyio.to_thread.run_sync(work)
        except VaultError as exc:
            log.warning("app_not_installed", kind=type(exc).__name__, text=str(exc))
            return _to_settings(problem=_problem(exc))
        if result.connected:
            on_connected()
        response = _to_settings(connected=str(len(result.connected)), failed=str(len(result.failed)))
        response.delete_cookie(COOKIE)
        return response

    return [Route("/oauth/start", start, methods=["GET"]), Route("/oauth/callback", callback, methods=["GET"])]


def _to_settings(**words: str) -> Response:
    """Redirect to the Settings page, with parameters that name no location and no user."""
    response = RedirectResponse(f"{SETTINGS_PAGE}?{urlencode({'install': 'back', **words})}", status_code=303)
    response.headers["Cache-Control"] = "no-store"
    return response


def _problem(exc: VaultError) -> str:
    if isinstance(exc, NotAllowed):
        return "not_allowed"
    return "no_app" if isinstance(exc, SettingsError) else "refused"
