"""Requests about the records of contacts: notes, tasks, appointments, opportunities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hlcore.highlevel import json_slices
from hlcore.highlevel.api.base import ApiGroup, parse_list, parse_object
from hlcore.highlevel.types import ApiResponse, RecordPage


class RecordCalls:
    """Notes, tasks, appointments and opportunities."""

    def notes(self: ApiGroup, contact_id: str) -> list[bytes]:
        """Return all notes of a contact."""
        return self._request("notes", parse_list("notes"), path={"contactId": contact_id})

    def create_note(self: ApiGroup, contact_id: str, body: dict[str, Any]) -> bytes:
        """Create a note, dated now, and return it. Never sent twice: raises AnswerLost."""
        return self._request("create_note", parse_object("note"), path={"contactId": contact_id}, body=body)

    def update_note(self: ApiGroup, contact_id: str, note_id: str, body: dict[str, Any]) -> bytes:
        """Set these fields and return the note."""
        path = {"contactId": contact_id, "noteId": note_id}
        return self._request("update_note", parse_object("note"), path=path, body=body)

    def tasks(self: ApiGroup, contact_id: str) -> list[bytes]:
        """Return all tasks of a contact."""
        return self._request("tasks", parse_list("tasks"), path={"contactId": contact_id})

    def search_tasks(
        self: ApiGroup, *, contact_ids: Sequence[str] | None = None, limit: int = 100, skip: int = 0
    ) -> list[bytes]:
        """Return tasks of the whole location, or of these contacts; fewer than `limit` means the last page."""
        body: dict[str, Any] = {"limit": limit, "skip": skip}
        if contact_ids is not None:
            body["contactId"] = list(contact_ids)
        return self._request("search_tasks", _parse_tasks, body=body)

    def create_task(self: ApiGroup, contact_id: str, body: dict[str, Any]) -> bytes:
        """Create a task and return it. Never sent twice: raises AnswerLost."""
        return self._request("create_task", parse_object("task"), path={"contactId": contact_id}, body=body)

    def appointments(self: ApiGroup, contact_id: str) -> list[bytes]:
        """Return all appointments of a contact."""
        return self._request("appointments", parse_list("events"), path={"contactId": contact_id})

    def create_appointment(self: ApiGroup, body: dict[str, Any]) -> bytes:
        """Create an appointment without notifying anybody (`toNotify` is always false). Never sent twice."""
        silent = {**body, "locationId": self.location_id, "toNotify": False}
        return self._request("create_appointment", _parse_appointment, body=silent)

    def search_opportunities(
        self: ApiGroup, *, cursor: Mapping[str, Any] | None = None, limit: int = 100, contact_id: str = ""
    ) -> RecordPage:
        """Return one page of opportunities of every status, of the location or of one contact. At most 100."""
        query = {"location_id": self.location_id, "limit": limit, "contact_id": contact_id, "status": "all"}
        return self._request("search_opportunities", _parse_opportunities, query={**query, **(cursor or {})})

    def opportunity(self: ApiGroup, opportunity_id: str) -> bytes:
        """Return one opportunity as it is now. Raises Gone as `contact` does."""
        return self._request("opportunity", parse_object("opportunity"), path={"opportunityId": opportunity_id})

    def create_opportunity(self: ApiGroup, body: dict[str, Any]) -> bytes:
        """Create an opportunity and return it. Never sent twice: raises AnswerLost."""
        complete = {**body, "locationId": self.location_id}
        return self._request("create_opportunity", parse_object("opportunity"), body=complete)

    def add_opportunity_followers(self: ApiGroup, opportunity_id: str, user_ids: Sequence[str]) -> None:
        """Add these users to the opportunity's followers. May be repeated."""
        path = {"opportunityId": opportunity_id}
        self.call("add_opportunity_followers", path=path, body={"followers": list(user_ids)})


def _parse_appointment(answer: ApiResponse) -> bytes:
    """Return the appointment, which is the answer itself or wrapped in it."""
    whole = json_slices.members(answer.body)
    if "id" in whole or "_id" in whole:
        return json_slices.require_utf8(answer.body)
    return json_slices.find_object(answer.body, "event" if "event" in whole else "appointment")


def _parse_tasks(answer: ApiResponse) -> list[bytes]:
    """Return the tasks of a search: in one list or, as in HighLevel's OpenAPI file, in lists within it."""
    found = json_slices.find_list(answer.body, "tasks")
    return [task for row in found for task in _flatten(row)]


def _flatten(row: bytes) -> list[bytes]:
    return json_slices.find_list(b'{"tasks":' + row + b"}", "tasks") if row.startswith(b"[") else [row]


def _parse_opportunities(answer: ApiResponse) -> RecordPage:
    """Parse a page. Without `meta` it is the last one, and `total`, if any, stands beside the rows."""
    body = json_slices.unwrap(answer.body, "opportunities")
    rows = json_slices.find_list(body, "opportunities")
    meta = json_slices.value_if_readable(body, "meta")
    meta = meta if isinstance(meta, dict) else {}
    cursor = {name: meta.get(name) for name in ("startAfter", "startAfterId")}
    more = rows and all(value not in (None, "") for value in cursor.values()) and meta.get("nextPageUrl") is not None
    total = json_slices.count(meta.get("total"))
    if total is None:
        total = json_slices.count(json_slices.value_if_readable(body, "total"))
    return RecordPage(rows, total, cursor if more else None)
