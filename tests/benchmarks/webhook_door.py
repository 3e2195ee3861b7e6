"""Contact Vault as the benchmarks of webhooks need it: an office of one account, and its door on a port."""

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


def open_office(location_id: str, api_url: str, token: str, webhook_key: str, *, postgres: str = "") -> AppContext:
    """The account is connected in a new vault, in a folder of its own or in this PostgreSQL database."""
    folder = Path(tempfile.mkdtemp(prefix="door-"))
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
def open_door(context: AppContext) -> Iterator[int]:
    """The server runs: the webhooks' route, and an empty one (`NOTHING`) as their floor. Its port."""
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
