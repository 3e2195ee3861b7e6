"""A context on each database, a location on the sandbox over HTTP, and a client that posts webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.testclient import TestClient

from hlcore.accounts import connection
from hlcore.app_context import AppContext
from hlcore.model.callbacks import never
from hlcore.sandbox import Sandbox, SandboxLocation, serve
from hlcore.sandbox.webhooks import SandboxEvent, SigningKeys
from hlcore.settings import Settings
from hlcore.store import Vault, webhook_inbox
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.encryption import Cipher
from hlcore.sync.listing.run import sync_location
from hlcore.webhooks.processor import handle_deliveries
from hlcore.webhooks.receiver import PATH, routes
from tests.support.worlds import ManualClock

LOCATION = "locHooks000000000001"
OTHER = "locOther000000000001"
COMPANY = "company-of-7"
APP = "app7"


@dataclass
class World:
    """A connected location on the sandbox, its vault, and the webhook route."""

    context: AppContext
    clock: ManualClock
    sandbox: Sandbox
    location: SandboxLocation
    http: TestClient
    posted: int = field(default=0)

    @property
    def vault(self) -> Vault:
        return self.context.vault

    def sync(self, **later: float) -> None:
        """Let some time pass (an hour), then run one listing."""
        self.clock.advance(**(later or {"hours": 1}))
        rules = self.context.rules(self.context.location(LOCATION))
        with self.context.location_context(LOCATION) as location_context:
            report = sync_location(location_context, rules)
        assert report.outcome == "complete", report.reason

    def new_events(self) -> list[SandboxEvent]:
        """Return the events since the last call."""
        found = list(self.location.events)[self.posted :]
        self.posted = len(self.location.events)
        return found

    def post(self, event: SandboxEvent, **headers: bool) -> int:
        """Deliver this event; return the status of the answer."""
        return self.http.post(PATH, content=event.body, headers=event.headers(**headers)).status_code

    def deliver(self, *events: SandboxEvent) -> None:
        """Deliver these events (or all new ones) and process them."""
        for event in events or self.new_events():
            assert self.post(event) == 200
        self.work()

    def work(self) -> int:
        return handle_deliveries(self.context, never)

    def row(self, contact_id: str) -> deletion_queries.Disappearance:
        with self.vault.read() as tx:
            return deletion_queries.list_for_contact(tx, LOCATION, contact_id)[-1]

    def rows(self, contact_id: str) -> list[deletion_queries.Disappearance]:
        with self.vault.read() as tx:
            return deletion_queries.list_for_contact(tx, LOCATION, contact_id)

    def held(self, contact_id: str) -> contact_reads.StoredContact | None:
        with self.vault.read() as tx:
            return contact_reads.get(tx, LOCATION, contact_id)

    def status(self, contact_id: str) -> str:
        held = self.held(contact_id)
        assert held
        return held.status

    def refused(self) -> dict[str, int]:
        with self.vault.inbox.read() as tx:
            return webhook_inbox.count_refusals(tx, "2026-01-01")


def settings(sandbox: Sandbox, url: str, folder: Path) -> Settings:
    return Settings(
        api_url=url,
        data_dir=folder,
        webhook_key=sandbox.keys.public_pem,
        webhook_legacy_key=sandbox.keys.legacy_public_pem,
        client_id=f"{APP}-live",
        client_secret=SecretStr("app-secret"),
        redirect_uri="https://vault.example.com/oauth/callback",
    )


@pytest.fixture(scope="session")
def keys() -> SigningKeys:
    """Made once: an RSA key takes a while."""
    return SigningKeys()


@pytest.fixture
def world(vault: Vault, keys: SigningKeys, tmp_path: Path) -> Iterator[World]:
    """40 invented contacts of a connected location, copied once; and another location that is not connected."""
    clock = ManualClock()
    sandbox = Sandbox(clock.now, seed=7)
    sandbox.keys = keys
    sandbox.add_app(f"{APP}-live", "app-secret")
    location = sandbox.add_location(LOCATION, "Test & Sons", "Europe/Berlin")
    location.fill(40)
    sandbox.add_location(OTHER, "Others", "Europe/Berlin").fill(3)
    with serve(sandbox) as server:
        context = AppContext(settings(sandbox, server.url, tmp_path), vault, Cipher("a secret"), clock)
        connection.connect(context, LOCATION, sandbox.token_of(LOCATION))
        with TestClient(Starlette(routes=routes(lambda: context))) as http:
            found = World(context, clock, sandbox, location, http)
            found.sync()
            clock.advance(minutes=30)
            yield found
        context.close()
