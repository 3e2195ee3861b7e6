"""Capturing the records of one contact: the answer that decides, where feeds of the whole location may be incomplete.

A record counts as vanished only when the answer that leaves it out was complete, a second one agrees, and the contact
itself exists: HighLevel answers some lists of a deleted contact with an empty one, and the records of deleted contacts
are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any

from hlcore.errors import BrokenAnswer, Gone
from hlcore.highlevel import Client, RecordPage
from hlcore.location_context import LocationContext
from hlcore.model.json_codec import decode_object
from hlcore.model.records import adds_nothing, missing_email_ids, record_ids
from hlcore.store import Tx, quarantine, records
from hlcore.store.capture import state as capture_state
from hlcore.store.contacts import writes as contact_writes

RawRecords = dict[str, bytes]
"""Record id → the bytes HighLevel sent."""
OddListener = Callable[[str, int], None]
"""Is told of a kind and how many odd records of it were set aside: null, without a usable id, of another contact."""
ODD_RECORD = "OddRecord"
MAX_PAGES = 1_000
"""Of one contact; a list that is longer is not believed."""
PAGE_SIZE = 100
KINDS_WITH_OWNER = ("opportunity", "conversation", "message")
"""Kinds whose records name their contact."""
EXPORT_PASSES: tuple[dict[str, Any], ...] = ({}, {"channel": "Email"})
"""The export of messages leaves e-mails out unless it is asked for them alone (HighLevel OpenAPI
conversations.json)."""


def ignore_odd(kind: str, number: int) -> None:
    """Do nothing."""


def capture_records(context: LocationContext, contact_id: str, kind: str, *, on_odd: OddListener = ignore_odd) -> int:
    """Store the contact's records of this kind (`model.records.KINDS`) as HighLevel shows them now, and return their
    number. Earlier bytes become versions; vanished records are marked. Odd records are set aside; while there are any,
    none counts as vanished. May be repeated, and called from any thread.

    Raises Gone when HighLevel says that the contact does not exist, and then changes nothing; NotFound for the detail
    of a contact that is not in the vault; HighLevelError, StoreError."""
    began = context.now()
    if kind == "detail":
        raw = context.client.contact(contact_id)
        with context.write() as tx:
            contact_writes.store_detail(tx, context.location_id, contact_id, raw, began)
        return 1
    shown, odd = fetch_records(context.client, contact_id, kind)
    with context.vault.read() as tx:
        stored = records.raw_of_contact(tx, context.location_id, kind, contact_id)
    existing = (
        stored | _as_stored(kind, shown, stored) if odd else _existing(context.client, contact_id, kind, shown, stored)
    )
    with context.write() as tx:
        _store(tx, context, contact_id, kind, existing, began=began)
        note_odd_records(tx, context, record_reference(kind, contact_id), odd)
    if odd:
        on_odd(kind, odd)
    return len(existing)


def record_reference(kind: str, subject: str) -> str:
    """Return how the quarantine calls one contact's records of a kind, or (`email`) one message's texts."""
    return f"{kind}:{quarantine.reference_to(subject)}"


def note_odd_records(tx: Tx, context: LocationContext, reference: str, odd: int) -> None:
    """Put a list with odd records into quarantine, or take it out when there are none any more."""
    if odd:
        quarantine.set_aside(
            tx, context.location_id, quarantine.RECORD, reference, ODD_RECORD, at=context.now(), place=__name__
        )
    else:
        quarantine.resolve(tx, context.location_id, quarantine.RECORD, [reference])


def capture_email_texts(context: LocationContext, message_id: str) -> int:
    """Store the texts of this e-mail message as records of the kind 'email', and return their number. A text that
    HighLevel says is gone counts as captured. Raises HighLevelError, StoreError."""
    began = context.now()
    with context.vault.read() as tx:
        message = records.get(tx, context.location_id, "message", message_id)
    texts = []
    for email_id in missing_email_ids(decode_object(message.raw)) if message else ():
        try:
            texts.append((email_id, message.contact_id if message else "", context.client.email(email_id)))
        except Gone:
            continue
    with context.write() as tx:
        records.save(tx, context.location_id, "email", texts, at=context.now())
        capture_state.mark_captured(tx, context.location_id, "email", [message_id], at=began)
    return len(texts)


def mark_texts_due(tx: Tx, location_id: str, messages: Iterable[tuple[str, bytes]], *, at: datetime) -> None:
    """Mark those of these messages whose e-mail texts have never been captured as due."""
    with_email = [message_id for message_id, raw in messages if missing_email_ids(decode_object(raw))]
    if with_email:
        new = capture_state.filter_uncaptured(tx, location_id, "email", with_email)
        capture_state.mark_due(tx, location_id, "email", new, at=at)


def fetch_records(client: Client, contact_id: str, kind: str) -> tuple[RawRecords, int]:
    """Return the contact's records of this kind as HighLevel shows them now, and how many are odd: without a usable id,
    or another contact's. Raises HighLevelError; BrokenAnswer for an answer that is incomplete."""
    found: RawRecords = {}
    odd = 0
    for raw in _FETCH[kind](client, contact_id):
        record_id, owner = record_ids(raw)
        if not record_id or (kind in KINDS_WITH_OWNER and owner not in ("", contact_id)):
            odd += 1
        else:
            found[record_id] = raw
    return found, odd


