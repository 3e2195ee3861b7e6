"""Is everything that belonged to the contact really there? Read back from HighLevel, compared with the plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hlcore.errors import Gone
from hlcore.model.records import decode, identity
from hlcore.model.restore.child_requests import (
    BUSINESS,
    DEAL_FOLLOWERS,
    FOLLOWERS,
    OPPORTUNITY,
    ChildRequest,
    follow_step,
    opportunity_step,
)
from hlcore.model.restore.comparison import Difference
from hlcore.model.restore.record_matching import SHELF, differences, find
from hlcore.restore.job_context import REFUSED, JobContext, refused_fields
from hlcore.restore.live_state import shelf
from hlcore.restore.plan import PlanItem
from hlcore.store.restores.journal import JournalEntry

MISSING = "It is not there."


def verify(work: JobContext, item: PlanItem, contact_id: str, contact: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Every planned record that is not there, or not as planned. Reads only. Raises HighLevelError."""
    entries = work.entries_about(item.contact_id, contact_id)
    made = {one.step: one.result_id for one in entries if one.result_id}
    shelves: dict[str, dict[str, bytes]] = {}
    taken = set(made.values()) | set(item.there)
    found: list[Difference] = []
    for child in item.children:
        if child.kind in (FOLLOWERS, BUSINESS):
            told = _on_contact(child, contact)
        elif child.kind == DEAL_FOLLOWERS:
            told = _followed(work, child)
        else:
            raw = _living(work, child, contact_id, made.get(child.step, ""), shelves, taken)
            told = _record(child, raw)
        if told is not None:
            found.append(_with_reason(told, child, entries))
    return tuple(found)


def _living(
    work: JobContext,
    child: ChildRequest,
    contact_id: str,
    made: str,
    shelves: dict[str, dict[str, bytes]],
    taken: set[str],
) -> bytes | None:
    """The record as HighLevel shows it; an opportunity by its id, because the search may lag."""
    if child.kind == OPPORTUNITY and made:
        return _opportunity(work, made)
    name = SHELF[child.kind]
    if name not in shelves:
        shelves[name] = {identity(raw)[0]: raw for raw in shelf(work.client, name, contact_id)}
    if made:
        return shelves[name].get(made)
    other = find(child.kind, child.body, shelves[name].values(), taken=taken, loosely=True)
    taken |= {other} if other else set()
    return shelves[name].get(other)


def _opportunity(work: JobContext, record_id: str) -> bytes | None:
    try:
        return work.client.opportunity(record_id)
    except Gone:
        return None


def _followed(work: JobContext, child: ChildRequest) -> Difference | None:
    """Whether all of these users follow the opportunity."""
    raw, planned = _opportunity(work, child.body["opportunityId"]), {"followers": child.body["followers"]}
    if raw is None:
        return Difference(opportunity_step(child), planned, None, MISSING)
    there = decode(raw).get("followers") or ()
    missing = [one for one in child.body["followers"] if one not in there]
    return Difference(opportunity_step(child), planned, {"followers": there}) if missing else None


def _record(child: ChildRequest, raw: bytes | None) -> Difference | None:
    if raw is None:
        return Difference(child.step, child.label, None, MISSING)
    live = decode(raw)
    other = differences(child.body, live)
    if not set(child.followers) <= set(live.get("followers") or ()):
        other.append("followers")
    if not other or (other == ["body"] and find(child.kind, child.body, [raw], taken=(), loosely=True)):
        return None
    planned = {name: child.body.get(name, list(child.followers)) for name in other}
    return Difference(child.step, planned, {name: live.get(name) for name in other})


def _on_contact(child: ChildRequest, contact: Mapping[str, Any]) -> Difference | None:
    if child.kind == BUSINESS:
        there = contact.get("businessId")
        return None if there == child.body["businessId"] else Difference(child.step, child.body["businessId"], there)
    missing = [one for one in child.body["followers"] if one not in (contact.get("followers") or ())]
    return Difference(child.step, child.body["followers"], contact.get("followers")) if missing else None


def _with_reason(told: Difference, child: ChildRequest, entries: list[JournalEntry]) -> Difference:
    steps = (child.step, follow_step(child))
    refused = any(one.step in steps and refused_fields(one) is not None for one in entries)
    return Difference(told.field, told.planned, told.found, REFUSED if refused else told.reason)
