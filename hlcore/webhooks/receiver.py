"""`POST /webhooks/highlevel`: stores HighLevel's deliveries about connected locations in the inbox before answering.

Everything else is refused and counted, and the answer does not say why. The event loop only reads bytes. One thread
verifies and stores them, in batches of what came in meanwhile, and wakes the loop once per batch, so that a burst costs
few transactions and pages stay responsive. HighLevel pauses a URL that fails too often (Webhook Integration Guide:
below 90 % over three days), and sends again what was not answered with 2xx.
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
from hlcore.errors import StoreError, VaultError
from hlcore.highlevel.webhook_signature import (
    LEGACY_SIGNATURE,
    MAX_BODY_BYTES,
    SIGNATURE,
    Verifier,
    WebhookEvent,
    parse_event,
)
from hlcore.log_privacy import describe_exception
from hlcore.store import locations, webhook_inbox
from hlcore.store.webhook_inbox import FOREIGN, MALFORMED, OVERSIZE, UNSIGNED, Delivery

log = structlog.get_logger(__name__)
PATH = "/webhooks/highlevel"
ACCEPTED, REFUSED, TOO_LARGE, BUSY = 200, 401, 413, 503
BODY_SECONDS = 15.0
MAX_WAITING = 2_000
MAX_WAITING_BYTES = 64 * 1024 * 1024
LOCATIONS_MAX_AGE, UNKNOWN_LOCATION_MAX_AGE = 2.0, 1.0
"""Seconds after which the list of connected locations is read again, and when a delivery names none of them."""
FLUSH_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class PendingDelivery:
    """A body that waits to be verified and stored; `answer` becomes the HTTP status."""

    body: bytes
    signatures: dict[str, str]
    answer: asyncio.Future[int] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


def routes(get_context: Callable[[], AppContext | None]) -> list[Route]:
    """Return the route for an app to mount. `get_context` gives the context of the real vault, None while it is
    opening."""
    return [Route(PATH, WebhookReceiver(get_context).receive, methods=["POST"])]


class WebhookReceiver:
    """Receives deliveries for the context that is open."""

    def __init__(self, get_context: Callable[[], AppContext | None]) -> None:
        self._get_context = get_context
        self._writer: InboxWriter | None = None
        self._lock = threading.Lock()

    async def receive(self, request: Request) -> Response:
        """Answer 200 once the delivery is stored. The body of the answer is always empty."""
        writer = self._writer_for(self._get_context())
        if writer is None:
            return Response(status_code=BUSY)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read_body(request)
        except (TimeoutError, ClientDisconnect):
            return Response(status_code=BUSY)
        if body is None:
            writer.count_refusal(OVERSIZE)
            return Response(status_code=TOO_LARGE, headers={"Connection": "close"})
        signatures = {name: request.headers.get(name, "") for name in (SIGNATURE, LEGACY_SIGNATURE)}
        return Response(status_code=await writer.submit(body, signatures))

    def _writer_for(self, context: AppContext | None) -> InboxWriter | None:
        if context is None:
            return None
        with self._lock:
            if self._writer is None or self._writer.context is not context:
                self._writer = InboxWriter(context)
                self._writer.start()
            return self._writer


class InboxWriter:
    """The thread that verifies deliveries and stores them in the inbox of one context. It ends with the context."""

    def __init__(self, context: AppContext) -> None:
        self.context = context
        self._verifier = Verifier.from_settings(context.settings)
        self._queue: queue.SimpleQueue[PendingDelivery | None] = queue.SimpleQueue()
        self._bytes = 0
        self._refused: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._connected_ids: frozenset[str] = frozenset()
        self._connected_at = self._flushed_at = 0.0
        self._thread = threading.Thread(target=self._run, name="webhook-inbox", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()
        self.context.on_close_before_vault.append(self.stop)

    def stop(self) -> None:
        """Answer what was submitted, store the counts, and end the thread. May be repeated."""
        self._queue.put(None)
        self._thread.join(timeout=10)

    def submit(self, body: bytes, signatures: dict[str, str]) -> asyncio.Future[int]:
        """Return a future of the status to answer with: 200 when the delivery is stored or was known. Called in an
        event loop."""
        pending = PendingDelivery(body, signatures)
        with self._lock:
            full = self._queue.qsize() >= MAX_WAITING or self._bytes > MAX_WAITING_BYTES or not self._thread.is_alive()
            self._bytes += 0 if full else len(body)
        if full:
            pending.answer.set_result(BUSY)
        else:
            self._queue.put(pending)
        return pending.answer

    def count_refusal(self, kind: str) -> None:
        """Count one more refused delivery of this kind."""
        with self._lock:
            self._refused[kind] += 1

    def _run(self) -> None:
        running = True
        while running:
            batch, running = self._next_batch()
            if batch:
                self._store(batch)
            if not running or time.monotonic() - self._flushed_at >= FLUSH_SECONDS:
                self._flush()

    def _next_batch(self) -> tuple[list[PendingDelivery], bool]:
        """Return the waiting deliveries, at most 500, and whether to go on. Returns none after an idle second."""
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

    def _store(self, batch: list[PendingDelivery]) -> None:
        with self._lock:
            self._bytes -= sum(len(pending.body) for pending in batch)
        try:
            checked = [(pending, self._verify_alone(pending)) for pending in batch]
            fresh = [delivery for _, delivery in checked if delivery is not None]
            if fresh:
                with self.context.vault.inbox.write() as tx:
                    new = webhook_inbox.add(tx, fresh)
                self.context.webhook_received.set()
                with self._lock:
                    self._refused[webhook_inbox.DUPLICATE] += len(fresh) - new
            statuses = [ACCEPTED if delivery is not None else REFUSED for _, delivery in checked]
        except Exception as exc:
            log.error("webhooks_not_kept", kind=type(exc).__name__, count=len(batch))
            statuses = [BUSY] * len(batch)
        _answer(batch, statuses)

    def _verify_alone(self, pending: PendingDelivery) -> Delivery | None:
        """As `_verify`; a delivery that cannot be examined is refused too and keeps no other waiting. Raises
        StoreError."""
        try:
            return self._verify(pending)
        except StoreError:
            raise
        except Exception as exc:
            log.error("webhook_unreadable", text=describe_exception(exc))
            self.count_refusal(MALFORMED)
            return None

    def _verify(self, pending: PendingDelivery) -> Delivery | None:
        """Return the delivery to store; None for one that is refused, which is counted."""
        if not self._verifier.is_genuine(pending.body, pending.signatures):
            self.count_refusal(UNSIGNED)
            return None
        event = parse_event(pending.body)
        if event is None:
            self.count_refusal(MALFORMED)
            return None
        if not self._is_ours(event):
            self.count_refusal(FOREIGN)
            return None
        at = self.context.clock.now()
        return Delivery(event.webhook_id, event.location_id, event.type, event.sent_at, at, pending.body)

    def _is_ours(self, event: WebhookEvent) -> bool:
        """Whether the event is about a location connected here, or about our own app's installation."""
        app_id = self.context.settings.own_app_id
        if app_id and event.app_id and event.app_id != app_id:
            return False
        if event.type in ("INSTALL", "UNINSTALL"):
            return bool(app_id) and event.app_id == app_id
        return event.location_id in self._connected_locations(event.location_id)

    def _connected_locations(self, location_id: str) -> frozenset[str]:
        """Return the ids of the connected locations, read at most two seconds ago."""
        age = time.monotonic() - self._connected_at
        if age > LOCATIONS_MAX_AGE or (location_id not in self._connected_ids and age > UNKNOWN_LOCATION_MAX_AGE):
            with self.context.vault.read() as tx:
                self._connected_ids = frozenset(location.location_id for location in locations.list_all(tx))
            self._connected_at = time.monotonic()
        return self._connected_ids

    def _flush(self) -> None:
        self._flushed_at = time.monotonic()
        with self._lock:
            refused, self._refused = +self._refused, Counter()
        if not refused:
            return
        try:
            with self.context.vault.inbox.write() as tx:
                webhook_inbox.add_refusals(tx, self.context.clock.now().date().isoformat(), dict(refused))
        except VaultError as exc:
            log.warning("webhook_counts_not_kept", kind=type(exc).__name__)
            with self._lock:
                self._refused += refused


def _answer(batch: Sequence[PendingDelivery], statuses: Sequence[int]) -> None:
    """Wake each event loop once for all deliveries that wait in it. A loop that has ended is skipped."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[int], int]]] = defaultdict(list)
    for pending, status in zip(batch, statuses, strict=True):
        by_loop[pending.answer.get_loop()].append((pending.answer, status))
    for loop, answers in by_loop.items():
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_set_answers, answers)


def _set_answers(answers: Sequence[tuple[asyncio.Future[int], int]]) -> None:
    for answer, status in answers:
        if not answer.done():  # cancelled: the sender has disconnected
            answer.set_result(status)


async def _read_body(request: Request) -> bytes | None:
    """Return the whole body; None as soon as it is larger than 256 KB, without reading the rest."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)
