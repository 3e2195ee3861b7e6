"""Conversations and messages (HighLevel OpenAPI conversations.json). Nothing is ever sent; sending is counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hlcore.sandbox.http.answers import SandboxError, SandboxResponse, not_found, number
from hlcore.sandbox.http.contract import INBOUND_MESSAGE, SEND_MESSAGE
from hlcore.sandbox.http.operations import V2021_04, OperationCall, Operations
from hlcore.sandbox.ids import millis, moment
from hlcore.sandbox.routes.records import shown
from hlcore.sandbox.state.location import SandboxLocation
from hlcore.sandbox.state.location_base import Item
from hlcore.sandbox.state.record import full_name

operations = Operations()

READ, WRITE = "conversations/message.readonly", "conversations/message.write"
CHANNELS = {
    "Call": ("TYPE_CALL",), "SMS": ("TYPE_SMS",), "Email": ("TYPE_EMAIL",), "WhatsApp": ("TYPE_WHATSAPP",),
    "Instagram": ("TYPE_INSTAGRAM",), "Facebook": ("TYPE_FACEBOOK",),
}  # fmt: skip
IDLE = timedelta(minutes=2)
SEARCH_QUERY = (
    "locationId contactId assignedTo followers mentions query sort startAfterDate id limit lastMessageType "
    "lastMessageAction lastMessageDirection status sortBy sortScoreProfile scoreProfile scoreProfileMin "
    "scoreProfileMax startDate endDate"
)


@dataclass(slots=True)
class Export:
    """One export in progress: its messages were fixed when it began."""

    ids: list[str]
    at: int
    last_asked: datetime


@operations.register("GET", "/conversations/search", "conversations.readonly", version=V2021_04, query=SEARCH_QUERY)
def search(call: OperationCall) -> Any:
    """By last message, newest first (``sort=asc``: oldest); ``startAfterDate`` is the last row's ``sort`` value."""
    limit, ascending = number(call.query.get("limit"), 20, 100), call.query.get("sort") == "asc"
    talks = [talk for talk in call.location.related.conversations.values() if _wanted(talk, call.query)]
    talks.sort(key=lambda talk: (_last(talk), talk["id"]), reverse=not ascending)
    total, after = len(talks), call.query.get("startAfterDate")
    if after:
        edge = number(after, 0, name="startAfterDate")
        talks = [talk for talk in talks if (_last(talk) > edge if ascending else _last(talk) < edge)]
    rows = [_row(call.location, talk) for talk in talks[:limit]]
    return {"conversations": rows, "total": total, "traceId": call.trace_id}


def _wanted(talk: Item, query: dict[str, str]) -> bool:
    if query.get("contactId") not in (None, "", talk["contactId"]) or query.get("id") not in (None, "", talk["id"]):
        return False
    if query.get("status") == "unread" and not talk["unreadCount"]:
        return False
    at = millis(moment(talk["dateAdded"]))
    return int(query.get("startDate") or at) <= at <= int(query.get("endDate") or at)


def _last(talk: Item) -> int:
    return millis(moment(talk.get("lastMessageDate") or talk["dateAdded"]))


def _row(location: SandboxLocation, talk: Item) -> Item:
    contact = location.contacts[talk["contactId"]] if talk["contactId"] in location.records else {}
    name = full_name(contact)
    return {
        "id": talk["id"], "contactId": talk["contactId"], "locationId": talk["locationId"],
        "lastMessageBody": talk.get("lastMessageBody", ""), "lastMessageType": talk.get("lastMessageType", "TYPE_SMS"),
        "lastMessageDate": _last(talk), "type": "TYPE_PHONE", "unreadCount": talk["unreadCount"], "fullName": name,
        "contactName": name, "email": contact.get("email", ""), "phone": contact.get("phone", ""),
        "dateAdded": millis(moment(talk["dateAdded"])), "sort": [_last(talk)],
    }  # fmt: skip


