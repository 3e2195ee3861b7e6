"""Calls about what hangs on contacts: notes, tasks, appointments, opportunities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hlcore.highlevel import json_slices
from hlcore.highlevel.api.base import ApiGroup, parse_list, parse_object
from hlcore.highlevel.types import ApiResponse, RecordPage


class RecordCalls:
    """Notes, tasks, appointments and opportunities."""

    def notes(self: ApiGroup, contact_id: str) -> list[bytes]:
        """All notes of a contact."""
        return self._ask("notes", parse_list("notes"), path={"contactId": contact_id})

    def create_note(self: ApiGroup, contact_id: str, body: dict[str, Any]) -> bytes:
        """The contact has one more note, dated now. Never sent twice: AnswerLost."""
        return self._ask("create_note", parse_object("note"), path={"contactId": contact_id}, body=body)

    def update_note(self: ApiGroup, contact_id: str, note_id: str, body: dict[str, Any]) -> bytes:
        """The note has these values."""
        path = {"contactId": contact_id, "noteId": note_id}
        return self._ask("update_note", parse_object("note"), path=path, body=body)

    def tasks(self: ApiGroup, contact_id: str) -> list[bytes]:
        """All tasks of a contact."""
        return self._ask("tasks", parse_list("tasks"), path={"contactId": contact_id})

    def search_tasks(
        self: ApiGroup, *, contact_ids: Sequence[str] | None = None, limit: int = 100, skip: int = 0
    ) -> list[bytes]:
        """Tasks of the whole location, or of these contacts; fewer than `limit` means the last page."""
        body: dict[str, Any] = {"limit": limit, "skip": skip}
        if contact_ids is not None:
            body["contactId"] = list(contact_ids)
        return self._ask("search_tasks", _tasks, body=body)

    def create_task(self: ApiGroup, contact_id: str, body: dict[str, Any]) -> bytes:
        """The contact has one more task. Never sent twice: AnswerLost."""
        return self._ask("create_task", parse_object("task"), path={"contactId": contact_id}, body=body)

    def update_task(self: ApiGroup, contact_id: str, task_id: str, body: dict[str, Any]) -> bytes:
        """The task has these values."""
        path = {"contactId": contact_id, "taskId": task_id}
        return self._ask("update_task", parse_object("task"), path=path, body=body)

    def complete_task(self: ApiGroup, contact_id: str, task_id: str, *, completed: bool = True) -> bytes:
        """The task is done, or not done any more."""
        path = {"contactId": contact_id, "taskId": task_id}
        return self._ask("complete_task", parse_object("task"), path=path, body={"completed": completed})

    def appointments(self: ApiGroup, contact_id: str) -> list[bytes]:
        """All appointments of a contact."""
        return self._ask("appointments", parse_list("events"), path={"contactId": contact_id})

    def create_appointment(self: ApiGroup, body: dict[str, Any]) -> bytes:
        """One more appointment exists, and nobody was told: `toNotify` is always false. Never sent twice."""
        quiet = {**body, "locationId": self.location_id, "toNotify": False}
        return self._ask("create_appointment", _appointment, body=quiet)

    def search_opportunities(
        self: ApiGroup, *, cursor: Mapping[str, Any] | None = None, limit: int = 100, contact_id: str = ""
    ) -> RecordPage:
        """One page of the location's opportunities of every status, or of one contact's. At most 100."""
        query = {"location_id": self.location_id, "limit": limit, "contact_id": contact_id, "status": "all"}
        return self._ask("search_opportunities", _opportunities, query={**query, **(cursor or {})})

    def opportunity(self: ApiGroup, opportunity_id: str) -> bytes:
        """One opportunity as it is now. Raises Gone as `contact` does."""
        return self._ask("opportunity", parse_object("opportunity"), path={"opportunityId": opportunity_id})

    def create_opportunity(self: ApiGroup, body: dict[str, Any]) -> bytes:
        """One more opportunity exists. Never sent twice: AnswerLost."""
        whole = {**body, "locationId": self.location_id}
        return self._ask("create_opportunity", parse_object("opportunity"), body=whole)

    def update_opportunity(self: ApiGroup, opportunity_id: str, body: dict[str, Any]) -> bytes:
        """The opportunity has these values."""
        path = {"opportunityId": opportunity_id}
        return self._ask("update_opportunity", parse_object("opportunity"), path=path, body=body)

    def add_opportunity_followers(self: ApiGroup, opportunity_id: str, user_ids: Sequence[str]) -> None:
        """These users follow the opportunity, beside those who did. May be repeated."""
        path = {"opportunityId": opportunity_id}
        self.call("add_opportunity_followers", path=path, body={"followers": list(user_ids)})


def _appointment(answer: ApiResponse) -> bytes:
    """The appointment stands in the answer itself; some answers wrap it."""
    whole = json_slices.members(answer.body)
    if "id" in whole or "_id" in whole:
        return answer.body
    return json_slices.part(answer.body, "event" if "event" in whole else "appointment")


def _tasks(answer: ApiResponse) -> list[bytes]:
    """The tasks of a search: in one list, or (as HighLevel's OpenAPI file has it) in lists within it."""
    found = json_slices.rows(answer.body, "tasks")
    return [one for row in found for one in _several(row)]


def _several(row: bytes) -> list[bytes]:
    return json_slices.rows(b'{"tasks":' + row + b"}", "tasks") if row.startswith(b"[") else [row]


def _opportunities(answer: ApiResponse) -> RecordPage:
    """A page without `meta` is the last one of its cursor; `total` then stands beside the rows, or is not told."""
    body = json_slices.inside(answer.body, "opportunities")
    found = json_slices.rows(body, "opportunities")
    meta = json_slices.value(body, "meta")
    meta = meta if isinstance(meta, dict) else {}
    cursor = {name: meta.get(name) for name in ("startAfter", "startAfterId")}
    more = found and all(value not in (None, "") for value in cursor.values()) and meta.get("nextPageUrl") is not None
    total = json_slices.number(meta.get("total"))
    return RecordPage(
        found,
        json_slices.number(json_slices.value(body, "total")) if total is None else total,
        cursor if more else None,
    )
