"""The server around the pages: start and end of the process, the health route, security headers."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import metadata
from types import FunctionType
from typing import Any

import anyio
import streamlit as st
import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import hlcore
from hlcore.errors import SettingsError, VaultError
from hlcore.log_privacy import install_log_filters
from hlcore.runtime import Runtime, StartupStage, get_runtime, set_runtime
from hlcore.settings import Settings
from hlcore.store import locations

THREAD_SWITCH_SECONDS = 0.001
"""How long a busy sync may hold the interpreter while a page or a webhook waits (Python's default: 5 ms)."""
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",  # Streamlit's own page needs these
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "frame-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
"""Nothing on a page is fetched from, or sent to, anywhere else: a text in a contact cannot call home."""
UNKNOWN_ADDRESS = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Page not found · Contact Vault</title>
<style>:root {{ color-scheme: light dark }} body {{ font: 16px/1.5 system-ui, sans-serif; margin: 15vh auto;
max-width: 34rem; padding: 0 1rem }}</style></head><body><h1>Page not found</h1>
<p>No page has this address. It may have been typed wrong, or come from another version.</p>
<p><a href="{home}">Open the Overview</a></p></body></html>"""
SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cache-control", b"no-store"),
)


def load_settings() -> Settings:
    """Return the settings; end the process with a line that names the wrong one."""
    try:
        return Settings.load()
    except SettingsError as error:
        print(f"{error}\n{error.hint}", file=sys.stderr)  # noqa: T201 - the one thing to read before it ends
        sys.stderr.flush()
        os._exit(2)


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, object]]:
    """Open the vault and run the worker while the server runs. The server answers before the vault is open."""
    sys.setswitchinterval(THREAD_SWITCH_SECONDS)
    _configure_logging()
    install_log_filters()
    runtime = Runtime(load_settings())
    set_runtime(runtime)
    runtime.start()
    try:
        yield {}
    finally:
        set_runtime(None)
        await anyio.to_thread.run_sync(runtime.stop)


async def healthz(request: Request) -> JSONResponse:
    """Answer whether the process is well, without personal data; 503 when the database does not respond."""
    report = await anyio.to_thread.run_sync(lambda: health(get_runtime()))
    return JSONResponse(report, status_code=503 if report["status"] == "failed" else 200)


def health(runtime: Runtime) -> dict[str, Any]:
    """Return the health of the process. `status` is ok, starting or failed; `worker_beat_seconds` is the age of the
    worker's last heartbeat, null before the first one and while the worker is off."""
    stage = runtime.startup_status.stage
    database = _database_responds(runtime)
    status = "ok" if database else "starting" if stage in (StartupStage.OPENING, StartupStage.BUILDING) else "failed"
    return {
        "status": status,
        "version": version(),
        "database": database,
        "worker": "off" if runtime.settings.worker == "off" else "on",
        "worker_beat_seconds": _heartbeat_age(runtime),
        "demo": runtime.shows_demo,
    }


def version() -> str:
    """Return the version of Contact Vault."""
    if declared := getattr(hlcore, "__version__", ""):
        return str(declared)
    try:
        return metadata.version("contact-vault")
    except metadata.PackageNotFoundError:
        return "unreleased"


class SecurityHeaders:
    """Middleware: add SECURITY_HEADERS to every answer that does not carry them yet. Only Streamlit's own program files
    may be cached."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, with the headers added to the response."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(pair for pair in SECURITY_HEADERS if pair[0] not in present),
                ]
            await send(message)

        await self.app(scope, receive, send_with_headers)


class UnknownAddresses:
    """Middleware: answer 404 and say so where an address has several parts and nothing of its own. Streamlit would
    answer with the frame of its pages, whose program is found from addresses of one part only: the page stays blank.
    (An unknown address of one part is a page's: `frame.with_unknown_address`.)"""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or say that the address is unknown."""
        home = f"/{str(st.get_option('server.baseUrlPath') or '').strip('/')}".rstrip("/")
        below = str(scope.get("path", "")).removeprefix(home).strip("/")
        if scope["type"] != "http" or "/" not in below:
            await self.app(scope, receive, send)
            return
        unknown = HTMLResponse(UNKNOWN_ADDRESS.format(home=f"{home}/"), status_code=404)
        is_frame = False

        async def send_known(message: Message) -> None:
            nonlocal is_frame
            if message["type"] == "http.response.start" and _is_frame(scope, message):
                is_frame = True
                await unknown(scope, receive, send)
            elif not is_frame:
                await send(message)

        await self.app(scope, receive, send_known)


def _is_frame(scope: Scope, start: Message) -> bool:
    """Whether the answer is Streamlit's own HTML: its files are served by an application, a route by a function."""
    kind = Headers(raw=start["headers"]).get("content-type", "")
    return kind.startswith("text/html") and not isinstance(scope.get("endpoint"), FunctionType)


def _database_responds(runtime: Runtime) -> bool:
    context = runtime.context or runtime.real_context
    if context is None:
        return False
    try:
        with context.vault.read() as tx:
            locations.list_all(tx)
    except VaultError:
        return False
    return True


def _heartbeat_age(runtime: Runtime) -> float | None:
    context, worker = runtime.context, runtime.worker
    if context is None or worker is None or worker.beat_at is None:
        return None
    return round(abs((context.clock.now() - worker.beat_at).total_seconds()), 1)


def _configure_logging() -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        cache_logger_on_first_use=True,
    )
