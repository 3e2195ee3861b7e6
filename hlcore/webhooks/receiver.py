"""`POST /webhooks/highlevel`: a delivery that is HighLevel's and about an account of ours is safe in the inbox before
it is answered; everything else is refused, counted, and told nothing.

The event loop only reads bytes. One thread checks and keeps them, as many at once as have come in the meantime, and
wakes the loop once for all their answers, so that a burst costs few transactions and pages stay quick. HighLevel pauses
a URL that fails too often (Webhook Integration Guide: below 90 % over three days), and sends again what was not
answered with 2xx.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from hlcore.app_context import AppContext
from hlcore.errors import VaultError
from hlcore.highlevel.webhook_signature import LARGEST_BODY, LEGACY_SIGNATURE, SIGNATURE, Verifier, WebhookEvent, read
from hlcore.store import locations, webhook_inbox
from hlcore.store.webhook_inbox import FOREIGN, MALFORMED, OVERSIZE, UNSIGNED, Delivery

log = structlog.get_logger(__name__)
PATH = "/webhooks/highlevel"
TAKEN, REFUSED, TOO_LARGE, BUSY = 200, 401, 413, 503
BODY_SECONDS = 15.0
MOST_WAITING = 2_000
MOST_BYTES = 64 * 1024 * 1024
KNOWN_SECONDS, STRANGE_SECONDS = 2.0, 1.0
"""So old may the list of accounts be, and when a delivery is about one that is not in it."""
FLUSH_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class PendingDelivery:
    """A body that waits to be checked and kept; `answer` becomes the status, in the loop that waits for it."""

    body: bytes
    signatures: dict[str, str]
    answer: asyncio.Future[int] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


def routes(office_of: Callable[[], AppContext | None]) -> list[Route]:
    """The route for an app to mount. `office_of` gives the office of the real vault, None while it is opening."""
    return [Route(PATH, WebhookReceiver(office_of).receive, methods=["POST"])]


class WebhookReceiver:
    """Takes deliveries in for whichever office is open."""

    def __init__(self, office_of: Callable[[], AppContext | None]) -> None:
        self._office_of = office_of
        self._keeper: InboxWriter | None = None
        self._lock = threading.Lock()

    async def receive(self, request: Request) -> Response:
        """200 once the delivery is safe, with no body whatever the answer."""
        keeper = self._of(self._office_of())
        if keeper is None:
            return Response(status_code=BUSY)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(request)
        except (TimeoutError, ClientDisconnect):
            return Response(status_code=BUSY)
        if body is None:
            keeper.refuse(OVERSIZE)
            return Response(status_code=TOO_LARGE, headers={"Connection": "close"})
        signatures = {name: request.headers.get(name, "") for name in (SIGNATURE, LEGACY_SIGNATURE)}
        return Response(status_code=await keeper.offer(body, signatures))

    def _of(self, context: AppContext | None) -> InboxWriter | None:
        if context is None:
            return None
        with self._lock:
            if self._keeper is None or self._keeper.context is not context:
                self._keeper = InboxWriter(context)
                self._keeper.start()
            return self._keeper


class InboxWriter:
    """The thread that checks deliveries and keeps them in the inbox of one office. It ends with the office."""

    def __init__(self, context: AppContext) -> None:
        self.context = context
        self._verifier = Verifier.of(context.settings)
        self._queue: queue.SimpleQueue[PendingDelivery | None] = queue.SimpleQueue()
        self._bytes = 0
        self._refused: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._known: frozenset[str] = frozenset()
        self._known_at = self._flushed_at = 0.0
        self._thread = threading.Thread(target=self._run, name="webhook-inbox", daemon=True)

    def start(self) -> None:
        """The thread runs."""
        self._thread.start()
        self.context.on_close_before_vault.append(self.stop)

    def stop(self) -> None:
        """What was offered is answered, and the counts are kept. May be repeated."""
        self._queue.put(None)
        self._thread.join(timeout=10)

    def offer(self, body: bytes, signatures: dict[str, str]) -> asyncio.Future[int]:
        """Becomes the status to answer with: 200 when the delivery is safe or known already. Called in a loop."""
        offered = PendingDelivery(body, signatures)
        with self._lock:
            full = self._queue.qsize() >= MOST_WAITING or self._bytes > MOST_BYTES or not self._thread.is_alive()
            self._bytes += 0 if full else len(body)
        if full:
            offered.answer.set_result(BUSY)
        else:
            self._queue.put(offered)
        return offered.answer

    def refuse(self, kind: str) -> None:
        """One more was refused."""
        with self._lock:
            self._refused[kind] += 1

    def _run(self) -> None:
        running = True
        while running:
            batch, running = self._next()
            if batch:
                self._take(batch)
            if not running or time.monotonic() - self._flushed_at >= FLUSH_SECONDS:
                self._flush()

    def _next(self) -> tuple[list[PendingDelivery], bool]:
        """Whatever waits, at most 500; nothing after a second of silence."""
        batch: list[PendingDelivery] = []
        try:
            item = self._queue.get(timeout=FLUSH_SECONDS)
            while item is not None:
                batch.append(item)
                if len(batch) >= 500:
                    break
                item = self._queue.get_nowait()
            return batch, item is not None
        except queue.Empty:
            return batch, True

    def _take(self, batch: list[PendingDelivery]) -> None:
        with self._lock:
            self._bytes -= sum(len(offered.body) for offered in batch)
        try:
            kept = [(offered, self._check(offered)) for offered in batch]
            fresh = [delivery for _, delivery in kept if delivery is not None]
            if fresh:
                with self.context.vault.inbox.write() as tx:
                    new = webhook_inbox.add(tx, fresh)
                self.context.webhook_received.set()
                with self._lock:
                    self._refused[webhook_inbox.DUPLICATE] += len(fresh) - new
            statuses = [TAKEN if delivery is not None else REFUSED for _, delivery in kept]
        except Exception as exc:
            log.error("webhooks_not_kept", kind=type(exc).__name__, count=len(batch))
            statuses = [BUSY] * len(batch)
        _answer(batch, statuses)

    def _check(self, offered: PendingDelivery) -> Delivery | None:
        """The delivery to keep; None for one that is refused, which is counted."""
        if not self._verifier.genuine(offered.body, offered.signatures):
            self.refuse(UNSIGNED)
            return None
        event = read(offered.body)
        if event is None:
            self.refuse(MALFORMED)
            return None
        if not self._is_ours(event):
            self.refuse(FOREIGN)
            return None
        at = self.context.clock.now()
        return Delivery(event.webhook_id, event.location_id, event.type, event.sent_at, at, offered.body)

    def _is_ours(self, event: WebhookEvent) -> bool:
        """Whether it is about an account connected here; or about our own app's installation."""
        app_id = self.context.settings.own_app_id
        if app_id and event.app_id and event.app_id != app_id:
            return False
        if event.type in ("INSTALL", "UNINSTALL"):
            return bool(app_id) and event.app_id == app_id
        return event.location_id in self._connected(event.location_id)

    def _connected(self, wanted: str) -> frozenset[str]:
        """The connected accounts, as of a moment ago."""
        age = time.monotonic() - self._known_at
        if age > KNOWN_SECONDS or (wanted not in self._known and age > STRANGE_SECONDS):
            with self.context.vault.read() as tx:
                self._known = frozenset(location.location_id for location in locations.all(tx))
            self._known_at = time.monotonic()
        return self._known

    def _flush(self) -> None:
        self._flushed_at = time.monotonic()
        with self._lock:
            counted, self._refused = +self._refused, Counter()
        if not counted:
            return
        try:
            with self.context.vault.inbox.write() as tx:
                webhook_inbox.count(tx, self.context.clock.now().date().isoformat(), dict(counted))
        except VaultError as exc:
            log.warning("webhook_counts_not_kept", kind=type(exc).__name__)
            with self._lock:
                self._refused += counted


def _answer(batch: Sequence[PendingDelivery], statuses: Sequence[int]) -> None:
    """Each loop is woken once for all that wait in it. One that has ended is let be."""
    found: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[int], int]]] = defaultdict(list)
    for offered, status in zip(batch, statuses, strict=True):
        found[offered.answer.get_loop()].append((offered.answer, status))
    for loop, answers in found.items():
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_tell, answers)


def _tell(answers: Sequence[tuple[asyncio.Future[int], int]]) -> None:
    for answer, status in answers:
        if not answer.done():  # its sender has gone
            answer.set_result(status)


async def _body(request: Request) -> bytes | None:
    """The whole body; None as soon as it is larger than 256 KB, without reading the rest."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > LARGEST_BODY:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)
