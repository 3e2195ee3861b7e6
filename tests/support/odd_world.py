"""Two accounts under a running worker: one shows odd items among its good ones, the other none.

`OddWorld.live` lets rounds of ten minutes pass in which contacts and records come, change and go, webhooks are
delivered over HTTP, and whole answers are odd for a while; `settle` lets the worker finish. `odd_checks` then compares.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from hlcore.accounts import connection
from hlcore.app_context import AppContext
from hlcore.highlevel.webhook_signature import SIGNATURE
from hlcore.model.capture_planner import CapturePolicy
from hlcore.model.records import KINDS
from hlcore.sandbox import Sandbox, SandboxLocation
from hlcore.settings import Settings
from hlcore.store import quarantine, webhook_inbox
from hlcore.store.capture.facts import load_facts
from hlcore.webhooks.receiver import PATH
from hlcore.worker.loop import Worker
from tests.benchmarks.webhook_server import serve_webhooks
from tests.support.odd_highlevel import CONTACT_FIELDS, DEEP, RECORD_FIELDS, OddItems, any_json, serve_odd, to_json
from tests.support.worlds import ManualClock

ODD, CLEAN = "locOdd00000000000001", "locClean000000000001"
MARK = "Quillfeather"
"""Stands in every name, e-mail and text: whatever holds it is personal."""
ROUND = timedelta(minutes=10)
ROUNDS_FOR_DETAILS = 24
"""Four hours: what cannot be read is asked for once an hour, and set aside after three attempts."""
PATIENCE = 300.0
"""Seconds in which the worker must come round."""
EVENT_TYPES = ("ContactDelete", "ContactUpdate", "NoteCreate", "TaskCreate", "OpportunityUpdate", "AppointmentCreate",
               "InboundMessage", "ContactTagUpdate", "X\x00")  # fmt: skip
MEMBERS = ("id", "contactId", "messageId", "appointment", "timestamp", "dndSettings", "dateAdded", "tags", "email")
PINNED: tuple[dict[str, Any] | bytes, ...] = (
    {"id": "x" * 65}, {"id": 12345}, {"id": ["a"]}, {"id": {"$oid": "a"}}, {"id": None}, {"id": True}, {"name": MARK},
    {"id": "abc\ud83d"}, {"id": "abc\x00def"}, {"id": "../locations/x"}, {"id": "a b?c#d"},
    {"contactId": "gone1", "appointment": {"id": 7}, "type": "AppointmentCreate"},
    {"type": "NoteCreate", "id": 7, "contactId": "c1"}, {"type": "NoteCreate", "id": "n1", "contactId": ["c1"]},
    {"type": "InboundMessage"}, b'"id":1' + b"0" * 5_000, b'"id":' + DEEP, b'"id":"\\ud83d"',
)  # fmt: skip
"""Deliveries that cannot be handled; bytes: the members of one."""


@dataclass
class OddWorld:
    """The world while it runs. `deleted`: contacts that were deleted, by location; `odd_deliveries`: ids of deliveries
    that must be set aside; `good_deliveries`: ids of good ones, and whom they are about; `fuzzed` counts the others."""

    context: AppContext
    clock: ManualClock
    sandbox: Sandbox
    items: OddItems
    url: str
    chance: random.Random
    http: httpx.Client
    share_of_details: float = 0.02
    deleted: dict[str, set[str]] = field(default_factory=lambda: {ODD: set(), CLEAN: set()})
    odd_deliveries: set[str] = field(default_factory=set)
    good_deliveries: dict[str, str] = field(default_factory=dict)
    fuzzed: int = 0
    refused_deliveries: list[int] = field(default_factory=list)
    passes: int = 0
    posted: dict[str, int] = field(default_factory=lambda: {ODD: 0, CLEAN: 0})

    def place(self, location_id: str) -> SandboxLocation:
        return self.sandbox.locations[location_id]

    def get_context(self) -> AppContext:
        """Give the worker its context, and count its passes."""
        if threading.current_thread().name == "vault-worker":
            self.passes += 1
        return self.context

    def items_of_the_sandbox(self) -> int:
        """Return how many contacts and records the two accounts have had."""
        return sum(len(place.records) + len(place.trash) + sum(len(items) for items in records_of(place).values())
                   for place in self.sandbox.locations.values())  # fmt: skip

    # ------------------------------------------------------------------ the accounts

    def furnish(self, location_id: str) -> None:
        """Give the account its lists."""
        place = self.place(location_id)
        for number in range(5):
            names = (place.add_user(f"User {number}"), place.add_pipeline(f"Pipe {number}"),
                     place.add_custom_field(f"Field {number}"), place.add_tag(f"tag {number}"),
                     place.add_business(f"Business {number}"), place.add_calendar(f"Calendar {number}"),
                     place.add_lost_reason(f"Reason {number}"))  # fmt: skip
            for name in names[:1] + names[3:] if number else ():
                self._plant(location_id, name, RECORD_FIELDS, odd=0.2, strange=0.3)

    def add_people(self, location_id: str, number: int) -> None:
        """Create so many contacts, most of them with records."""
        place = self.place(location_id)
        for _ in range(number):
            name = f"{MARK} {self.chance.randrange(10**6)}"
            added = self.clock.now() - timedelta(days=self.chance.randint(0, 600), seconds=self.chance.randint(1, 999))
            contact_id = place.create(
                firstName=self.chance.choice(["Ada", "Bo", "Zoë"]), lastName=name, dateAdded=added, dateUpdated=added,
                email=f"{place.ids.next()}@{MARK.lower()}.example", phone=f"+1555{self.chance.randrange(10**7):07}",
            )  # fmt: skip
            self._plant(location_id, contact_id, CONTACT_FIELDS, odd=0.06, strange=0.3)
            has_odd_detail = self.chance.random() < self.share_of_details
            if location_id == ODD and contact_id not in self.items.odd and has_odd_detail:
                self.items.odd_details.add(contact_id)
            if self.chance.random() < 0.5:
                self.add_records(location_id, contact_id)

    def add_records(self, location_id: str, contact_id: str) -> None:
        """Give the contact one to four records."""
        place, text = self.place(location_id), f"{MARK} wrote"
        for _ in range(self.chance.randint(1, 4)):
            self.clock.advance(milliseconds=3)
            record_id = self.chance.choice([
                lambda: place.add_note(contact_id, text),
                lambda: place.add_task(contact_id, text, body=text),
                lambda: place.add_opportunity(contact_id, text, monetaryValue=self.chance.randint(0, 9_000)),
                lambda: place.add_appointment(contact_id, self.clock.now(), title=text),
                lambda: place.add_message(contact_id, text, kind=self.chance.choice(["SMS", "EMAIL", "CALL"])),
            ])()  # fmt: skip
            self._plant(location_id, record_id, RECORD_FIELDS, odd=0.06, strange=0.3)

    def _plant(self, location_id: str, item_id: str, fields: tuple[str, ...], *, odd: float, strange: float) -> None:
        if location_id == ODD:
            self.items.plant(item_id, fields, odd=odd, strange=strange)

    def change(self, location_id: str, *, edited: int, deleted: int, added: int) -> None:
        """Let people change, go and come."""
        place = self.place(location_id)
        alive = list(place.records)
        for contact_id in self.chance.sample(alive, min(edited, len(alive) // 4)):
            place.edit(contact_id, companyName=f"{MARK} {self.chance.randrange(999)}")
        gone = set(self.chance.sample(alive, min(deleted, len(alive) // 50)))
        place.delete(*gone)
        self.deleted[location_id] |= gone
        self.add_people(location_id, added)

    # ------------------------------------------------------------------ deliveries

    def deliver_events(self) -> None:
        """Deliver what happened since the last time, as HighLevel would."""
        for location_id in (ODD, CLEAN):
            events = list(self.place(location_id).events)
            for event in events[self.posted[location_id] :]:
                self._post(event.body)
                self.good_deliveries[event.payload["webhookId"]] = _contact_of(event.payload)
            self.posted[location_id] = len(events)

    def deliver_more(self, number: int) -> None:
        """Deliver so many more: updates of living people, fuzzed ones, and ones that cannot be handled."""
        alive = {location_id: list(self.place(location_id).records) for location_id in (ODD, CLEAN)}
        for _ in range(number):
            location_id = self.chance.choice((ODD, ODD, CLEAN))
            envelope = {"locationId": location_id, "webhookId": f"hook{self.chance.getrandbits(60)}"}
            draw = self.chance.random()
            if draw < 0.6:
                payload = {"type": "ContactUpdate", "id": self.chance.choice(alive[location_id])}
                self._post(to_json({**payload, **envelope}))
                self.good_deliveries[envelope["webhookId"]] = payload["id"]
            elif draw < 0.8:
                members = {name: any_json(self.chance) for name in self.chance.sample(MEMBERS, 4)}
                self._post(to_json({"type": self.chance.choice(EVENT_TYPES), **members, **envelope, "locationId": ODD}))
                self.fuzzed += 1
            else:
                self._deliver_odd({**envelope, "locationId": ODD})

    def _deliver_odd(self, envelope: dict[str, str]) -> None:
        odd = self.chance.choice(PINNED)
        start = to_json({"type": "ContactDelete", **envelope})
        body = start[:-1] + b"," + odd + b"}" if isinstance(odd, bytes) else to_json(
            {"type": "ContactDelete", **odd, **envelope})  # fmt: skip
        self._post(body)
        self.odd_deliveries.add(envelope["webhookId"])

    def _post(self, body: bytes) -> None:
        headers = {"Content-Type": "application/json", SIGNATURE: self.sandbox.keys.sign(body)}
        status = self.http.post(PATH, content=body, headers=headers).status_code
        if status != 200:
            self.refused_deliveries.append(status)

    # ------------------------------------------------------------------ time

    def live(self, rounds: int, *, deliveries: int, edited: int, deleted: int, added: int) -> None:
        """Let so many rounds pass, each with this much of everything; in every third one, answers are odd."""
        for number in range(rounds):
            self.items.broken = number % 3 == 1
            for location_id in (ODD, CLEAN):
                self.change(location_id, edited=edited, deleted=deleted, added=added)
            self.deliver_events()
            self.deliver_more(deliveries)
            self.pass_time()
        self.items.broken = False

    def pass_time(self) -> None:
        """Let ten minutes pass, and the worker come round."""
        self.clock.advance(seconds=ROUND.total_seconds())
        self.context.webhook_received.set()
        passes = self.passes
        self._wait(lambda: self.passes >= passes + 2)

    def settle(self, most: int = 200) -> int:
        """Let time pass until nothing is left to do; return in how many rounds. Raises AssertionError."""
        self.items.broken = False
        least = ROUNDS_FOR_DETAILS if self.items.odd_details else 3
        for number in range(most):
            if number > least and not self.unfinished():
                return number
            self.deliver_events()
            self.pass_time()
            self._wait(lambda: not self._due_deliveries())
        raise AssertionError(f"never finished: {self.unfinished()}")

    def unfinished(self) -> list[str]:
        """Say what is left to do."""
        found = [f"{number} deliveries" for number in [self._open_deliveries()] if number]
        for location_id in (ODD, CLEAN):
            with self.context.vault.read() as tx:
                facts = load_facts(tx, location_id, now=self.clock.now(), policy=CapturePolicy(), usable=100_000)
                aside = quarantine.list_items(tx, [location_id], kinds=[quarantine.RECORD], limit=100_000)
            broken = Counter(item.reference.partition(":")[0] for item in aside if item.error == "BrokenAnswer")
            for part in facts.kinds:
                left = part.never + part.changed - broken[part.kind]
                if part.kind in KINDS and left > 0:
                    found.append(f"{left} of {part.contacts} {part.kind} of {location_id}")
        return found

    def _open_deliveries(self) -> int:
        return self._count("SELECT count(*) FROM webhook_inbox WHERE processed_at IS NULL AND set_aside_at IS NULL")

    def _due_deliveries(self) -> int:
        with self.context.vault.inbox.read() as tx:
            return len(webhook_inbox.list_due(tx, at=self.clock.now(), limit=5))

    def _count(self, query: str) -> int:
        with self.context.vault.inbox.read() as tx:
            return int(tx.exec_driver_sql(query).scalar_one())

    def _wait(self, answer: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE
        while not answer():
            assert time.monotonic() < until, "the worker does not come round"
            time.sleep(0.01)


def _contact_of(payload: dict[str, Any]) -> str:
    record = payload.get("appointment", payload)
    return str(payload["id"] if payload["type"].startswith("Contact") else record.get("contactId", ""))


def records_of(place: SandboxLocation) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the account's records by kind and id, without those of deleted contacts."""
    related = place.related
    nested = {kind: {key: item for items in each.values() for key, item in items.items()}
              for kind, each in (("note", related.notes), ("task", related.tasks))}  # fmt: skip
    return {**nested, "opportunity": related.opportunities, "appointment": related.appointments,
            "conversation": related.conversations, "message": related.messages}  # fmt: skip


