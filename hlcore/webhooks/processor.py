"""Working off the inbox of webhooks: every delivery that is due has been looked into, by one process at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from hlcore.accounts import oauth_install
from hlcore.app_context import Office
from hlcore.errors import Cancelled, LocationInactive, NotFound, StoreError, TokenRefused, VaultError, WrongLocation
from hlcore.highlevel.webhook_signature import read
from hlcore.store import runs, webhook_inbox
from hlcore.store.webhook_inbox import Delivery
from hlcore.webhooks.events import GIVE_UP, Desk, Verdict, process

log = structlog.get_logger(__name__)
BATCH = 1_000
LEASE, LEASE_FOR = "webhooks", timedelta(minutes=2)
ACCOUNT_EVENTS = ("INSTALL", "UNINSTALL")
STORE_PAUSE = timedelta(seconds=5)
TROUBLE_PAUSE = timedelta(minutes=1)
REFUSED_PAUSE = timedelta(minutes=10)


def handle_deliveries(office: Office, cancelled: Callable[[], bool]) -> int:
    """Every delivery that was due has been dealt with, or put off for a while with the reason; how many. Does nothing
    while another process of this vault works on them. One location's trouble never keeps the others waiting."""
    done = 0
    while not cancelled():
        with office.vault.inbox.read() as tx:
            found = webhook_inbox.due(tx, at=office.clock.now(), limit=BATCH)
        if not found or not _lease(office):
            return done
        by_location: dict[str, list[Delivery]] = defaultdict(list)
        for delivery in found:
            by_location[_place(delivery)].append(delivery)
        for location_id, deliveries in by_location.items():
            _handle(office, location_id, deliveries, cancelled)
            done += len(deliveries)
    return done


def forget_old(office: Office) -> int:
    """Ids of deliveries that can hardly come again are forgotten; how many."""
    with office.vault.inbox.write() as tx:
        return webhook_inbox.prune(tx, at=office.clock.now())


def _place(delivery: Delivery) -> str:
    return "" if delivery.type in ACCOUNT_EVENTS else delivery.location_id


def _lease(office: Office) -> bool:
    """Whether this process is the one that works on the inbox. One that died is not waited for."""
    me, at = runs.this_process(), office.clock.now()
    with office.vault.inbox.write() as tx:
        if runs.acquire_lease(tx, LEASE, me, at=at, ttl=LEASE_FOR):
            return True
        other = runs.lease_holder(tx, LEASE, at=at)
        if not runs.is_gone(other):
            return False
        runs.release_lease(tx, LEASE, other)
        return runs.acquire_lease(tx, LEASE, me, at=at, ttl=LEASE_FOR)


def _handle(office: Office, location_id: str, deliveries: Sequence[Delivery], cancelled: Callable[[], bool]) -> None:
    """Verdicts are kept as they come; what has none when something stops the work is put off."""
    left = {delivery.webhook_id: delivery for delivery in deliveries}
    try:
        if not location_id:
            _accounts(office, deliveries, left)
            return
        office.location(location_id)
        with office.client(location_id, cancelled=cancelled) as client:
            desk = Desk(office.vault, client, office.clock.now, office.settings.index_lag, cancelled=cancelled)
            for verdicts in process(desk, deliveries):
                _keep(office, verdicts, left)
    except NotFound:
        _keep(office, [Verdict(name, note="The account is not connected.") for name in left], left)
    except Cancelled:
        raise
    except (TokenRefused, WrongLocation, LocationInactive) as exc:
        _put_off(office, left, REFUSED_PAUSE, exc)
    except VaultError as exc:
        _put_off(office, left, STORE_PAUSE if isinstance(exc, StoreError) else TROUBLE_PAUSE, exc)


def _accounts(office: Office, deliveries: Sequence[Delivery], left: dict[str, Delivery]) -> None:
    for delivery in sorted(deliveries, key=lambda one: one.sent_at or one.received_at):
        event = read(delivery.raw)
        note = oauth_install.heard(office, event, at=delivery.sent_at or delivery.received_at) if event else ""
        _keep(office, [Verdict(delivery.webhook_id, note=note)], left)


def _keep(office: Office, verdicts: Sequence[Verdict], left: dict[str, Delivery]) -> None:
    """The verdicts stand in the inbox. What waits for too long is given up: listings are the truth."""
    at = office.clock.now()
    done: dict[str, list[str]] = defaultdict(list)
    later: dict[tuple[timedelta, str], list[str]] = defaultdict(list)
    for verdict in verdicts:
        delivery = left.pop(verdict.webhook_id)
        if verdict.again is None or at - delivery.received_at > GIVE_UP:
            done[verdict.note].append(verdict.webhook_id)
        else:
            later[verdict.again, verdict.note].append(verdict.webhook_id)
    with office.vault.inbox.write() as tx:
        for note, names in done.items():
            webhook_inbox.processed(tx, names, at=at, error=note)
        for (wait, note), names in later.items():
            webhook_inbox.postpone(tx, names, until=at + wait, note=note)


def _put_off(office: Office, left: dict[str, Delivery], wait: timedelta, exc: VaultError) -> None:
    log.warning("webhooks_put_off", kind=type(exc).__name__, text=str(exc), count=len(left))
    _keep(office, [Verdict(name, again=wait, note=str(exc)) for name in list(left)], left)
