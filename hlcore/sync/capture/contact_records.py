"""What belongs to one contact, read contact by contact: the word that decides.

A record that the answer leaves out has vanished only when the answer was whole, a second one says the same, and the
contact itself is alive: HighLevel answers some lists of a deleted contact with an empty one, and what belongs to the
dead is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from hlcore.errors import BrokenAnswer, Gone
from hlcore.highlevel import Client, RecordPage
from hlcore.model.records import agrees, email_ids, identity
from hlcore.store import Tx, Vault, records
from hlcore.store.capture import state as capture_state
from hlcore.store.contacts import writes as contact_writes

Found = dict[str, bytes]
"""Record id → the bytes HighLevel sent."""
_MOST_PAGES = 10_000
_PAGE = 100
_ASKED_BY_CONTACT = ("opportunity", "conversation", "message")
EXPORT_PASSES: tuple[dict[str, Any], ...] = ({}, {"channel": "Email"})
"""The export of messages leaves e-mails out unless it is asked for them alone (HighLevel OpenAPI
conversations.json)."""


@dataclass(frozen=True, slots=True)
class RecordReader:
    """Reads what belongs to contacts into the vault. `lock` is held around every writing transaction, so that threads
    of one process wait for each other here and not in the database."""

    vault: Vault
    client: Client
    location_id: str
    now: Callable[[], datetime]
    lock: AbstractContextManager[Any] = field(default_factory=nullcontext)

    def capture(self, contact_id: str, kind: str) -> int:
        """As `capture_kind`."""
        began = self.now()
        if kind == "detail":
            raw = self.client.contact(contact_id)
            with self.lock, self.vault.write(of=self.location_id) as tx:
                contact_writes.store_detail(tx, self.location_id, contact_id, raw, began)
            return 1
        found = read(self.client, contact_id, kind)
        with self.vault.read() as tx:
            held = records.existing(tx, self.location_id, kind, contact_id)
        kept = _kept(self.client, contact_id, kind, found, held)
        with self.lock, self.vault.write(of=self.location_id) as tx:
            _keep(tx, self.location_id, contact_id, kind, kept, began=began, at=self.now())
        return len(kept)

    def capture_text(self, message_id: str) -> int:
        """The texts of this e-mail message are in the vault as records of the kind 'email'; how many. One that
        HighLevel says is gone counts as captured. Raises HighLevelError, StoreError."""
        began = self.now()
        with self.vault.read() as tx:
            message = records.get(tx, self.location_id, "message", message_id)
        found = []
        for email_id in email_ids(message.raw) if message else ():
            try:
                found.append((email_id, message.contact_id if message else "", self.client.email(email_id)))
            except Gone:
                continue
        with self.lock, self.vault.write(of=self.location_id) as tx:
            records.put(tx, self.location_id, "email", found, at=self.now())
            capture_state.captured(tx, self.location_id, "email", [message_id], at=began)
        return len(found)


def capture_kind(
    vault: Vault, client: Client, location_id: str, contact_id: str, kind: str, *, now: Callable[[], datetime]
) -> int:
    """What the contact has of this kind (`model.parts.KINDS`) is in the vault as HighLevel shows it now; earlier bytes
    are versions, what is gone is marked. How many records there are. May be repeated, and called from any thread.

    Raises Gone when HighLevel says that the contact does not exist (any more): then nothing changed. Raises NotFound
    for the detail of a contact that the vault does not hold, HighLevelError, StoreError."""
    return RecordReader(vault, client, location_id, now).capture(contact_id, kind)


def read(client: Client, contact_id: str, kind: str) -> Found:
    """The contact's records of this kind as HighLevel shows them now. Raises HighLevelError; BrokenAnswer for an answer
    that is not whole, or that is about somebody else."""
    found: Found = {}
    for raw in _READERS[kind](client, contact_id):
        record_id, owner = identity(raw)
        if not record_id:
            raise BrokenAnswer(f"HighLevel answered with a {kind} without id.")
        if kind in _ASKED_BY_CONTACT and owner not in ("", contact_id):
            raise BrokenAnswer(f"HighLevel answered with a {kind} of another contact.")
        found[record_id] = raw
    return found


def _kept(client: Client, contact_id: str, kind: str, found: Found, held: Found) -> Found:
    """The records that exist: those answered (in the bytes already held, where another route showed them in other
    words), and those held whose disappearance could not be proven."""
    kept = {name: held[name] if name in held and _same(kind, held[name], raw) else raw for name, raw in found.items()}
    missing = [name for name in held if name not in found]
    if missing:
        client.contact(contact_id)
        again = read(client, contact_id, kind)
        kept |= {name: held[name] for name in missing if name in again or _lives(client, kind, name)}
    return kept


def _same(kind: str, held: bytes, told: bytes) -> bool:
    return kind == "task" and agrees(held, told)


def _lives(client: Client, kind: str, record_id: str) -> bool:
    """Whether a record that lists leave out answers to its id. Kinds without such a route: the lists are believed."""
    if kind != "opportunity":
        return False
    try:
        client.opportunity(record_id)
    except Gone:
        return False
    return True


def _keep(tx: Tx, location_id: str, contact_id: str, kind: str, kept: Found, *, began: datetime, at: datetime) -> None:
    rows = [(record_id, contact_id, raw) for record_id, raw in kept.items()]
    records.put(tx, location_id, kind, rows, at=at)
    records.vanish_others(tx, location_id, kind, keep=list(kept), contact_id=contact_id, at=at)
    capture_state.captured(tx, location_id, kind, [contact_id], at=began)
    if kind == "message":
        want_texts(tx, location_id, kept.items(), at=at)


def want_texts(tx: Tx, location_id: str, messages: Iterable[tuple[str, bytes]], *, at: datetime) -> None:
    """The texts of these messages that are e-mails without one are wanted, unless they were captured before."""
    bare = [record_id for record_id, raw in messages if email_ids(raw)]
    if bare:
        capture_state.want(tx, location_id, "email", capture_state.uncaptured(tx, location_id, "email", bare), at=at)


def _opportunities(client: Client, contact_id: str) -> list[bytes]:
    return _all_pages(
        lambda cursor: client.search_opportunities(cursor=cursor, contact_id=contact_id, limit=_PAGE), "opportunities"
    )


def _conversations(client: Client, contact_id: str) -> list[bytes]:
    return _all_pages(
        lambda cursor: client.search_conversations(contact_id=contact_id, start_after=cursor, limit=_PAGE),
        "conversations",
        short=_PAGE,
    )


def _messages(client: Client, contact_id: str) -> list[bytes]:
    found: list[bytes] = []
    for extra in EXPORT_PASSES:
        found += _all_pages(partial(_export, client, contact_id, extra), "messages")
    return found


def _export(client: Client, contact_id: str, extra: dict[str, Any], cursor: str | None) -> RecordPage:
    rows, following, total = client.export_messages(cursor=cursor or "", contact_id=contact_id, extra=extra)
    return RecordPage(rows, total, following)


def _all_pages(ask: Callable[[Any], RecordPage], what: str, *, short: int = 0) -> list[bytes]:
    """All rows; with `short` a page of fewer rows than that is the last one. Raises BrokenAnswer when HighLevel
    promised more than it sent, or sends the same page again."""
    found: dict[bytes, None] = {}
    cursor, total = None, 0
    for _ in range(_MOST_PAGES):
        page = ask(cursor)
        fresh = [row for row in page.rows if row not in found]
        found |= dict.fromkeys(fresh)
        total = page.total or 0
        if page.next is None or not page.rows or len(page.rows) < short:
            break
        if not fresh:
            raise BrokenAnswer(f"HighLevel sent the same page of {what} again.")
        cursor = page.next
    if len(found) < total:
        raise BrokenAnswer(f"HighLevel promised {total} {what} and sent {len(found)}.")
    return list(found)


_READERS: dict[str, Callable[[Client, str], list[bytes]]] = {
    "note": lambda client, contact_id: client.notes(contact_id),
    "task": lambda client, contact_id: client.tasks(contact_id),
    "appointment": lambda client, contact_id: client.appointments(contact_id),
    "opportunity": _opportunities,
    "conversation": _conversations,
    "message": _messages,
}
