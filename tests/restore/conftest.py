"""A small world for restores: one sub-account, its copy in a vault, and what was lost of it."""

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
from tests.support.accounts import Account, an_account

LOCATION = "locRestore0000000001"
DEFAULT = PlanChoices()
SAM = User("sam@example.com", "Sam", Role.RESTORER, "oidc")


@dataclass
class World(Account):
    """What the stories play in."""

    settings: Settings = field(default_factory=lambda: Settings(database_url="sqlite://"))
    job_id: int = 0

    def add(self, **fields: Any) -> str:
        """Somebody who has been there for a hundred days; the id."""
        return self.location.create(**{"dateAdded": self.clock.now() - timedelta(days=100), **fields})

    def copy(self, *, details: bool = False) -> None:
        """Everybody who is there is in the vault, as a listing would take them in."""
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

    def lose(self, *ids: str, days: float = 40) -> None:
        """They are deleted in HighLevel, and the vault knows for so many days."""
        self.location.delete(*ids)
        self.miss(*ids, days=days)

    def miss(self, *ids: str, days: float = 40, status: str = "deleted") -> None:
        """The register says that they are gone."""
        seen = self.clock.now() - timedelta(days=days)
        with self.vault.write() as tx:
            register.mark_suspected(tx, LOCATION, [(one, seen) for one in ids], at=seen, detected_by="listing")
            for one in ids:
                row = deletion_queries.list_for_contact(tx, LOCATION, one)[-1]
                register.confirm(tx, row.disappearance_id, at=seen, status=status, cause="unknown", evidence="404")

    def lost(self, *, days: float = 40, **fields: Any) -> str:
        """Somebody who was there, was copied, and was deleted; the id."""
        contact_id = self.add(**fields)
        self.copy()
        self.lose(contact_id, days=days)
        return contact_id

    def returned(self, *ids: str) -> None:
        """HighLevel's own restore brought them back, and the vault has noticed."""
        with self.vault.write() as tx:
            for one in ids:
                register.mark_returned(tx, LOCATION, one, at=self.clock.now())

    def connect(self) -> None:
        """The account is connected, with what HighLevel says of it now."""
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
        """The account's rule about two contacts with one address, known to the vault."""
        self.location.allow_duplicates = allowed
        self.connect()

    @contextmanager
    def over(self, transport: httpx.BaseTransport, **options: Any) -> Iterator[World]:
        """The same world, spoken to over this transport."""
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
        """The plan for these is a confirmed job."""
        self.job_id = create_job(self.vault, self.plan(*ids, path=path, choices=choices), SAM, self.clock.now)
        return self.job_id

    def run(self, **options: Any) -> JobResult:
        return run_job(self.location_context(**options), self.job_id, SAM)

    def restore(self, *ids: str, path: RestorePath = "auto") -> dict[str, dict[str, Any]]:
        """Planned, confirmed, done: the receipt by the lost contact's id."""
        self.confirm(*ids, path=path)
        self.run()
        return self.receipt()

    def receipt(self) -> dict[str, dict[str, Any]]:
        return {row["contact_id"]: row for row in receipt(self.vault, self.job_id)}

    def live(self) -> list[dict[str, Any]]:
        """Everybody who is in HighLevel now."""
        return list(self.location.contacts.values())


@pytest.fixture
def world(vault: Vault) -> Iterator[World]:
    """An empty sub-account that is connected."""
    with an_account(World, vault, LOCATION, "Bluebird Dental", seed=3) as world:
        world.connect()
        world.sandbox.ledger.clear()
        yield world
