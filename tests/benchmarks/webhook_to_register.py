"""Measure the time from a signed ContactDelete to the register, while syncs run under HighLevel's rate limit.

    python -m tests.benchmarks.webhook_to_register [--times 20] [--contacts 5000] [--postgres URL]

Prints the seconds from the delivery to the row with its exact time (polled every 10 ms), beside the floor: one GET by
id over the same connection. Exits with 1 when a deletion lacks its exact time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import threading
import time
from datetime import datetime

from hlcore.app_context import AppContext
from hlcore.highlevel import Priority
from hlcore.sandbox import Sandbox, SandboxLocation, serve
from hlcore.sandbox.webhooks import SandboxEvent
from hlcore.store.deletions import queries as deletion_queries
from hlcore.sync.listing.run import sync_location
from hlcore.webhooks.receiver import PATH
from hlcore.worker.loop import Worker
from tests.benchmarks.webhook_server import open_context, serve_webhooks

LOCATION = "locQuick000000000001"
PATIENCE = 30.0


def one_round(context: AppContext) -> None:
    with context.location_context(LOCATION) as location_context:
        sync_location(location_context, context.rules(context.location(LOCATION)))


def floor_of(context: AppContext, ids: list[str]) -> list[float]:
    """The seconds of one question by id each."""
    took = []
    with context.client(LOCATION, priority=Priority.INTERACTIVE) as client:
        for contact_id in ids:
            began = time.perf_counter()
            client.contact(contact_id)
            took.append(time.perf_counter() - began)
    return took


def delete(home: SandboxLocation, contact_id: str) -> SandboxEvent:
    home.delete(contact_id)
    return next(event for event in reversed(home.events) if event.type == "ContactDelete")


def until_registered(context: AppContext, event: SandboxEvent, url: str) -> tuple[float, bool]:
    """The seconds until the deletion stands in the register; whether with the time that HighLevel told."""
    began = time.perf_counter()
    assert event.post(url) == 200
    while True:
        time.sleep(0.01)
        with context.vault.read() as tx:
            row = next(iter(deletion_queries.list_for_contact(tx, LOCATION, event.payload["id"])), None)
        took = time.perf_counter() - began
        if took > PATIENCE or (row is not None and row.status != "suspected" and row.deleted_at is not None):
            return took, row is not None and row.deleted_at == datetime.fromisoformat(event.payload["timestamp"])


def measure(context: AppContext, home: SandboxLocation, ids: list[str]) -> list[tuple[float, bool]]:
    """One deletion after the other, while rounds go on."""
    stop = threading.Event()

    def rounds() -> None:
        while not stop.is_set():
            one_round(context)

    worker, syncing = Worker(lambda: context), threading.Thread(target=rounds, daemon=True)
    found = []
    with serve_webhooks(context) as port:
        worker.start()
        syncing.start()
        time.sleep(12)
        for contact_id in ids:
            found.append(until_registered(context, delete(home, contact_id), f"http://127.0.0.1:{port}{PATH}"))
            time.sleep(1.5)  # a tenth of the requests is kept free for what is urgent: nine in ten seconds
        stop.set()
        worker.stop()
        syncing.join(60)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--contacts", type=int, default=5_000)
    parser.add_argument("--postgres", default="")
    options = parser.parse_args()
    sandbox = Sandbox(seed=2)
    home = sandbox.add_location(LOCATION, "Quick", "UTC")
    home.rate_limit.enforced = home.rate_limit.real_time = True
    ids = home.fill(options.contacts)
    with serve(sandbox) as server:
        keys, token = sandbox.keys.public_pem, sandbox.token_of(LOCATION)
        context = open_context(LOCATION, server.url, token, keys, postgres=options.postgres)
        one_round(context)
        floor = statistics.median(floor_of(context, ids[:8]))
        found = measure(context, home, ids[: options.times])
        context.close()
    took, exact = [seconds for seconds, _ in found], sum(is_exact for _, is_exact in found)
    print(json.dumps({
        "deletions": len(took), "exact_time": exact, "median_seconds": round(statistics.median(took), 3),
        "longest_seconds": round(max(took), 3), "floor_median_seconds": round(floor, 3),
        "ratio": round(statistics.median(took) / floor, 1),
    }))  # fmt: skip
    sys.exit(0 if exact == len(took) else 1)


if __name__ == "__main__":
    main()
