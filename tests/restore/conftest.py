"""One location on the sandbox, its copy in a vault, and contacts that were deleted from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hlcore.governance.roles import Role, User
from hlcore.highlevel import Client
from hlcore.model.contact import parse_contact
from hlcore.model.json_codec import decode_object
from hlcore.restore.execution.run import JobResult, run_job
from hlcore.restore.job_control import create_job
from hlcore.restore.plan import Plan, PlanChoices, PlanItem, RestorePath
from hlcore.restore.planning.planner import plan
from hlcore.restore.receipt import receipt
from hlcore.settings import Settings
from hlcore.store import Vault, locations, records
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions import register
from tests.support.worlds import SandboxWorld, open_world

LOCATION = "locRestore0000000001"
DEFAULT = PlanChoices()
SAM = User("sam@example.com", "Sam", Role.RESTORER, "oidc")


@dataclass
class World(SandboxWorld):
    """A location, its vault, and the last restore job."""

    settings: Settings = field(default_factory=lambda: Settings(database_url="sqlite://"))
    job_id: int = 0

    def add(self, **fields: Any) -> str:
        """Create a contact that is a hundred days old; return its id."""
        return self.location.create(**{"dateAdded": self.clock.now() - timedelta(days=100), **fields})

    def copy(self, *, details: bool = False) -> None:
        """Store all contacts in the vault, as a listing would; with `details`, as a capture would."""
        at, page, ids = self.clock.now(), self.client.search_contacts(), list[str]()
        while page.rows:
            ids += page.ids
            with self.vault.write() as tx:
                held = contact_reads.known_contacts(tx, LOCATION, page.ids)
                fresh = [one for one in map(parse_contact, page.rows) if one.contact_id not in held]
                contact_writes.insert_contacts(tx, LOCATION, fresh, at=at)
            page = self.client.search_contacts(search_after=page.next)
        with self.vault.write() as tx:
            for kind, rows in (("custom_field", self.client.custom_fields()), ("user", self.client.users())):
                records.save(tx, LOCATION, kind, [(decode_object(raw)["id"], "", raw) for raw in rows], at=at)
            for contact_id in ids if details else ():
                contact_writes.store_detail(tx, LOCATION, contact_id, self.client.contact(contact_id), at)

    def list_again(self) -> None:
        """Store the rows that changed since `copy`, as the next listing would."""
        rows = [parse_contact(raw) for raw in self.client.search_contacts().rows]
        with self.vault.write() as tx:
            contact_writes.replace(tx, LOCATION, rows, at=self.clock.now(), run_id=None)

    def lost_with_detail(self, **fields: Any) -> str:
        """Create, copy with its detail, and delete a contact; return its id."""
        contact_id = self.add(**fields)
        self.copy(details=True)
        self.lose(contact_id)
        return contact_id

    def lose(self, *ids: str, days: float = 40) -> None:
        """Delete these contacts in HighLevel; the vault has known it for this many days."""
        self.location.delete(*ids)
        self.miss(*ids, days=days)

    def miss(self, *ids: str, days: float = 40, status: str = "deleted") -> None:
        """Record these contacts as deleted in the register."""
        seen = self.clock.now() - timedelta(days=days)
        with self.vault.write() as tx:
            register.mark_suspected(tx, LOCATION, [(one, seen) for one in ids], at=seen, detected_by="listing")
            for one in ids:
                row = deletion_queries.list_for_contact(tx, LOCATION, one)[-1]
                register.confirm(tx, row.disappearance_id, at=seen, status=status, cause="unknown", evidence="404")

    def lost(self, *, days: float = 40, **fields: Any) -> str:
        """Create, copy and delete a contact; return its id."""
        contact_id = self.add(**fields)
        self.copy()
        self.lose(contact_id, days=days)
        return contact_id

    def returned(self, *ids: str) -> None:
        """Record that these contacts came back by HighLevel's own restore."""
        with self.vault.write() as tx:
            for one in ids:
                register.mark_returned(tx, LOCATION, one, at=self.clock.now())

    def connect(self) -> None:
        """Connect the location, with what HighLevel says of it now."""
        with self.vault.write() as tx:
            locations.connect(
                tx,
                LOCATION,
                name="Bluebird Dental",
                timezone="Europe/Berlin",
                company_id="",
                token=b"",
                at=self.clock.now(),
                raw=self.client.location(),
            )

    def allow_duplicates(self, allowed: bool) -> None:
        """Set whether two contacts may share an address, and let the vault know it."""
        self.location.allow_duplicates = allowed
        self.connect()

    @contextmanager
    def over(self, transport: httpx.BaseTransport, **options: Any) -> Iterator[World]:
        """Yield the same world with a client over this transport."""
        client = Client(
            LOCATION,
            lambda: self.sandbox.token_of(LOCATION),
            base_url=self.url,
            limiter=self.client.limiter,
            clock=self.clock,
            transport=transport,
            **options,
        )
        with closing(client):
            yield replace(self, client=client)

    def plan(self, *ids: str, path: RestorePath = "auto", choices: PlanChoices = DEFAULT) -> Plan:
        return plan(self.location_context(), ids, self.settings, path=path, choices=choices)

    def planned(self, contact_id: str, path: RestorePath = "auto") -> PlanItem:
        return self.plan(contact_id, path=path).items[0]

    def confirm(self, *ids: str, path: RestorePath = "auto", choices: PlanChoices = DEFAULT) -> int:
        """Create a confirmed job of the plan for these contacts; return its number."""
        self.job_id = create_job(self.vault, self.plan(*ids, path=path, choices=choices), SAM, self.clock.now)
        return self.job_id

    def run(self, **options: Any) -> JobResult:
        return run_job(self.location_context(**options), self.job_id, SAM)

    def restore(self, *ids: str, path: RestorePath = "auto") -> dict[str, dict[str, Any]]:
        """Plan, confirm and run; return the receipt by the lost contact's id."""
        self.confirm(*ids, path=path)
        self.run()
        return self.receipt()

    def receipt(self) -> dict[str, dict[str, Any]]:
        return {row["contact_id"]: row for row in receipt(self.vault, self.job_id)}

    def live(self) -> list[dict[str, Any]]:
        """Return all contacts that are in HighLevel now."""
        return list(self.location.contacts.values())


@pytest.fixture
def world(vault: Vault) -> Iterator[World]:
    """Yield an empty, connected location."""
    with open_world(World, vault, LOCATION, "Bluebird Dental", seed=3) as world:
        world.connect()
        world.sandbox.ledger.clear()
        yield world
