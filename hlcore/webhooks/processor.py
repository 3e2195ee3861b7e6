"""Working off the inbox of webhooks: every delivery that is due has been looked into, by one process at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from hlcore.accounts import oauth_install
from hlcore.app_context import AppContext
from hlcore.errors import Cancelled, LocationInactive, NotFound, StoreError, TokenRefused, VaultError, WrongLocation
from hlcore.highlevel.webhook_signature import read
from hlcore.store import runs, webhook_inbox
from hlcore.store.webhook_inbox import Delivery
from hlcore.webhooks.events import GIVE_UP, DeliveryResult, WebhookContext, process

log = structlog.get_logger(__name__)
BATCH = 1_000
LEASE, LEASE_FOR = "webhooks", timedelta(minutes=2)
ACCOUNT_EVENTS = ("INSTALL", "UNINSTALL")
STORE_PAUSE = timedelta(seconds=5)
TROUBLE_PAUSE = timedelta(minutes=1)
REFUSED_PAUSE = timedelta(minutes=10)


def handle_deliveries(context: AppContext, cancelled: Callable[[], bool]) -> int:
    """Every delivery that was due has been dealt with, or put off for a while with the reason; how many. Does nothing
    while another process of this vault works on them. One location's trouble never keeps the others waiting."""
    done = 0
    while not cancelled():
        with context.vault.inbox.read() as tx:
            found = webhook_inbox.due(tx, at=context.clock.now(), limit=BATCH)
        if not found or not _lease(context):
            return done
        by_location: dict[str, list[Delivery]] = defaultdict(list)
        for delivery in found:
            by_location[_place(delivery)].append(delivery)
        for location_id, deliveries in by_location.items():
            _handle(context, location_id, deliveries, cancelled)
            done += len(deliveries)
    return done


def forget_old(context: AppContext) -> int:
    """Ids of deliveries that can hardly come again are forgotten; how many."""
    with context.vault.inbox.write() as tx:
        return webhook_inbox.prune(tx, at=context.clock.now())


def _place(delivery: Delivery) -> str:
    return "" if delivery.type in ACCOUNT_EVENTS else delivery.location_id


def _lease(context: AppContext) -> bool:
    """Whether this process is the one that works on the inbox. One that died is not waited for."""
    me, at = runs.this_process(), context.clock.now()
    with context.vault.inbox.write() as tx:
        if runs.acquire_lease(tx, LEASE, me, at=at, ttl=LEASE_FOR):
            return True
        other = runs.lease_holder(tx, LEASE, at=at)
        if not runs.is_gone(other):
            return False
        runs.release_lease(tx, LEASE, other)
        return runs.acquire_lease(tx, LEASE, me, at=at, ttl=LEASE_FOR)


def _handle(
    context: AppContext, location_id: str, deliveries: Sequence[Delivery], cancelled: Callable[[], bool]
) -> None:
    """Verdicts are kept as they come; what has none when something stops the work is put off."""
    left = {delivery.webhook_id: delivery for delivery in deliveries}
    try:
        if not location_id:
            _accounts(context, deliveries, left)
            return
        context.location(location_id)
        with context.client(location_id, cancelled=cancelled) as client:
            desk = WebhookContext(
                context.vault, client, context.clock.now, context.settings.index_lag, cancelled=cancelled
            )
            for verdicts in process(desk, deliveries):
                _keep(context, verdicts, left)
    except NotFound:
        _keep(context, [DeliveryResult(name, note="The account is not connected.") for name in left], left)
    except Cancelled:
        raise
    except (TokenRefused, WrongLocation, LocationInactive) as exc:
        _put_off(context, left, REFUSED_PAUSE, exc)
    except VaultError as exc:
        _put_off(context, left, STORE_PAUSE if isinstance(exc, StoreError) else TROUBLE_PAUSE, exc)


def _accounts(context: AppContext, deliveries: Sequence[Delivery], left: dict[str, Delivery]) -> None:
    for delivery in sorted(deliveries, key=lambda one: one.sent_at or one.received_at):
        event = read(delivery.raw)
        note = (
            oauth_install.handle_app_event(context, event, at=delivery.sent_at or delivery.received_at) if event else ""
        )
        _keep(context, [DeliveryResult(delivery.webhook_id, note=note)], left)


def _keep(context: AppContext, verdicts: Sequence[DeliveryResult], left: dict[str, Delivery]) -> None:
    """The verdicts stand in the inbox. What waits for too long is given up: listings are the truth."""
    at = context.clock.now()
    done: dict[str, list[str]] = defaultdict(list)
    later: dict[tuple[timedelta, str], list[str]] = defaultdict(list)
    for verdict in verdicts:
        delivery = left.pop(verdict.webhook_id)
        if verdict.again is None or at - delivery.received_at > GIVE_UP:
            done[verdict.note].append(verdict.webhook_id)
        else:
            later[verdict.again, verdict.note].append(verdict.webhook_id)
    with context.vault.inbox.write() as tx:
        for note, names in done.items():
            webhook_inbox.processed(tx, names, at=at, error=note)
        for (wait, note), names in later.items():
            webhook_inbox.postpone(tx, names, until=at + wait, note=note)


def _put_off(context: AppContext, left: dict[str, Delivery], wait: timedelta, exc: VaultError) -> None:
    log.warning("webhooks_put_off", kind=type(exc).__name__, text=str(exc), count=len(left))
    _keep(context, [DeliveryResult(name, again=wait, note=str(exc)) for name in list(left)], left)
