"""Works off the inbox of webhooks: every delivery that is due, by one process at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from hlcore.accounts import oauth_install
from hlcore.app_context import AppContext
from hlcore.errors import Cancelled, LocationInactive, NotFound, StoreError, TokenRefused, VaultError, WrongLocation
from hlcore.highlevel.webhook_signature import parse_event
from hlcore.log_privacy import describe_exception
from hlcore.model.moments import is_recent
from hlcore.store import leases, quarantine, webhook_inbox
from hlcore.store.webhook_inbox import Delivery
from hlcore.webhooks.events import GIVE_UP, DeliveryResult, process_deliveries

log = structlog.get_logger(__name__)
BATCH_SIZE = 1_000
LEASE, LEASE_TTL = "webhooks", timedelta(minutes=2)
APP_EVENTS = ("INSTALL", "UNINSTALL")
FAILURE_WAITS = (timedelta(seconds=5), timedelta(seconds=30))
"""When to try a delivery again that failed by itself, before it is set aside."""
PLACE_OF_ODD_EVENTS = "hlcore.webhooks.events"
STORE_ERROR_WAIT = timedelta(seconds=5)
ERROR_WAIT = timedelta(minutes=1)
REFUSED_WAIT = timedelta(minutes=10)


def handle_deliveries(context: AppContext, cancelled: Callable[[], bool]) -> int:
    """Process every delivery that is due, or postpone it with the reason; return how many.

    Does nothing while another process of this vault holds the lease. A location that fails does not stop the others. A
    delivery that fails by itself is set aside after some attempts (`store.quarantine`).
    """
    handled = 0
    while not cancelled():
        with context.vault.inbox.read() as tx:
            due = webhook_inbox.list_due(tx, at=context.clock.now(), limit=BATCH_SIZE)
        if not due or not _acquire_lease(context):
            return handled
        by_location: dict[str, list[Delivery]] = defaultdict(list)
        for delivery in due:
            by_location[_location_of(delivery)].append(delivery)
        for location_id, deliveries in by_location.items():
            _handle_location(context, location_id, deliveries, cancelled)
            handled += len(deliveries)
    return handled


def forget_old_deliveries(context: AppContext) -> int:
    """Forget ids of deliveries that HighLevel will hardly send again; return how many."""
    with context.vault.inbox.write() as tx:
        return webhook_inbox.prune(tx, at=context.clock.now())


def _location_of(delivery: Delivery) -> str:
    return "" if delivery.type in APP_EVENTS else delivery.location_id


def _acquire_lease(context: AppContext) -> bool:
    """Whether this process is the one that works on the inbox."""
    with context.vault.inbox.write() as tx:
        return leases.acquire(tx, LEASE, leases.this_process(), at=context.clock.now(), ttl=LEASE_TTL)


def _handle_location(
    context: AppContext, location_id: str, deliveries: Sequence[Delivery], cancelled: Callable[[], bool]
) -> None:
    """Store results as they come; postpone the deliveries that have none when an error stops the work."""
    pending = {delivery.webhook_id: delivery for delivery in deliveries}
    try:
        if not location_id:
            _handle_app_events(context, deliveries, pending)
            return
        context.location(location_id)
        with context.location_context(location_id, cancelled=cancelled) as location:
            for results in process_deliveries(location, deliveries, index_lag=context.settings.index_lag):
                _save_results(context, results, pending)
    except NotFound:
        unknown = [DeliveryResult(webhook_id, note="The account is not connected.") for webhook_id in pending]
        _save_results(context, unknown, pending)
    except Cancelled:
        raise
    except (TokenRefused, WrongLocation, LocationInactive) as exc:
        _postpone(context, pending, REFUSED_WAIT, exc)
    except Exception as exc:
        _postpone(context, pending, STORE_ERROR_WAIT if isinstance(exc, StoreError) else ERROR_WAIT, exc)


def _handle_app_events(context: AppContext, deliveries: Sequence[Delivery], pending: dict[str, Delivery]) -> None:
    for delivery in sorted(deliveries, key=lambda delivery: delivery.sent_at or delivery.received_at):
        _save_results(context, [_handle_app_event(context, delivery)], pending)


def _handle_app_event(context: AppContext, delivery: Delivery) -> DeliveryResult:
    try:
        event = parse_event(delivery.raw)
        at = delivery.sent_at or delivery.received_at
        note = oauth_install.handle_app_event(context, event, at=at) if event else ""
    except (Cancelled, StoreError):
        raise
    except VaultError as exc:
        return DeliveryResult(delivery.webhook_id, retry_in=ERROR_WAIT, note=str(exc))
    except Exception as exc:
        return DeliveryResult(delivery.webhook_id, failure=exc)
    return DeliveryResult(delivery.webhook_id, note=note)


def _save_results(context: AppContext, results: Sequence[DeliveryResult], pending: dict[str, Delivery]) -> None:
    """Store the results in the inbox, and failures in the quarantine. A delivery that has waited too long is given up:
    the next listing finds the truth."""
    at = context.clock.now()
    done: dict[str, list[str]] = defaultdict(list)
    later: dict[tuple[timedelta, str], list[str]] = defaultdict(list)
    failed: list[tuple[Delivery, DeliveryResult]] = []
    for result in results:
        delivery = pending[result.webhook_id]
        if result.failure:
            failed.append((delivery, result))
        elif result.retry_in is None or not is_recent(delivery.received_at, at, GIVE_UP):
            done[result.note].append(result.webhook_id)
        else:
            later[result.retry_in, result.note].append(result.webhook_id)
    aside = _note_failures(context, failed, at)
    _forget_failures(context, [pending[webhook_id] for ids in done.values() for webhook_id in ids])
    with context.vault.inbox.write() as tx:
        for note, webhook_ids in done.items():
            webhook_inbox.mark_processed(tx, webhook_ids, at=at, error=note)
        for (wait, note), webhook_ids in later.items():
            webhook_inbox.postpone(tx, webhook_ids, until=at + wait, note=note)
        for delivery, result in failed:
            wait = FAILURE_WAITS[min(delivery.attempts, len(FAILURE_WAITS) - 1)]
            if delivery.webhook_id in aside:
                webhook_inbox.set_aside(tx, [delivery.webhook_id], at=at, note=result.note)
            else:
                webhook_inbox.postpone(tx, [delivery.webhook_id], until=at + wait, note=result.note)
    for result in results:
        del pending[result.webhook_id]


def _note_failures(
    context: AppContext, failed: Sequence[tuple[Delivery, DeliveryResult]], at: datetime
) -> frozenset[str]:
    """Count each failure in the quarantine; return the ids of the deliveries that are set aside now. Raises StoreError:
    then the database is at fault, and no delivery."""
    if not failed:
        return frozenset()
    aside = set()
    with context.vault.write() as tx:
        for delivery, result in failed:
            where = (tx, delivery.location_id, quarantine.DELIVERY, delivery.webhook_id)
            if isinstance(result.failure, str):
                quarantine.set_aside(*where, result.failure, at=at, place=PLACE_OF_ODD_EVENTS)
                aside.add(delivery.webhook_id)
            elif quarantine.note_failure(*where, result.failure, at=at):
                aside.add(delivery.webhook_id)
    for _, result in failed:
        error = result.failure
        text = error if isinstance(error, str) else describe_exception(error)
        log.warning("webhook_failed", text=text)
    return frozenset(aside)


def _forget_failures(context: AppContext, done: Sequence[Delivery]) -> None:
    """Forget earlier failures of deliveries that are done at last."""
    by_location: dict[str, list[str]] = defaultdict(list)
    for delivery in done:
        if delivery.attempts:
            by_location[delivery.location_id].append(delivery.webhook_id)
    if by_location:
        with context.vault.write() as tx:
            for location_id, webhook_ids in by_location.items():
                quarantine.resolve(tx, location_id, quarantine.DELIVERY, webhook_ids)


def _postpone(context: AppContext, pending: dict[str, Delivery], wait: timedelta, exc: Exception) -> None:
    """Let these wait, for a reason that is none of theirs: it is no attempt."""
    text = str(exc) if isinstance(exc, VaultError) else describe_exception(exc)
    log.warning("webhooks_put_off", kind=type(exc).__name__, text=text, count=len(pending))
    at = context.clock.now()
    with context.vault.inbox.write() as tx:
        webhook_inbox.postpone(tx, list(pending), until=at + wait, note=text, is_attempt=False)
