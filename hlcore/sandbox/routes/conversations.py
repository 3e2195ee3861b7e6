"""Conversations and messages (HighLevel OpenAPI conversations.json). Nothing is ever sent; sending is counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hlcore.sandbox.http.answers import SandboxError, SandboxResponse, public_fields
from hlcore.sandbox.http.contract import INBOUND_MESSAGE, SEND_MESSAGE, parse_date, parse_number
from hlcore.sandbox.http.operations import V2021_04, OperationCall, Operations
from hlcore.sandbox.ids import millis, parse_moment
from hlcore.sandbox.state.location import SandboxLocation
from hlcore.sandbox.state.location_base import Item
from hlcore.sandbox.state.record import full_name

operations = Operations()

READ, WRITE = "conversations/message.readonly", "conversations/message.write"
CHANNELS = {
    "Call": ("TYPE_CALL",), "SMS": ("TYPE_SMS",), "Email": ("TYPE_EMAIL",), "WhatsApp": ("TYPE_WHATSAPP",),
    "Instagram": ("TYPE_INSTAGRAM",), "Facebook": ("TYPE_FACEBOOK",),
}  # fmt: skip
CURSOR_LIFETIME = timedelta(minutes=2)
SEARCH_QUERY = (
    "locationId contactId assignedTo followers mentions query sort startAfterDate id limit lastMessageType "
    "lastMessageAction lastMessageDirection status sortBy sortScoreProfile scoreProfile scoreProfileMin "
    "scoreProfileMax startDate endDate"
)


@dataclass(slots=True)
class MessageExport:
    """An export in progress. Its messages were fixed when it began; `position` is the index of the next one."""

    ids: list[str]
    position: int
    last_used: datetime


@operations.register("GET", "/conversations/search", "conversations.readonly", version=V2021_04, query=SEARCH_QUERY)
def search(call: OperationCall) -> Any:
    """Newest message first, with ``sort=asc`` oldest. ``startAfterDate`` is the last row's ``sort`` value."""
    limit, ascending = parse_number(call.query.get("limit"), 20, 100), call.query.get("sort") == "asc"
    matches = [item for item in call.location.related.conversations.values() if _matches(item, call.query)]
    matches.sort(key=lambda item: (_last_message_at(item), item["id"]), reverse=not ascending)
    total = len(matches)
    if call.query.get("startAfterDate"):
        after = parse_number(call.query["startAfterDate"], 0, name="startAfterDate")
        matches = [
            item
            for item in matches
            if (_last_message_at(item) > after if ascending else _last_message_at(item) < after)
        ]
    rows = [_conversation_row(call.location, item) for item in matches[:limit]]
    return call.reply(conversations=rows, total=total)


def _matches(conversation: Item, query: dict[str, str]) -> bool:
    if any(query.get(key) not in (None, "", conversation[key]) for key in ("contactId", "id")):
        return False
    if query.get("status") == "unread" and not conversation["unreadCount"]:
        return False
    at = millis(parse_moment(conversation["dateAdded"]))
    return int(query.get("startDate") or at) <= at <= int(query.get("endDate") or at)


def _last_message_at(conversation: Item) -> int:
    return millis(parse_moment(conversation.get("lastMessageDate") or conversation["dateAdded"]))


def _conversation_row(location: SandboxLocation, conversation: Item) -> Item:
    contact_id, at = conversation["contactId"], _last_message_at(conversation)
    contact = location.contacts[contact_id] if contact_id in location.records else {}
    name = full_name(contact)
    return {
        "id": conversation["id"], "contactId": contact_id, "locationId": conversation["locationId"],
        "lastMessageBody": conversation.get("lastMessageBody", ""),
        "lastMessageType": conversation.get("lastMessageType", "TYPE_SMS"), "lastMessageDate": at, "type": "TYPE_PHONE",
        "unreadCount": conversation["unreadCount"], "fullName": name, "contactName": name,
        "email": contact.get("email", ""), "phone": contact.get("phone", ""),
        "dateAdded": millis(parse_moment(conversation["dateAdded"])), "sort": [at],
    }  # fmt: skip


