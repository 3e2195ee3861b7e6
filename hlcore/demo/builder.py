"""Builds and opens the demo: two locations on a sandbox, with sixty days of history that the real sync recorded.

Nothing is faked for the screen: the usual client talks to the sandbox over HTTP and the usual runs notice the
deletions; only the clock is moved by hand. All contacts are invented.
"""

from __future__ import annotations

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
from hlcore.private_files import make_data_folder, make_folder, make_private_file
from hlcore.sandbox import Sandbox, SandboxLocation, serve
from hlcore.sandbox.state import persistence
from hlcore.sandbox.state.invented_people import ContactGenerator
from hlcore.settings import Settings
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import search as contact_search
from hlcore.sync.capture.contact_records import capture_records
from hlcore.sync.capture.feeds import read_feed
from hlcore.sync.capture.session import CaptureSession
from hlcore.sync.listing.run import sync_location

DAYS = 60
SEED = 20
FIRST_DAILY_DAY = 40
"""From this day on every day ends with a sync; before, every third, so that the demo is ready sooner."""
FEED_DAYS = (0, 30, 50)
"""On these days the feeds of tasks, opportunities, conversations and messages are read."""
MAX_AGE = timedelta(days=3)
BULK_DELETED = 140
NOT_RESTORED = 24
"""How many contacts of the bulk deletion HighLevel's own restore leaves out."""


@dataclass
class DemoClock:
    """A clock that is moved by hand while the history is built, and the real one after `release`."""

    at: datetime
    real: SystemClock = field(default_factory=SystemClock)
    is_manual: bool = True

    def now(self) -> datetime:
        """Return the demo's current moment."""
        return self.at if self.is_manual else self.real.now()

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        return self.at.timestamp() if self.is_manual else self.real.monotonic()

    def sleep(self, seconds: float) -> None:
        """Move the clock on at once; after `release`, wait."""
        if self.is_manual:
            self.at += max(timedelta(seconds=seconds), timedelta(microseconds=1))  # never stand still
        else:
            self.real.sleep(seconds)

    def release(self) -> None:
        """Follow the real time from now on."""
        self.is_manual = False


def open_demo(settings: Settings, *, listener: Listener = ignore_progress, rebuild: bool = False) -> AppContext:
    """Serve the demo's sandbox on a loopback port and open its vault, which is apart from any real one.

    Builds both first when there are none, when they are older than `MAX_AGE`, or to `rebuild` them. Closing the
    context stops the sandbox and saves it."""
    folder = settings.data_dir / "demo"
    make_data_folder(settings.data_dir)
    make_folder(folder)
    state = folder / "sandbox.bin"
    if rebuild or not _is_fresh(state) or not (folder / "vault.db").exists():
        _build(settings, folder, listener)
    sandbox = Sandbox(lambda: datetime.now(UTC), seed=SEED)
    persistence.load(sandbox, state)
    stack = ExitStack()
    server = stack.enter_context(serve(sandbox))
    context = AppContext.open(_settings(settings, folder, server.url))
    context.on_close.append(lambda: _save(sandbox, state))
    context.on_close.append(stack.close)
    return context


def _is_fresh(state: Path) -> bool:
    if not state.exists():
        return False
    return datetime.now(UTC) - datetime.fromtimestamp(state.stat().st_mtime, UTC) < MAX_AGE


def _settings(settings: Settings, folder: Path, url: str) -> Settings:
    database_url = f"sqlite:///{folder / 'vault.db'}"
    update = {"database_url": database_url, "data_dir": folder, "api_url": url, "location_id": ""}
    return settings.model_copy(update=update)


def _build(settings: Settings, folder: Path, listener: Listener) -> None:
    for file in folder.glob("*"):
        file.unlink()
    clock = DemoClock(datetime.now(UTC) - timedelta(days=DAYS, minutes=2))
    sandbox = Sandbox(clock.now, seed=SEED)
    with serve(sandbox) as server:
        context = AppContext.open(_settings(settings, folder, server.url), clock=clock)
        try:
            _DemoHistory(sandbox, context, clock, listener).build()
        finally:
            context.close()
    _save(sandbox, folder / "sandbox.bin")