@operations.register("GET", "/conversations/{conversationId}", "conversations.readonly", version=V2021_04)
def get_conversation(call: OperationCall) -> Any:
    keys = ("id", "contactId", "locationId", "deleted", "inbox", "type", "unreadCount", "assignedTo", "starred")
    talk = _conversation(call)
    return {key: talk[key] for key in keys if key in talk}


@operations.register("POST", "/conversations/", "conversations.write", version=V2021_04, status=201)
def create_conversation(call: OperationCall) -> Any:
    body = call.fields({"locationId": "string", "contactId": "string"}, ("locationId", "contactId"))
    if body["contactId"] not in call.location.records:
        raise SandboxError(400, "Contact not found")
    talk = call.location.related.conversations[call.location.conversation_of(body["contactId"])]
    dates = {"dateUpdated": talk["dateAdded"], "lastMessageDate": talk.get("lastMessageDate", talk["dateAdded"])}
    return {"success": True, "conversation": {**shown(talk), **dates}}


@operations.register("DELETE", "/conversations/{conversationId}", "conversations.write", version=V2021_04)
def delete_conversation(call: OperationCall) -> Any:
    talk = _conversation(call)
    del call.location.related.conversations[talk["id"]]
    for id_, message in list(call.location.related.messages.items()):
        if message["conversationId"] == talk["id"]:
            del call.location.related.messages[id_]
    return {"success": True}


def _conversation(call: OperationCall) -> Item:
    talk = call.location.related.conversations.get(call.params["conversationId"])
    if talk is None:
        raise not_found("Conversation")
    return talk


def _listed(message: Item) -> Item:
    """E-mails come without their body here; it is fetched by ``meta.email.messageIds`` (highlevel-api-docs #40)."""
    found = shown(message)
    if message["messageType"] == "TYPE_EMAIL":
        found.pop("body", None)
        found["meta"] = {"email": {"messageIds": [message["id"]]}}
    return found


@operations.register(
    "GET", "/conversations/{conversationId}/messages", READ, version=V2021_04, query="lastMessageId limit type"
)
def messages(call: OperationCall) -> Any:
    """Newest first, wrapped once more than the OpenAPI file says (highlevel-api-docs #54)."""
    talk, limit = _conversation(call), number(call.query.get("limit"), 20, 100)
    mine = [m for m in call.location.related.messages.values() if m["conversationId"] == talk["id"]]
    mine.sort(key=lambda message: (message["dateAdded"], message["id"]), reverse=True)
    if call.query.get("lastMessageId"):
        ids = [message["id"] for message in mine]
        last = call.query["lastMessageId"]
        mine = mine[ids.index(last) + 1 :] if last in ids else []
    rows = [_listed(message) for message in mine[:limit]]
    last_id = rows[-1]["id"] if rows else ""
    page = {"lastMessageId": last_id, "nextPage": len(mine) > limit, "messages": rows}
    return {"messages": page, "traceId": call.trace_id}


@operations.register("GET", "/conversations/messages/{id}", READ, version=V2021_04)
def get_message(call: OperationCall) -> Any:
    return {"message": _listed(_message(call)), "traceId": call.trace_id}


@operations.register("GET", "/conversations/messages/email/{id}", READ, version=V2021_04)
def get_email(call: OperationCall) -> Any:
    message = _message(call)
    contact = call.location.contacts.get(message["contactId"], {})
    mail: Item = {"threadId": message["id"], "subject": "", "from": "", "to": [contact.get("email", "")]}
    return {**mail, **shown(message), "contentType": "text/html"}


def _message(call: OperationCall) -> Item:
    found = call.location.related.messages.get(call.params["id"])
    if found is None:
        raise not_found("Message")
    return found


EXPORT_QUERY = "locationId limit cursor sortBy sortOrder conversationId contactId channel startDate endDate"


