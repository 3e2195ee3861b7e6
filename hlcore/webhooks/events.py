"""From webhook deliveries to lookups in HighLevel, and from their answers to the vault.

A webhook says that something happened to a record, in a payload that omits half of it, once or several times, in any
order and hours late. It is therefore taken as "read that record", and what HighLevel answers now is stored: an old
event cannot overwrite newer state. Only the time of a deletion comes from the event itself. All events about one
contact cost one lookup per kind of record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

from hlcore.errors import Cancelled, Gone, HighLevelError, RateLimited, Unreachable
from hlcore.highlevel import Client, Priority
from hlcore.highlevel.webhook_signature import WebhookEvent, parse_event
from hlcore.location_context import LocationContext
from hlcore.model.records import record_ids
from hlcore.store import records
from hlcore.store.webhook_inbox import Delivery
from hlcore.sync.capture.contact_records import capture_records
from hlcore.sync.contact_lookup import FATAL_ERRORS, REFUSALS, fetch_contact, raise_if_refused_everywhere
from hlcore.sync.run_context import LookupResult
from hlcore.webhooks.contact_events import ContactUpdate, apply_contact_updates

DELETED = "ContactDelete"
RECORD_KINDS = {"Note": "note", "Task": "task", "Opportunity": "opportunity", "Appointment": "appointment"}
MESSAGE_TYPES = ("InboundMessage", "OutboundMessage", "ProviderOutboundMessage")
INTERACTIVE_LIMIT = 10
"""Up to this many contacts are looked up with priority; more must not take the requests of a restore."""
MAX_OTHER_LOOKUPS = 40
"""Lookups at a time for other events than deletions, so that a deletion that comes meanwhile need not wait long."""
LAG_WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 180, 900))
"""When to look up again a record that HighLevel does not show yet, or still shows."""
ERROR_WAITS = tuple(timedelta(seconds=seconds) for seconds in (15, 60, 300, 900, 3600))
WORKERS = 8
GIVE_UP = timedelta(days=3)


TRANSIENT = (Unreachable.__name__, RateLimited.__name__)
"""Errors that say nothing about the record: a later lookup, or the next listing, finds the truth."""


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The outcome of a delivery: done when `retry_in` is None, else to be processed again after that time. `failure`:
    the exception that it alone caused, or a word for what is odd about it; then it is for the quarantine."""

    webhook_id: str
    retry_in: timedelta | None = None
    note: str = ""
    failure: Exception | str = ""


@dataclass(slots=True, eq=False)
class LookupTask:
    """All deliveries that one lookup settles: about a contact (`kind` 'contact') or its records of one kind."""

    kind: str
    contact_id: str
    deliveries: list[Delivery] = field(default_factory=list)
    events: list[WebhookEvent] = field(default_factory=list)

    def finished(self, note: str = "") -> list[DeliveryResult]:
        """Return a result for each delivery: nothing more to do."""
        return [DeliveryResult(delivery.webhook_id, note=note) for delivery in self.deliveries]

    def failed(self, failure: Exception | str) -> list[DeliveryResult]:
        """Return a result for each delivery: it cannot be handled."""
        return [DeliveryResult(delivery.webhook_id, failure=failure) for delivery in self.deliveries]

    def retry(self, waits: Sequence[timedelta], note: str, *, error: str = "") -> list[DeliveryResult]:
        """Return a result for each delivery: again after the next of these waits. When they are used up it is done, or
        has failed with `error`, where that is not one of TRANSIENT."""
        failure = "" if error in TRANSIENT else error
        return [
            DeliveryResult(delivery.webhook_id, waits[delivery.attempts], note)
            if delivery.attempts < len(waits)
            else DeliveryResult(delivery.webhook_id, note=note, failure=failure)
            for delivery in self.deliveries
        ]

    def split(self) -> list[LookupTask]:
        """Return a task for each delivery alone."""
        return [
            LookupTask(self.kind, self.contact_id, [delivery], [event])
            for delivery, event in zip(self.deliveries, self.events, strict=True)
        ]


