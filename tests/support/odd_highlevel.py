"""A HighLevel that shows odd items of one account: the sandbox over HTTP, its good answers rewritten on their way.

`OddItems` knows what each item is shown as: as it is, with arbitrary JSON in its fields (`strange`: it must be kept
like that), or as something that cannot be kept (`odd`: it must be set aside). `broken` makes whole answers odd for a
while.
"""

from __future__ import annotations

import gzip
import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hlcore.sandbox import Sandbox
from hlcore.sandbox.http.gate import SandboxRequest, handle
from hlcore.sandbox.http.server import FastStopServer, Server, open_listener
from hlcore.sandbox.routes import OPERATIONS
from tests.support.odd_answers import BROKEN

Item = dict[str, Any]
LISTS = ("contacts", "notes", "tasks", "events", "opportunities", "conversations", "messages", "users", "pipelines",
         "customFields", "customValues", "tags", "calendars", "businesses", "lostReasons")  # fmt: skip
DEEP = b"[" * 3_000 + b"]" * 3_000
LEAVES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 7, 1.5, 10**400, -(10**30), 1e308, float("inf"), float("nan")),
    *(float("-inf"), "", " "),
    *("9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:30", "0001-01-01T00:00:00Z", "253402300800000"),
    *("a\x00b", "\ud83d", "\udc00x", "\U0001f600 Zoë", "Jose\u0301", "\u202eright", "x" * 3_000, "true"),
    *("Active", "25/12/1990", "=1+1", "<b>x</b>", "[x](http://evil.example)", "NaN", "null", "{}", "\ufeff", "\r\n"),
)  # fmt: skip
CONTACT_FIELDS = (
    *("firstName", "lastName", "contactName", "email", "phone", "companyName", "source", "tags", "assignedTo", "type"),
    *("dateAdded", "dateUpdated", "dateOfBirth", "dnd", "dndSettings", "customFields", "additionalEmails", "website"),
    *("additionalPhones", "address1", "city", "country", "timezone", "followers", "businessId", "postalCode", "other"),
)  # fmt: skip
RECORD_FIELDS = (
    *("title", "name", "body", "bodyText", "dateAdded", "dueDate", "startTime", "endTime", "monetaryValue", "status"),
    *("pipelineId", "pipelineStageId", "assignedTo", "followers", "completed", "messageType", "meta", "direction"),
    *("calendarId", "attachments", "customFields", "unreadCount", "stages", "email", "dataType", "options", "other"),
)  # fmt: skip


def any_json(chance: random.Random, depth: int = 0) -> Any:
    """Return arbitrary JSON, and what only Python's reader takes for JSON."""
    kind = chance.random()
    if depth > 3 or kind < 0.7:
        return chance.choice(LEAVES)
    if kind < 0.85:
        return [any_json(chance, depth + 1) for _ in range(chance.randint(0, 3))]
    return {str(chance.choice(LEAVES))[:20]: any_json(chance, depth + 1) for _ in range(chance.randint(0, 3))}


def to_json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def without_id(value: Any) -> bytes:
    return to_json({key: each for key, each in value.items() if key not in ("id", "_id")})


def odd_bytes(chance: random.Random, item: Item) -> bytes:
    """Return bytes that stand for this item in a list and that cannot be kept."""
    way = chance.randrange(6)
    if way == 0:
        return to_json(chance.choice([None, 7, 1.5, True, "text", "", [], [1, 2], {}]))
    if way == 1:
        return without_id(item)
    if way == 2:
        odd_id = chance.choice([None, 12345, 1.5, True, [], ["a"], {"$oid": "a"}, "", " ", "..", "x" * 65, "a\x00b",
                                "abc\ud83d", " blank "])  # fmt: skip
        return to_json({**item, "id": odd_id} | ({"_id": odd_id} if "_id" in item else {}))
    if way == 3:
        return to_json(item)[:-1] + b',"deep":' + DEEP + b"}"
    broken = chance.choice([*BROKEN.values()])
    return to_json(item)[:-1] + b',"odd":' + broken + b"}"


