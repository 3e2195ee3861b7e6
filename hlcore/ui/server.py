"""The server around the pages: the health route, the start and the end of the process, careful headers."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import metadata
from typing import Any

import anyio
import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import hlcore
from hlcore.errors import SettingsError, VaultError
from hlcore.log_privacy import install_log_filters
from hlcore.runtime import Runtime, StartupStage, get_runtime, set_runtime
from hlcore.settings import Settings
from hlcore.store import locations

SWITCH_SECONDS = 0.001
"""A page, or a webhook that waits for its answer, gets its turn beside a busy sync after so long (Python: 5 ms)."""
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"content-security-policy", b"frame-ancestors 'self'"),
)


def load_settings() -> Settings:
    """The settings; a wrong one ends the process with a line that names it."""
    try:
        return Settings.load()
    except SettingsError as error:
        print(f"{error}\n{error.hint}", file=sys.stderr)  # noqa: T201 - the one thing to read before it ends
        sys.stderr.flush()
        os._exit(2)


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, object]]:
    """From here to there the vault is open and the worker works. The server answers while the vault is opening."""
    sys.setswitchinterval(SWITCH_SECONDS)
    _log_plainly()
    install_log_filters()
    new = Runtime(load_settings())
    set_runtime(new)
    new.start()
    try:
        yield {}
    finally:
        set_runtime(None)
        await anyio.to_thread.run_sync(new.stop)


async def healthz(request: Request) -> JSONResponse:
    """Is the process well? No personal data; 503 when the database does not answer."""
    found = await anyio.to_thread.run_sync(lambda: health(get_runtime()))
    return JSONResponse(found, status_code=503 if found["status"] == "failed" else 200)


def health(of: Runtime) -> dict[str, Any]:
    """`status` is ok, starting or failed; `worker_beat_seconds` the age of the worker's last sign of life (null before
    its first, and while it is switched off)."""
    stage = of.startup_status.stage
    database = _database_answers(of)
    status = "ok" if database else "starting" if stage in (StartupStage.OPENING, StartupStage.BUILDING) else "failed"
    return {
        "status": status,
        "version": version(),
        "database": database,
        "worker": "off" if of.settings.worker == "off" else "on",
        "worker_beat_seconds": _beat_age(of),
        "demo": of.shows_demo,
    }


def version() -> str:
    """The version of Contact Vault."""
    found = getattr(hlcore, "__version__", "")
    if found:
        return str(found)
    try:
        return metadata.version("contact-vault")
    except metadata.PackageNotFoundError:
        return "unreleased"


class SecurityHeaders:
    """Every answer tells the browser to keep to the declared types and not to be framed by other sites."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers added."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def careful(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in HEADERS if pair[0] not in present)]
            await send(message)

        await self.app(scope, receive, careful)


def _database_answers(of: Runtime) -> bool:
    context = of.context or of.real_context
    if context is None:
        return False
    try:
        with context.vault.read() as tx:
            locations.all(tx)
    except VaultError:
        return False
    return True


def _beat_age(of: Runtime) -> float | None:
    context, worker = of.context, of.worker
    if context is None or worker is None or worker.beat_at is None:
        return None
    return round(max(0.0, (context.clock.now() - worker.beat_at).total_seconds()), 1)


def _log_plainly() -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        cache_logger_on_first_use=True,
    )
