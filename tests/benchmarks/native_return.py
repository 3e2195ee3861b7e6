"""Check that HighLevel's own restore of many contacts, half of them incomplete, is noticed and topped up exactly.

    python -m tests.benchmarks.native_return [CONTACTS]

Every contact is listed, captured, deleted, missed by a sync, restored natively, and noticed by the next sync. A
simulated clock supplies the time. Prints what the plans said, what was added, and what differs; exits with 1 when
anything does.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hlcore.restore.plan import Plan
from hlcore.sync.listing.run import sync_location
from hlcore.sync.run_context import SyncRules
from tests.benchmarks.restore_setup import benchmark_world
from tests.restore.conftest import World
from tests.support.contacts_with_records import capture, contact_with_records, records_of

Past = Mapping[str, tuple[dict[str, Any], dict[str, list[Any]], set[str]]]
"""id → the contact, its records, and their ids, before it was deleted."""
KINDS = ("notes", "tasks", "deals", "appointments")
TOUCHED = frozenset({"dateUpdated", "tags", "city", "followers", "businessId"})
WAYS = (
    "all records",
    "no task and one note less",
    "no opportunity, tags, city",
    "no follower, business link",
    "nothing",
)
"""How people come back: every second one with all, the others in turn as the rest of these say."""


def main(people: int) -> int:
    """0 when everybody is as before."""
    with benchmark_world("Return & Sons", seed=9) as world:
        began = time.monotonic()
        wrong = story(world, people)
        print(f"{time.monotonic() - began:.1f} s; not as it must be: {dict(wrong) or 'nothing'}")
        return int(bool(wrong))


def story(world: World, people: int) -> Counter[str]:
    """So many people are lost, come back in each of the `WAYS`, and are topped up: what is not as it must be."""
    place = world.location
    place.add_workflow("Welcome", trigger="contact_created")
    place.add_workflow("Tagged", trigger="tag_added")
    place.fill(max(10, people // 5))
    ids = [contact_with_records(world, number, city="Köln") for number in range(people)]
    _sync(world)
    capture(world, *ids)
    past = {one: (dict(place.contacts[one]), records_of(world, one), _ids(world, one)) for one in ids}
    place.delete(*ids)
    _sync(world)
    wrong = Counter({"not noticed as deleted": sum(world.status(one) != "deleted" for one in ids)})
    wrong["not sent to the native restore"] = people - world.plan(*ids).counts().get("use_native", 0)
    ways = {one: WAYS[0] if number % 2 else WAYS[1 + number // 2 % 4] for number, one in enumerate(ids)}
    for one, way in ways.items():
        _bring_back(world, one, way)
    living = {one: dict(place.contacts[one]) for one in ids}
    _sync(world)
    wrong["not noticed as returned"] = sum(world.status(one) != "returned" for one in ids)
    plan = world.plan(*ids)
    _plans(plan, ways, wrong)
    _top_up(world, ids)
    for one in ids:
        _compare(world, one, past, living[one], wrong)
    wrong["a second plan finds something"] = people - world.plan(*ids).counts().get("skip", 0)
    return +wrong


def _sync(world: World) -> None:
    world.clock.advance(hours=1)
    sync_location(world.location_context(), SyncRules(page_size=100))


def _ids(world: World, contact_id: str) -> set[str]:
    shelves = world.location.related
    own = {*shelves.notes.get(contact_id, {}), *shelves.tasks.get(contact_id, {})}
    others = (*shelves.opportunities.items(), *shelves.appointments.items(), *shelves.messages.items())
    return own | {key for key, one in others if one["contactId"] == contact_id}


def _bring_back(world: World, contact_id: str, way: str) -> None:
    """HighLevel's own restore, as whole as this way says."""
    place, shelves = world.location, world.location.related
    place.native_restore(contact_id, with_records=way != WAYS[4])
    if way == WAYS[1]:
        shelves.tasks[contact_id].clear()
        shelves.notes[contact_id].pop(next(iter(shelves.notes[contact_id])))
    elif way == WAYS[2]:
        for key in [key for key, one in shelves.opportunities.items() if one["contactId"] == contact_id]:
            del shelves.opportunities[key]
        place.edit(contact_id, tags=[], city="")
    elif way == WAYS[3]:
        place.edit(contact_id, followers=[], businessId=None)


def _plans(plan: Plan, ways: Mapping[str, str], wrong: Counter[str]) -> None:
    """Who has all needs nothing; the others get what this way left out, and no more."""
    added = {WAYS[0]: 0, WAYS[1]: 2, WAYS[2]: 3, WAYS[3]: 2, WAYS[4]: 6}
    for item in plan.items:
        way = ways[item.contact_id]
        planned = len(item.children) + bool(item.tags) + len(item.body or {})
        wrong[f"planned {planned} for “{way}”"] += planned != added[way]
        wrong[f"{item.action} for “{way}”"] += (item.action == "skip") is not (way == WAYS[0])
    print(f"plans after the return: {plan.counts()}; {Counter(ways.values())}")


def _top_up(world: World, ids: Sequence[str]) -> None:
    ledger = world.sandbox.ledger
    ledger.clear()
    world.confirm(*ids)
    result = world.run()
    while result.pending and result.resume_at is not None:
        world.clock.at = max(world.clock.at, result.resume_at)
        result = world.run()
    print(f"{result.outcomes}, {len(ledger)} requests, {len(ledger.workflow_starts)} automations started")


def _compare(world: World, contact_id: str, past: Past, living: dict[str, Any], wrong: Counter[str]) -> None:
    """One person as before the deletion, with nothing twice, and all else as it came back."""
    row, now = world.receipt()[contact_id], world.location.contacts[contact_id]
    before, had, ids = past[contact_id]
    has = records_of(world, contact_id)
    transcripts = [note for note in has["notes"] if "Hello?" in note]
    talk_is_gone = not any(one["contactId"] == contact_id for one in world.location.related.messages.values())
    wrong["transcript"] += len(transcripts) != talk_is_gone
    has["notes"] = sorted(note.split("\n\n", 1)[-1] for note in has["notes"] if note not in transcripts)
    wrong.update(f"{kind} twice" for kind in KINDS if Counter(has[kind]) - Counter(had[kind]))
    wrong.update(f"{kind} missing" for kind in KINDS if Counter(had[kind]) - Counter(has[kind]))
    wrong.update(f"{key} differs" for key in TOUCHED - {"dateUpdated"} if now.get(key) != before.get(key))
    wrong.update(f"{key} touched" for key in living.keys() - TOUCHED if now.get(key) != living[key])
    wrong["not verified"] += row["outcome"] != "skipped" and not row["verified"]
    wrong["written without need"] += row["outcome"] == "skipped" and _ids(world, contact_id) != ids
    ledger = world.sandbox.ledger
    bad = (*ledger.messages_sent, *ledger.reached, *ledger.creates_without_dnd, *ledger.off_contract, *ledger.crashes)
    wrong["ledger"] = len(bad)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
