"""A small world for sync: one sub-account on the sandbox, spoken to over real HTTP, and a clock moved by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from hlcore.highlevel import Client
from hlcore.store import Vault, runs
from hlcore.store.contacts import search as contact_search
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.runs import Run
from hlcore.sync.listing.run import sync_location
from hlcore.sync.run_context import SyncReport, SyncRules
from hlcore.sync.watch import watch_location
from tests.support.worlds import SandboxWorld, open_world

LOCATION = "locSync0000000000001"


@dataclass
class World(SandboxWorld):
    """What the stories play in."""

    rules: SyncRules = field(default_factory=lambda: SyncRules(page_size=50))

    def sync(self, **options: Any) -> SyncReport:
        """Let an hour pass, then sync."""
        self.clock.advance(hours=1)
        return sync_location(self.location_context(**options), self.rules)

    def watch(self, **options: Any) -> SyncReport:
        """Let a quarter of an hour pass, then watch."""
        self.clock.advance(minutes=15)
        return watch_location(self.location_context(**options), self.rules)

    def runs(self) -> list[Run]:
        """The runs, newest first."""
        with self.vault.read() as tx:
            return runs.list_recent(tx, [LOCATION], limit=50)

    def client_over(self, transport: httpx.BaseTransport) -> Client:
        """Another client of the same location, over this transport."""
        return Client(
            LOCATION,
            lambda: self.sandbox.token_of(LOCATION),
            base_url=self.url,
            limiter=self.client.limiter,
            clock=self.clock,
            transport=transport,
        )

    def lost(self) -> set[str]:
        """Ids called deleted or merged."""
        query = deletion_queries.RegisterQuery((LOCATION,), statuses=("deleted", "merged"))
        with self.vault.read() as tx:
            return {row.contact_id for row in deletion_queries.list_page(tx, query, limit=100_000)}

    def row(self, contact_id: str) -> deletion_queries.Disappearance:
        """The newest row of the register about this contact."""
        with self.vault.read() as tx:
            return deletion_queries.list_for_contact(tx, LOCATION, contact_id)[-1]

    def stored_ids(self) -> set[str]:
        """Every id in the vault."""
        with self.vault.read() as tx:
            return {row.contact_id for row in contact_search.iterate(tx, contact_search.ContactQuery((LOCATION,)))}


@pytest.fixture
def world(vault: Vault) -> Iterator[World]:
    """200 invented people, nothing synced yet."""
    with a_world(vault, people=200) as world:
        yield world


@contextmanager
def a_world(vault: Vault, *, people: int) -> Iterator[World]:
    """So many invented people, nothing synced yet."""
    with open_world(World, vault, LOCATION, "Test & Sons", seed=7) as world:
        world.location.add_user("Sam")
        world.location.fill(people)
        yield world
