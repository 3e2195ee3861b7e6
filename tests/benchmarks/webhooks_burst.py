"""Send 10,000 webhook deliveries in bursts while a sync writes: how fast are they answered, and is anything lost?

    python -m tests.benchmarks.webhooks_burst [--events 10000] [--contacts 20000] [--limited] [--same-file]
        [--postgres URL]

Three processes: a sandbox with the deliveries it signed; Contact Vault with its webhook route, its worker, endless
rounds that write every contact again, and the pages' libraries loaded; and the sender. Deliveries are shuffled; some
are repeated, tampered with, unsigned, of another location, or hours old. With `--limited` both sides keep to 100
requests in 10 seconds, as HighLevel does, and events concern fewer contacts, so that fetching those again takes one
minute instead of five. With `--same-file` deliveries are stored in the vault's own SQLite file, for comparison.

Prints the 99th percentile of the answers beside that of an empty route of the same server (`/nothing`), which every
fifth post goes to, and the pauses of Python's garbage collector. Exits with 1 when anything was lost or is wrong.
"""

from __future__ import annotations

import argparse
import gc
import http.client
import importlib
import json
import multiprocessing as mp
import random
import statistics
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil

LOCATION = "locBurst000000000001"
HOOK, NOTHING = "/webhooks/highlevel", "/nothing"
PATIENCE = 180.0
Post = tuple[bytes, dict[str, str]]


