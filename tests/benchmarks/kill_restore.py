"""Kill a restore again and again while a tenth of the answers are lost or 5xx: nothing twice, nothing missing.

    python -m tests.benchmarks.kill_restore [KILLS] [CONTACTS] [DATABASE_URL]

Each contact has two notes, a task, an opportunity with a follower, an appointment and tags. Each session of the restore
is a process that dies by `kill -9`, in turn at a chosen step and from outside at a random time; only kills that hit a
living process count. HighLevel's search lags by half a minute. Then the job runs to its end while answers are still
lost, and the sandbox is compared with what was deleted, with the journal and with the receipt. Exits with 1 when
anything differs.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from hlcore.errors import VaultError
from hlcore.highlevel import Client, Limiter
from hlcore.restore.job_control import create_job, retry_job
from hlcore.restore.journal_entries import CREATE
from hlcore.sandbox import Sandbox, serve
from hlcore.settings import Settings
from hlcore.store import Vault, locations
from hlcore.store.restores import jobs as restore_jobs
from hlcore.store.restores import journal
from tests.benchmarks.restore_setup import add_records, store_records
from tests.restore.conftest import LOCATION, SAM, World
from tests.support.contacts_with_records import records_of
from tests.support.killed_restore import FastClock

MAX_STEPS = 100
"""A process that dies at a chosen step does at most this many."""
MAX_SECONDS = 0.5
"""Seconds after which a process is killed from outside at the latest."""
LAG = 30.0
KINDS = ("notes", "tasks", "deals", "appointments")
SAME = ("firstName", "lastName", "email", "phone", "tags", "city", "companyName", "dnd")


class MovableClock(FastClock):
    """The system clock, which can be advanced over waits."""

    def __init__(self) -> None:
        super().__init__(0)

    @property
    def ahead(self) -> float:
        """Seconds by which it is fast."""
        return self.offset.total_seconds()

    def advance(self, seconds: float) -> None:
        """Let this much time pass at once."""
        self.offset += timedelta(seconds=seconds)


@dataclass(slots=True)
class Story:
    """What was deleted (`before`: contact and records by id), and how often processes ended how."""

    world: World
    clock: MovableClock
    url: str
    before: dict[str, tuple[dict[str, Any], dict[str, list[Any]]]] = field(default_factory=dict)
    ends: Counter[str] = field(default_factory=Counter)
    retried: int = 0


def main(kills: int, people: int, url: str) -> int:
    """Return how many things are not as they must be, kills that came too late among them."""
    clock = MovableClock()
    sandbox = Sandbox(clock.now, seed=11)
    place = sandbox.add_location(LOCATION, "Killed & Sons")
    place.rate_limit.burst = 1_000_000
    vault = Vault.open(url)
    with serve(sandbox) as server:
        client = Client(
            LOCATION, lambda: sandbox.token_of(LOCATION), base_url=server.url, limiter=Limiter(clock), clock=clock
        )
        with vault.write() as tx:
            named = {"name": place.name, "timezone": "UTC", "company_id": "", "token": b""}
            locations.connect(tx, LOCATION, **named, at=clock.now(), raw=client.location())
        settings = Settings(index_lag_minutes=1)
        world = World(vault, clock, sandbox, place, client, server.url, settings)  # type: ignore[arg-type]
        story = Story(world, clock, url)
        _delete_contacts(story, people)
        _kill_until(story, kills)
        _run_to_the_end(story)
        wrong = _count_errors(story) + (kills - story.ends["killed"])
        client.close()
    vault.close()
    return wrong


def _delete_contacts(story: Story, people: int) -> None:
    """Delete this many contacts with records, and confirm their restore."""
    world, place = story.world, story.world.location
    place.add_workflow("Welcome", trigger="contact_created")
    place.add_workflow("Tagged", trigger="tag_added")
    ids, sam = place.fill(people), place.add_user("Sam")
    for number, contact_id in enumerate(ids):
        none = {"email": None, "phone": None} if number % 10 == 0 else {"email": f"p{number}@example.com"}
        place.edit(contact_id, tags=["vip", f"group {number % 7}"], **none)
        add_records(place, contact_id, number, follower=sam)
    world.copy(details=True)
    store_records(world)
    was = {one: (dict(place.contacts[one]), records_of(world, one)) for one in ids}
    world.lose(*ids)
    world.sandbox.ledger.clear()
    plan = world.plan(*ids)
    world.job_id = create_job(world.vault, plan, SAM, world.clock.now)
    story.before = {one.contact_id: was[one.contact_id] for one in plan.items if one.action == "recreate"}
    place.faults.lag = LAG
    for method in ("POST", "PUT"):
        place.faults.on("lost_answer", share=0.04, where=f"{method} /")
        place.faults.on("done_but", status=500, share=0.03, where=f"{method} /")
        place.faults.on("status", status=502, share=0.03, where=f"{method} /")
    place.faults.on("lost_answer", share=0.05, where="GET /")
    place.faults.on("status", status=503, share=0.05, where="GET /")


def _kill_until(story: Story, kills: int) -> None:
    chance = random.Random(5)
    began = time.monotonic()
    while story.ends["killed"] < kills:
        inside = bool(story.ends["killed"] % 2)
        story.ends[
            _run_process(story, chance.randint(1, MAX_STEPS) if inside else 0, chance.uniform(0, MAX_SECONDS))
        ] += 1
        with story.world.vault.read() as tx:
            job = restore_jobs.get_job(tx, story.world.job_id)
        if job.state == "done":
            break
    with story.world.vault.read() as tx:
        job = restore_jobs.get_job(tx, story.world.job_id)
    print(
        f"{dict(story.ends)} in {time.monotonic() - began:.0f} s; {job.finished} of {job.total} contacts done by then"
    )


def _run_process(story: Story, moment: int, seconds: float) -> str:
    """Let one process work on the job; return how it ended."""
    world = story.world
    told = [story.url, world.url, world.sandbox.token_of(LOCATION), str(world.job_id), str(moment)]
    command = [sys.executable, "-m", "tests.support.killed_restore", *told, str(story.clock.ahead)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    if not moment:
        time.sleep(seconds)
        if process.poll() is None:
            process.kill()
    _, told_error = process.communicate(timeout=300)
    if process.returncode == -signal.SIGKILL:
        return "killed"
    if process.returncode:
        last = (told_error.decode().strip().splitlines() or ["?"])[-1]
        return f"ended by {last.partition(':')[0].rpartition('.')[2]}"
    story.clock.advance(LAG * 2)
    return "ended by itself"


def _run_to_the_end(story: Story) -> None:
    """Run the job in this process until nothing waits, while answers are still lost; retry what failed."""
    world = story.world
    for _ in range(400):
        try:
            result = world.run()
        except VaultError as exc:
            story.ends[f"last: {type(exc).__name__}"] += 1
            continue
        if result.state == "done":
            bad = [one for one in world.receipt().values() if one["outcome"] == "failed" or not _is_as_planned(one)]
            if not bad or not retry_job(world.vault, world.job_id, SAM, world.clock.now):
                break
            story.retried += len(bad)
        story.clock.advance(LAG * 2)


def _is_as_planned(row: dict[str, Any]) -> bool:
    return row["outcome"] == "skipped" or bool(row["verified"])


def _count_errors(story: Story) -> int:
    world, place = story.world, story.world.location
    place.faults.clear()
    receipt = {one: world.receipt()[one] for one in story.before}
    wrong: Counter[str] = Counter()
    for old, (fields, had) in story.before.items():
        _compare(world, receipt[old], fields, had, wrong)
    made = [row["new_id"] for row in receipt.values()]
    live = set(place.contacts)
    wrong["contacts twice or unknown"] = len(live - set(made))
    wrong["contacts missing"] = len(set(made) - live) + len(made) - len(set(made))
    _compare_with_journal(world, live, wrong)
    ledger = world.sandbox.ledger
    for name in ("messages_sent", "reached", "creates_without_dnd", "off_contract", "crashes"):
        wrong[name] = len(getattr(ledger, name))
    struck = sum(bool(one.fault) for one in ledger if one.method in ("POST", "PUT"))
    writes = sum(one.method in ("POST", "PUT") and not one.path.endswith("/search") for one in ledger)
    print(f"people {len(made)}, killed {story.ends['killed']}, tried again by a person {story.retried}")
    print(f"requests {len(ledger)}, writes {writes}, of which struck {struck}; workflows {len(ledger.workflow_starts)}")
    print(f"not as it must be: {dict(+wrong) or 'nothing'}")
    return sum(wrong.values())


def _compare(
    world: World, row: dict[str, Any], fields: dict[str, Any], had: dict[str, list[Any]], wrong: Counter[str]
) -> None:
    """Compare one contact and its records with what was deleted."""
    if row["outcome"] != "recreated" or not row["verified"] or row["predicted"] != row["measured"]:
        wrong["receipt not right"] += 1
        print("  ", row["outcome"], row["error"], row["differences"])
    new = world.location.contacts.get(row["new_id"])
    if new is None:
        return
    has = records_of(world, row["new_id"])
    has["notes"] = sorted(note.split("\n\n", 1)[-1] for note in has["notes"])
    for kind in KINDS:
        wrong[f"{kind} twice or unknown"] += len(list((Counter(has[kind]) - Counter(had[kind])).elements()))
        wrong[f"{kind} missing"] += len(list((Counter(had[kind]) - Counter(has[kind])).elements()))
    different = [key for key in SAME if (new.get(key) or None) != (fields.get(key) or None)]
    wrong.update(f"{key} differs" for key in different)


def _compare_with_journal(world: World, live: set[str], wrong: Counter[str]) -> None:
    """Check that what the journal says was created is what exists, each once."""
    place = world.location
    shelves = place.related
    records = {one for shelf in (*shelves.notes.values(), *shelves.tasks.values()) for one in shelf}
    records |= set(shelves.opportunities) | set(shelves.appointments)
    with world.vault.read() as tx:
        entries = [one for one in journal.list_entries(tx, world.job_id) if one.result_id]
    people = [one.result_id for one in entries if one.step == CREATE]
    children = [one.result_id for one in entries if "." in one.step]
    wrong["journal: contacts"] = len(set(people) ^ live) + len(people) - len(set(people))
    wrong["journal: records"] = len(set(children) ^ records) + len(children) - len(set(children))


if __name__ == "__main__":
    arguments = [*sys.argv[1:], *("100", "200", "")[len(sys.argv) - 1 :]]
    with tempfile.TemporaryDirectory() as folder:
        address = arguments[2] or f"sqlite:///{Path(folder) / 'vault.db'}"
        sys.exit(main(int(arguments[0]), int(arguments[1]), address) != 0)