@contextmanager
def open_odd_world(
    folder: Path, database_url: str, seed: int, *, people: int, share_of_details: float = 0.02
) -> Iterator[OddWorld]:
    """Open both accounts, connected, with so many people in the odd one and a quarter in the other; start a worker."""
    chance = random.Random(seed)
    clock = ManualClock()
    sandbox = Sandbox(clock.now, seed=seed)
    for location_id in (ODD, CLEAN):
        sandbox.add_location(location_id, location_id, "Europe/Berlin", token=f"pit-{location_id}")
    items = OddItems(ODD, random.Random(seed + 1))
    with serve_odd(sandbox, items) as server:
        settings = Settings(
            database_url=database_url, data_dir=folder, api_url=server.url, webhook_key=sandbox.keys.public_pem,
            secret_key=SecretStr("a secret"), worker="off", demo="off",
        )  # fmt: skip
        context = AppContext.open(settings, clock=clock)
        http = httpx.Client(transport=httpx.HTTPTransport(retries=9), timeout=60)
        with serve_webhooks(context) as port, http:
            http.base_url = httpx.URL(f"http://127.0.0.1:{port}")
            world = OddWorld(context, clock, sandbox, items, server.url, chance, http, share_of_details)
            for location_id, number in ((ODD, people), (CLEAN, people // 4)):
                world.furnish(location_id)
                world.add_people(location_id, number)
                world.place(location_id).events.clear()
                connection.connect(context, location_id, f"pit-{location_id}")
            worker = Worker(world.get_context, poll_seconds=0.01)
            worker.start()
            try:
                yield world
            finally:
                worker.stop()
        context.close()


def as_json(raw: bytes) -> Any:
    """Return what these bytes say, as text that can be compared (NaN equals itself)."""
    value = json.loads(raw)
    if isinstance(value, dict):
        value.pop("searchAfter", None)
    return json.dumps(value, sort_keys=True)
