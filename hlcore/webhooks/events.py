"""From deliveries of webhooks to what is true now.

A webhook says that something happened to a record, in a payload that leaves half of it out, once or several times, in
any order and hours late. It is therefore taken as "go and read that record", and the answer of HighLevel at this moment
is what is kept: an old event cannot overwrite newer state. Only the time of a deletion comes from the event itself. All
events about one contact cost one question per kind of record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

from hlcore.errors import Gone, HighLevelError
from hlcore.highlevel import Client, Priority
from hlcore.highlevel.webhook_signature import WebhookEvent, read
from hlcore.model.records import identity
from hlcore.store import Vault, records
from hlcore.store.webhook_inbox import Delivery
from hlcore.sync.capture.contact_records import capture_kind
from hlcore.sync.contact_lookup import FATAL_ERRORS, fetch_contact
from hlcore.sync.run_context import Now, never
from hlcore.webhooks.contact_events import Seen, keep_contacts

DELETED = "ContactDelete"
KINDS = {"Note": "note", "Task": "task", "Opportunity": "opportunity", "Appointment": "appointment"}
MESSAGES = ("InboundMessage", "OutboundMessage", "ProviderOutboundMessage")
URGENT = 10
"""So few contacts are asked for before everything else; more must not take the requests of a restore."""
MOST_OTHERS = 40
"""So many looks at a time for what is no deletion; a deletion that comes meanwhile does not wait for long."""
AGAIN = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 180, 900))
"""When a record that HighLevel does not show yet (or still shows) is looked at again."""
RETRY = tuple(timedelta(seconds=seconds) for seconds in (15, 60, 300, 900, 3600))
GIVE_UP = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class WebhookContext:
    """Where the deliveries of one location are worked on."""

    vault: Vault
    client: Client
    now: Now
    index_lag: timedelta = timedelta(minutes=5)
    workers: int = 8
    cancelled: Callable[[], bool] = never

    @property
    def location_id(self) -> str:
        """The location."""
        return self.client.location_id


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """What became of a delivery: done when `again` is None, else it is looked at once more after that time."""

    webhook_id: str
    again: timedelta | None = None
    note: str = ""


@dataclass(slots=True, eq=False)
class LookupTask:
    """All deliveries that one look settles: about one contact (`kind` 'contact') or its records of one kind."""

    kind: str
    contact_id: str
    deliveries: list[Delivery] = field(default_factory=list)
    events: list[WebhookEvent] = field(default_factory=list)

    def done(self, note: str = "") -> list[DeliveryResult]:
        """Nothing more is to be done about any of them."""
        return [DeliveryResult(delivery.webhook_id, note=note) for delivery in self.deliveries]

    def later(self, waits: Sequence[timedelta], note: str) -> list[DeliveryResult]:
        """Each is looked at again, later every time; done when the waits are used up."""
        return [
            DeliveryResult(
                delivery.webhook_id, waits[delivery.attempts] if delivery.attempts < len(waits) else None, note
            )
            for delivery in self.deliveries
        ]


def process(desk: WebhookContext, deliveries: Sequence[Delivery]) -> Iterator[list[DeliveryResult]]:
    """What the deliveries of this location tell is in the vault; a verdict on each, as soon as it is. Deletions come
    first. Those without a verdict have not been dealt with: there were many, or a stopper (TokenRefused, BudgetSpent,
    Cancelled, …) was raised. May be repeated, in any order."""
    errands, idle = _sort(desk, deliveries)
    yield idle
    lost = [errand for errand in errands if DELETED in {event.type for event in errand.events}]
    others = [errand for errand in errands if errand not in lost][:MOST_OTHERS]
    yield from _contacts(desk, lost)
    yield from _contacts(desk, [errand for errand in others if errand.kind == "contact"])
    yield from _records(desk, [errand for errand in others if errand.kind != "contact"])


def _sort(desk: WebhookContext, deliveries: Sequence[Delivery]) -> tuple[list[LookupTask], list[DeliveryResult]]:
    """The errands, and a verdict on whatever leads to none."""
    found: dict[tuple[str, str], LookupTask] = {}
    idle: list[DeliveryResult] = []
    for delivery in deliveries:
        event = read(delivery.raw)
        kind = kind_of(event.type) if event else ""
        contact_id = _whose(desk, kind, event) if event and kind else ""
        if not event or not kind or not contact_id:
            idle.append(DeliveryResult(delivery.webhook_id, note="It does not say whose record it is." if kind else ""))
            continue
        errand = found.setdefault((kind, contact_id), LookupTask(kind, contact_id))
        errand.deliveries.append(delivery)
        errand.events.append(event)
    return list(found.values()), idle


def kind_of(event_type: str) -> str:
    """What is to be read because of an event of this type: 'contact', a kind of record, or '' for nothing."""
    if event_type in MESSAGES:
        return "message"
    if event_type.startswith("Contact"):
        return "contact"
    return next((kind for start, kind in KINDS.items() if event_type.startswith(start)), "")


def _whose(desk: WebhookContext, kind: str, event: WebhookEvent) -> str:
    """The contact that the record belongs to. New tasks come without it (API issue 332): they are looked for."""
    if event.contact_id or not event.record_id:
        return event.contact_id
    with desk.vault.read() as tx:
        held = records.get(tx, desk.location_id, kind, event.record_id)
    if held is not None or kind != "task":
        return held.contact_id if held else ""
    try:
        newest = map(identity, desk.client.search_tasks(limit=100))
        return next((owner for record_id, owner in newest if record_id == event.record_id), "")
    except FATAL_ERRORS:
        raise
    except HighLevelError:
        return ""


def _contacts(desk: WebhookContext, errands: Sequence[LookupTask]) -> Iterator[list[DeliveryResult]]:
    hurried = len(errands) <= URGENT
    client = desk.client.with_priority(Priority.INTERACTIVE) if hurried else desk.client
    for part in _parts(errands, MOST_OTHERS):
        with ThreadPoolExecutor(desk.workers, thread_name_prefix="webhook") as pool:
            answers = list(pool.map(lambda errand: fetch_contact(client, errand.contact_id), part))
        seen = [
            Seen(answer, _told(errand), any(event.type != DELETED for event in errand.events))
            for errand, answer in zip(part, answers, strict=True)
        ]
        keep_contacts(desk.vault, desk.location_id, seen, at=desk.now(), lag=desk.index_lag)
        yield [verdict for errand, one in zip(part, seen, strict=True) for verdict in _judge(errand, one)]


def _told(errand: LookupTask) -> list[tuple[WebhookEvent, bytes]]:
    """The deletions among the events, with their bodies, oldest first."""
    found = [
        (event, delivery.raw)
        for event, delivery in zip(errand.events, errand.deliveries, strict=True)
        if event.type == DELETED
    ]
    return sorted(found, key=lambda pair: pair[0].sent_at.timestamp() if pair[0].sent_at else 0.0)


def _judge(errand: LookupTask, seen: Seen) -> list[DeliveryResult]:
    if seen.answer.raw is not None and seen.told:
        return errand.later(AGAIN, "HighLevel says that it was deleted, and still shows it.")
    if seen.answer.raw is None and not seen.answer.gone:
        return errand.later(RETRY, seen.answer.words)
    return errand.done()


def _records(desk: WebhookContext, errands: Sequence[LookupTask]) -> Iterator[list[DeliveryResult]]:
    for part in _parts(errands, 4 * desk.workers):
        with ThreadPoolExecutor(desk.workers, thread_name_prefix="webhook") as pool:
            verdicts = pool.map(lambda errand: _capture(desk, errand), part)
            yield [verdict for several in verdicts for verdict in several]


def _capture(desk: WebhookContext, errand: LookupTask) -> list[DeliveryResult]:
    """The contact's records of this kind are read again. What belongs to the dead is kept as it is."""
    try:
        capture_kind(desk.vault, desk.client, desk.location_id, errand.contact_id, errand.kind, now=desk.now)
    except Gone:
        return errand.done()
    except FATAL_ERRORS:
        raise
    except HighLevelError as exc:
        return errand.later(RETRY, str(exc))
    expected = [event.record_id for event in errand.events if event.record_id and not event.type.endswith("Delete")]
    with desk.vault.read() as tx:
        lagging = any(records.get(tx, desk.location_id, errand.kind, record_id) is None for record_id in expected)
    return errand.later(AGAIN, "HighLevel does not show it yet.") if lagging else errand.done()


def _parts(errands: Sequence[LookupTask], size: int) -> Iterable[Sequence[LookupTask]]:
    for start in range(0, len(errands), size):
        yield errands[start : start + size]
