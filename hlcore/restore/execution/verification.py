"""Reads back what belonged to the contact and compares it with the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hlcore.errors import Gone
from hlcore.model.json_codec import decode_object
from hlcore.model.records import record_ids
from hlcore.model.restore.child_requests import (
    BUSINESS,
    FOLLOWERS,
    OPPORTUNITY,
    OPPORTUNITY_FOLLOWERS,
    ChildRequest,
    followers_step,
    opportunity_step,
    user_ids,
)
from hlcore.model.restore.comparison import Difference
from hlcore.model.restore.record_matching import STORED_KIND, differing_keys, find_match
from hlcore.restore.job_context import VALUE_REFUSED, JobContext
from hlcore.restore.journal_entries import refused_fields
from hlcore.restore.live_state import fetch_records
from hlcore.restore.plan import PlanItem
from hlcore.store.restores.journal import JournalEntry

NOT_THERE = "It is not there."


def verify(context: JobContext, item: PlanItem, contact_id: str, contact: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return a difference for every planned record that is missing or not as planned. `contact`: the living contact's
    properties. Reads only. Raises HighLevelError."""
    entries = context.entries_about(item.contact_id, contact_id)
    created = {entry.step: entry.result_id for entry in entries if entry.result_id}
    living = _LivingRecords(context, contact_id, taken={*created.values(), *item.there})
    found: list[Difference] = []
    for child in item.children:
        if child.kind in (FOLLOWERS, BUSINESS):
            difference = _check_on_contact(child, contact)
        elif child.kind == OPPORTUNITY_FOLLOWERS:
            difference = _check_opportunity_followers(context, child)
        else:
            difference = _check_record(child, living.record_of(child, created.get(child.step, "")))
        if difference is not None:
            found.append(_with_reason(difference, child, entries))
    return tuple(found)


@dataclass(slots=True)
class _LivingRecords:
    """The contact's living records, each list read once. `taken`: records that are accounted for."""

    context: JobContext
    contact_id: str
    taken: set[str]
    by_kind: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def record_of(self, child: ChildRequest, record_id: str) -> bytes | None:
        """Return the record of this id, else the first that equals the request. An opportunity is read by its id,
        because the search may lag."""
        if child.kind == OPPORTUNITY and record_id:
            return _fetch_opportunity(self.context, record_id)
        kind = STORED_KIND[child.kind]
        if kind not in self.by_kind:
            rows = fetch_records(self.context.client, kind, self.contact_id)
            self.by_kind[kind] = {record_ids(raw)[0]: raw for raw in rows}
        records = self.by_kind[kind]
        if not record_id:
            record_id = find_match(child.kind, child.body, records.values(), taken=self.taken, allow_original=True)
            self.taken |= {record_id} if record_id else set()
        return records.get(record_id)


def _fetch_opportunity(context: JobContext, record_id: str) -> bytes | None:
    try:
        return context.client.opportunity(record_id)
    except Gone:
        return None


def _check_opportunity_followers(context: JobContext, child: ChildRequest) -> Difference | None:
    raw, planned = _fetch_opportunity(context, child.body["opportunityId"]), {"followers": child.body["followers"]}
    if raw is None:
        return Difference(opportunity_step(child), planned, None, NOT_THERE)
    live = user_ids(decode_object(raw).get("followers"))
    missing = [user for user in child.body["followers"] if user not in live]
    return Difference(opportunity_step(child), planned, {"followers": live}) if missing else None


def _check_record(child: ChildRequest, raw: bytes | None) -> Difference | None:
    if raw is None:
        return Difference(child.step, child.label, None, NOT_THERE)
    live = decode_object(raw)
    names = differing_keys(child.body, live)
    if not set(child.followers) <= set(user_ids(live.get("followers"))):
        names.append("followers")
    if not names or (names == ["body"] and find_match(child.kind, child.body, [raw], taken=(), allow_original=True)):
        return None
    planned = {name: child.body.get(name, list(child.followers)) for name in names}
    return Difference(child.step, planned, {name: live.get(name) for name in names})


def _check_on_contact(child: ChildRequest, contact: Mapping[str, Any]) -> Difference | None:
    if child.kind == BUSINESS:
        live = contact.get("businessId")
        return None if live == child.body["businessId"] else Difference(child.step, child.body["businessId"], live)
    missing = [user for user in child.body["followers"] if user not in user_ids(contact.get("followers"))]
    return Difference(child.step, child.body["followers"], contact.get("followers")) if missing else None


def _with_reason(difference: Difference, child: ChildRequest, entries: list[JournalEntry]) -> Difference:
    steps = (child.step, followers_step(child))
    refused = any(entry.step in steps and refused_fields(entry) is not None for entry in entries)
    return replace(difference, reason=VALUE_REFUSED) if refused else difference
