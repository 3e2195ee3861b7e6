"""Making again what belonged to a contact: notes, tasks, opportunities, appointments, followers, business, tags.

Each request is in the journal before it is sent. What has no certain answer is looked for among the contact's living
records and recognised by what it says, so that nothing is made twice. What HighLevel refuses is tried again with less.
Tags come last, and all of it while every channel is closed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hlcore.errors import AnswerLost, BrokenAnswer, Cancelled, Duplicate, Gone, HighLevelError, Rejected
from hlcore.highlevel import Client
from hlcore.model.records import identity
from hlcore.model.restore.child_requests import (
    APPOINTMENT,
    BUSINESS,
    DEAL_FOLLOWERS,
    FOLLOWERS,
    NOTE,
    OPPORTUNITY,
    TASK,
    TRANSCRIPT,
    ChildRequest,
    follow_step,
)
from hlcore.model.restore.record_matching import SHELF, find, smaller
from hlcore.restore.execution.missing_users import gone, refusal
from hlcore.restore.job_context import (
    LOOKED,
    NOT_DONE,
    TAGS,
    UNSURE,
    WRITTEN,
    JobContext,
    RetryAt,
    body_of,
    is_unsure,
    refusal_note,
    refused_fields,
)
from hlcore.restore.live_state import shelf
from hlcore.restore.plan import PlanItem
from hlcore.store.restores.journal import JournalEntry

MOST_TRIES = 6
"""How many create calls one record may cost; each was settled as not done before the next."""

Send = Callable[[Client, str, dict[str, Any]], bytes]
MAKE: dict[str, Send] = {
    NOTE: lambda client, contact_id, body: client.create_note(contact_id, body),
    TRANSCRIPT: lambda client, contact_id, body: client.create_note(contact_id, body),
    TASK: lambda client, contact_id, body: client.create_task(contact_id, body),
    OPPORTUNITY: lambda client, contact_id, body: client.create_opportunity({**body, "contactId": contact_id}),
    APPOINTMENT: lambda client, contact_id, body: client.create_appointment({**body, "contactId": contact_id}),
}
SET: dict[str, Callable[[Client, str, dict[str, Any]], None]] = {
    FOLLOWERS: lambda client, contact_id, body: client.add_followers(contact_id, body["followers"]),
    BUSINESS: lambda client, contact_id, body: client.set_business([contact_id], body["businessId"]),
    TAGS: lambda client, contact_id, body: client.add_tags(contact_id, body["tags"]),
    DEAL_FOLLOWERS: lambda client, _, body: client.add_opportunity_followers(body["opportunityId"], body["followers"]),
}
"""Requests that may be repeated."""


def attach(work: JobContext, item: PlanItem, contact_id: str, *, look_first: bool = False) -> RetryAt | None:
    """Everything that was planned hangs on this living contact, or HighLevel refused it, or (Later) nobody can tell
    yet. `look_first`: what is already there, whoever made it, is not made again. May be repeated.

    Raises Gone when the contact does not exist (any more), HighLevelError, Cancelled."""
    return _ChildWriter(work, item, contact_id, look_first).run()


@dataclass(slots=True)
class _ChildWriter:
    work: JobContext
    item: PlanItem
    contact_id: str
    look_first: bool
    taken: set[str] = field(default_factory=set)
    shelves: dict[str, list[bytes]] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)
    """step → the living record that was there already"""

    def run(self) -> RetryAt | None:
        known = self._entries()
        self.taken = {one.result_id for one in known if one.result_id} | set(self.item.there)
        waits = [until for child in self.item.children if (until := self._child(child, known)) is not None]
        if waits:
            return RetryAt(min(waits))
        if self.item.tags:
            self._set(TAGS, TAGS, {"tags": list(self.item.tags)}, known)
        return None

    def _entries(self) -> list[JournalEntry]:
        return self.work.entries_about(self.item.contact_id, self.contact_id)

    def _child(self, child: ChildRequest, known: list[JournalEntry]) -> datetime | None:
        """Until when nobody can tell whether it was made; None when that is settled."""
        if child.kind in SET:
            self._set(child.kind, child.step, child.body, known)
            return None
        until = self._made_once(child, known)
        if until is None and child.followers:
            self._follow(child)
        return until

    def _follow(self, child: ChildRequest) -> None:
        """The opportunity has its followers, where there is an opportunity."""
        known = self._entries()
        made = next((one.result_id for one in known if one.step == child.step and one.result_id), "")
        deal = made or self.found.get(child.step, "")
        if deal:
            body = {"opportunityId": deal, "followers": list(child.followers)}
            self._set(DEAL_FOLLOWERS, follow_step(child), body, known)

    def _made_once(self, child: ChildRequest, known: list[JournalEntry]) -> datetime | None:
        while True:
            mine = [one for one in known if one.step == child.step]
            if any(one.result_id for one in mine):
                return None
            until = self._settle(child, mine)
            if until is not None:
                return until
            mine = [one for one in self._entries() if one.step == child.step] if mine else mine
            tried = self.work.attempt(self.item.contact_id, mine) if mine else mine
            body = _narrowed(child, tried)
            if any(one.result_id for one in mine) or body is None or len(tried) >= MOST_TRIES:
                return None
            if self.look_first and not mine and self._is_there(child):
                return None
            if self._make(child, body):
                return None
            known = self._entries()

    def _settle(self, child: ChildRequest, mine: list[JournalEntry]) -> datetime | None:
        """Every call of unsure end is settled by looking."""
        for entry in filter(is_unsure, mine):
            found = find(child.kind, body_of(entry), self._shelf(child.kind, fresh=True), taken=self.taken)
            told = refused_fields(entry)
            if found:
                self.taken.add(found)
                self.work.log_response(entry, result_id=found, note="found by looking")
                return None
            due = entry.sent_at + self.work.lag
            if child.kind == OPPORTUNITY and told is None and self.work.now() < due:
                self.work.log_response(entry, note=f"{UNSURE}, {LOOKED}")
                return due
            self.work.log_response(entry, note=NOT_DONE if told is None else refusal_note(told))
        return None

    def _is_there(self, child: ChildRequest) -> bool:
        found = find(child.kind, child.body, self._shelf(child.kind), taken=self.taken, loosely=True)
        self.taken |= {found} if found else set()
        self.found[child.step] = found
        return bool(found)

    def _shelf(self, kind: str, *, fresh: bool = False) -> list[bytes]:
        name = SHELF[kind]
        if fresh or name not in self.shelves:
            self.shelves[name] = shelf(self.work.client, name, self.contact_id)
        return self.shelves[name]

    def _make(self, child: ChildRequest, body: dict[str, Any]) -> bool:
        """Whether one create call surely made it."""
        entry = self.work.log_request(self.item, child.step, body, of=self.contact_id)
        try:
            made, _ = identity(MAKE[child.kind](self.work.client, self.contact_id, body))
        except (Rejected, Duplicate, BrokenAnswer) as exc:
            told = refusal(self.work, exc, body)
            if told is None:
                self.work.log_response(entry, status=exc.status, note=f"not done: {type(exc).__name__}")
                raise
            self.work.log_response(entry, status=exc.status, note=refusal_note(told, state=UNSURE))
            return False
        except AnswerLost as exc:
            self.work.log_response(entry, status=exc.status, note=f"{UNSURE}: no usable answer")
            return False
        except (HighLevelError, Cancelled) as exc:
            self.work.log_response(entry, status=getattr(exc, "status", 0), note=f"not done: {type(exc).__name__}")
            raise
        self.work.log_response(entry, status=201, result_id=made, note="created" if made else f"{UNSURE}: no id told")
        self.taken |= {made} if made else set()
        return bool(made)

    def _set(self, kind: str, step: str, body: dict[str, Any], known: list[JournalEntry]) -> None:
        """Done once; a refusal is final, but of several followers those who are still there are added."""
        mine = [one for one in known if one.step == step]
        refused = [one for one in mine if refused_fields(one) is not None]
        if any(one.note == WRITTEN for one in mine):
            return
        if not (refused and self.work.attempt(self.item.contact_id, refused)) and self._sent(kind, step, body):
            return
        users = body.get("followers", ())
        there = [one for one in users if one not in gone(self.work, users)] if len(users) > 1 else []
        if there and len(there) < len(users):
            self._set(kind, f"{step[:58]}.rest", {**body, "followers": there}, self._entries())

    def _sent(self, kind: str, step: str, body: dict[str, Any]) -> bool:
        """Whether HighLevel took the request; False when it refused."""
        entry = self.work.log_request(self.item, step, body, of=self.contact_id)
        try:
            SET[kind](self.work.client, self.contact_id, body)
        except (HighLevelError, Cancelled) as exc:
            gone_too = kind == DEAL_FOLLOWERS and isinstance(exc, Gone)  # the deal is gone, not the contact
            told = () if gone_too else refusal(self.work, exc, body)
            if told is not None:
                self.work.log_response(entry, status=getattr(exc, "status", 0), note=refusal_note(told))
                return False
            self.work.log_response(entry, status=getattr(exc, "status", 0), note=f"{UNSURE}: {type(exc).__name__}")
            raise
        self.work.log_response(entry, status=200, note=WRITTEN)
        return True


def _narrowed(child: ChildRequest, mine: list[JournalEntry]) -> dict[str, Any] | None:
    """The request after these refusals; None when nothing is left to leave out."""
    body: dict[str, Any] | None = dict(child.body)
    for one in mine:
        told = refused_fields(one)
        if told is not None and body is not None:
            body = smaller(child, body, told)
    return body
