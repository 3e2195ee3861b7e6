"""10,000 deliveries in bursts while a sync writes: what is answered how quickly, and is the register right afterwards?

    python -m tests.benchmarks.webhooks_burst [--events 10000] [--contacts 20000] [--limited] [--same-file]
        [--postgres URL]

Three processes: a HighLevel with the deliveries it signed; Contact Vault with its door, its worker and rounds without
a pause; and whoever posts. Deliveries are shuffled; some are repeated, tampered with, unsigned, of another account, or
hours old. `--same-file` lets them land in the vault's own SQLite file, for comparison. Prints the 99th percentile of
the answers beside that of the server's empty route (`/nothing`), which is the floor.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing as mp
import random
import socket
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))

LOCATION, APP = "locBurst000000000001", "appBurst"


def highlevel(contacts: int, events: int, limited: bool, pipe: object) -> None:
    """Makes the account, lets things happen in it, signs what it would deliver, and answers."""
    from hlcore.sandbox import Sandbox, serve
    from hlcore.sandbox.webhooks import Event, Keys

    moved = [timedelta()]
    sandbox = Sandbox(lambda: datetime.now(UTC) + moved[0], seed=3)
    home = sandbox.add_location(LOCATION, "Burst", "UTC")
    home.budget.enforced = False
    if not limited:
        home.budget.burst = home.budget.daily = 10**7
    ids = home.fill(contacts)
    with serve(sandbox) as server:
        pipe.send((server.url, sandbox.token_of(LOCATION), sandbox.keys.public_pem))
        pipe.recv()  # the first copy is made
        dice = random.Random(5)
        touched = dice.sample(ids, min(1_500, contacts // 4))
        lost, edited = touched[: len(touched) // 3], touched[len(touched) // 3 :]
        for contact_id in lost:
            home.delete(contact_id)
        deletions = [event.payload for event in home.events if event.type == "ContactDelete"]
        deleted_at = {payload["id"]: payload["timestamp"] for payload in deletions}
        for number in range(3):
            for contact_id in edited:
                home.edit(contact_id, city=f"City {number}")
        true = list(home.events)
        posts = [(event.body, event.headers()) for event in true]
        forger = Keys()
        while len(posts) < events:
            event = dice.choice(true)
            kind = dice.random()
            if kind < 0.6:
                posts.append((event.body, event.headers()))
            elif kind < 0.75:
                posts.append((event.body.replace(b"City", b"Town") + b" ", event.headers()))
            elif kind < 0.85:
                posts.append((event.body, Event(event.payload, forger).headers()))
            elif kind < 0.9:
                other = Event({**event.payload, "locationId": "elsewhere"}, sandbox.keys)
                posts.append((other.body, other.headers()))
            else:
                old = {**event.payload, "webhookId": f"old-{len(posts)}"}
                old["timestamp"] = (datetime.now(UTC) - timedelta(hours=9)).isoformat()
                posts.append(((again := Event(old, sandbox.keys)).body, again.headers()))
        dice.shuffle(posts)
        pipe.send((posts, deleted_at, edited, len(true)))
        pipe.recv()


def contact_vault(url: str, token: str, key: str, options: argparse.Namespace, pipe: object) -> None:
    """The door, the worker and rounds without a pause, in one process as in the app."""
    import uvicorn
    from pydantic import SecretStr
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route

    from hlcore.highlevel import Limiter, SystemClock
    from hlcore.settings import Settings
    from hlcore.store import Vault, contacts, inbox, register
    from hlcore.sync.listing import sync_location
    from hlcore.webhooks import routes
    from hlcore.wiring import Office
    from hlcore.worker import Worker

    sys.setswitchinterval(options.switch)
    if options.same_file:
        Vault.inbox = property(lambda self: self)  # type: ignore[method-assign,assignment]
    folder = Path(tempfile.mkdtemp(prefix="burst-"))
    settings = Settings(
        database_url=options.postgres or f"sqlite:///{folder}/vault.db",
        data_dir=folder, api_url=url, webhook_key=key, secret_key=SecretStr("x"), sync_minutes=1440,
    )  # fmt: skip
    office = Office.open(settings)
    office._limiters[LOCATION] = Limiter(SystemClock(), per_10s=100, per_day=10**9, interactive_share=0)
    office.connect(LOCATION, token)
    rules = office.rules(office.location(LOCATION))
    stop = threading.Event()

    def rounds(once: bool = False) -> None:
        number = 0
        while not stop.is_set():
            with office.client(LOCATION) as client:
                report = sync_location(office.vault, client, rules, now=office.clock.now)
            number += 1
            if once:
                return
            with office.vault.write() as tx:  # the next round writes every row again, as a first listing does
                ordered = "SELECT row_id FROM contacts ORDER BY row_id" + (" FOR UPDATE" if options.postgres else "")
                tx.exec_driver_sql(ordered).all()
                other = "'\\x7b7d'" if options.postgres else "x'7b7d'"  # {}
                tx.exec_driver_sql(f"UPDATE contacts SET digest = {other}, date_updated = NULL")
                tx.exec_driver_sql(f"UPDATE contact_bytes SET raw = {other}")
            counted["rounds"], counted["outcome"] = number, report.outcome

    counted: dict[str, object] = {"rounds": 0}
    rounds(once=True)
    worker = Worker(lambda: office)
    nothing = Route("/nothing", lambda request: Response(), methods=["POST"])
    app = Starlette(routes=[*routes(lambda: office), nothing])
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
    threading.Thread(target=server.run, args=([listener],), daemon=True).start()
    worker.start()
    syncing = threading.Thread(target=rounds, daemon=True)
    syncing.start()
    pipe.send(listener.getsockname()[1])
    marks: list[float] = []
    while not pipe.poll(2.0):  # until everything has been posted
        marks.append(psutil.Process().memory_info().rss / 2**20)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        with office.vault.inbox.read() as tx:
            if not inbox.waiting(tx, at=office.clock.now() + timedelta(minutes=2))[0]:
                break
        time.sleep(0.2)
    caught_up = time.monotonic()
    memory = (*marks, psutil.Process().memory_info().rss / 2**20)
    stop.set()
    syncing.join(60)
    time.sleep(1.5)
    with office.vault.read() as tx:
        found = register.iterate(tx, register.RegisterQuery((LOCATION,)))
        rows = {row.contact_id: (row.status, row.deleted_at) for row in found}
        details = {c.contact_id: c.detail for c in contacts.iterate(tx, contacts.ContactQuery((LOCATION,)))}
    with office.vault.inbox.read() as tx:
        known = tx.exec_driver_sql("SELECT count(*) FROM webhook_inbox").scalar_one()
        counts = inbox.counts(tx, "2000-01-01")
        errors = tx.exec_driver_sql("SELECT error, count(*) FROM webhook_inbox WHERE error <> '' GROUP BY 1").all()
    pipe.send((caught_up, rows, details, known, counts, [tuple(row) for row in errors], memory, counted))
    worker.stop()
    office.close()


def post(port: int, jobs: list[tuple[bytes, dict[str, str], str]], took: list[float], answers: list[int]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for body, headers, path in jobs:
        began = time.perf_counter()
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        took.append(time.perf_counter() - began)
        answers.append(answer.status)
        if len(took) % 10 == 0:
            time.sleep(0.02)  # a burst is over


def burst(port: int, jobs: list[tuple[bytes, dict[str, str], str]], connections: int) -> tuple[list[float], list[int]]:
    took, answers = [], []
    parts = [jobs[n::connections] for n in range(connections)]
    lists = [([], []) for _ in parts]
    threads = [threading.Thread(target=post, args=(port, part, *mine)) for part, mine in zip(parts, lists, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for mine, statuses in lists:
        took += mine
        answers += statuses
    return took, answers


def p(took: list[float], share: int) -> float:
    return statistics.quantiles(took, n=100)[share - 1] * 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--contacts", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--same-file", action="store_true")
    parser.add_argument("--limited", action="store_true", help="100 requests in 10 seconds, as HighLevel allows")
    parser.add_argument("--switch", type=float, default=0.001)
    parser.add_argument("--postgres", default="")
    options = parser.parse_args()
    spawn = mp.get_context("spawn")
    theirs, hl = spawn.Pipe()
    spawn.Process(target=highlevel, args=(options.contacts, options.events, options.limited, hl), daemon=True).start()
    url, token, key = theirs.recv()
    ours, vault = spawn.Pipe()
    spawn.Process(target=contact_vault, args=(url, token, key, options, vault), daemon=True).start()
    port = ours.recv()
    theirs.send("go")
    posts, deleted_at, edited, true = theirs.recv()
    floor, _ = burst(port, [(body, headers, "/nothing") for body, headers in posts[:1_500]], options.connections)
    began = time.monotonic()
    jobs = [(body, headers, "/webhooks/highlevel") for body, headers in posts]
    took, answers = burst(port, jobs, options.connections)
    posted = time.monotonic()
    ours.send("done")
    caught_up, rows, details, known, counts, errors, memory, counted = ours.recv()
    told = {i: datetime.fromisoformat(at) for i, at in deleted_at.items()}
    wrong = [i for i, at in told.items() if rows.get(i) not in (("deleted", at), ("merged", at))]
    stale = [i for i in edited if b"City 2" not in (details[i] or b"")]
    extra = [i for i, row in rows.items() if i not in deleted_at and row[0] in ("deleted", "merged", "suspected")]
    print(json.dumps({
        "posted": len(posts), "per_second": round(len(posts) / (posted - began)),
        "answers": {status: answers.count(status) for status in sorted(set(answers))},
        "p50_ms": round(p(took, 50), 1), "p99_ms": round(p(took, 99), 1), "max_ms": round(max(took) * 1000, 1),
        "floor_p50_ms": round(p(floor, 50), 1), "floor_p99_ms": round(p(floor, 99), 1),
        "p99_over_floor": round(p(took, 99) / p(floor, 99), 2),
        "caught_up_after_seconds": round(caught_up - posted, 1),
        "true_events": true, "known_ids": known, "counts": counts, "errors": errors,
        "deleted_wrong": len(wrong), "edited_stale": len(stale), "false_deletions": len(extra),
        "memory_mb": [round(each) for each in memory], "sync": counted,
        "inbox": "same file" if options.same_file else "PostgreSQL" if options.postgres else "own file",
    }, default=str))  # fmt: skip
    theirs.send("end")


if __name__ == "__main__":
    main()
