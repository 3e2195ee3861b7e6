"""What the webhook benchmarks share: a context with one connected location, and the webhook route on a port."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from hlcore.accounts import connection
from hlcore.app_context import AppContext
from hlcore.settings import Settings
from hlcore.webhooks.receiver import routes

NOTHING = "/nothing"


def open_context(location_id: str, api_url: str, token: str, webhook_key: str, *, postgres: str = "") -> AppContext:
    """Connect the location in a new vault: in a temporary folder, or in this PostgreSQL database."""
    folder = Path(tempfile.mkdtemp(prefix="webhooks-"))
    context = AppContext.open(
        Settings(
            database_url=postgres or f"sqlite:///{folder}/vault.db",
            data_dir=folder,
            api_url=api_url,
            webhook_key=webhook_key,
            secret_key=SecretStr("x"),
            sync_minutes=1440,
        )
    )
    connection.connect(context, location_id, token)
    return context


@contextmanager
def serve_webhooks(context: AppContext) -> Iterator[int]:
    """Serve the webhook route, and an empty one (`NOTHING`) to compare with; yield the port."""
    empty = Route(NOTHING, lambda request: Response(), methods=["POST"])
    app = Starlette(routes=[*routes(lambda: context), empty])
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(10)
