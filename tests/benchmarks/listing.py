"""Measure a listing (HTTP, decode, compare, store) against the database writing the same bytes.

    python -m tests.benchmarks.listing [CONTACTS] [DATABASE_URL]

The sandbox runs in a process of its own, without latency or rate limit. Two floors come from the same run, by raw
`sqlite3.executemany` or by `COPY` on PostgreSQL: the bare bytes in a table of their own, and the same finished rows in
the vault's tables with their columns and indexes.

Prints the contacts per second and the processor time per contact of the first listing, its ratio to both floors, how
much faster a second, unchanged listing is, what a watch costs with no, ten scattered and thousands of deletions, and
the peak memory. On a busy machine only processor times compare.
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
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from hlcore.highlevel import Client, Limiter, SystemClock
from hlcore.location_context import LocationContext
from hlcore.store import Vault
from hlcore.store.contacts import search as contact_search
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions.queries import RegisterQuery
from hlcore.sync.listing.run import sync_location
from hlcore.sync.run_context import SyncReport, SyncRules
from hlcore.sync.watch import watch_location

Sync = Callable[[LocationContext, SyncRules], SyncReport]


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds by the clock, and of this process's processor time."""

    clock: float
    processor: float

    @classmethod
    def now(cls) -> Spent:
        return cls(time.perf_counter(), time.process_time())

    def __sub__(self, began: Spent) -> Spent:
        return Spent(self.clock - began.clock, self.processor - began.processor)

    def describe(self, count: int) -> str:
        """In words, for so many contacts."""
        each = self.processor / count * 1e6
        return f"{self.clock:.2f} s, {count / self.clock:,.0f}/s, {each:.1f} µs of processor for each"

    def reaches(self, floor: Spent) -> str:
        """What share of the floor's speed this is."""
        by_clock, by_processor = floor.clock / self.clock, floor.processor / self.processor
        return f"the first listing reaches {by_clock:.2f} of it by the clock, {by_processor:.2f} by the processor"


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
    client = Client(where["location_id"], lambda: where["token"], base_url=where["url"], limiter=limiter, clock=clock)

    context = LocationContext(vault, client, client.location_id, clock.now)

    def timed(sync: Sync = sync_location) -> tuple[SyncReport, Spent]:
        began = Spent.now()
        report = sync(context, SyncRules())
        return report, Spent.now() - began

    first, spent = timed()
    print(f"first listing: {first.outcome}, {first.seen:,} contacts in {spent.describe(count)}")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    bare = floor_of(vault, where["location_id"], url, folder)
    print(f"floor, bare bytes: {bare.describe(count)}; {spent.reaches(bare)}")
    same = same_rows(vault, url, folder)
    print(f"floor, the same rows into the vault's tables: {same.describe(count)}; {spent.reaches(same)}")
    again, faster = timed()
    print(
        f"unchanged listing: {again.outcome}, {faster.describe(count)}, {again.requests} requests; "
        f"faster than the first "
        f"{spent.clock / faster.clock:.1f} x by the clock, {spent.processor / faster.processor:.1f} x by the processor"
    )
    quiet, spent = timed(watch_location)
    print(f"watch, nothing changed: {quiet.outcome}, {quiet.requests} requests, {spent.clock:.1f} s")
    chosen = random.Random(4).sample(ids_of(vault, where["location_id"]), 10 + (bulk := min(5_000, count // 20)))
    delete(where, chosen[:10])
    found, spent = timed(watch_location)
    print(
        f"watch, 10 deletions: {found.outcome}, {found.deleted} found, {found.requests} requests, {spent.clock:.1f} s"
    )
    delete(where, chosen[10:])
    for sync in (watch_location, sync_location):
        found, spent = timed(sync)
        print(
            f"{sync.__name__}, {bulk:,} deletions at once: {found.outcome}, {found.deleted:,} confirmed, "
            f"{found.suspected:,} still suspected, {found.requests:,} requests, {spent.clock:.1f} s; {found.reason}"
        )
    with vault.read() as tx:
        lost = {row.contact_id for row in deletion_queries.iterate(tx, RegisterQuery((where["location_id"],)))}
    print(f"in the register: {len(lost & set(chosen)):,} of {len(chosen):,}; others: {len(lost - set(chosen))}")


def delete(where: dict[str, str], ids: list[str]) -> None:
    """They are deleted in HighLevel."""
    headers = {"Authorization": f"Bearer {where['token']}", "Version": "2021-07-28"}
    with httpx.Client(base_url=where["url"], headers=headers) as http:
        for contact_id in ids:
            http.delete(f"/contacts/{contact_id}").raise_for_status()


def rows_of(vault: Vault, location_id: str) -> list[tuple[str, bytes]]:
    with vault.read() as tx:
        return [
            (row.contact_id, row.raw) for row in contact_search.iterate(tx, contact_search.ContactQuery((location_id,)))
        ]


def ids_of(vault: Vault, location_id: str) -> list[str]:
    with vault.read() as tx:
        return [row.contact_id for row in contact_search.iterate(tx, contact_search.ContactQuery((location_id,)))]


def floor_of(vault: Vault, location_id: str, url: str, folder: Path) -> Spent:
    """What the database needs for the bare bytes."""
    rows = rows_of(vault, location_id)
    if url.startswith("sqlite"):
        began = Spent.now()
        with closing(sqlite3.connect(folder / "floor.db")) as raw, raw:
            raw.execute("CREATE TABLE floor (id TEXT PRIMARY KEY, raw BLOB)")
            raw.executemany("INSERT INTO floor VALUES (?, ?)", rows)
        return Spent.now() - began
    with psycopg.connect(url.replace("+psycopg", "")) as pg:
        pg.execute("CREATE TEMPORARY TABLE floor (id text PRIMARY KEY, raw bytea)")
        began = Spent.now()
        with pg.cursor().copy("COPY floor (id, raw) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["text", "bytea"])
            for row in rows:
                copy.write_row(row)
        pg.commit()
    return Spent.now() - began


TABLES = ("contacts", "contact_bytes")


def same_rows(vault: Vault, url: str, folder: Path) -> Spent:
    """What the database needs for these very rows in tables with the vault's own columns and indexes, in one
    transaction."""
    with vault.read() as tx:
        kept = {name: [tuple(row) for row in tx.exec_driver_sql(f"SELECT * FROM {name} ORDER BY 1")] for name in TABLES}
    if url.startswith("sqlite"):
        Vault.open(f"sqlite:///{folder}/same.db").close()
        with closing(sqlite3.connect(folder / "same.db")) as raw, raw:
            raw.execute("PRAGMA synchronous=NORMAL")
            began = Spent.now()
            for name, rows in kept.items():
                raw.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)
            raw.commit()
            return Spent.now() - began
    with psycopg.connect(url.replace("+psycopg", "")) as pg:  # never committed: nothing of it stays
        for name in TABLES:
            pg.execute(f"CREATE TABLE same_{name} (LIKE {name} INCLUDING ALL)".encode())
        plain = {name: [[json_of(value) for value in row] for row in rows] for name, rows in kept.items()}
        began = Spent.now()
        for name, lists in plain.items():
            with pg.cursor().copy(f"COPY same_{name} FROM STDIN".encode()) as copy:
                for each in lists:
                    copy.write_row(each)
        spent = Spent.now() - began
        pg.rollback()
    return spent


def json_of(value: object) -> object:
    return json.dumps(value) if isinstance(value, list) else value


if __name__ == "__main__":
    main(*(int(sys.argv[1]),) if len(sys.argv) == 2 else (int(sys.argv[1]), sys.argv[2]) if len(sys.argv) > 2 else ())
