"""From a signed ContactDelete to the register, while rounds go on without a pause under HighLevel's rate limit.

    python -m tests.benchmarks.webhook_to_register [--times 20] [--contacts 5000] [--postgres URL]

Prints the seconds from posting to the row with its exact time (polled every 10 ms), and beside them the floor: one
GET by id over the same connection.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr
from starlette.applications import Starlette

sys.path.insert(0, str(Path(__file__).parents[2]))

import uvicorn

from hlcore.highlevel import Priority
from hlcore.sandbox import Sandbox, serve
from hlcore.sandbox.server import bind
from hlcore.settings import Settings
from hlcore.store import register
from hlcore.sync.listing import sync_location
from hlcore.webhooks import PATH, routes
from hlcore.wiring import Office
from hlcore.worker import Worker

LOCATION = "locQuick000000000001"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--contacts", type=int, default=5_000)
    parser.add_argument("--postgres", default="")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="quick-"))
    sandbox = Sandbox(seed=2)
    home = sandbox.add_location(LOCATION, "Quick", "UTC")
    home.budget.enforced = home.budget.real_time = True
    ids = home.fill(options.contacts)
    with serve(sandbox) as server:
        settings = Settings(
            database_url=options.postgres or f"sqlite:///{folder}/vault.db", data_dir=folder, api_url=server.url,
            webhook_key=sandbox.keys.public_pem, secret_key=SecretStr("x"), sync_minutes=1440,
        )  # fmt: skip
        office = Office.open(settings)
        office.connect(LOCATION, sandbox.token_of(LOCATION))
        rules = office.rules(office.location(LOCATION))
        stop = threading.Event()

        def rounds() -> None:
            while not stop.is_set():
                with office.client(LOCATION) as client:
                    sync_location(office.vault, client, rules, now=office.clock.now)

        with office.client(LOCATION) as client:
            sync_location(office.vault, client, rules, now=office.clock.now)
        took, floor, exact = [], [], 0
        with office.client(LOCATION, priority=Priority.INTERACTIVE) as client:
            for contact_id in ids[:8]:
                began = time.perf_counter()
                client.contact(contact_id)
                floor.append(time.perf_counter() - began)
        listener = bind()
        web = uvicorn.Server(
            uvicorn.Config(Starlette(routes=routes(lambda: office)), log_level="critical", access_log=False)
        )
        threading.Thread(target=web.run, args=([listener],), daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}{PATH}"
        worker = Worker(lambda: office)
        worker.start()
        syncing = threading.Thread(target=rounds, daemon=True)
        syncing.start()
        time.sleep(12)
        for contact_id in ids[: options.times]:
            home.delete(contact_id)
            event = next(one for one in reversed(home.events) if one.type == "ContactDelete")
            began = time.perf_counter()
            assert event.post(url) == 200
            row = None
            while row is None or row.status == "suspected" or row.deleted_at is None:
                time.sleep(0.01)
                with office.vault.read() as tx:
                    row = next(iter(register.of_contact(tx, LOCATION, contact_id)), None)
                if time.perf_counter() - began > 30:
                    break
            took.append(time.perf_counter() - began)
            exact += row is not None and row.deleted_at == datetime.fromisoformat(event.payload["timestamp"])
            time.sleep(1.5)  # a tenth of the requests is kept free for what is urgent: nine in ten seconds
        print(json.dumps({
            "deletions": len(took), "exact_time": exact, "median_seconds": round(statistics.median(took), 3),
            "longest_seconds": round(max(took), 3), "floor_median_seconds": round(statistics.median(floor), 3),
            "ratio": round(statistics.median(took) / statistics.median(floor), 1),
        }))  # fmt: skip
        stop.set()
        worker.stop()
        syncing.join(60)
        web.should_exit = True
        office.close()


if __name__ == "__main__":
    main()
