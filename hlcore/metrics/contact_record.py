"""Everything that the vault holds about one contact (the command `show`), and what a merge moved to its winner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hlcore.errors import NotFound
from hlcore.metrics.coverage import safety_json
from hlcore.metrics.deletions import deletion_json, deletions_of_contact
from hlcore.model.json_codec import decode_lossy, decode_object
from hlcore.model.lifecycle import LIVE
from hlcore.model.moments import iso
from hlcore.model.records import email_texts
from hlcore.store import Tx, Vault, records
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts.reads import StoredContact
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.records import Record
from hlcore.store.restores import jobs as restore_jobs

RECORD_KEYS = {
    "notes": "note",
    "tasks": "task",
    "opportunities": "opportunity",
    "appointments": "appointment",
    "messages": "message",
    "conversations": "conversation",
    "emails": "email",
}
"""Key of the command's JSON → kind of record."""
TITLE_KEYS = ("title", "name", "subject", "body", "bodyText", "message")
MAX_MOVED_RECORDS = 50


@dataclass(frozen=True, slots=True)
class MovedRecord:
    """A record that now belongs to the winner; `title`: what people know it by, '' for nothing."""

    kind: str
    record_id: str
    title: str


@dataclass(frozen=True, slots=True)
class Merge:
    """The merge that a contact lost. `winner`: its name, or its id where no name is known; `winner_is_live`: it is in
    HighLevel, as far as is known; `counts`: kind → how many records moved; `records`: the first `MAX_MOVED_RECORDS`."""

    winner_id: str
    winner: str
    winner_is_live: bool
    counts: dict[str, int] = field(default_factory=dict)
    records: tuple[MovedRecord, ...] = ()


def contact_record(
    vault: Vault, contact_id: str, *, location_id: str = "", now: datetime | None = None
) -> dict[str, Any]:
    """Return the contact with this id (of this location, where given), with the keys that the command line promises.

    `contact` is HighLevel's newest answer as it came; `copies` holds both kinds of answer (the row of a listing, and
    GET by id); `versions` the earlier ones, newest first; `vanished` names the records that HighLevel no longer has;
    `safe`, `not_safe` and `never_captured` say how far the copy is complete.
    Raises NotFound, also when several locations hold the id and none was named."""
    with vault.read() as tx:
        stored = _find(tx, contact_id, location_id)
        stored_records = records.list_for_contact(tx, stored.location_id, contact_id, RECORD_KEYS.values())
        deletions = deletions_of_contact(tx, stored.location_id, contact_id, now or datetime.now(UTC))
        newest = deletions[-1] if deletions else None
        detail = None if stored.detail is None else decode_lossy(stored.detail)
        row = decode_lossy(stored.raw)
        return {
            "location_id": stored.location_id,
            "contact_id": contact_id,
            "contact": row if detail is None or _row_is_newer(stored) else detail,
            "status": newest.status if newest and newest.row.ended_at is None else stored.status,
            "copies": {"row": row, "detail": detail},
            "versions": _versions(tx, stored),
            **_by_key(stored_records),
            **safety_json(tx, stored, newest.row if newest and stored.status not in LIVE else None),
            "vanished": _vanished(stored_records),
            "twins": _twins(tx, stored),
            "deletion": deletion_json(newest) if newest else None,
            "restores": restore_jobs.history_of_contact(tx, stored.location_id, contact_id),
        }


def merge_of(vault: Vault, location_id: str, contact_id: str) -> Merge | None:
    """Return the merge that this contact lost last; None where none is known."""
    with vault.read() as tx:
        rows = deletion_queries.list_for_contact(tx, location_id, contact_id)
        newest = rows[-1] if rows else None
        if newest is None or newest.cause != "merge" or not newest.winner_id:
            return None
        winner = contact_reads.get(tx, location_id, newest.winner_id)
        moved = records.list_moved_by_merge(tx, location_id, contact_id, newest.winner_id)
    name = (winner.name or winner.email or winner.phone) if winner is not None else ""
    is_live = winner is not None and winner.status in LIVE
    counts = dict(Counter(record.kind for record in moved))
    listed = tuple(
        MovedRecord(record.kind, record.record_id, _title(record.raw)) for record in moved[:MAX_MOVED_RECORDS]
    )
    return Merge(newest.winner_id, name or newest.winner_id, is_live, counts, listed)


def _find(tx: Tx, contact_id: str, location_id: str) -> StoredContact:
    if location_id:
        contact = contact_reads.get(tx, location_id, contact_id)
        contacts = [contact] if contact else []
    else:
        contacts = contact_reads.find_in_all_locations(tx, contact_id)
    if not contacts:
        raise NotFound("This vault holds no such contact.", hint="Check the id; the page Contacts finds ids by name.")
    if len(contacts) > 1:
        raise NotFound("Several locations hold this id.", hint="Name one with --location.")
    return contacts[0]


def _by_key(stored: Sequence[Record]) -> dict[str, list[Any]]:
    """Return the records by key. A message that came without its text (e-mails do) has the captured one."""
    by_key = {
        key: [decode_lossy(record.raw) for record in stored if record.kind == kind] for key, kind in RECORD_KEYS.items()
    }
    emails = {record.record_id: decode_object(record.raw) for record in stored if record.kind == "email"}
    for message in by_key["messages"]:
        if isinstance(message, dict) and not message.get("body"):
            subject, body = next(reversed(email_texts(message, emails)), ("", ""))
            for key, text in (("subject", subject), ("body", body)):
                if text and not message.get(key):
                    message[key] = text
    return by_key


def _row_is_newer(stored: StoredContact) -> bool:
    return stored.detail_at is not None and stored.detail_at < stored.changed_at


def _versions(tx: Tx, stored: StoredContact) -> list[dict[str, Any]]:
    return [
        {
            "part": version.part,
            "captured_at": iso(version.captured_at),
            "replaced_at": iso(version.replaced_at),
            "contact": decode_lossy(version.raw),
        }
        for version in contact_reads.versions(tx, stored.location_id, stored.contact_id)
        if version.replaced_at is not None
    ]


def _vanished(stored: Sequence[Record]) -> list[dict[str, Any]]:
    return [
        {"kind": record.kind, "id": record.record_id, "vanished_at": iso(record.vanished_at)}
        for record in stored
        if record.vanished_at is not None
    ]


def _twins(tx: Tx, stored: StoredContact) -> list[str]:
    """Return the ids under which the same person lives besides."""
    twins = deletion_queries.list_twins(tx, [stored.location_id], contact_id=stored.contact_id, limit=20)
    ids = {other for twin in twins for other in (twin.contact_id, twin.new_contact_id)}
    return sorted(ids - {stored.contact_id})


def _title(raw: bytes) -> str:
    record = decode_object(raw)
    text = next((str(record[key]) for key in TITLE_KEYS if record.get(key)), "")
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79] + "…"