def _save(sandbox: Sandbox, state: Path) -> None:
    persistence.save(sandbox, state)
    make_private_file(state)


class _DemoHistory:
    """Sixty days of two locations: contacts are created, edited, deleted and restored, and the real sync follows.

    `record_random` decides about records, `random` about everything else."""

    def __init__(self, sandbox: Sandbox, context: AppContext, clock: DemoClock, listener: Listener) -> None:
        self.sandbox, self.context, self.clock, self.listener = sandbox, context, clock, listener
        self.random, self.record_random = random.Random(SEED), random.Random(SEED + 1)
        self.new_contacts: dict[str, Iterator[dict[str, Any]]] = {}

    def build(self) -> None:
        """Create both locations and go through every day up to now."""
        recruiting = self._add_location(RECRUITING, "Harbor & Pine Recruiting", "America/New_York", 1_850)
        dental = self._add_location(DENTAL, "Brightwater Dental Group", "Europe/London", 1_100)
        events: dict[int, Callable[[], None]] = {
            19: lambda: self._merge(recruiting),
            36: lambda: self._delete_many(dental),
            37: lambda: self._native_restore(dental),
            57: lambda: self._delete_unsubscribed(recruiting),
        }
        for day in range(DAYS + 1):
            self.listener(Progress("Living through sixty days of the demo", day, DAYS))
            for location in (recruiting, dental):
                if day:
                    self._ordinary_day(location, day)
                if day >= FIRST_DAILY_DAY or day % 3 == 0 or day in events:
                    self._sync(location.id)
                if day in FEED_DAYS:
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

    def _add_location(self, location_id: str, name: str, timezone: str, size: int) -> SandboxLocation:
        location = self.sandbox.add_location(location_id, name, timezone, token=f"demo-{location_id}")
        users = [location.add_user(user) for user in USERS[location_id]]
        fields = [location.add_custom_field(label, data_type=kind) for label, kind in FIELDS[location_id]]
        location.add_pipeline("Placements" if location_id == RECRUITING else "Treatment plans")
        labels = dict(zip(fields, (label for label, _ in FIELDS[location_id]), strict=True))
        self.new_contacts[location_id] = self._contact_fields(location_id, users, labels)
        span = 900 * 86_400
        for index in range(size):
            added = self.clock.at - timedelta(seconds=span - index * span // size + 7_200)
            self._create_contact(location, dateAdded=added, dateUpdated=added + timedelta(hours=1))
        connection.connect(self.context, location_id, f"demo-{location_id}", is_demo=True)
        return location

    def _contact_fields(self, location_id: str, users: list[str], labels: dict[str, str]) -> Iterator[dict[str, Any]]:
        """Yield the fields of ever new contacts. ``labels``: the names of the custom fields by id."""
        generator = ContactGenerator(f"demo:{location_id}", {}, users)
        while True:
            contact = generator.invent()
            if not contact["firstName"].isalpha() or not contact["lastName"].replace(" ", "").isalpha():
                continue
            tags = self.random.sample(TAGS[location_id], self.random.choice((0, 1, 1, 2)))
            custom_fields = [
                {"id": field_id, "value": self.random.choice(VALUES[label])}
                for field_id, label in labels.items()
                if self.random.random() < 0.5
            ]
            source = self.random.choice(SOURCES[location_id])
            yield {**contact, "tags": tags, "source": source, "customFields": custom_fields}

    def _create_contact(self, location: SandboxLocation, **dates: Any) -> None:
        contact_id = location.create(**next(self.new_contacts[location.id]), **dates)
        if self.random.random() < 0.12:
            location.add_note(contact_id, "Called back; prefers the afternoon.")
        if self.random.random() < 0.05:
            location.add_task(contact_id, "Follow up", due=self.clock.at + timedelta(days=3))
        self._add_records(location, contact_id, dates.get("dateAdded", self.clock.at))

    def _add_records(self, location: SandboxLocation, contact_id: str, at: datetime) -> None:
        """Give some contacts an opportunity, an appointment, a conversation."""
        if self.record_random.random() < 0.15:
            amount = self.record_random.choice((450, 1_200, 3_800))
            location.add_opportunity(contact_id, "First order", monetaryValue=amount)
        if self.record_random.random() < 0.15:
            start = self.clock.at + timedelta(days=self.record_random.randint(1, 40))
            location.add_appointment(contact_id, start, title="First meeting")
        if self.record_random.random() < 0.2:
            location.add_message(contact_id, "Is Thursday still free?", at=at)
            location.add_message(contact_id, "Yes, at ten. See you then!", at=at, direction="outbound")
        if self.record_random.random() < 0.1:
            text = "<p>Thank you for your interest. Our offer is attached.</p>"
            location.add_message(contact_id, text, kind="EMAIL", at=at, subject="Our offer", direction="outbound")

    def _ordinary_day(self, location: SandboxLocation, day: int) -> None:
        """Create, edit and delete a few contacts, fewer on weekends, and sometimes restore one in HighLevel."""
        is_weekend = self.clock.at.weekday() >= 5
        for _ in range(self.random.randint(0, 2) if is_weekend else self.random.randint(4, 9)):
            self._create_contact(location)
        contact_ids = list(location.contacts)
        for contact_id in self.random.sample(contact_ids, 3 if is_weekend else 14):
            location.edit(contact_id, **self.random.choice(EDITS))
        count = self.random.choice((0, 0, 1)) if is_weekend else self.random.choice((0, 1, 1, 2, 3))
        deleted = self.random.sample(contact_ids, count)
        self._delete(location, deleted, captured=deleted)
        restored = [contact_id for contact_id in location.trash if self.random.random() < 0.004 and day > 5]
        location.native_restore(*[contact_id for contact_id in restored if contact_id not in deleted][:1])

    def _merge(self, location: SandboxLocation) -> None:
        with_email = [contact_id for contact_id, contact in location.contacts.items() if contact.get("email")]
        winner, loser = self.random.sample(with_email, 2)
        location.merge(winner, loser)

    def _delete_many(self, location: SandboxLocation) -> None:
        """Delete many contacts at once by mistake; the records of those that stay deleted were captured."""
        contact_ids = self.random.sample(list(location.contacts), BULK_DELETED)
        self._delete(location, contact_ids, captured=contact_ids[-NOT_RESTORED:])

    def _native_restore(self, location: SandboxLocation) -> None:
        """Restore most contacts of the bulk deletion in HighLevel."""
        latest = sorted(location.trash.items(), key=lambda item: item[1].at)[-BULK_DELETED:]
        location.native_restore(*[contact_id for contact_id, _ in latest[:-NOT_RESTORED]])

    def _delete_unsubscribed(self, location: SandboxLocation) -> None:
        """Delete a contact that opted out of every channel; a restore must never cause a message to it."""
        contact_id = next(contact_id for contact_id, fields in location.contacts.items() if fields.get("dnd"))
        self._delete(location, [contact_id], captured=[contact_id])

    def _delete(self, location: SandboxLocation, contact_ids: list[str], *, captured: list[str]) -> None:
        """Delete these contacts, after capturing the records of some. In real weeks the capture reaches everyone."""
        with self.context.vault.read() as tx:
            in_vault = [contact_id for contact_id in captured if contact_reads.get(tx, location.id, contact_id)]
        with self._capture_session(location.id) as session, ThreadPoolExecutor(4) as pool:
            for kind in PER_CONTACT_KINDS:
                list(pool.map(partial(capture_records, session, kind=kind), in_vault))
        location.delete(*contact_ids)

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
        with self.context.location_context(location_id) as location_context:
            sync_location(location_context, rules)


def count_contacts(context: AppContext) -> int:
    """Return the number of live contacts in the demo's vault."""
    with context.vault.read() as tx:
        by_location = contact_search.count_by_status(tx, [RECRUITING, DENTAL])
    return sum(counts.get("present", 0) + counts.get("returned", 0) for counts in by_location.values())
