"""What the worlds of the sync and restore tests share: a location on the sandbox over real HTTP, a vault, a clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, TypeVar

from hlcore.highlevel import Client, Limiter
from hlcore.location_context import LocationContext
from hlcore.sandbox import Sandbox, SandboxLocation, serve
from hlcore.store import Vault
from hlcore.store.contacts import reads as contact_reads


@dataclass
class ManualClock:
    """A clock that moves only by `advance` and `sleep`, and is set by `jump`. Safe for several threads."""

    at: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    jumped: timedelta = timedelta(0)
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        """Return a time that goes on while the time of day jumps, as a computer's does."""
        return (self.at - self.jumped).timestamp()

    def jump(self, **span: float) -> None:
        """Set the time of day forward, or back."""
        with self._lock:
            self.at += timedelta(**span)
            self.jumped += timedelta(**span)

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.at += max(timedelta(seconds=seconds), timedelta(microseconds=1))  # never stand still

    def advance(self, **span: float) -> None:
        with self._lock:
            self.at += timedelta(**span)


@dataclass
class SandboxWorld:
    """A location, a client of it, and the vault."""

    vault: Vault
    clock: ManualClock
    sandbox: Sandbox
    location: SandboxLocation
    client: Client
    url: str

    def location_context(self, **options: Any) -> LocationContext:
        """Return what use cases take; `listener` and `cancelled` are optional."""
        return LocationContext(self.vault, self.client, self.location.id, self.clock.now, **options)

    def status(self, contact_id: str) -> str:
        """Return the contact's status in the vault; empty when the vault does not have it."""
        with self.vault.read() as tx:
            stored = contact_reads.get(tx, self.location.id, contact_id)
        return stored.status if stored else ""


W = TypeVar("W", bound=SandboxWorld)


@contextmanager
def open_world(kind: type[W], vault: Vault, location_id: str, name: str, *, seed: int) -> Iterator[W]:
    """Open a world of this kind: an empty location, of which the vault knows nothing yet."""
    clock = ManualClock()
    sandbox = Sandbox(clock.now, seed=seed)
    location = sandbox.add_location(location_id, name, "Europe/Berlin")
    limiter = Limiter(clock, per_10s=90, per_day=200_000, interactive_share=0)
    with serve(sandbox) as server:
        client = Client(
            location_id, lambda: sandbox.token_of(location_id), base_url=server.url, limiter=limiter, clock=clock,
            retries=2,
        )  # fmt: skip
        with closing(client):
            yield kind(vault, clock, sandbox, location, client, server.url)
