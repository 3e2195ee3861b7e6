"""People with records for the benchmarks of restores: hung on them at once, and laid into the vault byte for byte."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from hlcore.sandbox import Location
from hlcore.store import records
from tests.restore.conftest import LOCATION, World

LATER = datetime(2030, 1, 1, tzinfo=UTC)


def hang_on(place: Location, contact_id: str, number: int, *, follower: str = "") -> None:
    """Two notes, a task, an opportunity (followed by this user) and an appointment; the number tells whose they are."""
    place.add_note(contact_id, f"First {number}")
    place.add_note(contact_id, f"Second {number}")
    place.add_task(contact_id, f"Call {number}", due=LATER)
    follows = [follower] if follower else []
    place.add_opportunity(contact_id, f"Deal {number}", monetaryValue=number, followers=follows)
    place.add_appointment(contact_id, LATER + timedelta(minutes=number), title=f"Visit {number}")


def hold(world: World) -> None:
    """The records are in the vault, byte for byte as HighLevel would send them."""
    shelves, at = world.location.shelves, world.clock.now()
    held = {
        "note": [one for shelf in shelves.notes.values() for one in shelf.values()],
        "task": [one for shelf in shelves.tasks.values() for one in shelf.values()],
        "opportunity": list(shelves.opportunities.values()),
        "appointment": list(shelves.appointments.values()),
        "message": list(shelves.messages.values()),
    }
    with world.vault.write() as tx:
        for kind, rows in held.items():
            given = [(one["id"], one["contactId"], msgspec.json.encode(one)) for one in rows]
            records.put(tx, LOCATION, kind, given, at=at)
