"""Everything the vault holds about one person, as HighLevel sent it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

from hlcore.errors import NotFound
from hlcore.model.lifecycle import Status
from hlcore.store import Tx, Vault, contacts, records, register, restores
from hlcore.store.contacts import StoredContact
from hlcore.store.register import Disappearance

PARTS = {
    "notes": "note",
    "tasks": "task",
    "opportunities": "opportunity",
    "appointments": "appointment",
    "messages": "message",
}


def person(vault: Vault, contact_id: str, *, location_id: str = "") -> dict[str, Any]:
    """Everything held about the contact, ready for JSON: the newest copy (read by id where captured, else the row of
    the listing), its earlier versions, its records, its disappearances and restores. An erased person is not
    held: NotFound. Raises NotFound also where several locations know the id and none was named."""
    with vault.read() as tx:
        stored = _find(tx, contact_id, location_id)
        history = register.of_contact(tx, stored.location_id, contact_id)
        kept = records.of_contact(tx, stored.location_id, contact_id)
        return {
            "location_id": stored.location_id,
            "contact": value_of(stored.detail or stored.raw),
            "row": value_of(stored.raw),
            "status": stored.status,
            "first_seen_at": iso(stored.first_seen_at),
            "captured_at": iso(stored.changed_at),
            "versions": [
                {
                    "part": version.part,
                    "captured_at": iso(version.captured_at),
                    "replaced_at": iso(version.replaced_at),
                    "contact": value_of(version.raw),
                }
                for version in contacts.versions(tx, stored.location_id, contact_id)
            ],
            **{
                name: [{**value_of(row.raw), **_vanished(row.vanished_at)} for row in kept if row.kind == kind]
                for name, kind in PARTS.items()
            },
            "deletion": _deletion(history[-1]) if history else None,
            "deletions": [_deletion(row) for row in history],
            "restores": restores.of_contact(tx, stored.location_id, contact_id),
        }


def _find(tx: Tx, contact_id: str, location_id: str) -> StoredContact:
    found = [each for each in contacts.find(tx, contact_id) if location_id in ("", each.location_id)]
    if len(found) > 1:
        raise NotFound("Several locations know this contact.", hint="Name one with --location.")
    if not found or found[0].status == Status.ERASED:
        raise NotFound(f"Nothing is held about contact {contact_id}.", hint="Check the id, or sync first.")
    return found[0]


def _deletion(row: Disappearance) -> dict[str, Any]:
    return {
        "status": row.status,
        "cause": row.cause,
        "evidence": row.evidence,
        "last_seen_at": iso(row.last_seen_at),
        "detected_at": iso(row.detected_at),
        "deleted_at": iso(row.deleted_at),
        "confirmed_at": iso(row.confirmed_at),
        "ended_at": iso(row.ended_at),
        "new_id": row.new_contact_id,
        "winner_id": row.winner_id,
    }


def _vanished(at: datetime | None) -> dict[str, Any]:
    return {"vanished_at": iso(at)} if at else {}


def value_of(raw: bytes) -> Any:
    """The JSON value in these bytes; bytes that are none as base64 text, so that nothing is hidden."""
    try:
        return json.loads(raw)
    except ValueError:
        return {"base64": base64.b64encode(raw).decode()}


def iso(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with 'Z'."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None