@operations.register("GET", "/conversations/{conversationId}", "conversations.readonly", version=V2021_04)
def get_conversation(call: OperationCall) -> Any:
    keys = ("id", "contactId", "locationId", "deleted", "inbox", "type", "unreadCount", "assignedTo", "starred")
    conversation = _find_conversation(call)
    return {key: conversation[key] for key in keys if key in conversation}


@operations.register("POST", "/conversations/", "conversations.write", version=V2021_04, status=201)
def create_conversation(call: OperationCall) -> Any:
    body = call.fields({"locationId": "string", "contactId": "string"}, ("locationId", "contactId"))
    if body["contactId"] not in call.location.records:
        raise SandboxError(400, "Contact not found")
    conversation = call.location.related.conversations[call.location.open_conversation(body["contactId"])]
    dates = {
        "dateUpdated": conversation["dateAdded"],
        "lastMessageDate": conversation.get("lastMessageDate", conversation["dateAdded"]),
    }
    return {"success": True, "conversation": {**public_fields(conversation), **dates}}


@operations.register("DELETE", "/conversations/{conversationId}", "conversations.write", version=V2021_04)
def delete_conversation(call: OperationCall) -> Any:
    conversation = _find_conversation(call)
    del call.location.related.conversations[conversation["id"]]
    for id_, message in list(call.location.related.messages.items()):
        if message["conversationId"] == conversation["id"]:
            del call.location.related.messages[id_]
    return {"success": True}


def _find_conversation(call: OperationCall) -> Item:
    return call.find(call.location.related.conversations, "Conversation", "conversationId")


def _message_row(message: Item) -> Item:
    """Return a message as lists show it: an e-mail without its body, which GET by its id in
    ``meta.email.messageIds`` has (highlevel-api-docs #40)."""
    row = public_fields(message)
    if message["messageType"] == "TYPE_EMAIL":
        row.pop("body", None)
        row["meta"] = {"email": {"messageIds": [message["id"]]}}
    return row


@operations.register(
    "GET", "/conversations/{conversationId}/messages", READ, version=V2021_04, query="lastMessageId limit type"
)
def messages(call: OperationCall) -> Any:
    """Newest first, in one more level of ``messages`` than the OpenAPI file says (highlevel-api-docs #54)."""
    conversation, limit = _find_conversation(call), parse_number(call.query.get("limit"), 20, 100)
    matches = [item for item in call.location.related.messages.values() if item["conversationId"] == conversation["id"]]
    matches.sort(key=lambda message: (message["dateAdded"], message["id"]), reverse=True)
    if last_id := call.query.get("lastMessageId"):
        ids = [message["id"] for message in matches]
        matches = matches[ids.index(last_id) + 1 :] if last_id in ids else []
    rows = [_message_row(message) for message in matches[:limit]]
    page = {"lastMessageId": rows[-1]["id"] if rows else "", "nextPage": len(matches) > limit, "messages": rows}
    return call.reply(messages=page)


@operations.register("GET", "/conversations/messages/{id}", READ, version=V2021_04)
def get_message(call: OperationCall) -> Any:
    return call.reply(message=_message_row(_find_message(call)))


@operations.register("GET", "/conversations/messages/email/{id}", READ, version=V2021_04)
def get_email(call: OperationCall) -> Any:
    message = _find_message(call)
    contact = call.location.contacts.get(message["contactId"], {})
    mail: Item = {"threadId": message["id"], "subject": "", "from": "", "to": [contact.get("email", "")]}
    return {**mail, **public_fields(message), "contentType": "text/html"}


def _find_message(call: OperationCall) -> Item:
    return call.find(call.location.related.messages, "Message")


EXPORT_QUERY = "locationId limit cursor sortBy sortOrder conversationId contactId channel startDate endDate"


