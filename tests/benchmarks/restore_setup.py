"""Contacts with records for the benchmarks of restores, in the sandbox and byte for byte in the vault."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import msgspec

from hlcore.highlevel import Client, Limiter
from hlcore.sandbox import Sandbox, SandboxLocation, serve
from hlcore.settings import Settings
from hlcore.store import Vault, locations, records
from tests.restore.conftest import LOCATION, World
from tests.support.worlds import ManualClock

LATER = datetime(2030, 1, 1, tzinfo=UTC)


@contextmanager
def benchmark_world(name: str, seed: int) -> Iterator[World]:
    """Yield an empty sandbox location of this name, connected to a vault of its own, with a clock moved by hand."""
    clock = ManualClock()
    sandbox = Sandbox(clock.now, seed=seed)
    place = sandbox.add_location(LOCATION, name, "Europe/Berlin")
    with tempfile.TemporaryDirectory() as folder, serve(sandbox) as server:
        vault = Vault.open(f"sqlite:///{folder}/vault.db")
        limiter = Limiter(clock, per_10s=100, interactive_share=0)
        client = Client(LOCATION, lambda: f"pit-{LOCATION}", base_url=server.url, limiter=limiter, clock=clock)
        named = {"name": place.name, "timezone": "Europe/Berlin", "company_id": "", "token": b""}
        with vault.write() as tx:
            locations.connect(tx, LOCATION, **named, at=clock.now(), raw=client.location())
        yield World(vault, clock, sandbox, place, client, server.url, Settings())


def add_records(place: SandboxLocation, contact_id: str, number: int, *, follower: str = "") -> None:
    """Add two notes, a task, an opportunity (followed by this user) and an appointment, labelled with the number."""
    place.add_note(contact_id, f"First {number}")
    place.add_note(contact_id, f"Second {number}")
    place.add_task(contact_id, f"Call {number}", due=LATER)
    follows = [follower] if follower else []
    place.add_opportunity(contact_id, f"Deal {number}", monetaryValue=number, followers=follows)
    place.add_appointment(contact_id, LATER + timedelta(minutes=number), title=f"Visit {number}")


def store_records(world: World) -> None:
    """Store all records of the location in the vault, byte for byte as HighLevel would send them."""
    shelves, at = world.location.related, world.clock.now()
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
            records.save(tx, LOCATION, kind, given, at=at)
