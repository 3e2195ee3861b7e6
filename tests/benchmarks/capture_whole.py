"""Check that capture holds everything that belongs to random contacts, also after random edits and deletions.

    python -m tests.benchmarks.capture_whole [CONTACTS=300] [DATABASE_URL]

The sandbox answers over HTTP and a simulated clock supplies the time. Every note, task, opportunity, appointment,
conversation, message, e-mail text, follower, business link and entry of a reference list in the vault is compared with
the sandbox. Exits with 1 when anything differs.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from hlcore.sandbox import SandboxLocation
from hlcore.store import Vault, records
from hlcore.sync.capture.reference_lists import SOURCES
from hlcore.sync.capture.run import CaptureReport
from tests.support.vault_comparison import RECORDS, Item, VaultComparison
from tests.sync.conftest import LOCATION, a_world

LISTS = tuple(sorted(SOURCES.keys() - {"location"}))


@dataclass
class Found:
    """`wrong`: what differs, in words; `counts`: what each capture compared, by kind."""

    wrong: list[str] = field(default_factory=list)
    counts: list[dict[str, int]] = field(default_factory=list)
    reports: list[CaptureReport] = field(default_factory=list)
    changes: Counter[str] = field(default_factory=Counter)


def story(vault: Vault, *, people: int, seed: int = 1) -> Found:
    """Everybody is captured, lives on, and is captured again; what then differs from the sandbox."""
    chance, found = random.Random(seed), Found()
    with a_world(vault, people=people) as world:
        _furnish(world.location, chance)
        for contact_id in list(world.location.contacts):
            world.clock.advance(seconds=chance.randint(0, 90))
            _give(world.location, contact_id, chance, world.clock.now() + timedelta(days=chance.randint(-90, 90)))
        copy = VaultComparison(world)
        world.sync()
        _compare(copy, found)
        before = {kind: set(copy.stored(kind)) for kind in (*RECORDS, *LISTS)}
        world.clock.advance(hours=2)
        found.changes = _edit_delete_add(copy, chance)
        world.sync()
        _compare(copy, found)
        found.wrong += _not_marked(copy, before)
    return found


def _furnish(place: SandboxLocation, chance: random.Random) -> None:
    """The account's lists have some entries each; of some more than a page."""
    for at in range(chance.randint(3, 9)):
        place.add_user(f"User {at}")
        place.add_calendar(f"Calendar {at}")
        place.add_pipeline(f"Pipeline {at}", tuple(f"Stage {each}" for each in range(chance.randint(1, 6))))
        place.add_lost_reason(f"Reason {at}")
        place.add_campaign(f"Campaign {at}")
        place.add_workflow(f"Workflow {at}", trigger="never")
        place.add_custom_field(f"Field {at}", data_type=chance.choice(("TEXT", "DATE", "NUMERICAL")))
        place.add_custom_field(f"Deal field {at}", model="opportunity")
        place.add_custom_value(f"Value {at}", f"{at} “ø”")
    for at in range(130):
        place.add_business(f"Business {at}")
        place.add_tag(f"tag {at}")


def _give(place: SandboxLocation, contact_id: str, chance: random.Random, when: object) -> None:
    """A random life: of every kind none, one or several."""
    shelves = place.related
    user, business = chance.choice(list(shelves.users)), chance.choice(list(shelves.businesses))
    for number in range(chance.choice((0, 0, 1, 2, 12))):
        place.add_note(contact_id, f"<p>Note {number} 😀 “ø”</p>", userId=user, pinned=number == 1)
    for number in range(chance.choice((0, 1, 3))):
        place.add_task(contact_id, f"Task {number}", body="call", assignedTo=user, completed=chance.random() < 0.5)
    for number in range(chance.choice((0, 1, 4))):
        pipeline = chance.choice(list(shelves.pipelines))
        values = {"monetaryValue": number * 1.5, "status": chance.choice(("open", "won", "lost")), "source": "fair"}
        place.add_opportunity(contact_id, f"Deal {number}", pipeline_id=pipeline, followers=[user], **values)
    for number in range(chance.choice((0, 0, 2))):
        calendar = chance.choice(list(shelves.calendars))
        place.add_appointment(contact_id, when, calendarId=calendar, title=f"Visit {number}")  # type: ignore[arg-type]
    for number in range(chance.choice((0, 1, 5, 30))):
        place.add_message(contact_id, f"Text {number} 👍", direction=chance.choice(("inbound", "outbound")))
    for number in range(chance.choice((0, 1, 3))):
        _write(place, contact_id, f"<p>Letter {number}</p>", named=chance.random() < 0.5)
    if chance.random() < 0.5:
        place.edit(contact_id, followers=chance.sample(list(shelves.users), 2), businessId=business)