@operations.register("GET", "/conversations/messages/export", READ, version=V2021_04, query=EXPORT_QUERY)
def export(call: OperationCall) -> Any:
    """Without ``channel``: everything but e-mail. A cursor expires two minutes after its page was read."""
    limit = parse_number(call.query.get("limit"), 100, 500)
    if limit < 10:
        raise SandboxError(422, ["limit must not be less than 10"])
    location = call.location
    current = _current_export(call)
    page = current.ids[current.position : current.position + limit]
    current.position += limit
    current.last_used = call.sandbox.now()
    cursor = None
    if current.position < len(current.ids):
        cursor = location.ids.next()
        location.exports[cursor] = current
    stored = location.related.messages
    rows = [public_fields(stored[id_]) for id_ in page if id_ in stored]
    return call.reply(messages=rows, nextCursor=cursor, total=len(current.ids))


def _current_export(call: OperationCall) -> MessageExport:
    cursor = call.query.get("cursor")
    if not cursor:
        return MessageExport(_export_ids(call), 0, call.sandbox.now())
    current: MessageExport | None = call.location.exports.pop(cursor, None)
    if current is None or call.sandbox.now() - current.last_used > CURSOR_LIFETIME:
        raise SandboxError(400, "Invalid or expired cursor")
    return current


def _export_ids(call: OperationCall) -> list[str]:
    query, channel = call.query, call.query.get("channel")
    if channel and channel not in CHANNELS:
        raise SandboxError(422, [f"channel must be one of the following values: {', '.join(CHANNELS)}"])
    key = "dateUpdated" if query.get("sortBy") == "updatedAt" else "dateAdded"
    start, end = (parse_moment(query[name]) if query.get(name) else None for name in ("startDate", "endDate"))
    matches = [
        message
        for message in call.location.related.messages.values()
        if (message["messageType"] in CHANNELS[channel] if channel else message["messageType"] != "TYPE_EMAIL")
        and query.get("contactId") in (None, message["contactId"])
        and query.get("conversationId") in (None, message["conversationId"])
        and (start is None or parse_moment(message[key]) >= start)
        and (end is None or parse_moment(message[key]) <= end)
    ]
    matches.sort(key=lambda message: (message[key], message["id"]), reverse=query.get("sortOrder") != "asc")
    return [message["id"] for message in matches]


@operations.register("POST", "/conversations/messages", WRITE, version=V2021_04)
def send_message(call: OperationCall) -> Any:
    """Count the message in the ledger. On HighLevel it would be sent."""
    body = call.fields(SEND_MESSAGE, ("type", "contactId"))
    if body["contactId"] not in call.location.records:
        raise SandboxError(400, "Contact not found")
    call.sandbox.ledger.messages_sent.append({"location": call.location.id, **body})
    text = body.get("message") or body.get("html") or ""
    id_ = call.location.add_message(
        body["contactId"], text, kind=body["type"].upper(), direction="outbound", status="pending", source="api"
    )
    conversation_id = call.location.related.messages[id_]["conversationId"]
    return SandboxResponse.from_value({"conversationId": conversation_id, "messageId": id_, "status": "pending"}, 201)


@operations.register("POST", "/conversations/messages/inbound", WRITE, version=V2021_04)
def store_message(call: OperationCall) -> Any:
    """Store a message without sending one. With a provider that is not the app's own: 500 (highlevel-api-docs #6)."""
    body = call.fields(INBOUND_MESSAGE, ("type", "conversationProviderId"))
    if body["conversationProviderId"] not in call.location.message_providers:
        raise SandboxError(500, "Internal server error")
    conversation = call.location.related.conversations.get(body.get("conversationId", ""), {})
    contact_id = body.get("contactId") or conversation.get("contactId")
    if contact_id not in call.location.records:
        raise SandboxError(400, "Conversation id or contact id not given")
    at = parse_date(body["date"], "date") if body.get("date") else None
    id_ = call.location.add_message(
        contact_id, body.get("message") or body.get("html") or "", kind=body["type"].upper(), at=at,
        direction=body.get("direction", "outbound"), conversationProviderId=body["conversationProviderId"],
        attachments=body.get("attachments", []), subject=body.get("subject"),
    )  # fmt: skip
    message = call.location.related.messages[id_]
    stored = {"conversationId": message["conversationId"], "messageId": id_, "contactId": contact_id}
    return {"success": True, "message": "Message added", "dateAdded": message["dateAdded"], **stored}
