"""Running the sandbox on a loopback port."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from hlcore.sandbox.http.app import TRANSPORT, build_app
from hlcore.sandbox.state.sandbox import Sandbox

HOST = "127.0.0.1"


Transports = dict[tuple[str, int], asyncio.Transport]


def _protocol(transports: Transports) -> type[H11Protocol]:
    """uvicorn's protocol, which also writes down each connection's transport, so that a fault can cut it."""

    class Protocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if self.client:
                transports[self.client] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            transports.pop(self.client or ("", 0), None)
            super().connection_lost(exc)

    return Protocol


class _WithTransport:
    """Puts the connection's transport into the request's scope."""

    def __init__(self, app: ASGIApp, transports: Transports) -> None:
        self._app = app
        self._open = transports

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get("client"):
            extensions = scope.setdefault("extensions", {})
            extensions[TRANSPORT] = self._open.get(tuple(scope["client"]))
        await self._app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    port: int


class PromptServer(uvicorn.Server):
    """A uvicorn server that ends as soon as `end` is called from another thread. uvicorn's own looks every tenth of a
    second whether it should, and then waits for another."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()

    def answer(self, listener: socket.socket) -> None:
        """Answer until `end` is called. May be called once."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self.serve([listener]))

    def end(self) -> None:
        """Stop accepting requests; those in progress are answered for at most a second."""
        self.should_exit = True
        self._loop.call_soon_threadsafe(self._ending.set)

    async def main_loop(self) -> None:
        tick = 0
        while not await self.on_tick(tick):
            tick += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), timeout=0.1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                while state.connections or state.tasks:
                    await asyncio.sleep(0.001)


def build_server(sandbox: Sandbox) -> PromptServer:
    """Return a uvicorn server without access log; it does not take over signals when run in a thread."""
    transports: Transports = {}
    app: Any = _WithTransport(build_app(sandbox), transports)
    config = uvicorn.Config(
        app, http=_protocol(transports), ws="none", loop="asyncio", lifespan="off", access_log=False,
        log_level="critical",
    )  # fmt: skip
    return PromptServer(config)


def bind(port: int = 0) -> socket.socket:
    """A listening socket on the loopback address; port 0: any free one."""
    # The protocol is named because asyncio switches off Nagle's 40 ms wait only where it is.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.listen(128)
    return listener


@contextmanager
def serve(sandbox: Sandbox, port: int = 0) -> Iterator[Server]:
    """Serve the sandbox on a loopback port, from a daemon thread, inside the block."""
    listener = bind(port)
    server = build_server(sandbox)
    thread = threading.Thread(target=server.answer, args=(listener,), daemon=True, name="sandbox")
    thread.start()
    actual = listener.getsockname()[1]
    try:
        yield Server(f"http://{HOST}:{actual}", actual)
    finally:
        server.end()
        thread.join(timeout=5)
        listener.close()
