"""Put one field back on many living contacts: that field only, everything else byte for byte as before.

    python -m tests.benchmarks.revert [CONTACTS] [DATABASE_URL]

An "import" overwrites three fields of every contact within an hour; one of them is put back. Prints how long finding
and planning take, the requests and their rate, and how many contacts are not exactly as they must be (0).
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from hlcore.highlevel import Client, Limiter
from hlcore.model.contact import parse_contact
from hlcore.restore.revert import RevertRequest, changed_contacts, create_revert
from hlcore.sandbox import Sandbox, serve
from hlcore.settings import Settings
from hlcore.store import Vault, locations
from hlcore.store.contacts import writes as contact_writes
from tests.restore.conftest import LOCATION, SAM, World
from tests.support.worlds import ManualClock

MOVING = ("dateUpdated",)


def main(people: int, url: str) -> int:
    """Return how many contacts are not as they must be."""
    clock = ManualClock()
    sandbox = Sandbox(clock.now, seed=7)
    location = sandbox.add_location(LOCATION, "Revert & Co")
    vault = Vault.open(url)
    with serve(sandbox) as server:
        limiter = Limiter(clock)
        client = Client(LOCATION, lambda: f"pit-{LOCATION}", base_url=server.url, limiter=limiter, clock=clock)
        with vault.write() as tx:
            named: dict[str, Any] = {"name": location.name, "timezone": "UTC", "company_id": "", "token": b""}
            locations.connect(tx, LOCATION, **named, at=clock.now(), raw=client.location())
        world = World(vault, clock, sandbox, location, client, server.url, Settings(index_lag_minutes=0))
        return _import_and_revert(world, location.fill(people))


def _store_listing(world: World) -> None:
    cursor: list[Any] | None = None
    while True:
        page = world.client.search_contacts(search_after=cursor)
        with world.vault.write() as tx:
            rows = [parse_contact(raw) for raw in page.rows]
            contact_writes.replace(tx, LOCATION, rows, at=world.clock.now(), run_id=None)
        if page.next is None or not page.rows:
            return
        cursor = page.next


def _live_contacts(world: World, ids: list[str]) -> dict[str, dict[str, Any]]:
    return {one: {k: v for k, v in world.location.contacts[one].items() if k not in MOVING} for one in ids}


def _import_and_revert(world: World, ids: list[str]) -> int:
    _store_listing(world)
    world.clock.advance(hours=2)
    good, start = _live_contacts(world, ids), world.clock.now()
    for one in ids:
        world.location.edit(one, city="IMPORTED", source="bad import", website="https://wrong.example")
    world.clock.advance(minutes=10)
    _store_listing(world)
    world.clock.advance(minutes=10)
    end, bad = world.clock.now(), _live_contacts(world, ids)
    began = time.perf_counter()
    found = changed_contacts(world.vault, LOCATION, start, end)
    print(f"looked at {len(found.contacts):,} changed contacts in {time.perf_counter() - began:.2f} s")
    began = time.perf_counter()
    world.job_id = create_revert(world.vault, RevertRequest(LOCATION, found.contacts, {"source"}), SAM, world.clock.now)
    print(f"planned in {time.perf_counter() - began:.2f} s")
    world.sandbox.ledger.clear()
    began, moment, before = time.perf_counter(), world.clock.now(), world.client.requests
    result = world.run()
    _report(world, result.outcomes, time.perf_counter() - began, world.clock.now() - moment, before)
    return _count_errors(world, ids, good, bad)


def _report(world: World, outcomes: dict[str, int], seconds: float, limited: Any, before: int) -> None:
    requests = world.client.requests - before
    rate = requests / max(limited.total_seconds(), 0.001)
    print(f"{outcomes}, {requests:,} requests in {seconds:.1f} s; under the limit {limited}: {rate:.1f} per second")


def _count_errors(world: World, ids: list[str], good: dict[str, Any], bad: dict[str, Any]) -> int:
    now = _live_contacts(world, ids)
    restored = sum(now[one].get("source") == good[one].get("source") for one in ids)
    wanted = {one: {**bad[one], "source": good[one].get("source")} for one in ids}
    others = sum({**now[one], "source": now[one].get("source")} != wanted[one] for one in ids)
    print(f"field put back on {restored:,} of {len(ids):,}; contacts with anything else changed: {others}")
    rows = world.receipt().values()
    print(f"verified: {sum(bool(row['verified']) for row in rows):,} of {len(rows):,} · {datetime.now():%H:%M}")  # noqa: DTZ005
    return len(ids) - restored + others


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        address = sys.argv[2] if len(sys.argv) > 2 else f"sqlite:///{Path(folder) / 'vault.db'}"
        sys.exit(min(1, main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, address)))
