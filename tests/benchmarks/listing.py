"""The whole way of a listing (HTTP, decode, compare, store) against the database's own writing of the same bytes.

    python tests/benchmarks/listing.py [CONTACTS] [DATABASE_URL]

The sandbox runs in a process of its own, without latency or rate limit. Prints contacts per second of the first
listing, the ratio to the floor (raw `sqlite3.executemany`, or `COPY` on PostgreSQL, of the same bytes in the same
run), how much faster a second, unchanged listing is, what a watch costs with nothing changed and with ten scattered
deletions, and the peak memory.
"""

from __future__ import annotations

import json
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psycopg

from hlcore.highlevel import Client, Limiter, SystemClock
from hlcore.store import Vault, contacts
from hlcore.sync.listing import sync_location
from hlcore.sync.report import Report
from hlcore.sync.rules import Rules
from hlcore.sync.watch import watch_location


def main(count: int = 100_000, url: str = "") -> None:
    sandbox = subprocess.Popen(
        [sys.executable, "-m", "hlcore.sandbox", "--contacts", str(count), "--no-rate-limit"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert sandbox.stdout
    try:
        where = json.loads(sandbox.stdout.readline())
        with tempfile.TemporaryDirectory() as folder:
            measure(where, count, url or f"sqlite:///{folder}/vault.db", Path(folder))
    finally:
        sandbox.terminate()
        sandbox.wait()


def measure(where: dict[str, str], count: int, url: str, folder: Path) -> None:
    vault, clock = Vault.open(url), SystemClock()
    limiter = Limiter(clock, per_10s=10**6, per_day=10**9, interactive_share=0)
    client = Client(
        where["location_id"],
        lambda: where["token"],
        base_url=where["url"],
        limiter=limiter,
        clock=clock,
    )

    def look(how: object = sync_location) -> tuple[Report, float]:
        began = time.perf_counter()
        report: Report = how(vault, client, Rules(), now=clock.now)  # type: ignore[operator]
        return report, time.perf_counter() - began

    first, seconds = look()
    print(f"first listing: {first.outcome}, {first.seen:,} contacts in {seconds:.1f} s, {first.seen / seconds:,.0f}/s")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    floor = floor_of(vault, where["location_id"], url, folder)
    print(f"floor: {count / floor:,.0f}/s; ratio {floor / seconds:.2f}")
    again, faster = look()
    print(
        f"unchanged listing: {again.outcome}, {faster:.1f} s, {seconds / faster:.1f} x faster, "
        f"{again.requests} requests"
    )
    quiet, seconds = look(watch_location)
    print(f"watch, nothing changed: {quiet.outcome}, {quiet.requests} requests, {seconds:.1f} s")
    ids = ids_of(vault, where["location_id"])
    headers = {"Authorization": f"Bearer {where['token']}", "Version": "2021-07-28"}
    for contact_id in (gone := random.Random(4).sample(ids, 10)):
        httpx.delete(f"{where['url']}/contacts/{contact_id}", headers=headers).raise_for_status()
    found, seconds = look(watch_location)
    print(
        f"watch, {len(gone)} deletions: {found.outcome}, {found.deleted} found, "
        f"{found.requests} requests, {seconds:.1f} s"
    )


def rows_of(vault: Vault, location_id: str) -> list[tuple[str, bytes]]:
    with vault.read() as tx:
        return [(row.contact_id, row.raw) for row in contacts.iterate(tx, contacts.ContactQuery((location_id,)))]


def ids_of(vault: Vault, location_id: str) -> list[str]:
    with vault.read() as tx:
        return [row.contact_id for row in contacts.iterate(tx, contacts.ContactQuery((location_id,)))]


def floor_of(vault: Vault, location_id: str, url: str, folder: Path) -> float:
    """Seconds that the database needs for the bare bytes."""
    rows = rows_of(vault, location_id)
    if url.startswith("sqlite"):
        began = time.perf_counter()
        with sqlite3.connect(folder / "floor.db") as raw:
            raw.execute("CREATE TABLE floor (id TEXT PRIMARY KEY, raw BLOB)")
            raw.executemany("INSERT INTO floor VALUES (?, ?)", rows)
        return time.perf_counter() - began
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=False) as pg:
        pg.execute("CREATE TEMPORARY TABLE floor (id text PRIMARY KEY, raw bytea)")
        began = time.perf_counter()
        with pg.cursor().copy("COPY floor (id, raw) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["text", "bytea"])
            for row in rows:
                copy.write_row(row)
        pg.commit()
    return time.perf_counter() - began


if __name__ == "__main__":
    main(*(int(sys.argv[1]),) if len(sys.argv) == 2 else (int(sys.argv[1]), sys.argv[2]) if len(sys.argv) > 2 else ())