def process_deliveries(
    context: LocationContext, deliveries: Sequence[Delivery], *, index_lag: timedelta
) -> Iterator[list[DeliveryResult]]:
    """Bring the vault up to date with the deliveries of one location; yield the result of each as soon as it is known.

    Deletions come first. Deliveries without a result were not processed: there were too many, or a fatal error
    (TokenRefused, BudgetSpent, Cancelled, …) was raised. May be repeated, in any order.
    """
    tasks, ignored = _group(context, deliveries)
    yield ignored
    deletions = [task for task in tasks if DELETED in {event.type for event in task.events}]
    others = [task for task in tasks if task not in deletions][:MAX_OTHER_LOOKUPS]
    yield from _update_contacts(context, deletions, index_lag)
    yield from _update_contacts(context, [task for task in others if task.kind == "contact"], index_lag)
    yield from _update_records(context, [task for task in others if task.kind != "contact"])


def _group(context: LocationContext, deliveries: Sequence[Delivery]) -> tuple[list[LookupTask], list[DeliveryResult]]:
    """Return the lookups to do, and a result for each delivery that needs none or cannot be handled."""
    tasks: dict[tuple[str, str], LookupTask] = {}
    others: list[DeliveryResult] = []
    for delivery in deliveries:
        try:
            found = _subject_of(context, delivery)
        except FATAL_ERRORS:
            raise
        except Exception as error:
            others.append(DeliveryResult(delivery.webhook_id, failure=error))
            continue
        if isinstance(found, DeliveryResult):
            others.append(found)
            continue
        kind, contact_id, event = found
        task = tasks.setdefault((kind, contact_id), LookupTask(kind, contact_id))
        task.deliveries.append(delivery)
        task.events.append(event)
    return list(tasks.values()), others


def _subject_of(context: LocationContext, delivery: Delivery) -> tuple[str, str, WebhookEvent] | DeliveryResult:
    """Return (kind to look up, contact id, event), or the delivery's result where nothing is to be looked up."""
    event = parse_event(delivery.raw)
    kind = record_kind(event.type) if event else ""
    if not event or not kind:
        return DeliveryResult(delivery.webhook_id)
    if event.odd:
        return DeliveryResult(delivery.webhook_id, failure=event.odd)
    contact_id = _contact_id_of(context, kind, event)
    if not contact_id:
        return DeliveryResult(delivery.webhook_id, note="It does not say whose record it is.")
    return kind, contact_id, event


def record_kind(event_type: str) -> str:
    """Return what an event of this type requires to be read: 'contact', a kind of record, or '' for nothing."""
    if event_type in MESSAGE_TYPES:
        return "message"
    if event_type.startswith("Contact"):
        return "contact"
    return next((kind for start, kind in RECORD_KINDS.items() if event_type.startswith(start)), "")


def _contact_id_of(context: LocationContext, kind: str, event: WebhookEvent) -> str:
    """Return the contact that the record belongs to. Events of new tasks lack it (API issue 332)."""
    if event.contact_id or not event.record_id:
        return event.contact_id
    with context.vault.read() as tx:
        record = records.get(tx, context.location_id, kind, event.record_id)
    if record is not None or kind != "task":
        return record.contact_id if record else ""
    try:
        newest = map(record_ids, context.client.search_tasks(limit=100))
        return next((owner for record_id, owner in newest if record_id == event.record_id), "")
    except FATAL_ERRORS:
        raise
    except HighLevelError:
        return ""


def _update_contacts(
    context: LocationContext, tasks: Sequence[LookupTask], index_lag: timedelta
) -> Iterator[list[DeliveryResult]]:
    interactive = len(tasks) <= INTERACTIVE_LIMIT
    client = context.client.with_priority(Priority.INTERACTIVE) if interactive else context.client
    for batch in _batches(tasks, MAX_OTHER_LOOKUPS):
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="webhook") as pool:
            answers = list(pool.map(lambda task: _fetch(client, task.contact_id), batch))
        found: list[tuple[LookupTask, LookupResult]] = []
        for task, answer in zip(batch, answers, strict=True):
            if isinstance(answer, Exception):
                yield task.failed(answer)
            else:
                found.append((task, answer))
        yield from _apply(context, found, index_lag)