@dataclass
class OddItems:
    """What the items of one account are shown as. `odd` and `strange` are by id; `shown` are the bytes that stood for
    an odd one at last; `odd_details` are ids of contacts whose GET by id cannot be kept."""

    location_id: str
    chance: random.Random
    share: float = 1.0
    odd: dict[str, random.Random] = field(default_factory=dict)
    strange: dict[str, Item] = field(default_factory=dict)
    odd_details: set[str] = field(default_factory=set)
    shown: dict[str, bytes] = field(default_factory=dict)
    broken: bool = False
    broken_answers: int = 0

    def plant(self, item_id: str, fields: tuple[str, ...], *, odd: float, strange: float) -> None:
        """Decide what this item is shown as, with these probabilities."""
        drawn = self.chance.random()
        if drawn < odd:
            self.odd[item_id] = random.Random(item_id)
        elif drawn < odd + strange:
            names = self.chance.sample(fields, self.chance.randint(1, 5))
            self.strange[item_id] = {name: any_json(self.chance) for name in names}

    def rewrite(self, body: bytes) -> bytes:
        """Return a good answer as this account shows it."""
        answer = json.loads(body)
        if not isinstance(answer, dict):
            return body
        parts = {name: to_json(value) for name, value in answer.items()}
        for name, value in answer.items():
            if name in LISTS and isinstance(value, list):
                parts[name] = b"[" + b",".join(self._shown(item) for item in value) + b"]"
            elif name == "contact" and isinstance(value, dict):
                parts[name] = self._detail(value)
        return b"{" + b",".join(to_json(name) + b":" + part for name, part in parts.items()) + b"}"

    def _shown(self, item: Any) -> bytes:
        item_id = item.get("id") if isinstance(item, dict) else None
        if item_id in self.odd:
            self.shown[item_id] = odd_bytes(random.Random(item_id), item)
            return self.shown[item_id]
        return to_json({**item, **self.strange[item_id]}) if item_id in self.strange else to_json(item)

    def _detail(self, contact: Item) -> bytes:
        shown = to_json({**contact, **self.strange.get(contact["id"], {})})
        return shown[:-1] + b',"odd":"\xff\xfe"}' if contact["id"] in self.odd_details else shown

    def break_answer(self, body: bytes) -> tuple[bytes, dict[str, str]]:
        """Return something odd instead of a good answer, and headers."""
        self.broken_answers += 1
        words = json.dumps({"statusCode": 500, "message": "Internal server error"}).encode()
        plain: list[bytes] = [
            *(b"", b" ", b"null", b"[]", b"{}", b"7", b'"ok"', b"NaN", b"\xff\xfe\x00", b"<html>Just a moment</html>"),
            *(words, body[: len(body) // 2], body + b"}", body.decode("utf-8", "replace").encode("utf-16"), DEEP),
            *(b'{"contacts":{},"notes":7,"contact":[],"total":NaN}', b'{"message":"ok","success":true}', body * 2),
        ]  # fmt: skip
        way = self.chance.randrange(len(plain) + 3)
        if way < len(plain):
            return plain[way], {}
        if way == len(plain):
            return body, {"content-encoding": "gzip"}
        if way == len(plain) + 1:
            return gzip.compress(body)[:-9], {"content-encoding": "gzip"}
        return b"", {"location": "/elsewhere", "content-type": "text/html; charset=nonsense"}


class OddHighLevel:
    """The sandbox behind an ASGI application that rewrites the good answers to one location's token."""

    def __init__(self, sandbox: Sandbox, items: OddItems) -> None:
        self._sandbox, self._items = sandbox, items
        self._lock = threading.Lock()

    async def answer(self, request: Request) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        sent = SandboxRequest(
            request.method, request.url.path, dict(request.query_params), headers, await request.body(),
            str(request.base_url).rstrip("/"),
        )  # fmt: skip
        found = handle(self._sandbox, OPERATIONS, sent).answer
        more = {"content-type": "application/json; charset=utf-8", **found.headers}
        grant = self._sandbox.tokens.get(headers.get("authorization", "").removeprefix("Bearer "))
        body = found.body
        if grant is not None and grant.location == self._items.location_id and found.status < 300:
            with self._lock:
                body = self._items.rewrite(body)
                if self._items.broken and self._items.chance.random() < 0.4:
                    body, odd_headers = self._items.break_answer(body)
                    more |= odd_headers
        return Response(body, found.status, more)


@contextmanager
def serve_odd(sandbox: Sandbox, items: OddItems) -> Iterator[Server]:
    """Serve it on a loopback port, from a daemon thread, inside the block."""
    listener = open_listener()
    methods = ["GET", "POST", "PUT", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", OddHighLevel(sandbox, items).answer, methods=methods)])
    server = FastStopServer(
        uvicorn.Config(app, ws="none", loop="asyncio", lifespan="off", access_log=False, log_level="critical")
    )
    thread = threading.Thread(target=server.run_on, args=(listener,), daemon=True, name="odd-highlevel")
    thread.start()
    port = listener.getsockname()[1]
    try:
        yield Server(f"http://127.0.0.1:{port}", port)
    finally:
        server.stop()
        thread.join(timeout=5)
        listener.close()
