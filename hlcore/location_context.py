"""What a use case needs to work on one location: the vault, HighLevel, the clock, and the one who waits for it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from hlcore.errors import Cancelled
from hlcore.highlevel import Client
from hlcore.model.callbacks import Listener, Now, Progress, StopSignal, ignore_progress, never
from hlcore.store import Tx, Vault


@dataclass(frozen=True, slots=True)
class LocationContext:
    """One location of the vault and its HighLevel client.

    `listener` receives progress; `cancelled` is polled and returns True once the work should stop.
    """

    vault: Vault
    client: Client
    location_id: str
    now: Now
    listener: Listener = ignore_progress
    cancelled: StopSignal = never

    def write(self) -> AbstractContextManager[Tx]:
        """Open a transaction that writes rows of this location only; writers of other locations need not wait."""
        return self.vault.write(location_id=self.location_id)

    def report_progress(self, stage: str, done: int = 0, total: int = 0, note: str = "") -> None:
        """Pass progress to the listener. Raises Cancelled when the work should stop."""
        self.stop_if_cancelled()
        self.listener(Progress(stage, done, total, note))

    def stop_if_cancelled(self) -> None:
        """Raise Cancelled when the work should stop."""
        if self.cancelled():
            raise Cancelled("Stopped. What was done so far is kept; the next run goes on from here.")
