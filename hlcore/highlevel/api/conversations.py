"""Requests about conversations and messages. None of them sends a message to a contact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hlcore.errors import BrokenAnswer
from hlcore.highlevel import json_slices
from hlcore.highlevel.api.base import ApiGroup
from hlcore.highlevel.types import ApiResponse, RecordPage


class ConversationCalls:
    """Conversations, their messages, and the export of all messages."""

    def search_conversations(
        self: ApiGroup, *, contact_id: str = "", start_after: int | None = None, limit: int = 100
    ) -> RecordPage:
        """Return one page of conversations, newest first. `start_after` is the `next` of the page before."""
        query = {"locationId": self.location_id, "contactId": contact_id, "limit": limit, "startAfterDate": start_after}
        return self._request("search_conversations", _parse_conversations, query={**query, "status": "all"})

    def messages(self: ApiGroup, conversation_id: str, *, last_message_id: str = "", limit: int = 100) -> RecordPage:
        """Return one page of a conversation, newest first. `last_message_id` is the `next` of the page before."""
        query = {"lastMessageId": last_message_id, "limit": limit}
        return self._request("messages", _parse_messages, path={"conversationId": conversation_id}, query=query)

    def export_messages(
        self: ApiGroup,
        *,
        cursor: str = "",
        limit: int = 500,
        contact_id: str = "",
        extra: Mapping[str, Any] | None = None,
    ) -> tuple[list[bytes], str | None, int | None]:
        """Return messages of the location (or of one contact), the cursor of the next page or None, and the claimed
        total.

        E-mails are included only with `{"channel": "Email"}` in `extra`. Other members of `extra`: `startDate`,
        `endDate`, `sortBy`, `sortOrder`, `conversationId`, as in HighLevel's OpenAPI file. A cursor was seen to expire
        two minutes after the request before.
        """
        query = {"locationId": self.location_id, "cursor": cursor, "limit": limit, "contactId": contact_id}
        page = self._request("export_messages", _parse_export, query={**query, **(extra or {})})
        return page.rows, page.next, page.total

    def email(self: ApiGroup, email_id: str) -> bytes:
        """Return one e-mail with its text, which messages do not carry (API issue 40)."""
        return self._request("email", _parse_email, path={"emailId": email_id})


MAX_ODD_AT_END = 20
"""Rows at the end of a page among which one is looked for that tells where the next page begins."""


def _parse_email(answer: ApiResponse) -> bytes:
    """Return the answer if it holds anything. Raises BrokenAnswer."""
    if not json_slices.members(answer.body):
        raise BrokenAnswer("HighLevel's answer has no e-mail")
    return json_slices.require_utf8(answer.body)


def _parse_conversations(answer: ApiResponse) -> RecordPage:
    body = json_slices.unwrap(answer.body, "conversations")
    rows = json_slices.find_list(body, "conversations")
    values = [value for value in map(_sort_value, rows[-MAX_ODD_AT_END:]) if value is not None]
    total = json_slices.count(json_slices.value_if_readable(body, "total"))
    return RecordPage(rows, total, values[-1] if values else None)


def _sort_value(row: bytes) -> int | None:
    """Return the value by which the conversation was sorted: `sort`, or the time of its last message."""
    sort = json_slices.value_if_readable(row, "sort")
    sorted_by = sort[0] if isinstance(sort, list) and sort else json_slices.value_if_readable(row, "lastMessageDate")
    return json_slices.number(sorted_by)


def _parse_messages(answer: ApiResponse) -> RecordPage:
    """Parse a page that is documented flat, but in fact wrapped once more (API issue 54)."""
    body = json_slices.unwrap(answer.body, "messages")
    more = json_slices.value(body, "nextPage") in (True, "true")
    last = json_slices.value(body, "lastMessageId")
    return RecordPage(
        json_slices.find_list(body, "messages"), None, last if more and isinstance(last, str) and last else None
    )


def _parse_export(answer: ApiResponse) -> RecordPage:
    body = json_slices.unwrap(answer.body, "messages")
    cursor = json_slices.value_if_readable(body, "nextCursor")
    total = json_slices.count(json_slices.value_if_readable(body, "total"))
    return RecordPage(
        json_slices.find_list(body, "messages"), total, cursor if isinstance(cursor, str) and cursor else None
    )
