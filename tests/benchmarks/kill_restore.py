"""Restores killed at random moments, with a tenth of the answers lost: nobody twice, nobody missing.

    python -m tests.benchmarks.kill_restore [KILLS] [PEOPLE] [DATABASE_URL]

Prints kills, resumes, creates sent, and what differs between the receipt and HighLevel's truth (must be nothing).
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hlcore.errors import VaultError
from hlcore.highlevel import Client, Limiter
from hlcore.sandbox import Sandbox, serve
from hlcore.settings import Settings
from hlcore.store import Vault, locations
from tests.restore.conftest import LOCATION, HandClock, World


def main(kills: int, people: int, url: str) -> int:
    """How many contacts are not as they must be."""
    clock = HandClock()
    clock.at = datetime.now(UTC)
    sandbox = Sandbox(lambda: datetime.now(UTC), seed=11)
    location = sandbox.add_location(LOCATION, "Killed & Sons")
    vault = Vault.open(url)
    with serve(sandbox) as server:
        client = Client(
            LOCATION, lambda: f"pit-{LOCATION}", base_url=server.url, limiter=Limiter(clock), clock=clock, retries=2
        )
        with vault.write() as tx:
            named = {"name": location.name, "timezone": "UTC", "company_id": "", "token": b""}
            locations.connect(tx, LOCATION, **named, at=clock.now(), raw=client.location())
        world = World(vault, clock, sandbox, location, client, server.url, Settings(index_lag_minutes=0))
        ids = location.fill(people)
        for contact_id in ids[:: max(1, people // 10)]:
            location.edit(contact_id, email=None, phone=None)
        world.copy()
        world.lose(*ids)
        world.confirm(*ids)
        planned = {one.contact_id for one in world.plan(*ids).items if one.action == "recreate"}
        return _storm(world, kills, planned, url)


def _storm(world: World, kills: int, planned: set[str], url: str) -> int:
    chance, killed, sittings = random.Random(5), 0, 0
    for kind, options in (("lost_answer", {}), ("done_but", {"status": 500}), ("status", {"status": 502})):
        world.location.faults.on(kind, share=0.04, where="POST /contacts/", **options)
    while killed < kills:
        sittings += 1
        told = [url, world.url, f"pit-{LOCATION}", str(world.job_id), str(chance.randint(1, 120))]
        done = subprocess.run([sys.executable, "-m", "tests.restore.killed", *told], capture_output=True, check=False)
        killed += done.returncode == -9
        world.clock.at = datetime.now(UTC)
        if done.returncode == 0 and world.run().state == "done":
            break
    world.location.faults.clear()
    return _judge(world, planned, killed, sittings)


def _judge(world: World, planned: set[str], killed: int, sittings: int) -> int:
    while True:
        try:
            if not world.run().pending:
                break
        except VaultError as exc:
            print("one more sitting:", exc)
        world.clock.at += timedelta(minutes=1)
    rows = [row for row in world.receipt().values() if row["contact_id"] in planned]
    made, live = {row["new_id"] for row in rows}, set(world.location.records)
    creates = len([entry for entry in world.sandbox.ledger if f"{entry.method} {entry.path}" == "POST /contacts/"])
    bad = [row for row in rows if row["outcome"] != "recreated" or not row["verified"]]
    print(f"people {len(planned)}  killed {killed}  sittings {sittings}  create calls {creates}  live {len(live)}")
    print(f"twice or unknown {len(live - made)}  missing {len(made - live)}  not right {len(bad)}")
    print(f"creates without do-not-disturb {len(world.sandbox.ledger.creates_without_dnd)}")
    for row in bad[:5]:
        print(row["outcome"], row["error"], row["differences"])
    return len(live ^ made) + len(bad)


if __name__ == "__main__":
    arguments = [*sys.argv[1:], *("60", "400", "")[len(sys.argv) - 1 :]]
    with tempfile.TemporaryDirectory() as folder:
        address = arguments[2] or f"sqlite:///{Path(folder) / 'vault.db'}"
        sys.exit(main(int(arguments[0]), int(arguments[1]), address) != 0)
