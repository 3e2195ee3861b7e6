"""What belongs to a contact, kind by kind, and how each can be read from HighLevel.

`EACH` kinds are asked for contact by contact. `FED` kinds also come in feeds of the whole location, which cost far
less, but may leave live rows out; their word that something is gone is only a reason to look at the contact itself.
Followers and the business link are part of the detail.

What an entry of a catalogue (a user, a custom field) is called.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

EACH = ("detail", "note", "appointment")
FED = ("task", "opportunity", "conversation", "message")
KINDS = ("detail", "note", "task", "opportunity", "appointment", "conversation", "message")

CATALOGUES = (
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
"""Lists of the location without which a copy cannot be read or restored."""

CHANGING = ("detail", "note", "appointment", "task", "opportunity")
"""Kinds that are read again when the contact itself changed. Messages and conversations have feeds of news."""

COST: Mapping[str, float] = {
    "detail": 1,
    "note": 1,
    "appointment": 1,
    "task": 1,
    "opportunity": 1,
    "conversation": 1,
    "message": 2,
    "email": 1,
}
"""Requests to read one contact's records of a kind (`email`: the text of one e-mail)."""

ROWS_PER_CALL: Mapping[str, int] = {"task": 90, "opportunity": 100, "conversation": 100, "message": 500}
"""Rows of one request to a feed."""


def decode(raw: bytes) -> dict[str, Any]:
    """The members of a record; {} when the bytes are no JSON object. Half an emoji (a lone surrogate) is accepted."""
    try:
        found = msgspec.json.decode(raw)
    except msgspec.MsgspecError:
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError):
            return {}
    return found if isinstance(found, dict) else {}


def encode(value: Any) -> bytes:
    """This value as JSON in UTF-8; half an emoji, which is no UTF-8, stays as an escape."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def plural(kind: str) -> str:
    """'opportunities', 'custom fields', … for people."""
    noun = kind.replace("_", " ")
    if noun.endswith("y"):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"


def identity(raw: bytes) -> tuple[str, str]:
    """(record id, contact id) as the record says, '' where it does not. Some feeds call the id `_id`."""
    found = decode(raw)
    record_id = next((found[name] for name in ("id", "_id") if _is_name(found.get(name))), "")
    contact_id = found.get("contactId")
    return str(record_id), contact_id if isinstance(contact_id, str) else ""


def agrees(held: bytes, told: bytes) -> bool:
    """Whether `told` says nothing that `held` does not say. Two routes show one record with different members; only
    other values are news, and that a member with something to say is gone."""
    if held == told:
        return True
    before, now = decode(held), decode(told)
    names = {*now, *(name for name in before if name in _SAYS)}
    return bool(now) and all(name in before and before[name] == now.get(name) for name in names)


def email_ids(raw: bytes) -> list[str]:
    """The e-mails whose text this message does not carry; see `emails_of`."""
    return emails_of(decode(raw))


def emails_of(message: Mapping[str, Any]) -> list[str]:
    """The e-mails whose text a message does not carry (HighLevel API issue 40), by `meta.email.messageIds`; else the
    message's own id. Empty for messages that have their text or are no e-mails."""
    if message.get("messageType") != "TYPE_EMAIL" or message.get("body"):
        return []
    meta = message.get("meta")
    email = meta.get("email") if isinstance(meta, dict) else None
    ids = email.get("messageIds") if isinstance(email, dict) else None
    named = [each for each in ids if _is_name(each)] if isinstance(ids, list) else []
    return named or [each for each in (message.get("id"),) if _is_name(each)]


def texts_of(message: Mapping[str, Any], emails: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Subject and text of each captured e-mail (`emails`, by id) that this message names, in its order; '' for what an
    e-mail does not say."""
    found = []
    for email_id in emails_of(message):
        email = emails.get(email_id, {})
        inner = email.get("emailMessage")
        email = inner if isinstance(inner, Mapping) else email
        subject, body = (email.get(name) for name in ("subject", "body"))
        found.append((subject if isinstance(subject, str) else "", body if isinstance(body, str) else ""))
    return [each for each in found if any(each)]


_SAYS = frozenset(
    {"title", "body", "assignedTo", "dueDate", "completed", "name", "status", "monetaryValue", "pipelineId"}
    | {"pipelineStageId", "source", "customFields", "lostReasonId"}
)
"""Members by which a task or an opportunity says something; the others differ between HighLevel's routes."""


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


class _NamedRecord(msgspec.Struct):
    name: Any = None
    firstName: Any = None
    lastName: Any = None


_decoder = msgspec.json.Decoder(_NamedRecord)


def name_in(raw: bytes) -> str:
    """The name in these bytes: `name`, else first and last name; '' when there is none."""
    try:
        found = _decoder.decode(raw)
    except (msgspec.MsgspecError, ValueError):
        return ""
    whole = _text(found.name)
    return whole or " ".join(part for part in (_text(found.firstName), _text(found.lastName)) if part)


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
