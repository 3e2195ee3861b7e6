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
    location, email = world.location, f"ana{number}@example.com"
    sam = next(iter(location.related.users), "") or location.add_user("Sam")
    contact_id = world.add(**{"firstName": "Ana", "email": email, "tags": ["vip"], "assignedTo": sam, **fields})
    location.add_note(
        contact_id, "Likes tea", date_added=datetime(2025, 5, 1, 8, tzinfo=UTC), userId=sam, color="#FFAA00"
    )
    location.add_note(contact_id, "Prefers mornings", title="Times", pinned=True)
    location.add_task(contact_id, "Call back", due=datetime(2026, 4, 1, 10, tzinfo=UTC), completed=True, assignedTo=sam)
    location.add_opportunity(
        contact_id, "Whitening", monetaryValue=1200.5, status="won", assignedTo=sam, followers=[sam]
    )
    location.add_appointment(contact_id, world.clock.now() + timedelta(days=90), title="Check-up")
    location.add_message(contact_id, "Hello?", at=datetime(2025, 6, 1, 9, tzinfo=UTC))
    location.add_message(contact_id, "Hi Ana", direction="outbound", at=datetime(2025, 6, 1, 9, 5, tzinfo=UTC))
    location.add_follower(contact_id, sam)
    business = next(iter(location.related.businesses), "") or location.add_business("Kite Recruiting")
    location.edit(contact_id, businessId=business)
    return contact_id


def lost_contact_with_records(world: World, number: int = 1, **fields: Any) -> str:
    """Create such a contact, capture it and delete it; return its id."""
    contact_id = contact_with_records(world, number, **fields)
    capture(world, contact_id)
    world.lose(contact_id)
    return contact_id


def natively_restored(world: World, *, with_records: bool) -> tuple[str, dict[str, list[Any]]]:
    """Delete such a contact and bring it back by HighLevel's own restore; return its id, and its records before."""
    contact_id = contact_with_records(world)
    capture(world, contact_id)
    before = records_of(world, contact_id)
    world.lose(contact_id, days=2)
    world.location.native_restore(contact_id, with_records=with_records)
    world.clock.advance(hours=1)
    world.returned(contact_id)
    return contact_id, before


def records_of(world: World, contact_id: str) -> dict[str, list[Any]]:
    """Return the living contact's records as plain values."""
    related = world.location.related
    return {
        "notes": sorted(note["body"] for note in related.notes.get(contact_id, {}).values()),
        "tasks": sorted((t["title"], t["dueDate"], t["completed"]) for t in related.tasks.get(contact_id, {}).values()),
        "deals": sorted(
            (d["name"], d["status"], d["monetaryValue"], d["pipelineStageId"], tuple(d["followers"]))
            for d in related.opportunities.values()
            if d["contactId"] == contact_id
        ),
        "appointments": sorted(
            (a["title"], a["startTime"]) for a in related.appointments.values() if a["contactId"] == contact_id
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