def _write(place: SandboxLocation, contact_id: str, text: str, *, named: bool) -> None:
    """An e-mail; with `named` a second one whose text is only to be had by the first one's id."""
    letter = place.add_message(contact_id, text, kind="EMAIL", subject="About")
    if named:
        place.add_message(contact_id, "", kind="EMAIL", meta={"email": {"messageIds": [letter]}})


def _edit_delete_add(copy: VaultComparison, chance: random.Random) -> Counter[str]:
    """Of every kind a tenth is edited, a tenth deleted, and some are added; how many of which."""
    place, done = copy.world.location, Counter[str]()
    shelves = place.related
    for kind, nested in (("note", shelves.notes), ("task", shelves.tasks)):
        for items in nested.values():
            _shake(kind, items, {"body": "edited"}, chance, done)
    stamp = {"dateUpdated": place.now_iso()}
    _shake("opportunity", shelves.opportunities, {"status": "won", "monetaryValue": 9}, chance, done)
    _shake("appointment", shelves.appointments, {"title": "Moved", **stamp}, chance, done)
    _shake("message", shelves.messages, {"status": "read", **stamp}, chance, done)
    for kind in LISTS:
        shelf: dict[str, Item] = getattr(shelves, "businesses" if kind == "business" else f"{kind}s")
        _shake(kind, shelf, {"name": f"renamed {place.now_iso()}"}, chance, done)
    for contact_id in chance.sample(list(place.contacts), max(3, len(place.contacts) // 20)):
        _give(place, contact_id, chance, copy.world.clock.now())
        place.edit(contact_id, followers=[], city="Elsewhere")
        done["contact given more"] += 1
    return done


def _shake(kind: str, items: dict[str, Item], change: Item, chance: random.Random, done: Counter[str]) -> None:
    """In place, as HighLevel's users would."""
    for key in list(items):
        lot = chance.random()
        if lot < 0.1 and len(items) > 1:
            del items[key]
            done[f"{kind} deleted"] += 1
        elif lot < 0.2:
            items[key] = {**items[key], **change}
            done[f"{kind} edited"] += 1


def _compare(copy: VaultComparison, found: Found) -> None:
    """One session, then the copy."""
    report = copy.capture()
    found.reports.append(report)
    found.wrong += copy.differences() + copy.reference_list_differences() + _texts_missing(copy)
    found.wrong += [f"not complete: {report.reason}"] if not report.complete else []
    found.counts.append({kind: len(copy.stored(kind)) for kind in (*RECORDS, "email", *LISTS)})


def _texts_missing(copy: VaultComparison) -> list[str]:
    """E-mails that another message names, and whose text is not held although the sandbox has it."""
    theirs, texts = copy.live("message"), copy.stored("email")
    named = [each for one in theirs.values() for each in one.get("meta", {}).get("email", {}).get("messageIds", ())]
    wanted = [each for each in named if each in theirs]
    return [f"text of {one}" for one in wanted if texts.get(one, {}).get("body") != theirs[one]["body"]]


def _not_marked(copy: VaultComparison, before: dict[str, set[str]]) -> list[str]:
    """Records that vanished and are not held any more, or not marked."""
    wrong = []
    with copy.world.vault.read() as tx:
        for kind, ids in before.items():
            rows = {row.record_id: row for row in records.iterate(tx, LOCATION, kind)}
            gone = ids - set(copy.stored(kind))
            wrong += [f"{kind} {one}: lost" for one in ids - set(rows)]
            wrong += [f"{kind} {one}: not marked" for one in gone & set(rows) if rows[one].vanished_at is None]
    return wrong


def main(people: int, url: str = "") -> int:
    """0 when everything is equal, twice."""
    with tempfile.TemporaryDirectory() as folder:
        vault = Vault.open(url or f"sqlite:///{folder}/vault.db")
        began = time.monotonic()
        found = story(vault, people=people)
        vault.close()
    for report, counts in zip(found.reports, found.counts, strict=True):
        print(f"{people} people, {report.requests} requests, held: {counts}")
    print(f"in between: {dict(sorted(found.changes.items()))}")
    print(f"on {vault.dialect} in {time.monotonic() - began:.0f} s; different: {len(found.wrong)} {found.wrong[:10]}")
    return int(bool(found.wrong))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300, *sys.argv[2:3]))
