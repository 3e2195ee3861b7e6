"""`show`: everything that the vault holds about one person.

A merge's loser: who won, and which records moved.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from hlcore.errors import NotFound
from hlcore.metrics import deletions
from hlcore.metrics.coverage import safety
from hlcore.metrics.deletions import iso, of_contact
from hlcore.model.records import decode, texts_of
from hlcore.store import Tx, Vault, records
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts.reads import StoredContact
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.records import Record, records_moved_by_merge
from hlcore.store.restores import jobs as restore_jobs

KINDS = {
    "notes": "note",
    "tasks": "task",
    "opportunities": "opportunity",
    "appointments": "appointment",
    "messages": "message",
    "conversations": "conversation",
    "emails": "email",
}


def contact_record(
    vault: Vault, contact_id: str, *, location_id: str = "", now: datetime | None = None
) -> dict[str, Any]:
    """The person with this id (of this location, where given), with the keys of the command line's contract.

    `contact` is HighLevel's newest answer as it came; `copies` are both kinds of answer (the row of a listing, and
    GET by id); `versions` the earlier ones, newest first; `vanished` says which records HighLevel no longer has,
    `safe` and `not_safe` how far the copy is complete.
    Raises NotFound, also when several locations hold the id and none was named."""
    with vault.read() as tx:
        held = _held(tx, contact_id, location_id)
        found = records.of_contact(tx, held.location_id, contact_id, KINDS.values())
        times = of_contact(tx, held.location_id, contact_id, now or datetime.now(UTC))
        detail = None if held.detail is None else value_of(held.detail)
        row = value_of(held.raw)
        return {
            "location_id": held.location_id,
            "contact_id": contact_id,
            "contact": row if detail is None or _row_is_newer(held) else detail,
            "status": times[-1].status if times and times[-1].row.ended_at is None else held.status,
            "copies": {"row": row, "detail": detail},
            "versions": _versions(tx, held),
            **_records(found),
            **safety(tx, held),
            "vanished": _vanished(found),
            "deletion": deletions.to_json(times[-1]) if times else None,
            "restores": restore_jobs.of_contact(tx, held.location_id, contact_id),
        }


def _records(found: Sequence[Record]) -> dict[str, list[Any]]:
    """The records by kind. A message that came without its text (e-mails do) has the captured one."""
    sorted_out = {name: [value_of(each.raw) for each in found if each.kind == kind] for name, kind in KINDS.items()}
    texts = {each.record_id: decode(each.raw) for each in found if each.kind == "email"}
    for message in (each for each in sorted_out["messages"] if isinstance(each, dict) and not each.get("body")):
        for name, text in zip(("subject", "body"), next(reversed(texts_of(message, texts)), ("", "")), strict=True):
            if text and not message.get(name):
                message[name] = text
    return sorted_out


def value_of(raw: bytes) -> Any:
    """The JSON value in these bytes as far as it can be read; None when it cannot."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, ValueError):
        pass
    try:
        return json.loads(raw.decode("utf-8", "replace"))
    except ValueError:
        return None


def _held(tx: Tx, contact_id: str, location_id: str) -> StoredContact:
    one = contact_reads.get(tx, location_id, contact_id) if location_id else None
    found = contact_reads.find(tx, contact_id) if not location_id else [one] if one else []
    if not found:
        raise NotFound("This vault holds no such contact.", hint="Check the id; Contacts finds people by name.")
    if len(found) > 1:
        raise NotFound("Several locations hold this id.", hint="Name one with --location.")
    return found[0]


def _row_is_newer(held: StoredContact) -> bool:
    return held.detail_at is not None and held.detail_at < held.changed_at


def _versions(tx: Tx, held: StoredContact) -> list[dict[str, Any]]:
    return [
        {
            "part": version.part,
            "captured_at": iso(version.captured_at),
            "replaced_at": iso(version.replaced_at),
            "contact": value_of(version.raw),
        }
        for version in contact_reads.versions(tx, held.location_id, held.contact_id)
        if version.replaced_at is not None
    ]


def _vanished(found: Sequence[Record]) -> list[dict[str, Any]]:
    return [
        {"kind": each.kind, "id": each.record_id, "vanished_at": iso(each.vanished_at)}
        for each in found
        if each.vanished_at is not None
    ]


TITLES = ("title", "name", "subject", "body", "bodyText", "message")
SHOWN = 50


@dataclass(frozen=True, slots=True)
class MovedRecord:
    """A record that is the winner's now; `title` is what people know it by, '' for none."""

    kind: str
    record_id: str
    title: str


@dataclass(frozen=True, slots=True)
class Merge:
    """The winner (its name, or its id where nothing is known of it), what moved to it (the first `SHOWN`), and how many
    of each kind did. `still_there`: the winner is in HighLevel, as far as is known."""

    winner_id: str
    winner: str
    still_there: bool
    counts: dict[str, int] = field(default_factory=dict)
    records: tuple[MovedRecord, ...] = ()


def merge_of(vault: Vault, location_id: str, contact_id: str) -> Merge | None:
    """The merge that this contact lost last; None where none is known."""
    with vault.read() as tx:
        rows = deletion_queries.of_contact(tx, location_id, contact_id)
        newest = rows[-1] if rows else None
        if newest is None or newest.cause != "merge" or not newest.winner_id:
            return None
        held = contact_reads.get(tx, location_id, newest.winner_id)
        found = records_moved_by_merge(tx, location_id, contact_id, newest.winner_id)
    name = (held.name or held.email or held.phone) if held is not None else ""
    listed = tuple(MovedRecord(one.kind, one.record_id, _title(one.raw)) for one in found[:SHOWN])
    there = held is not None and held.status in ("present", "returned")
    counts = dict(Counter(one.kind for one in found))
    return Merge(newest.winner_id, name or newest.winner_id, there, counts, listed)


def _title(raw: bytes) -> str:
    entry = decode(raw)
    text = next((str(entry[name]) for name in TITLES if entry.get(name)), "")
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79] + "…"
