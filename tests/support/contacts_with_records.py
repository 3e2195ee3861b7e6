"""Contacts with a record of every kind, deleted or back again, and what a restore of them must never do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hlcore.restore.plan import PlanChoices
from hlcore.sync.capture.contact_records import capture_records
from hlcore.sync.capture.reference_lists import capture_reference_list
from tests.restore.conftest import World

KINDS = ("note", "task", "opportunity", "appointment", "message")


def capture(world: World, *ids: str) -> None:
    """Store all that belongs to these contacts in the vault, as a capture run would."""
    world.copy(details=True)
    for kind in ("pipeline", "calendar", "business", "user"):
        capture_reference_list(world.location_context(), kind)
    for contact_id in ids:
        for kind in KINDS:
            capture_records(world.location_context(), contact_id, kind)


def contact_with_records(world: World, number: int = 1, **fields: Any) -> str:
    """Create a contact with a record of every kind; return its id."""
    place, ana = world.location, f"ana{number}@example.com"
    sam = next(iter(place.related.users), "") or place.add_user("Sam")
    contact_id = world.add(**{"firstName": "Ana", "email": ana, "tags": ["vip"], "assignedTo": sam, **fields})
    place.add_note(contact_id, "Likes tea", date_added=datetime(2025, 5, 1, 8, tzinfo=UTC), userId=sam, color="#FFAA00")
    place.add_note(contact_id, "Prefers mornings", title="Times", pinned=True)
    place.add_task(contact_id, "Call back", due=datetime(2026, 4, 1, 10, tzinfo=UTC), completed=True, assignedTo=sam)
    place.add_opportunity(contact_id, "Whitening", monetaryValue=1200.5, status="won", assignedTo=sam, followers=[sam])
    place.add_appointment(contact_id, world.clock.now() + timedelta(days=90), title="Check-up")
    place.add_message(contact_id, "Hello?", at=datetime(2025, 6, 1, 9, tzinfo=UTC))
    place.add_message(contact_id, "Hi Ana", direction="outbound", at=datetime(2025, 6, 1, 9, 5, tzinfo=UTC))
    place.add_follower(contact_id, sam)
    business = next(iter(place.related.businesses), "") or place.add_business("Kite Recruiting")
    place.edit(contact_id, businessId=business)
    return contact_id


def lost_contact_with_records(world: World, number: int = 1, **fields: Any) -> str:
    """Create such a contact, capture it and delete it; return its id."""
    contact_id = contact_with_records(world, number, **fields)
    capture(world, contact_id)
    world.lose(contact_id)
    return contact_id


def natively_restored(world: World, *, with_records: bool) -> tuple[str, dict[str, list[Any]]]:
    """Delete such a contact and bring it back by HighLevel's own restore; return its id, and its records before."""
    ana = contact_with_records(world)
    capture(world, ana)
    before = records_of(world, ana)
    world.lose(ana, days=2)
    world.location.native_restore(ana, with_records=with_records)
    world.clock.pass_(hours=1)
    world.returned(ana)
    return ana, before


def records_of(world: World, contact_id: str) -> dict[str, list[Any]]:
    """Return the living contact's records as plain values."""
    shelves = world.location.related
    return {
        "notes": sorted(one["body"] for one in shelves.notes.get(contact_id, {}).values()),
        "tasks": sorted((t["title"], t["dueDate"], t["completed"]) for t in shelves.tasks.get(contact_id, {}).values()),
        "deals": sorted(
            (d["name"], d["status"], d["monetaryValue"], d["pipelineStageId"], tuple(d["followers"]))
            for d in shelves.opportunities.values()
            if d["contactId"] == contact_id
        ),
        "appointments": sorted(
            (a["title"], a["startTime"]) for a in shelves.appointments.values() if a["contactId"] == contact_id
        ),
    }


def assert_nobody_reached(world: World) -> None:
    """Assert that no contact was messaged and no request was out of order."""
    ledger = world.sandbox.ledger
    assert ledger.messages_sent == []
    assert ledger.reached == []
    assert ledger.creates_without_dnd == []
    assert ledger.off_contract == []
    assert ledger.crashes == []
    assert ledger.rate_limited == 0


def restore_with(world: World, contact_id: str, choices: PlanChoices) -> dict[str, Any]:
    """Restore the contact with these choices; return its row of the receipt."""
    world.confirm(contact_id, choices=choices)
    world.run()
    return world.receipt()[contact_id]


def fault_on_next_write(
    world: World, where: str, fault: str, options: dict[str, Any], *, prefix: str = "POST /contacts/"
) -> None:
    """Let the fault strike the next write whose path ends with `where`."""
    faults = world.location.faults
    real = faults.pick

    def pick(kinds: dict[str, str], request: str, *, named: bool = False) -> Any:
        path = request.partition("?")[0]
        if path.startswith(prefix) and path.endswith(where):
            faults.pick = real  # type: ignore[method-assign]
            faults.on(fault, times=1, where=path, **options)
        return real(kinds, request, named=named)

    faults.pick = pick  # type: ignore[method-assign]