def _fetch(client: Client, contact_id: str) -> LookupResult | Exception:
    """Return the answer about one contact, or the exception that this contact alone caused."""
    try:
        return fetch_contact(client, contact_id)
    except FATAL_ERRORS:
        raise
    except Exception as error:
        return error


def _apply(
    context: LocationContext, found: Sequence[tuple[LookupTask, LookupResult]], index_lag: timedelta
) -> Iterator[list[DeliveryResult]]:
    """Update these contacts in one transaction; if that fails, each contact alone, and then each delivery alone, so
    that only the one to blame fails."""
    updates = [
        ContactUpdate(
            answer,
            _deletions_in(task),
            any(event.type != DELETED for event in task.events),
            tuple(event.sent_at for event in task.events if event.type != DELETED and event.sent_at is not None),
        )
        for task, answer in found
    ]
    try:
        apply_contact_updates(context.vault, context.location_id, updates, at=context.now(), lag=index_lag)
    except Cancelled:
        raise
    except Exception as error:
        parts = found if len(found) > 1 else [(task, answer) for whole, answer in found for task in whole.split()]
        if len(parts) == 1:
            yield parts[0][0].failed(error)
            return
    else:
        yield [result for (task, _), update in zip(found, updates, strict=True) for result in _result_of(task, update)]
        return
    for part in parts:
        yield from _apply(context, [part], index_lag)


def _deletions_in(task: LookupTask) -> list[tuple[WebhookEvent, bytes]]:
    """Return the deletion events with their bodies, oldest first."""
    deletions = [
        (event, delivery.raw)
        for event, delivery in zip(task.events, task.deliveries, strict=True)
        if event.type == DELETED
    ]
    return sorted(deletions, key=lambda pair: pair[0].sent_at.timestamp() if pair[0].sent_at else 0.0)


def _result_of(task: LookupTask, update: ContactUpdate) -> list[DeliveryResult]:
    if update.answer.raw is not None and update.deletions:
        return task.retry(LAG_WAITS, "HighLevel reported a deletion, and still shows the contact.")
    if update.answer.raw is None and not update.answer.deleted:
        return task.retry(ERROR_WAITS, update.answer.message, error=update.answer.error)
    return task.finished()


def _update_records(context: LocationContext, tasks: Sequence[LookupTask]) -> Iterator[list[DeliveryResult]]:
    for batch in _batches(tasks, 4 * WORKERS):
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="webhook") as pool:
            results = pool.map(lambda task: _capture_records(context, task), batch)
            yield [result for batch_results in results for result in batch_results]


def _capture_records(context: LocationContext, task: LookupTask) -> list[DeliveryResult]:
    """Read the contact's records of this kind again. The records of a deleted contact stay as they are."""
    try:
        capture_records(context, task.contact_id, task.kind)
    except Gone:
        return task.finished()
    except REFUSALS as exc:
        raise_if_refused_everywhere(context.client, exc)
        return task.retry(ERROR_WAITS, str(exc), error=type(exc).__name__)
    except FATAL_ERRORS:
        raise
    except HighLevelError as exc:
        return task.retry(ERROR_WAITS, str(exc), error=type(exc).__name__)
    except Exception as exc:
        return task.failed(exc)
    expected = [event.record_id for event in task.events if event.record_id and not event.type.endswith("Delete")]
    with context.vault.read() as tx:
        lagging = any(records.get(tx, context.location_id, task.kind, record_id) is None for record_id in expected)
    return task.retry(LAG_WAITS, "HighLevel does not show it yet.") if lagging else task.finished()


def _batches(tasks: Sequence[LookupTask], size: int) -> Iterable[Sequence[LookupTask]]:
    for start in range(0, len(tasks), size):
        yield tasks[start : start + size]