def highlevel(options: argparse.Namespace, pipe: Any) -> None:
    """Makes the account, lets things happen in it, signs what it would deliver, and answers."""
    from hlcore.sandbox import Sandbox, serve

    sandbox = Sandbox(lambda: datetime.now(UTC), seed=3)
    home = sandbox.add_location(LOCATION, "Burst", "UTC")
    home.rate_limit.enforced = False
    if not options.limited:
        home.rate_limit.burst = home.rate_limit.daily = 10**7
    ids = home.fill(options.contacts)
    with serve(sandbox) as server:
        pipe.send((server.url, sandbox.token_of(LOCATION), sandbox.keys.public_pem))
        pipe.recv()  # the first copy is made
        dice = random.Random(5)
        touched = dice.sample(ids, min(300 if options.limited else 1_500, options.contacts // 4))
        lost, edited = touched[: len(touched) // 3], touched[len(touched) // 3 :]
        for contact_id in lost:
            home.delete(contact_id)
        deleted_at = {event.payload["id"]: event.payload["timestamp"] for event in home.events}
        for number in range(3):
            for contact_id in edited:
                home.edit(contact_id, city=f"City {number}")
        true = list(home.events)
        pipe.send((deliveries(true, sandbox.keys, options.events, dice), deleted_at, edited, len(true)))
        pipe.recv()


def deliveries(true: list[Any], keys: Any, count: int, dice: random.Random) -> list[Post]:
    """The true ones, once each at least, among so many in all, in no order."""
    from hlcore.sandbox.webhooks import SandboxEvent, SigningKeys

    posts = [(event.body, event.headers()) for event in true]
    forger = SigningKeys()
    while len(posts) < count:
        event, kind = dice.choice(true), dice.random()
        if kind < 0.6:
            posts.append((event.body, event.headers()))
            continue
        if kind < 0.75:
            posts.append((event.body.replace(b"City", b"Town") + b" ", event.headers()))
            continue
        if kind < 0.85:
            other = SandboxEvent(event.payload, forger)
        elif kind < 0.9:
            other = SandboxEvent({**event.payload, "locationId": "elsewhere"}, keys)
        else:
            old = (datetime.now(UTC) - timedelta(hours=9)).isoformat()
            other = SandboxEvent({**event.payload, "webhookId": f"old-{len(posts)}", "timestamp": old}, keys)
        posts.append((other.body, other.headers()))
    dice.shuffle(posts)
    return posts


def contact_vault(url: str, token: str, key: str, options: argparse.Namespace, pipe: Any) -> None:
    """The webhook route, the worker and rounds without a pause, in one process as in the app."""
    from hlcore.highlevel import Limiter, SystemClock
    from hlcore.store import Vault
    from hlcore.ui.server import THREAD_SWITCH_SECONDS
    from hlcore.worker.loop import Worker
    from tests.benchmarks.webhook_server import open_context, serve_webhooks

    for name in ("pandas", "plotly.express"):  # as the pages have them: what is loaded costs the collector time
        importlib.import_module(name)
    sys.setswitchinterval(options.switch or THREAD_SWITCH_SECONDS)
    if options.same_file:
        Vault.inbox = property(lambda self: self)  # type: ignore[method-assign,assignment]
    context = open_context(LOCATION, url, token, key, postgres=options.postgres)
    context._limiters[LOCATION] = Limiter(SystemClock(), per_10s=100, per_day=10**9, interactive_share=0)
    rounds = Rounds(context)
    rounds.one()
    worker = Worker(lambda: context)
    with serve_webhooks(context) as port:
        worker.start()
        rounds.start()
        pauses = watch_collector()
        pipe.send(port)
        memory = [memory_mb()]
        while not pipe.poll(2.0):  # until everything has been posted
            memory.append(memory_mb())
        meanwhile = {"pauses": {kind: tuple(found) for kind, found in pauses.items()}, "sync": rounds.told()}
        caught_up = wait_until_worked_off(context)
        memory.append(memory_mb())
        rounds.stop()
    worker.stop()
    context.close()
    pipe.send({**meanwhile, "memory": memory, "caught_up": caught_up, "trouble": rounds.trouble, **state_of(context)})
    context.close()


def memory_mb() -> int:
    return round(psutil.Process().memory_info().rss / 2**20)


class Rounds:
    """Listings one after the other; each finds that every contact has changed."""

    def __init__(self, context: Any) -> None:
        self.outcomes: Counter[str] = Counter()
        self.requests = 0
        self.trouble = ""
        self._context, self._rules = context, context.rules(context.location(LOCATION))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.start = self._thread.start

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)

    def told(self) -> dict[str, Any]:
        return {**self.outcomes, "requests": self.requests}

    def one(self) -> str:
        from hlcore.sync.listing.run import sync_location

        with self._context.location_context(LOCATION) as context:
            before = self.requests
            counting = replace(context, listener=lambda _: setattr(self, "requests", before + context.client.requests))
            return sync_location(counting, self._rules).outcome

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._forget()
                self.outcomes[self.one()] += 1
        except Exception as exc:
            self.trouble = f"the rounds ended: {exc}"

    def _forget(self) -> None:
        """The copies say something else than HighLevel, so that the next round writes every row and a version."""
        from sqlalchemy import update

        from hlcore.store.tables import contact_bytes, contacts

        with self._context.vault.write() as tx:
            tx.execute(update(contacts).values(digest=b"", date_updated=None))
            tx.execute(update(contact_bytes).values(raw=b'{"id":"another"}'))


def watch_collector() -> dict[str, list[float]]:
    """Python's collector notes its pauses here, by generation, in seconds."""
    pauses: dict[str, list[float]] = {"0": [], "1": [], "2": []}
    began = [0.0]

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "stop":
            pauses[str(info["generation"])].append(time.perf_counter() - began[0])
        began[0] = time.perf_counter()

    gc.callbacks.append(note)
    return pauses


def wait_until_worked_off(context: Any) -> float:
    from hlcore.store import webhook_inbox

    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with context.vault.inbox.read() as tx:
            if not webhook_inbox.backlog(tx, at=context.clock.now() + timedelta(minutes=2))[0]:
                break
        time.sleep(0.2)
    return time.monotonic()


def state_of(context: Any) -> dict[str, Any]:
    from hlcore.store import webhook_inbox
    from hlcore.store.contacts import search as contact_search
    from hlcore.store.deletions import queries as deletion_queries

    with context.vault.read() as tx:
        found = deletion_queries.iterate(tx, deletion_queries.RegisterQuery((LOCATION,)))
        rows = {row.contact_id: (row.status, row.deleted_at) for row in found}
        details = {c.contact_id: c.detail for c in contact_search.iterate(tx, contact_search.ContactQuery((LOCATION,)))}
    with context.vault.inbox.read() as tx:
        known = tx.exec_driver_sql("SELECT count(*) FROM webhook_inbox").scalar_one()
        errors = tx.exec_driver_sql("SELECT error, count(*) FROM webhook_inbox WHERE error <> '' GROUP BY 1").all()
        counts = webhook_inbox.count_refusals(tx, "2000-01-01")
        waiting = webhook_inbox.backlog(tx, at=context.clock.now() + timedelta(minutes=2))[0]
    errors = [tuple(row) for row in errors]
    return {
        "rows": rows, "details": details, "known": known, "errors": errors, "counts": counts, "waiting": waiting,
    }  # fmt: skip


def post(port: int, jobs: list[tuple[str, Post]], answered: list[tuple[str, float, int]]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for number, (path, (body, headers)) in enumerate(jobs, 1):
        began = time.perf_counter()
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        answered.append((path, time.perf_counter() - began, answer.status))
        if number % 10 == 0:
            time.sleep(0.02)  # a burst is over


def burst(port: int, posts: list[Post], connections: int) -> list[tuple[str, float, int]]:
    """Everything is posted, and every fifth post is one to the empty route: path, seconds, status of each."""
    jobs = [job for n, each in enumerate(posts) for job in [(NOTHING, each)] * (n % 4 == 3) + [(HOOK, each)]]
    parts = [(jobs[n::connections], []) for n in range(connections)]
    threads = [threading.Thread(target=post, args=(port, *part)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answer for _, answered in parts for answer in answered]


def run(options: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """The figures, and what is wrong."""
    spawn = mp.get_context("spawn")
    theirs, hl = spawn.Pipe()
    spawn.Process(target=highlevel, args=(options, hl), daemon=True).start()
    url, token, key = theirs.recv()
    ours, vault = spawn.Pipe()
    spawn.Process(target=contact_vault, args=(url, token, key, options, vault), daemon=True).start()
    port = ours.recv()
    theirs.send("go")
    posts, deleted_at, edited, true = theirs.recv()
    gc.disable()  # what measures makes no pauses of its own
    began = time.monotonic()
    answers = burst(port, posts, options.connections)
    posted = time.monotonic()
    ours.send("done")
    found = ours.recv()
    theirs.send("end")
    statuses = Counter(status for path, _, status in answers if path == HOOK)
    figures = {
        "posted": len(posts), "per_second": round(len(posts) / (posted - began)), "answers": statuses,
        **times("", [took for path, took, _ in answers if path == HOOK]),
        **times("floor_", [took for path, took, _ in answers if path == NOTHING]),
        "caught_up_after_seconds": round(found["caught_up"] - posted, 1), "true_events": true,
        "known_ids": found["known"], "counts": found["counts"], "errors": found["errors"],
        "memory_mb": found["memory"], "sync_meanwhile": found["sync"],
        "collector_ms": {kind: [len(all_), round(max(all_) * 1000)] for kind, all_ in found["pauses"].items() if all_},
        "inbox": "same file" if options.same_file else "PostgreSQL" if options.postgres else "own file",
        "load": round(psutil.getloadavg()[0], 1),
    }  # fmt: skip
    return figures, wrong(found, statuses, posts, deleted_at, edited)


def times(name: str, took: list[float]) -> dict[str, float]:
    hundredths = statistics.quantiles(took, n=100)
    found = {"p50": hundredths[49], "p99": hundredths[98], "max": max(took)}
    return {f"{name}{kind}_ms": round(seconds * 1000, 1) for kind, seconds in found.items()}


def wrong(
    found: dict[str, Any], statuses: Counter[int], posts: list[Post], deleted_at: dict[str, str], edited: list[str]
) -> list[str]:
    """What must not be: an id lost, a state that is not HighLevel's, a sync that did not run."""
    from hlcore.highlevel.webhook_signature import parse_event

    rows, told = found["rows"], {i: datetime.fromisoformat(at) for i, at in deleted_at.items()}
    lost = [i for i, at in told.items() if rows.get(i) not in (("deleted", at), ("merged", at))]
    stale = [i for i in edited if b"City 2" not in (found["details"][i] or b"")]
    extra = [i for i, row in rows.items() if i not in told and row[0] in ("deleted", "merged", "suspected")]
    genuine = {event.webhook_id for body, _ in posts if (event := parse_event(body)) and event.location_id == LOCATION}
    checks = {
        f"{len(lost)} deletions without their exact time": lost,
        f"{len(stale)} edits not read": stale,
        f"{len(extra)} false deletions": extra,
        f"{found['known']} ids are known instead of {len(genuine)}": found["known"] != len(genuine),
        f"answers other than 200 and 401: {dict(statuses)}": statuses.keys() - {200, 401},
        f"not worked off after {PATIENCE:.0f} seconds": found["waiting"],
        found["trouble"]: found["trouble"],
    }
    return [words for words, bad in checks.items() if bad]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--contacts", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--same-file", action="store_true")
    parser.add_argument("--limited", action="store_true", help="100 requests in 10 seconds, as HighLevel allows")
    parser.add_argument("--switch", type=float, default=0.0, help="Python's switch interval; 0: the app's")
    parser.add_argument("--postgres", default="")
    figures, breaches = run(parser.parse_args())
    print(json.dumps({**figures, "wrong": breaches}, default=str))
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()
