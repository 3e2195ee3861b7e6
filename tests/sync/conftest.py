"""A small world for sync: one sub-account on the sandbox, spoken to over real HTTP, and a clock moved by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from hlcore.highlevel import Client, Limiter
from hlcore.sandbox import Location, Sandbox, serve
from hlcore.store import Vault, contacts, register, runs
from hlcore.store.runs import Run
from hlcore.sync.listing import sync_location
from hlcore.sync.report import Report
from hlcore.sync.rules import Rules
from hlcore.sync.watch import watch_location

LOCATION = "locSync0000000000001"


@dataclass
class HandClock:
    """Time that only moves when it is told to, or slept."""

    at: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def sleep(self, seconds: float) -> None:
        self.at += max(timedelta(seconds=seconds), timedelta(microseconds=1))  # never stand still

    def pass_(self, **span: float) -> None:
        self.at += timedelta(**span)


@dataclass
class World:
    """What the stories play in."""

    vault: Vault
    clock: HandClock
    sandbox: Sandbox
    location: Location
    client: Client
    url: str
    rules: Rules = field(default_factory=lambda: Rules(page_size=50))

    def sync(self, **options: Any) -> Report:
        """An hour passes, then one round."""
        self.clock.pass_(hours=1)
        return sync_location(self.vault, self.client, self.rules, now=self.clock.now, **options)

    def watch(self, **options: Any) -> Report:
        """A quarter of an hour passes, then one cheap look."""
        self.clock.pass_(minutes=15)
        return watch_location(self.vault, self.client, self.rules, now=self.clock.now, **options)

    def runs(self) -> list[Run]:
        """The runs, newest first."""
        with self.vault.read() as tx:
            return runs.recent(tx, [LOCATION], limit=50)

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
        query = register.RegisterQuery((LOCATION,), statuses=("deleted", "merged"))
        with self.vault.read() as tx:
            return {row.contact_id for row in register.listing(tx, query, limit=100_000)}

    def row(self, contact_id: str) -> register.Disappearance:
        """The newest row of the register about this contact."""
        with self.vault.read() as tx:
            return register.of_contact(tx, LOCATION, contact_id)[-1]

    def status(self, contact_id: str) -> str:
        """What the vault says of this contact."""
        with self.vault.read() as tx:
            stored = contacts.get(tx, LOCATION, contact_id)
        assert stored
        return stored.status

    def held(self) -> set[str]:
        """Every id in the vault."""
        with self.vault.read() as tx:
            return {row.contact_id for row in contacts.iterate(tx, contacts.ContactQuery((LOCATION,)))}


@pytest.fixture
def world(vault: Vault) -> Iterator[World]:
    """200 invented people, nothing synced yet."""
    with a_world(vault, people=200) as made:
        yield made


@contextmanager
def a_world(vault: Vault, *, people: int) -> Iterator[World]:
    """So many invented people on a sandbox that answers over HTTP, nothing synced yet."""
    clock = HandClock()
    sandbox = Sandbox(clock.now, seed=7)
    location = sandbox.add_location(LOCATION, "Test & Sons", "Europe/Berlin")
    location.add_user("Sam")
    location.fill(people)
    limiter = Limiter(clock, per_10s=90, per_day=200_000, interactive_share=0)
    with serve(sandbox) as server:
        client = Client(
            LOCATION, lambda: sandbox.token_of(LOCATION), base_url=server.url, limiter=limiter, clock=clock, retries=2
        )
        yield World(vault, clock, sandbox, location, client, server.url)
        client.close()
