"""Measure the speed and peak memory of exporting a whole location as CSV.

    python -m tests.benchmarks.export_contacts [CONTACTS] [--url URL] [--keep FOLDER]

The floor is `csv.writer` and the encoding of the same rows. The export runs in a process of its own, so that its peak
memory is its own.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from hlcore.export import ExportKind, ExportMode, ExportSelection, export_file
from hlcore.governance.roles import cli_user
from hlcore.model.contact import Contact, parse_contact
from hlcore.store import Vault, locations, records
from hlcore.store.contacts import search as contact_search
from hlcore.store.contacts import writes as contact_writes

NOW = datetime(2026, 11, 23, tzinfo=UTC)
PLACE = "ve9EPM428h8vShlRW1KT"
FIELDS = 12
BATCH = 5_000
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
FIRST = ("Ana", "Björn", "Chloé", "Dmitri", "Éva", "Fatima", "Giulia", "Hồng", "Ian", "=Jo", "محمد", "Zoë 😀")
WORDS = ("quiet", "river", "bright", "morning", "small", "garden", "open", "window", "green", "paper", "summer")


def made(count: int) -> Iterator[Contact]:
    """Invented contacts of some 1.2 kB, the same every time."""
    dice = Random(7)
    start = datetime(2020, 1, 1, tzinfo=UTC)
    for number in range(count):
        first, last = dice.choice(FIRST), f"{dice.choice(WORDS).title()} {number}"
        added = (start + timedelta(seconds=number * 60)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        row = {
            "id": "".join(dice.choices(LETTERS, k=20)),
            "locationId": PLACE,
            "contactName": f"{first} {last}",
            "firstName": first,
            "lastName": last,
            "email": f"person{number}@example.com",
            "phone": f"+1555{number:07}",
            "companyName": f"{dice.choice(WORDS).title()} Ltd",
            "type": "lead",
            "source": "form",
            "assignedTo": f"user{number % 20}",
            "address1": f"{number} Main St",
            "city": "Springfield",
            "state": "IL",
            "country": "US",
            "postalCode": f"{number % 100_000:05}",
            "timezone": "America/Chicago",
            "dnd": number % 17 == 0,
            "dndSettings": {"SMS": {"status": "active", "message": "", "code": ""}, "Email": {"status": "inactive"}},
            "tags": dice.sample(WORDS, 3),
            "customFields": [
                {"id": f"field{place}", "value": " ".join(dice.choices(WORDS, k=3))} for place in range(FIELDS // 2)
            ],
            "additionalEmails": [{"email": f"other{number}@example.com"}],
            "additionalPhones": [],
            "followers": [],
            "dateAdded": added,
            "dateUpdated": added,
            "searchAfter": [number, "x"],
        }
        yield parse_contact(json.dumps(row, ensure_ascii=False).encode())


def fill(vault: Vault, count: int) -> None:
    """The vault holds so many contacts and their catalogue."""
    with vault.write() as tx:
        locations.connect(
            tx, PLACE, name="Bench", timezone="UTC", company_id="", token=b"x", at=NOW, raw=None
        )  # fmt: skip
        catalogue = [
            (f"field{place}", "", json.dumps({"id": f"field{place}", "name": f"Field {place}"}).encode())
            for place in range(FIELDS)
        ]
        records.save(tx, PLACE, "custom_field", catalogue, at=NOW)
    source, done = made(count), 0
    while done < count:
        with vault.write() as tx:
            part = [next(source) for _ in range(min(BATCH, count - done))]
            contact_writes.insert_contacts(tx, PLACE, part, at=NOW)
        done += len(part)


def floor(path: Path) -> tuple[int, float]:
    """Rows and seconds of csv.writer on the very rows of this file, encoded, thrown away."""
    rows, seconds = 0, 0.0
    with path.open(encoding="utf-8-sig", newline="") as source:
        reader = csv.reader(source)
        while True:
            part = [row for _, row in zip(range(BATCH), reader, strict=False)]
            if not part:
                return rows - 1, seconds
            text = io.StringIO(newline="")
            began = time.process_time()
            csv.writer(text, lineterminator="\r\n").writerows(part)
            text.getvalue().encode()
            seconds += time.process_time() - began
            rows += len(part)


def export_once(url: str, path: Path, mode: ExportMode) -> None:
    """One export, its figures as JSON on standard output."""
    vault = Vault.open(url)
    before = peak_kb()
    began, busy = time.perf_counter(), time.process_time()
    manifest = export_file(
        vault, ExportSelection(ExportKind.CONTACTS), path, mode=mode, user=cli_user(), now=lambda: NOW
    )  # fmt: skip
    seconds = time.perf_counter() - began
    figures = {"seconds": seconds, "busy": time.process_time() - busy, "before_kb": before, "peak_kb": peak_kb()}
    print(json.dumps({**manifest.to_json(), **figures}))


def peak_kb() -> int:
    """The most memory this process has held, in kB (what the process that started it held does not count)."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def run(count: int, url: str, folder: Path) -> None:
    """Fill, export in each mode, compare."""
    vault = Vault.open(url)
    with vault.read() as tx:
        held = sum(sum(mine.values()) for mine in contact_search.count_by_status(tx, [PLACE]).values())
    if not held:
        began = time.perf_counter()
        fill(vault, count)
        print(f"made {count:,} contacts in {time.perf_counter() - began:.0f} s")
    vault.close()
    for mode in ExportMode:
        path = folder / f"{mode}.csv"
        command = [sys.executable, __file__, "--once", str(mode), "--url", url, "--keep", str(folder)]
        told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        rows, least = floor(path)
        print(
            f"{mode}: {told['rows']:,} rows, {told['bytes'] / 1e6:,.0f} MB in {told['seconds']:.1f} s = "
            f"{told['rows'] / told['seconds']:,.0f} rows/s; processor {told['busy']:.1f} s; floor {least:.1f} s = "
            f"{rows / least:,.0f} rows/s; processor/floor {told['busy'] / least:.1f}; "
            f"peak memory {told['peak_kb'] / 1024:,.0f} MB (before: {told['before_kb'] / 1024:,.0f} MB)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contacts", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--url", default="")
    parser.add_argument("--keep", type=Path, default=None, help="folder for the vault and the files")
    parser.add_argument("--once", type=ExportMode, default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        url = given.url or f"sqlite:///{folder / 'vault.db'}"
        if given.once:
            export_once(url, folder / f"{given.once}.csv", given.once)
        else:
            run(given.contacts, url, folder)


if __name__ == "__main__":
    main()
