"""What the small worlds of the stories have in common: one sub-account on the sandbox, spoken to over real HTTP, a
vault beside it, and a clock moved by hand."""

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
class HandClock:
    """Time that only moves when it is told to, or slept. Safe for several threads."""

    at: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.at += max(timedelta(seconds=seconds), timedelta(microseconds=1))  # never stand still

    def pass_(self, **span: float) -> None:
        with self._lock:
            self.at += timedelta(**span)


@dataclass
class Account:
    """The sub-account, a client of it, and the vault."""

    vault: Vault
    clock: HandClock
    sandbox: Sandbox
    location: SandboxLocation
    client: Client
    url: str

    def location_context(self, **options: Any) -> LocationContext:
        """What use cases take; `listener` and `cancelled` are optional."""
        return LocationContext(self.vault, self.client, self.location.id, self.clock.now, **options)

    def status(self, contact_id: str) -> str:
        """What the vault says of this contact; empty when it knows nobody."""
        with self.vault.read() as tx:
            stored = contact_reads.get(tx, self.location.id, contact_id)
        return stored.status if stored else ""


A = TypeVar("A", bound=Account)


@contextmanager
def an_account(kind: type[A], vault: Vault, location_id: str, name: str, *, seed: int) -> Iterator[A]:
    """An account of this kind in which nobody is yet, and of which the vault knows nothing."""
    clock = HandClock()
    sandbox = Sandbox(clock.now, seed=seed)
    location = sandbox.add_location(location_id, name, "Europe/Berlin")
    limiter = Limiter(clock, per_10s=90, per_day=200_000, interactive_share=0)
    with (
        serve(sandbox) as server,
        closing(
            Client(
                location_id,
                lambda: sandbox.token_of(location_id),
                base_url=server.url,
                limiter=limiter,
                clock=clock,
                retries=2,
            )
        ) as client,
    ):
        yield kind(vault, clock, sandbox, location, client, server.url)
