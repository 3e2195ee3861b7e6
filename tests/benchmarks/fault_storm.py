"""Sync through hundreds of rounds of random faults: no false deletion, no missed one, a reason for each failure.

    python -m tests.benchmarks.fault_storm [ROUNDS] [SEED]

Each round draws one to three faults and deletes, creates, edits and restores contacts before and during the listing.
Clean rounds at the end must be exactly right. Prints one line; exits with 1 when a promise is broken.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from typing import Any

from hlcore.highlevel import Client, Limiter
from hlcore.location_context import LocationContext
from hlcore.sandbox import Sandbox, SandboxLocation, serve
from hlcore.store import Vault
from hlcore.store.contacts import search as contact_search
from hlcore.store.deletions import queries as deletion_queries
from hlcore.sync.listing.run import sync_location
from hlcore.sync.run_context import SyncRules
from tests.support.worlds import ManualClock

LOCATION = "locStorm000000000001"
FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("too_many", {"share": 0.4, "retry_after": 1}),
    ("too_many", {"share": 0.4, "retry_after": None}),
    *(("status", {"share": 0.4, "status": status}) for status in (500, 502, 503, 504)),
    ("reset", {"share": 0.4}),
    ("truncated", {"share": 0.4}),
    ("html", {"share": 0.4}),
    ("lost_request", {"share": 0.4}),
    ("empty", {"share": 0.5}),
    ("empty", {}),
    ("total_low", {"by": 300}),
    ("total_cap", {"cap": 100}),
    ("ends_early", {"after": 1}),
    ("repeats", {"at": 2}),
    ("omits", {"part": 0.02}),
    ("omits", {"part": 0.4}),
    ("omits", {"part": 0.02, "total": False}),
    ("scope_401", {"share": 0.3}),
    ("token_revoked", {}),
    ("invalid_jwt", {}),
    ("wrong_location", {}),
    ("gone", {"where": "GET /contacts/", "share": 0.0}),
)


def main(rounds: int = 300, seed: int = 1) -> int:
    chance, clock = random.Random(seed), ManualClock()
    sandbox = Sandbox(clock.now, seed=seed)
    location = sandbox.add_location(LOCATION, "Storm")
    location.fill(600)
    limiter = Limiter(clock, per_10s=90, per_day=10**9, interactive_share=0)
    gone: set[str] = set()
    ever: set[str] = set()  # gone at some moment: those restored since may still stand in the register
    outcomes: Counter[str] = Counter()
    breaches: list[str] = []
    with tempfile.TemporaryDirectory() as folder, serve(sandbox) as server:
        vault = Vault.open(f"sqlite:///{folder}/vault.db")
        token = sandbox.token_of(LOCATION)
        client = Client(LOCATION, lambda: token, base_url=server.url, limiter=limiter, clock=clock, retries=3)
        rules = SyncRules(page_size=100, incident_floor=20)
        context = LocationContext(vault, client, LOCATION, clock.now)

        def look() -> str:
            clock.sleep(chance.choice((61, 900, 3600)))
            report = sync_location(context, rules)
            if report.outcome != "complete" and not report.reason:
                breaches.append("an incomplete round without a reason")
            ever.update(gone)
            if false := lost_in(vault) - ever:
                breaches.append(f"{len(false)} false deletions")
            return report.outcome

        look()
        for _ in range(rounds):
            location.faults.clear()
            location.faults.lag = chance.choice((0, 0, 30, 240))
            for kind, options in chance.sample(FAULTS, chance.randint(1, 3)):
                location.faults.on(kind, **options)
            location.faults.between_pages = lambda _page: live(location, chance, gone, 1)
            live(location, chance, gone, 3)
            outcomes[look()] += 1
            if chance.random() < 0.1:
                breaches += clean(location, look, vault, gone, clock)
    print(f"{rounds} rounds: {dict(outcomes)}; {len(gone)} really gone; breaches: {breaches or 'none'}")
    ledger = sandbox.ledger
    print(f"sandbox crashes: {len(ledger.crashes)}, requests outside the contract: {len(ledger.off_contract)}")
    return 1 if breaches else 0


def live(location: SandboxLocation, chance: random.Random, gone: set[str], most: int) -> None:
    """Some contacts go, some come, some change, one comes back."""
    for _ in range(chance.randint(0, most)):
        known = list(location.contacts)
        victim = chance.choice(known)
        location.delete(victim)
        gone.add(victim)
        location.create(firstName="New", lastName=str(chance.random()), email=f"n{chance.random()}@example.org")
        location.edit(chance.choice(list(location.contacts)), companyName=f"Company {chance.random()}")
    if location.trash and chance.random() < 0.05:
        back = chance.choice(list(location.trash))
        location.native_restore(back)
        gone.discard(back)


def clean(location: SandboxLocation, look: Any, vault: Vault, gone: set[str], clock: ManualClock) -> list[str]:
    """Without faults the next round must be exactly right."""
    location.faults.clear()
    clock.sleep(3600)
    outcome = look()
    found = []
    if outcome != "complete":
        found.append(f"a clean round was {outcome}")
    if lost_in(vault) != gone & held_in(vault):
        found.append("after a clean round the register is wrong")
    if not set(location.contacts) <= held_in(vault):
        found.append("after a clean round somebody is missing from the vault")
    return found


def lost_in(vault: Vault) -> set[str]:
    query = deletion_queries.RegisterQuery((LOCATION,), statuses=("deleted", "merged"))
    with vault.read() as tx:
        return {row.contact_id for row in deletion_queries.iterate(tx, query)}


def held_in(vault: Vault) -> set[str]:
    with vault.read() as tx:
        return {row.contact_id for row in contact_search.iterate(tx, contact_search.ContactQuery((LOCATION,)))}


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