def _as_stored(kind: str, shown: RawRecords, stored: RawRecords) -> RawRecords:
    """Return the records shown, as the stored bytes where those say the same in another form."""
    return {
        record_id: stored[record_id] if record_id in stored and _same(kind, stored[record_id], raw) else raw
        for record_id, raw in shown.items()
    }


def _existing(client: Client, contact_id: str, kind: str, shown: RawRecords, stored: RawRecords) -> RawRecords:
    """Return the records that exist: those shown, and those stored whose disappearance could not be proven."""
    existing = _as_stored(kind, shown, stored)
    missing = [record_id for record_id in stored if record_id not in shown]
    if missing:
        client.contact(contact_id)
        again, odd = fetch_records(client, contact_id, kind)
        existing |= {
            record_id: stored[record_id]
            for record_id in missing
            if odd or record_id in again or _exists_by_id(client, kind, record_id)
        }
    return existing


def _same(kind: str, stored: bytes, shown: bytes) -> bool:
    return kind == "task" and adds_nothing(stored, shown)


def _exists_by_id(client: Client, kind: str, record_id: str) -> bool:
    """Return whether a record that lists leave out can be fetched by id. Only opportunities can; for other kinds the
    lists are believed."""
    if kind != "opportunity":
        return False
    try:
        client.opportunity(record_id)
    except Gone:
        return False
    return True


def _store(
    tx: Tx, context: LocationContext, contact_id: str, kind: str, existing: RawRecords, *, began: datetime
) -> None:
    location_id, at = context.location_id, context.now()
    rows = [(record_id, contact_id, raw) for record_id, raw in existing.items()]
    records.save(tx, location_id, kind, rows, at=at)
    records.mark_vanished(tx, location_id, kind, keep=list(existing), contact_id=contact_id, at=at)
    capture_state.mark_captured(tx, location_id, kind, [contact_id], at=began)
    if kind == "message":
        mark_texts_due(tx, location_id, existing.items(), at=at)


def _fetch_opportunities(client: Client, contact_id: str) -> list[bytes]:
    return _fetch_all_pages(
        lambda cursor: client.search_opportunities(cursor=cursor, contact_id=contact_id, limit=PAGE_SIZE),
        "opportunities",
    )


def _fetch_conversations(client: Client, contact_id: str) -> list[bytes]:
    return _fetch_all_pages(
        lambda cursor: client.search_conversations(contact_id=contact_id, start_after=cursor, limit=PAGE_SIZE),
        "conversations",
        page_size=PAGE_SIZE,
    )


def _fetch_messages(client: Client, contact_id: str) -> list[bytes]:
    messages: list[bytes] = []
    for extra in EXPORT_PASSES:
        messages += _fetch_all_pages(partial(_export_page, client, contact_id, extra), "messages")
    return messages


def _export_page(client: Client, contact_id: str, extra: dict[str, Any], cursor: str | None) -> RecordPage:
    rows, following, total = client.export_messages(cursor=cursor or "", contact_id=contact_id, extra=extra)
    return RecordPage(rows, total, following)


def _fetch_all_pages(fetch: Callable[[Any], RecordPage], noun: str, *, page_size: int = 0) -> list[bytes]:
    """Return all rows. With `page_size`, a page of fewer rows is the last one. Raises BrokenAnswer when HighLevel
    promised more than it sent, or repeats a page."""
    found: dict[bytes, None] = {}
    cursor, total, doubles = None, 0, 0
    for _ in range(MAX_PAGES):
        page = fetch(cursor)
        fresh = dict.fromkeys(row for row in page.rows if row not in found)
        doubles += len(page.rows) - len(dict.fromkeys(page.rows))
        found |= fresh
        total = page.total or 0
        if page.next is None or not page.rows or len(page.rows) < page_size:
            break
        if not fresh:
            raise BrokenAnswer(f"HighLevel sent the same page of {noun} again.")
        cursor = page.next
    else:
        raise BrokenAnswer(f"HighLevel's list of {noun} does not end.")
    if len(found) + doubles < total:
        raise BrokenAnswer(f"HighLevel promised {total} {noun} and sent {len(found)}.")
    return list(found)


_FETCH: dict[str, Callable[[Client, str], list[bytes]]] = {
    "note": lambda client, contact_id: client.notes(contact_id),
    "task": lambda client, contact_id: client.tasks(contact_id),
    "appointment": lambda client, contact_id: client.appointments(contact_id),
    "opportunity": _fetch_opportunities,
    "conversation": _fetch_conversations,
    "message": _fetch_messages,
}
