"""Creates again what belonged to a contact: notes, tasks, opportunities, appointments, followers, business, tags.

Each request is in the journal before it is sent. A create call without a certain answer is looked for among the
contact's living records and recognised by its content, so that nothing is created twice. What HighLevel refuses is
tried again with less. Tags come last, and all of it happens while every channel is closed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hlcore.errors import AnswerLost, BrokenAnswer, Cancelled, Duplicate, Gone, HighLevelError, Rejected
from hlcore.highlevel import Client
from hlcore.model.records import record_ids
from hlcore.model.restore.child_requests import (
    APPOINTMENT,
    BUSINESS,
    FOLLOWERS,
    NOTE,
    OPPORTUNITY,
    OPPORTUNITY_FOLLOWERS,
    TASK,
    TRANSCRIPT,
    ChildRequest,
    followers_step,
)
from hlcore.model.restore.record_matching import STORED_KIND, find_match, smaller_request
from hlcore.restore.execution.missing_users import departed_users, refused_names
from hlcore.restore.job_context import JobContext, RetryAt
from hlcore.restore.journal_entries import (
    LOOKED,
    NOT_DONE,
    TAGS,
    UNSURE,
    WRITTEN,
    is_unsure,
    refusal_note,
    refused_fields,
    request_body,
)
from hlcore.restore.live_state import fetch_records
from hlcore.restore.plan import PlanItem
from hlcore.store.restores.journal import JournalEntry

MAX_TRIES = 6
"""Create calls that one record may cost; each is resolved as not done before the next."""

CreateCall = Callable[[Client, str, dict[str, Any]], bytes]
CREATE_CALLS: dict[str, CreateCall] = {
    NOTE: lambda client, contact_id, body: client.create_note(contact_id, body),
    TRANSCRIPT: lambda client, contact_id, body: client.create_note(contact_id, body),
    TASK: lambda client, contact_id, body: client.create_task(contact_id, body),
    OPPORTUNITY: lambda client, contact_id, body: client.create_opportunity({**body, "contactId": contact_id}),
    APPOINTMENT: lambda client, contact_id, body: client.create_appointment({**body, "contactId": contact_id}),
}
SET_CALLS: dict[str, Callable[[Client, str, dict[str, Any]], None]] = {
    FOLLOWERS: lambda client, contact_id, body: client.add_followers(contact_id, body["followers"]),
    BUSINESS: lambda client, contact_id, body: client.set_business([contact_id], body["businessId"]),
    TAGS: lambda client, contact_id, body: client.add_tags(contact_id, body["tags"]),
    OPPORTUNITY_FOLLOWERS: lambda client, _, body: client.add_opportunity_followers(
        body["opportunityId"], body["followers"]
    ),
}
"""Requests that may be repeated."""


def create_children(
    context: JobContext, item: PlanItem, contact_id: str, *, look_first: bool = False
) -> RetryAt | None:
    """Create on this living contact everything that was planned, except what HighLevel refuses; RetryAt when the
    outcome of a call cannot be known yet. `look_first`: records that exist already, whoever created them, are not
    created again. May be repeated.

    Raises Gone when the contact does not exist (any more), HighLevelError, Cancelled."""
    return _ChildWriter(context, item, contact_id, look_first).run()


@dataclass(slots=True)
class _ChildWriter:
    """`taken`: living records that are accounted for; `records`: living records by kind, read once; `existing`: step →
    the living record that was there already."""

    context: JobContext
    item: PlanItem
    contact_id: str
    look_first: bool
    taken: set[str] = field(default_factory=set)
    records: dict[str, list[bytes]] = field(default_factory=dict)
    existing: dict[str, str] = field(default_factory=dict)

    def run(self) -> RetryAt | None:
        entries = self.context.entries_about(self.item.contact_id, self.contact_id)
        self.taken = {entry.result_id for entry in entries if entry.result_id} | set(self.item.there)
        waits = [until for child in self.item.children if (until := self._write_child(child)) is not None]
        if waits:
            return RetryAt(min(waits))
        if self.item.tags:
            self._set_once(TAGS, TAGS, {"tags": list(self.item.tags)})
        return None

    def _entries(self, step: str) -> list[JournalEntry]:
        entries = self.context.entries_about(self.item.contact_id, self.contact_id)
        return [entry for entry in entries if entry.step == step]

    def _write_child(self, child: ChildRequest) -> datetime | None:
        """Return until when it cannot be known whether the child was created; None when that is settled."""
        if child.kind in SET_CALLS:
            self._set_once(child.kind, child.step, child.body)
            return None
        until = self._create_once(child)
        if until is None and child.followers:
            self._add_opportunity_followers(child)
        return until

    def _add_opportunity_followers(self, child: ChildRequest) -> None:
        created = next((entry.result_id for entry in self._entries(child.step) if entry.result_id), "")
        opportunity_id = created or self.existing.get(child.step, "")
        if opportunity_id:
            body = {"opportunityId": opportunity_id, "followers": list(child.followers)}
            self._set_once(OPPORTUNITY_FOLLOWERS, followers_step(child), body)

    def _create_once(self, child: ChildRequest) -> datetime | None:
        """Send create calls until one surely succeeded or nothing is left to leave out. Every turn first resolves the
        calls before it; only when all of them surely created nothing is the next one sent."""
        while True:
            entries = self._entries(child.step)
            if any(entry.result_id for entry in entries):
                return None
            until = self._resolve_unsure(child, entries)
            if until is not None:
                return until
            entries = self._entries(child.step)  # resolving has changed them
            tried = self.context.current_attempt(self.item.contact_id, entries)
            body = _narrowed(child, tried)
            if any(entry.result_id for entry in entries) or body is None or len(tried) >= MAX_TRIES:
                return None
            if self.look_first and not entries and self._exists(child):
                return None
            if self._send_create(child, body):
                return None

    def _resolve_unsure(self, child: ChildRequest, entries: list[JournalEntry]) -> datetime | None:
        """Resolve every call without a certain answer by looking; return until when one cannot be resolved."""
        for entry in filter(is_unsure, entries):
            records = self._living_records(child.kind, fresh=True)
            record_id = find_match(child.kind, request_body(entry), records, taken=self.taken)
            refused = refused_fields(entry)
            if record_id:
                self.taken.add(record_id)
                self.context.log_response(entry, result_id=record_id, note="found by looking")
                return None
            until, now = self.context.looked_until(entry), self.context.now()
            if child.kind == OPPORTUNITY and refused is None and (until is None or now < until):
                if until is None:
                    self.context.log_response(entry, note=f"{UNSURE}, {LOOKED}")
                return until or now + self.context.index_lag
            self.context.log_response(entry, note=NOT_DONE if refused is None else refusal_note(refused))
        return None

    def _exists(self, child: ChildRequest) -> bool:
        records = self._living_records(child.kind)
        record_id = find_match(child.kind, child.body, records, taken=self.taken, allow_original=True)
        self.taken |= {record_id} if record_id else set()
        self.existing[child.step] = record_id
        return bool(record_id)

    def _living_records(self, kind: str, *, fresh: bool = False) -> list[bytes]:
        name = STORED_KIND[kind]
        if fresh or name not in self.records:
            self.records[name] = fetch_records(self.context.client, name, self.contact_id)
        return self.records[name]

    def _send_create(self, child: ChildRequest, body: dict[str, Any]) -> bool:
        """Return whether one create call surely created the record."""
        context = self.context
        entry = context.log_request(self.item, child.step, body, target_id=self.contact_id)
        try:
            record_id, _ = record_ids(CREATE_CALLS[child.kind](context.client, self.contact_id, body))
        except (Rejected, Duplicate, BrokenAnswer) as exc:
            refused = refused_names(context, exc, body)
            if refused is None:
                context.log_response(entry, status=exc.status, note=f"not done: {type(exc).__name__}")
                raise
            context.log_response(entry, status=exc.status, note=refusal_note(refused, state=UNSURE))
            return False
        except AnswerLost as exc:
            context.log_response(entry, status=exc.status, note=f"{UNSURE}: no usable answer")
            return False
        except (HighLevelError, Cancelled) as exc:
            context.log_response(entry, status=getattr(exc, "status", 0), note=f"not done: {type(exc).__name__}")
            raise
        note = "created" if record_id else f"{UNSURE}: no id told"
        context.log_response(entry, status=201, result_id=record_id, note=note)
        self.taken |= {record_id} if record_id else set()
        return bool(record_id)

    def _set_once(self, kind: str, step: str, body: dict[str, Any]) -> None:
        """Send the request once. A refusal is final, but of several followers those who still exist are added."""
        entries = self._entries(step)
        if any(entry.note == WRITTEN for entry in entries):
            return
        refused = [entry for entry in entries if refused_fields(entry) is not None]
        refused_now = bool(refused and self.context.current_attempt(self.item.contact_id, refused))
        if not refused_now and self._send_set(kind, step, body):
            return
        users = body.get("followers", ())
        departed = departed_users(self.context, users) if len(users) > 1 else frozenset()
        remaining = [user for user in users if user not in departed]
        if departed and remaining:
            self._set_once(kind, f"{step[:58]}.rest", {**body, "followers": remaining})

    def _send_set(self, kind: str, step: str, body: dict[str, Any]) -> bool:
        """Return whether HighLevel accepted the request; False when it refused."""
        context = self.context
        entry = context.log_request(self.item, step, body, target_id=self.contact_id)
        try:
            SET_CALLS[kind](context.client, self.contact_id, body)
        except (HighLevelError, Cancelled) as exc:
            no_opportunity = kind == OPPORTUNITY_FOLLOWERS and isinstance(exc, Gone)  # not the contact is gone
            refused = () if no_opportunity else refused_names(context, exc, body)
            if refused is not None:
                context.log_response(entry, status=getattr(exc, "status", 0), note=refusal_note(refused))
                return False
            context.log_response(entry, status=getattr(exc, "status", 0), note=f"{UNSURE}: {type(exc).__name__}")
            raise
        context.log_response(entry, status=200, note=WRITTEN)
        return True


def _narrowed(child: ChildRequest, entries: list[JournalEntry]) -> dict[str, Any] | None:
    """Return the request body after these refusals; None when nothing is left to leave out."""
    body: dict[str, Any] | None = dict(child.body)
    for entry in entries:
        refused = refused_fields(entry)
        if refused is not None and body is not None:
            body = smaller_request(child, body, refused)
    return body
