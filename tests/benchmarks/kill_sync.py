"""Kill a sync at random moments: the database opens, the next run repairs, no contact is lost or falsely deleted.

    python -m tests.benchmarks.kill_sync [KILLS] [SEED]

Each round changes the location, starts `python -m hlcore sync` and kills it after a random time. Then one undisturbed
sync must be complete and exactly right, and `verify` must find nothing. Exits with 1 otherwise.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime

from hlcore.sandbox import Sandbox, serve
from hlcore.store import Vault
from hlcore.store.contacts import search as contact_search
from hlcore.store.deletions import queries as deletion_queries

LOCATION = "locKill0000000000001"


def main(kills: int = 60, seed: int = 1) -> int:
    chance = random.Random(seed)
    sandbox = Sandbox(lambda: datetime.now(UTC), seed=seed)
    location = sandbox.add_location(LOCATION, "Kill", token="pit-kill")
    location.fill(20_000)
    gone: set[str] = set()
    died = 0
    with tempfile.TemporaryDirectory() as folder, serve(sandbox) as server:
        url = f"sqlite:///{folder}/vault.db"
        env = os.environ | {
            "HLCORE_API_URL": server.url,
            "HLCORE_LOCATION_ID": LOCATION,
            "HLCORE_TOKEN": "pit-kill",
            "HLCORE_DATABASE_URL": url,
            "HLCORE_DATA_DIR": folder,
        }
        for _ in range(kills):
            for victim in chance.sample(list(location.contacts), 2):
                location.delete(victim)
                gone.add(victim)
            location.edit(chance.choice(list(location.contacts)), companyName=str(chance.random()))
            died += killed(env, chance.uniform(0.6, 4.5))
        report = command(env, "sync")["runs"][0]
        verified = command(env, "verify")
        vault = Vault.open(url)
        with vault.read() as tx:
            query = deletion_queries.RegisterQuery((LOCATION,), statuses=("deleted", "merged"))
            lost = {row.contact_id for row in deletion_queries.iterate(tx, query)}
            held = {row.contact_id for row in contact_search.iterate(tx, contact_search.ContactQuery((LOCATION,)))}
    known = gone & held  # some were deleted before the first copy was ever taken
    right = lost == known and set(location.contacts) <= held and verified["ok"] and report["outcome"] == "complete"
    print(
        f"{kills} runs, {died} killed; last: {report['outcome']} {report['reason']}; {len(lost)} deletions, "
        f"{len(known)} true; verify ok: {verified['ok']}; right: {right}"
    )
    return 0 if right else 1


def killed(env: dict[str, str], after: float) -> bool:
    """Whether the sync was still running when it was killed."""
    run = subprocess.Popen([sys.executable, "-m", "hlcore", "sync", "--json"], env=env, stdout=subprocess.DEVNULL)
    time.sleep(after)
    alive = run.poll() is None
    if alive:
        run.send_signal(signal.SIGKILL)
    run.wait()
    return alive


def command(env: dict[str, str], *words: str) -> dict[str, object] | dict[str, list[dict[str, object]]]:
    done = subprocess.run(
        [sys.executable, "-m", "hlcore", *words, "--json"], env=env, capture_output=True, text=True, check=False
    )
    return json.loads(done.stdout)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
