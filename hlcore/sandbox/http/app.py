"""The ASGI application: it reads a request, lets the gate answer it, and sends the answer or cuts it off."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from hlcore.sandbox.http.gate import Outcome, SandboxRequest, handle
from hlcore.sandbox.routes import OPERATIONS
from hlcore.sandbox.state.sandbox import Sandbox

TRANSPORT_KEY = "hlcore.sandbox.transport"


def build_app(sandbox: Sandbox) -> Starlette:
    """Return the ASGI application of this sandbox, with every operation it knows."""
    return Starlette(routes=[Route("/{path:path}", _Endpoint(sandbox))])


class _Endpoint:
    """One ASGI endpoint for all paths; `gate.handle` knows which are HighLevel's."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        sandbox_request = SandboxRequest(
            method=request.method,
            path=request.url.path,
            query=dict(request.query_params),
            headers={key.lower(): value for key, value in request.headers.items()},
            raw=await request.body(),
            base_url=str(request.base_url).rstrip("/"),
        )
        outcome = handle(self._sandbox, OPERATIONS, sandbox_request)
        if outcome.delay:
            await asyncio.sleep(outcome.delay)
        await _send(outcome, scope, send)


async def _send(outcome: Outcome, scope: Scope, send: Send) -> None:
    if outcome.cut == "all":
        await _abort(scope)
        return
    body = outcome.answer.body
    headers = {"Content-Type": "application/json; charset=utf-8", **outcome.answer.headers}
    headers["Content-Length"] = str(len(body))
    raw_headers = [(key.lower().encode(), value.encode()) for key, value in headers.items()]
    await send({"type": "http.response.start", "status": outcome.answer.status, "headers": raw_headers})
    if outcome.cut == "half":
        await send({"type": "http.response.body", "body": body[: max(1, len(body) // 2)], "more_body": True})
        await _abort(scope, gently=True)
        return
    await send({"type": "http.response.body", "body": body})


async def _abort(scope: Scope, *, gently: bool = False) -> None:
    """Cut the connection; `gently` sends first what was written. Under a server other than `serve`, raise
    ConnectionResetError instead."""
    transport = scope.get("extensions", {}).get(TRANSPORT_KEY)
    if transport is None:
        raise ConnectionResetError("the sandbox cuts this connection on purpose")
    transport.close() if gently else transport.abort()
    while not transport.is_closing():
        await asyncio.sleep(0)
    await asyncio.sleep(0.001)
