"""Calls about conversations and messages. None of them sends a message to a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hlcore.highlevel import json_slices
from hlcore.highlevel.api.base import ApiGroup
from hlcore.highlevel.types import ApiResponse, RecordPage


class ConversationCalls:
    """Conversations, their messages, and the export of all messages."""

    def search_conversations(
        self: ApiGroup, *, contact_id: str = "", start_after: int | None = None, limit: int = 100
    ) -> RecordPage:
        """One page of conversations, newest first. `start_after` is the `next` of the page before."""
        query = {
            "locationId": self.location_id,
            "contactId": contact_id,
            "limit": limit,
            "startAfterDate": start_after,
        }
        return self._ask("search_conversations", _conversations, query={**query, "status": "all"})

    def messages(self: ApiGroup, conversation_id: str, *, last_message_id: str = "", limit: int = 100) -> RecordPage:
        """One page of a conversation, newest first. `last_message_id` is the `next` of the page before."""
        query = {"lastMessageId": last_message_id, "limit": limit}
        return self._ask("messages", _messages, path={"conversationId": conversation_id}, query=query)

    def export_messages(
        self: ApiGroup,
        *,
        cursor: str = "",
        limit: int = 500,
        contact_id: str = "",
        extra: Mapping[str, Any] | None = None,
    ) -> tuple[list[bytes], str | None, int | None]:
        """Messages of the location (or of one contact), the cursor of the next page or None, and the claimed total.

        Without `{"channel": "Email"}` in `extra` e-mails are not among them. Other members of `extra`:
        `startDate`, `endDate`, `sortBy`, `sortOrder`, `conversationId`, as HighLevel's OpenAPI file names them.
        A cursor was seen to expire two minutes after the request before."""
        query = {"locationId": self.location_id, "cursor": cursor, "limit": limit, "contactId": contact_id}
        page = self._ask("export_messages", _export, query={**query, **(extra or {})})
        return page.rows, page.next, page.total

    def email(self: ApiGroup, email_id: str) -> bytes:
        """One e-mail with its text, which messages do not carry (API issue 40)."""
        return self.call("email", path={"emailId": email_id}).body

    def inbound_message(self: ApiGroup, body: dict[str, Any]) -> bytes:
        """A message of the past stands in the contact's conversation; nothing is sent to anybody.

        Needs an app that owns a conversation provider; a wrong one answers 500 (API issue 6). Never sent twice."""
        return self._ask("inbound_message", _whole, body=body)


def _whole(answer: ApiResponse) -> bytes:
    json_slices.members(answer.body)
    return answer.body


def _conversations(answer: ApiResponse) -> RecordPage:
    body = json_slices.inside(answer.body, "conversations")
    found = json_slices.rows(body, "conversations")
    last = found[-1] if found else None
    return RecordPage(found, json_slices.number(json_slices.value(body, "total")), _sort_value(last) if last else None)


def _sort_value(row: bytes) -> int | None:
    """The value by which a conversation was sorted: `sort`, or the time of its last message."""
    sort = json_slices.value(row, "sort")
    found = sort[0] if isinstance(sort, list) and sort else json_slices.value(row, "lastMessageDate")
    return json_slices.number(found)


def _messages(answer: ApiResponse) -> RecordPage:
    """Documented flat, in fact wrapped once more (API issue 54); both are read."""
    body = json_slices.inside(answer.body, "messages")
    more = json_slices.value(body, "nextPage") in (True, "true")
    last = json_slices.value(body, "lastMessageId")
    return RecordPage(
        json_slices.rows(body, "messages"), None, last if more and isinstance(last, str) and last else None
    )


def _export(answer: ApiResponse) -> RecordPage:
    body = json_slices.inside(answer.body, "messages")
    cursor, total = json_slices.value(body, "nextCursor"), json_slices.number(json_slices.value(body, "total"))
    return RecordPage(json_slices.rows(body, "messages"), total, cursor if isinstance(cursor, str) and cursor else None)
