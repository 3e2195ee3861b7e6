"""The records of a contact: their kinds, what reading each kind costs, and what is read out of a record's bytes.

Kinds in `PER_CONTACT_KINDS` are requested contact by contact. Those in `FEED_KINDS` also come in feeds of the whole
location, which cost far less but may leave live rows out: a record that is missing from a feed is looked up at its
contact before it counts as deleted. Followers and the business link are part of the detail.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

import msgspec

from hlcore.model.json_codec import decode_lossy_object, decode_object

MAX_ID_LENGTH = 64
PER_CONTACT_KINDS = ("detail", "note", "appointment")
FEED_KINDS = ("task", "opportunity", "conversation", "message")
KINDS = ("detail", "note", "task", "opportunity", "appointment", "conversation", "message")

REFERENCE_LISTS = (
    "location",
    "custom_field",
    "custom_value",
    "tag",
    "user",
    "pipeline",
    "lost_reason",
    "calendar",
    "business",
    "workflow",
    "campaign",
)
"""Lists of the location that are needed to understand and restore a copy."""

KINDS_READ_ON_CHANGE = ("detail", "note", "appointment", "task", "opportunity")
"""Kinds that are read again when the contact changed. Conversations and messages have feeds of what is new."""

CALLS_PER_CONTACT: Mapping[str, float] = {
    "detail": 1,
    "note": 1,
    "appointment": 1,
    "task": 1,
    "opportunity": 1,
    "conversation": 1,
    "message": 2,
    "email": 1,
}
"""Requests that one contact's records of a kind cost (`email`: the text of one e-mail)."""

ROWS_PER_CALL: Mapping[str, int] = {"task": 90, "opportunity": 100, "conversation": 100, "message": 500}
"""Rows that one request to a feed returns."""


def is_id(value: object) -> TypeGuard[str]:
    """Whether this is an id that can be stored, compared and asked for exactly as it is: a text of 1 to 64 characters
    without control characters, half an emoji or blanks at its ends, and not dots alone, which would change a route."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID_LENGTH:
        return False
    return value.isalnum() or (value.isprintable() and value == value.strip() and set(value) != {"."})


def record_ids(raw: bytes) -> tuple[str, str]:
    """Return (record id, contact id), '' for one that the record does not state or that `is_id` refuses. Some feeds
    call the id `_id`."""
    record = decode_object(raw)
    record_id = next((record[name] for name in ("id", "_id") if is_id(record.get(name))), "")
    contact_id = record.get("contactId")
    return str(record_id), contact_id if is_id(contact_id) else ""


def adds_nothing(stored: bytes, received: bytes) -> bool:
    """Whether `received` states nothing that `stored` does not. HighLevel's routes show one record with different
    members: only another value counts as a change, and the absence of a member in `_MEANINGFUL`."""
    if stored == received:
        return True
    before, now = decode_object(stored), decode_object(received)
    names = {*now, *(name for name in before if name in _MEANINGFUL)}
    return bool(now) and all(name in before and before[name] == now.get(name) for name in names)


def missing_email_ids(message: Mapping[str, Any]) -> list[str]:
    """Return the ids of the e-mails whose text this message lacks (HighLevel API issue 40): `meta.email.messageIds`,
    else the message's own id; [] for a message that has its text or is not an e-mail."""
    if message.get("messageType") != "TYPE_EMAIL" or message.get("body"):
        return []
    meta = message.get("meta")
    email = meta.get("email") if isinstance(meta, dict) else None
    ids = email.get("messageIds") if isinstance(email, dict) else None
    named = [email_id for email_id in ids if is_id(email_id)] if isinstance(ids, list) else []
    return named or [own_id for own_id in (message.get("id"),) if is_id(own_id)]


def email_texts(message: Mapping[str, Any], emails: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return (subject, text) of each captured e-mail (`emails`, by id) that this message names, in its order; '' for a
    part that an e-mail lacks."""
    texts = []
    for email_id in missing_email_ids(message):
        email = emails.get(email_id, {})
        inner = email.get("emailMessage")
        email = inner if isinstance(inner, Mapping) else email
        subject, body = (email.get(name) for name in ("subject", "body"))
        texts.append((subject if isinstance(subject, str) else "", body if isinstance(body, str) else ""))
    return [pair for pair in texts if any(pair)]


_MEANINGFUL = frozenset(
    {"title", "body", "assignedTo", "dueDate", "completed", "name", "status", "monetaryValue", "pipelineId"}
    | {"pipelineStageId", "source", "customFields", "lostReasonId"}
)
"""Members that make up a task or an opportunity; the others depend on the route by which HighLevel shows it."""


def record_title(record: Mapping[str, Any], kind: str) -> str:
    """Return what to call a note, a task, …: the first line of its title, name or text, at most 80 characters; its
    kind when it has none."""
    lines = str(record.get("title") or record.get("name") or record.get("body") or "").strip().splitlines()
    return lines[0][:80] if lines else kind


class _NamedRecord(msgspec.Struct):
    name: Any = None
    firstName: Any = None
    lastName: Any = None


_name_decoder = msgspec.json.Decoder(_NamedRecord)


def record_name(raw: bytes) -> str:
    """Return the name of a user, a custom field, …: `name`, else first and last name; '' when there is none."""
    try:
        record = _name_decoder.decode(raw)
    except (ValueError, RecursionError):
        fields = decode_lossy_object(raw)
        record = _NamedRecord(*(fields.get(name) for name in _NamedRecord.__struct_fields__))
    return _text(record.name) or " ".join(part for part in (_text(record.firstName), _text(record.lastName)) if part)


def _text(value: object) -> str:
    """Return the text without NUL and with '?' for half a character."""
    return value.replace("\0", "").encode("utf-8", "replace").decode().strip() if isinstance(value, str) else ""
