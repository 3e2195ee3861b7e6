"""Measure how fast contacts are restored with all their records, against the rate that HighLevel allows.

    python -m tests.benchmarks.restore_rate [CONTACTS] [LATENCY_MS]

Each contact has six records (two notes, a task, an opportunity, an appointment, messages). The sandbox enforces the
documented limit of 100 requests in 10 seconds; the client stays below 90. Prints contacts per hour, requests per
second, their ratio to the allowed rate, how well the plan predicted requests and seconds, and the sandbox's ledger.
Exits with 1 below 0.8, or when anything was refused, created twice or sent to a contact.
"""

from __future__ import annotations

import sys
import tempfile
import time

from hlcore.highlevel import Client, Limiter, Priority, SystemClock
from hlcore.restore.job_control import create_job
from hlcore.sandbox import Sandbox, SandboxLocation, serve
from hlcore.settings import Settings
from hlcore.store import Vault, locations
from tests.benchmarks.restore_setup import add_records, store_records
from tests.restore.conftest import LOCATION, SAM, World

PER_10S = 90
RECORDS = 6


def main(people: int, latency: float) -> int:
    """Return 0 when everything is as it should be."""
    clock, sandbox = SystemClock(), Sandbox(seed=2)
    place = sandbox.add_location(LOCATION, "Rate & Sons")
    with tempfile.TemporaryDirectory() as folder, serve(sandbox) as server:
        vault = Vault.open(f"sqlite:///{folder}/vault.db")
        limiter = Limiter(clock, per_10s=PER_10S)
        client = Client(LOCATION, lambda: f"pit-{LOCATION}", base_url=server.url, limiter=limiter, clock=clock)
        client = client.with_priority(Priority.INTERACTIVE)
        named = {"name": place.name, "timezone": "UTC", "company_id": "", "token": b""}
        with vault.write() as tx:
            locations.connect(tx, LOCATION, **named, at=clock.now(), raw=client.location())
        world = World(vault, clock, sandbox, place, client, server.url, Settings())  # type: ignore[arg-type]
        ids = _fill(world, place, people)
        plan = world.plan(*ids)
        world.job_id = create_job(vault, plan, SAM, clock.now)
        time.sleep(11)
        place.rate_limit.enforced = True
        if latency:
            place.faults.on("latency", seconds=latency)
        sandbox.ledger.clear()
        before, began = client.requests, time.monotonic()
        result = world.run()
        took, sent = time.monotonic() - began, client.requests - before
        return _report(world, result.outcomes, took=took, sent=sent, promised=(plan.requests, plan.seconds))


def _fill(world: World, place: SandboxLocation, people: int) -> list[str]:
    ids = place.fill(people)
    world.copy()
    for number, contact_id in enumerate(ids):
        add_records(place, contact_id, number)
        place.add_message(contact_id, f"Hello {number}")
    store_records(world)
    world.lose(*ids)
    return ids


def _report(world: World, outcomes: dict[str, int], *, took: float, sent: int, promised: tuple[int, int]) -> int:
    done, rate, allowed = sum(outcomes.values()), sent / took, PER_10S / 10
    ledger, receipt = world.sandbox.ledger, world.receipt().values()
    exact = sum(row["predicted"] == row["measured"] for row in receipt)
    print(f"{done} contacts with {RECORDS} records each: {outcomes}, {exact} exactly as predicted")
    print(f"{took:.1f} s, {sent} requests ({sent / max(1, done):.1f} per contact), {rate:.2f} requests per second")
    print(f"{done / took * 3600:,.0f} contacts per hour; {rate / allowed:.3f} of the rate that is allowed")
    print(f"planned: {promised[0]} requests in {promised[1]} s")
    bad = {
        "refused by the limit": ledger.rate_limited,
        "messages": len(ledger.messages_sent),
        "reachable automations": len(ledger.reached),
        "creates without do-not-disturb": len(ledger.creates_without_dnd),
        "off contract": len(ledger.off_contract),
    }
    print("; ".join(f"{name}: {number}" for name, number in bad.items()))
    return int(rate < 0.8 * allowed or any(bad.values()))


if __name__ == "__main__":
    numbers = [float(one) for one in sys.argv[1:]]
    sys.exit(main(int(numbers[0]) if numbers else 1000, numbers[1] / 1000 if len(numbers) > 1 else 0.0))
