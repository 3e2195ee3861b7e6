"""Runs the sandbox on a loopback port, in this process."""

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

from hlcore.sandbox.http.app import TRANSPORT_KEY, build_app
from hlcore.sandbox.state.sandbox import Sandbox

HOST = "127.0.0.1"
Transports = dict[tuple[str, int], asyncio.Transport]


def _protocol(transports: Transports) -> type[H11Protocol]:
    """Return uvicorn's protocol class, which also notes each connection's transport so that a fault can cut it."""

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
    """ASGI middleware that puts the connection's transport into the request's scope."""

    def __init__(self, app: ASGIApp, transports: Transports) -> None:
        self._app = app
        self._transports = transports

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get("client"):
            extensions = scope.setdefault("extensions", {})
            extensions[TRANSPORT_KEY] = self._transports.get(tuple(scope["client"]))
        await self._app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class Server:
    """Where a sandbox is served."""

    url: str
    port: int


class FastStopServer(uvicorn.Server):
    """A uvicorn server that ends as soon as `stop` is called from another thread. uvicorn itself polls every tenth of a
    second whether it should, and then waits for another."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()

    def run_on(self, listener: socket.socket) -> None:
        """Serve on this listening socket until `stop` is called. May be called once."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self.serve([listener]))

    def stop(self) -> None:
        """Stop accepting requests; those in progress are answered for at most a second."""
        self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        """End the server from within its loop: told from another thread, it may close the loop before it is woken."""
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        tick = 0
        while not await self.on_tick(tick):
            tick += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), timeout=0.1)

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


def build_server(sandbox: Sandbox) -> FastStopServer:
    """Return a uvicorn server of this sandbox, without access log. In a thread it installs no signal handlers."""
    transports: Transports = {}
    app: Any = _WithTransport(build_app(sandbox), transports)
    config = uvicorn.Config(
        app, http=_protocol(transports), ws="none", loop="asyncio", lifespan="off", access_log=False,
        log_level="critical",
    )  # fmt: skip
    return FastStopServer(config)


def open_listener(port: int = 0) -> socket.socket:
    """Return a listening socket on the loopback address; port 0: any free one."""
    # asyncio switches off Nagle's algorithm, which waits 40 ms, only for sockets that name their protocol
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.listen(128)
    return listener


@contextmanager
def serve(sandbox: Sandbox, port: int = 0) -> Iterator[Server]:
    """Serve the sandbox on a loopback port, from a daemon thread, inside the block."""
    listener = open_listener(port)
    server = build_server(sandbox)
    thread = threading.Thread(target=server.run_on, args=(listener,), daemon=True, name="sandbox")
    thread.start()
    actual = listener.getsockname()[1]
    try:
        yield Server(f"http://{HOST}:{actual}", actual)
    finally:
        server.stop()
        thread.join(timeout=5)
        listener.close()
