"""The demo: two invented locations on a sandbox, with sixty days of history that the real sync has recorded.

Nothing is faked for the screen: the same client talks to the sandbox over HTTP and the same runs notice the deletions;
only the clock is moved by hand. All people in it are invented.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from hlcore.accounts import connection
from hlcore.app_context import AppContext
from hlcore.demo.data import DENTAL, EDITS, FIELDS, RECRUITING, SOURCES, TAGS, USERS, VALUES
from hlcore.highlevel import SystemClock
from hlcore.model.callbacks import Listener, Progress, ignore_progress
from hlcore.model.records import FEED_KINDS, PER_CONTACT_KINDS
from hlcore.sandbox import Sandbox, SandboxLocation, serve
from hlcore.sandbox.state import persistence
from hlcore.sandbox.state.invented_people import People
from hlcore.settings import Settings
from hlcore.store import locations
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import search as contact_search
from hlcore.sync.capture.contact_records import capture_records
from hlcore.sync.capture.feeds import read_feed
from hlcore.sync.capture.session import CaptureSession
from hlcore.sync.listing.run import sync_location

DAYS = 60
SEED = 20
DAILY_FROM = 40
"""From this day on every day ends with a round; before, every third, to be ready sooner."""
FEEDS_ON = (0, 30, 50)
"""On these days the feeds of tasks, opportunities, conversations and messages are read."""
FRESH_FOR = timedelta(days=3)
OVERLOOKED = 24
"""So many of those deleted by accident are not restored by HighLevel's own means."""


@dataclass
class DemoClock:
    """A clock that is moved by hand while the demo's history is built, and the real one after `release`."""

    at: datetime
    real: SystemClock = field(default_factory=SystemClock)
    moved: bool = True

    def now(self) -> datetime:
        """Return the demo's current moment."""
        return self.at if self.moved else self.real.now()

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        return self.at.timestamp() if self.moved else self.real.monotonic()

    def sleep(self, seconds: float) -> None:
        """Move the clock on at once while it is in the past; afterwards wait."""
        if self.moved:
            self.at += max(timedelta(seconds=seconds), timedelta(microseconds=1))  # never stand still
        else:
            self.real.sleep(seconds)

    def release(self) -> None:
        """Follow the real time from now on."""
        self.moved = False


def open_demo(settings: Settings, *, listener: Listener = ignore_progress, afresh: bool = False) -> AppContext:
    """Start the demo's sandbox on loopback and open its own vault, apart from any real one. It is built first if there
    is none or it has become old. Closing the returned context ends the sandbox and saves it."""
    folder = settings.data_dir / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "sandbox.bin"
    if afresh or not _is_fresh(state):
        _build(settings, folder, listener)
    sandbox = Sandbox(lambda: datetime.now(UTC), seed=SEED)
    persistence.load(sandbox, state)
    stack = ExitStack()
    server = stack.enter_context(serve(sandbox))
    context = AppContext.open(_settings(settings, folder, server.url))
    context.on_close.append(lambda: persistence.save(sandbox, state))
    context.on_close.append(stack.close)
    return context


def _is_fresh(state: Path) -> bool:
    if not state.exists():
        return False
    return datetime.now(UTC) - datetime.fromtimestamp(state.stat().st_mtime, UTC) < FRESH_FOR


def _settings(settings: Settings, folder: Path, url: str) -> Settings:
    return settings.model_copy(
        update={
            "database_url": f"sqlite:///{folder / 'vault.db'}",
            "data_dir": folder,
            "api_url": url,
            "location_id": "",
        }
    )


def _build(settings: Settings, folder: Path, listener: Listener) -> None:
    for old in folder.glob("*"):
        old.unlink()
    clock = DemoClock(datetime.now(UTC) - timedelta(days=DAYS, minutes=2))
    sandbox = Sandbox(clock.now, seed=SEED)
    with serve(sandbox) as server:
        context = AppContext.open(_settings(settings, folder, server.url), clock=clock)
        try:
            _DemoHistory(sandbox, context, clock, listener).live()
        finally:
            context.close()
    part = folder / "sandbox.part"
    persistence.save(sandbox, part)
    os.replace(part, folder / "sandbox.bin")


