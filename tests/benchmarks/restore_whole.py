"""Restore many contacts of every kind with all their records, and compare them with what was deleted.

    python -m tests.benchmarks.restore_whole [CONTACTS]

A simulated clock supplies the time, so that only the work itself takes any. Exits with 1 when anything is not as
planned.
"""

from __future__ import annotations

import sys
from collections import Counter

from tests.benchmarks.restore_setup import benchmark_world
from tests.restore.conftest import World
from tests.support.contacts_with_records import capture, contact_with_records, records_of

SAME = ("tags", "followers", "businessId", "assignedTo", "customFields", "dndSettings", "city", "country", "source")


def main(people: int) -> int:
    """Return 0 when every contact is as before."""
    with benchmark_world("Whole & Sons", seed=5) as world:
        place = world.location
        place.add_workflow("Welcome", trigger="contact_created")
        place.add_workflow("Tagged", trigger="tag_added")
        place.add_custom_field("Budget", data_type="NUMERICAL")
        place.add_user("Sam")
        return _restore_all(world, people)


def _restore_all(world: World, people: int) -> int:
    place = world.location
    invented = place.fill(people)
    ids = []
    for number, contact_id in enumerate(invented):
        fields = {key: value for key, value in place.contacts[contact_id].items() if key in CARRIED}
        ids.append(contact_with_records(world, number, **fields))
    place.delete(*invented)
    for start in range(0, len(ids), 500):
        capture(world, *ids[start : start + 500])
    before = {one: (records_of(world, one), dict(place.contacts[one])) for one in ids}
    world.lose(*ids)
    world.sandbox.ledger.clear()
    world.confirm(*ids)
    result = world.run()
    while result.pending and result.resume_at is not None:
        clock_at = max(world.clock.at, result.resume_at)
        world.clock.at = clock_at
        result = world.run()
    return _report(world, before)


CARRIED = frozenset(
    {"firstName", "lastName", "email", "phone", "companyName", "city", "state", "country", "timezone", "tags"}
    | {"dnd", "dndSettings", "dateOfBirth", "address1", "postalCode", "assignedTo", "customFields", "source"}
)


def _report(world: World, before: dict[str, tuple[dict[str, list[object]], dict[str, object]]]) -> int:
    receipt, wrong = world.receipt(), Counter[str]()
    outcomes = Counter((row["outcome"], bool(row["verified"])) for row in receipt.values())
    exact = sum(row["predicted"] == row["measured"] != "" for row in receipt.values())
    for old, (had, fields) in before.items():
        new = world.location.contacts.get(receipt[old]["new_id"])
        if new is None:
            wrong["missing"] += 1
            continue
        has = records_of(world, new["id"])
        wrong.update(key for key in ("tasks", "deals", "appointments") if has[key] != had[key])
        wrong["notes"] += len(has["notes"]) != len(had["notes"]) + 1
        wrong.update(key for key in SAME if key != "dndSettings" and new.get(key) != fields.get(key))
    ledger = world.sandbox.ledger
    bad = (*ledger.messages_sent, *ledger.reached, *ledger.creates_without_dnd, *ledger.off_contract, *ledger.crashes)
    print(f"{len(receipt)} people: {dict(outcomes)}; {exact} exactly as predicted; different: {dict(+wrong)}")
    for row in [row for row in receipt.values() if not row["verified"]][:5]:
        print("  ", row["outcome"], row["error"], row["differences"])
    print(
        f"requests {len(ledger)}, automations started {len(ledger.workflow_starts)}, of which reachable "
        f"{len(ledger.reached)}, messages {len(ledger.messages_sent)}, creates without do-not-disturb "
        f"{len(ledger.creates_without_dnd)}, off contract {len(ledger.off_contract)}, 429 {ledger.rate_limited}"
    )
    return int(bool(bad) or bool(+wrong) or exact < 0.99 * len(receipt))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