@operations.register("GET", "/conversations/messages/export", READ, version=V2021_04, query=EXPORT_QUERY)
def export(call: OperationCall) -> Any:
    """Without ``channel``: everything but e-mail. A cursor dies two minutes after it was last used."""
    limit = number(call.query.get("limit"), 100, 500)
    if limit < 10:
        raise SandboxError(422, ["limit must not be less than 10"])
    location = call.location
    running = _running(call)
    page = running.ids[running.at : running.at + limit]
    running.at += limit
    running.last_asked = call.sandbox.now()
    cursor = None
    if running.at < len(running.ids):
        cursor = location.ids.next()
        location.exports[cursor] = running
    shelf = location.related.messages
    rows = [shown(shelf[id_]) for id_ in page if id_ in shelf]
    return {"messages": rows, "nextCursor": cursor, "total": len(running.ids), "traceId": call.trace_id}


def _running(call: OperationCall) -> Export:
    cursor = call.query.get("cursor")
    if not cursor:
        return Export(_chosen(call), 0, call.sandbox.now())
    running: Export | None = call.location.exports.pop(cursor, None)
    if running is None or call.sandbox.now() - running.last_asked > IDLE:
        raise SandboxError(400, "Invalid or expired cursor")
    return running


def _chosen(call: OperationCall) -> list[str]:
    query, channel = call.query, call.query.get("channel")
    if channel and channel not in CHANNELS:
        raise SandboxError(422, [f"channel must be one of the following values: {', '.join(CHANNELS)}"])
    key = "dateUpdated" if query.get("sortBy") == "updatedAt" else "dateAdded"
    start, end = (moment(query[name]) if query.get(name) else None for name in ("startDate", "endDate"))
    found = [
        message
        for message in call.location.related.messages.values()
        if (message["messageType"] in CHANNELS[channel] if channel else message["messageType"] != "TYPE_EMAIL")
        and query.get("contactId") in (None, message["contactId"])
        and query.get("conversationId") in (None, message["conversationId"])
        and (start is None or moment(message[key]) >= start)
        and (end is None or moment(message[key]) <= end)
    ]
    found.sort(key=lambda message: (message[key], message["id"]), reverse=query.get("sortOrder") != "asc")
    return [message["id"] for message in found]


@operations.register("POST", "/conversations/messages", WRITE, version=V2021_04)
def send_message(call: OperationCall) -> Any:
    """On HighLevel this reaches a person. Here it is counted."""
    body = call.fields(SEND_MESSAGE, ("type", "contactId"))
    if body["contactId"] not in call.location.records:
        raise SandboxError(400, "Contact not found")
    call.sandbox.ledger.messages_sent.append({"location": call.location.id, **body})
    text = body.get("message") or body.get("html") or ""
    id_ = call.location.add_message(
        body["contactId"], text, kind=body["type"].upper(), direction="outbound", status="pending", source="api"
    )
    conversation = call.location.related.messages[id_]["conversationId"]
    return SandboxResponse.of({"conversationId": conversation, "messageId": id_, "status": "pending"}, 201)


def _date(text: str | None) -> datetime | None:
    try:
        return moment(text) if text else None
    except ValueError as exc:
        raise SandboxError(422, ["date must be a valid ISO 8601 date string"]) from exc


@operations.register("POST", "/conversations/messages/inbound", WRITE, version=V2021_04)
def store_message(call: OperationCall) -> Any:
    """Stores a message without sending one. A provider that is not the app's own: 500 (highlevel-api-docs #6)."""
    body = call.fields(INBOUND_MESSAGE, ("type", "conversationProviderId"))
    if body["conversationProviderId"] not in call.location.message_providers:
        raise SandboxError(500, "Internal server error")
    talk = call.location.related.conversations.get(body.get("conversationId", ""), {})
    contact = body.get("contactId") or talk.get("contactId")
    if contact not in call.location.records:
        raise SandboxError(400, "Conversation id or contact id not given")
    id_ = call.location.add_message(
        contact, body.get("message") or body.get("html") or "", kind=body["type"].upper(), at=_date(body.get("date")),
        direction=body.get("direction", "outbound"), conversationProviderId=body["conversationProviderId"],
        attachments=body.get("attachments", []), subject=body.get("subject"),
    )  # fmt: skip
    message = call.location.related.messages[id_]
    stored = {"conversationId": message["conversationId"], "messageId": id_, "contactId": contact}
    return {"success": True, "message": "Message added", "dateAdded": message["dateAdded"], **stored}