class _DemoHistory:
    """Live through sixty days of two sub-accounts: arrivals, edits, deletions, restores, with a sync after each day."""

    def __init__(self, sandbox: Sandbox, context: AppContext, clock: DemoClock, listener: Listener) -> None:
        self.sandbox, self.context, self.clock, self.listener = sandbox, context, clock, listener
        self.random, self.whims = random.Random(SEED), random.Random(SEED + 1)
        self.people: dict[str, Iterator[dict[str, Any]]] = {}

    def live(self) -> None:
        """Go from the first copy to this moment."""
        recruiting = self._open(RECRUITING, "Harbor & Pine Recruiting", "America/New_York", 1_850)
        dental = self._open(DENTAL, "Brightwater Dental Group", "Europe/London", 1_100)
        events: dict[int, Callable[[], None]] = {
            19: lambda: self._merge(recruiting),
            36: lambda: self._accident(dental),
            37: lambda: self._native_restore(dental),
            57: lambda: self._unsubscribed_leaves(recruiting),
        }
        for day in range(DAYS + 1):
            self.listener(Progress("Living through sixty days of the demo", day, DAYS))
            for location in (recruiting, dental):
                if day:
                    self._ordinary_day(location, day)
                if day >= DAILY_FROM or day % 3 == 0 or day in events:
                    self._sync(location.id)
                if day in FEEDS_ON:
                    self._read_feeds(location.id)
            if day in events:
                self.clock.at += timedelta(minutes=12)
                events[day]()
                self.clock.at += timedelta(minutes=3)
                self._sync(recruiting.id)
                self._sync(dental.id)
            if day < DAYS:
                self.clock.at += timedelta(days=1) - timedelta(minutes=15 if day in events else 0)
        self.clock.release()

    def _open(self, location_id: str, name: str, timezone: str, size: int) -> SandboxLocation:
        location = self.sandbox.add_location(location_id, name, timezone, token=f"demo-{location_id}")
        users = [location.add_user(user) for user in USERS[location_id]]
        fields = [location.add_custom_field(label, data_type=kind) for label, kind in FIELDS[location_id]]
        location.add_pipeline("Placements" if location_id == RECRUITING else "Treatment plans")
        labels = dict(zip(fields, (label for label, _ in FIELDS[location_id]), strict=True))
        self.people[location_id] = self._invent(location_id, users, labels)
        span = 900 * 86_400
        for at in range(size):
            added = self.clock.at - timedelta(seconds=span - at * span // size + 7_200)
            self._arrive(location, dateAdded=added, dateUpdated=added + timedelta(hours=1))
        connection.connect(self.context, location_id, f"demo-{location_id}", is_demo=True)
        return location

    def _invent(self, location_id: str, users: list[str], labels: dict[str, str]) -> Iterator[dict[str, Any]]:
        people = People(f"demo:{location_id}", {}, users)
        while True:
            person = people.invent()
            if not person["firstName"].isalpha() or not person["lastName"].replace(" ", "").isalpha():
                continue
            tags = self.random.sample(TAGS[location_id], self.random.choice((0, 1, 1, 2)))
            answers = [
                {"id": field_id, "value": self.random.choice(VALUES[label])}
                for field_id, label in labels.items()
                if self.random.random() < 0.5
            ]
            source = self.random.choice(SOURCES[location_id])
            yield {**person, "tags": tags, "source": source, "customFields": answers}

    def _arrive(self, location: SandboxLocation, **dates: Any) -> str:
        contact_id = location.create(**next(self.people[location.id]), **dates)
        if self.random.random() < 0.12:
            location.add_note(contact_id, "Called back; prefers the afternoon.")
        if self.random.random() < 0.05:
            location.add_task(contact_id, "Follow up", due=self.clock.at + timedelta(days=3))
        self._deal_and_talk(location, contact_id, dates.get("dateAdded", self.clock.at))
        return contact_id

    def _deal_and_talk(self, location: SandboxLocation, contact_id: str, at: datetime) -> None:
        """Give some contacts an opportunity, an appointment, a conversation."""
        if self.whims.random() < 0.15:
            amount = self.whims.choice((450, 1_200, 3_800))
            location.add_opportunity(contact_id, "First order", monetaryValue=amount)
        if self.whims.random() < 0.15:
            start = self.clock.at + timedelta(days=self.whims.randint(1, 40))
            location.add_appointment(contact_id, start, title="First meeting")
        if self.whims.random() < 0.2:
            location.add_message(contact_id, "Is Thursday still free?", at=at)
            location.add_message(contact_id, "Yes, at ten. See you then!", at=at, direction="outbound")
        if self.whims.random() < 0.1:
            text = "<p>Thank you for your interest. Our offer is attached.</p>"
            location.add_message(contact_id, text, kind="EMAIL", at=at, subject="Our offer", direction="outbound")

    def _ordinary_day(self, location: SandboxLocation, day: int) -> None:
        weekend = (self.clock.at.weekday()) >= 5
        for _ in range(self.random.randint(0, 2) if weekend else self.random.randint(4, 9)):
            self._arrive(location)
        known = list(location.contacts)
        for contact_id in self.random.sample(known, 3 if weekend else 14):
            location.edit(contact_id, **self.random.choice(EDITS))
        leaving = self.random.choice((0, 0, 1)) if weekend else self.random.choice((0, 1, 1, 2, 3))
        gone = self.random.sample(known, leaving)
        self._leave(location, gone, captured=gone)
        back = [contact_id for contact_id in location.trash if self.random.random() < 0.004 and day > 5]
        location.native_restore(*[contact_id for contact_id in back if contact_id not in gone][:1])

    def _merge(self, location: SandboxLocation) -> None:
        winner, loser = self.random.sample([i for i, c in location.contacts.items() if c.get("email")], 2)
        location.merge(winner, loser)

    def _accident(self, location: SandboxLocation) -> None:
        """Delete 140 contacts at once: somebody picked the wrong list."""
        chosen = self.random.sample(list(location.contacts), 140)
        self._leave(location, chosen, captured=chosen[-OVERLOOKED:])

    def _native_restore(self, location: SandboxLocation) -> None:
        """Restore most of them in HighLevel the next day; two dozen are overlooked."""
        lost = sorted(location.trash.items(), key=lambda item: item[1].at)[-140:]
        location.native_restore(*[contact_id for contact_id, _ in lost[:-OVERLOOKED]])

    def _unsubscribed_leaves(self, location: SandboxLocation) -> None:
        """Delete a contact who has opted out of every channel; a restore must never message them."""
        person = next(contact_id for contact_id, fields in location.contacts.items() if fields.get("dnd"))
        self._leave(location, [person], captured=[person])

    def _leave(self, location: SandboxLocation, people: list[str], *, captured: list[str]) -> None:
        """They are deleted. Of some everything had been captured: in weeks the planner reaches everybody, and the demo
        lives through its weeks in seconds."""
        with self.context.vault.read() as tx:
            held = [one for one in captured if contact_reads.get(tx, location.id, one)]
        with self._capture_session(location.id) as session, ThreadPoolExecutor(4) as pool:
            for kind in PER_CONTACT_KINDS:
                list(pool.map(partial(capture_records, session, kind=kind), held))
        location.delete(*people)

    def _read_feeds(self, location_id: str) -> None:
        with self._capture_session(location_id) as session:
            for kind in FEED_KINDS:
                read_feed(session, kind, calls=50)

    @contextmanager
    def _capture_session(self, location_id: str) -> Iterator[CaptureSession]:
        with self.context.client(location_id) as client:
            yield CaptureSession(self.context.vault, client, location_id, self.clock.now)

    def _sync(self, location_id: str) -> None:
        rules = self.context.rules(self.context.location(location_id))
        with self.context.location_context(location_id) as here:
            sync_location(here, rules)


def is_demo(context: AppContext) -> bool:
    """Return whether this context is the demo's."""
    with context.vault.read() as tx:
        found = locations.list_all(tx)
    return bool(found) and all(location.is_demo for location in found)


def size(context: AppContext) -> int:
    """Return how many living contacts the demo has."""
    with context.vault.read() as tx:
        counted = contact_search.count_by_status(tx, [RECRUITING, DENTAL])
    return sum(numbers.get("present", 0) + numbers.get("returned", 0) for numbers in counted.values())
