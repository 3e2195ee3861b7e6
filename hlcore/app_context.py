"""Putting the rooms together: one vault, one limiter and one client per location, from the settings.

Used by the command line, the worker and the pages; the use cases themselves take what they need as arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock

from hlcore.errors import NotFound
from hlcore.highlevel import Client, Clock, Limiter, Priority, SentRequest, SystemClock
from hlcore.highlevel.oauth import OAuth
from hlcore.settings import Settings
from hlcore.store import Vault, locations
from hlcore.store.encryption import Cipher
from hlcore.store.locations import Location
from hlcore.store.oauth_grants import LOCATION
from hlcore.sync.run_context import SyncRules, never
from hlcore.tokens import TokenManager


@dataclass
class AppContext:
    """Everything one process needs: made once, shared by its threads. `close` ends it."""

    settings: Settings
    vault: Vault
    cipher: Cipher
    clock: Clock
    on_close: list[Callable[[], None]] = field(default_factory=list)
    on_close_before_vault: list[Callable[[], None]] = field(default_factory=list)  # ended while the vault is still open
    webhook_received: Event = field(default_factory=Event)  # rung when a webhook has come
    _limiters: dict[str, Limiter] = field(default_factory=dict)
    _sent: dict[tuple[str, str], int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _tokens: TokenManager | None = None

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock | None = None) -> AppContext:
        """The vault is open and at the newest schema. Raises SettingsError, StoreError."""
        vault = Vault.open(settings.database_url)
        cipher = Cipher.load(settings.secret_key.get_secret_value(), settings.data_dir)
        return cls(settings, vault, cipher, clock or SystemClock())

    def close(self) -> None:
        """The counted requests are kept, the database is let go, and what hangs on this office (`closers`) ended."""
        self.flush_usage()
        for keeper in self.on_close_before_vault:
            keeper()
        if self._tokens is not None:
            self._tokens.oauth.close()
        self.vault.close()
        for closer in self.on_close:
            closer()

    def location(self, location_id: str) -> Location:
        """The connected location. Raises NotFound."""
        with self.vault.read() as tx:
            found = locations.get(tx, location_id)
        if found is None or found.disconnected_at is not None:
            raise NotFound(
                f"Location {location_id} is not connected.", hint="Connect it on the Settings page, or see `connect`."
            )
        return found

    def locations(self, only: str = "") -> list[Location]:
        """The connected locations, or the one asked for. Raises NotFound."""
        if only:
            return [self.location(only)]
        with self.vault.read() as tx:
            return locations.all(tx)

    @property
    def tokens(self) -> TokenManager:
        """The grants of the OAuth app."""
        with self._lock:
            if self._tokens is None:
                self._tokens = TokenManager(self.vault, self.cipher, OAuth(self.settings, self.clock), self.clock)
            return self._tokens

    def rules(self, location: Location) -> SyncRules:
        """How careful a sync of this location is."""
        return SyncRules.of(self.settings, location.incident_floor, location.incident_share)

    @contextmanager
    def client(
        self,
        location_id: str,
        *,
        token: str | None = None,
        priority: Priority = Priority.BACKGROUND,
        cancelled: Callable[[], bool] = never,
    ) -> Iterator[Client]:
        """A client of this location; all clients of a location in this process share one limiter. `token` is for
        an account that is not connected yet."""
        source = (lambda: token) if token is not None else (lambda: self._token(location_id))
        client = Client(
            location_id,
            source,
            base_url=self.settings.api_url,
            limiter=self._limiter(location_id),
            clock=self.clock,
            priority=priority,
            on_request=lambda sent: self._count(location_id, sent),
            on_refused=None if token is not None else lambda refused: self._refused(location_id, refused),
            cancelled=cancelled,
        )
        try:
            yield client
        finally:
            client.close()
            self.flush_usage()

    def flush_usage(self) -> None:
        """The requests counted since the last flush are added to the day's account."""
        with self._lock:
            counted, self._sent = self._sent, {}
        if not counted:
            return
        with self.vault.write() as tx:
            for (location_id, day), requests in counted.items():
                locations.add(tx, location_id, day, requests)

    def _token(self, location_id: str) -> str:
        with self.vault.read() as tx:
            kept = locations.token(tx, location_id)
        if kept is not None:
            return self.cipher.decrypt(kept)
        if self.tokens.has(location_id):
            return self.tokens.token(LOCATION, location_id)
        raise NotFound(f"Location {location_id} has no token.", hint="Connect it again on the Settings page.")

    def _refused(self, location_id: str, token: str) -> None:
        """A token of the app's may have been replaced by HighLevel before its time; a private one is what it is."""
        if self.tokens.has(location_id):
            self.tokens.refused(LOCATION, location_id, token)

    def _limiter(self, location_id: str) -> Limiter:
        with self._lock:
            if location_id in self._limiters:
                return self._limiters[location_id]
        with self.vault.read() as tx:
            spent = locations.today(tx, location_id, _day(self.clock)).requests
        with self._lock:
            return self._limiters.setdefault(
                location_id,
                Limiter(
                    self.clock,
                    per_10s=self.settings.requests_per_10s,
                    per_day=self.settings.requests_per_day,
                    interactive_share=self.settings.interactive_share,
                    spent_today=spent,
                ),
            )

    def _count(self, location_id: str, sent: SentRequest) -> None:
        key = (location_id, _day(self.clock))
        with self._lock:
            self._sent[key] = self._sent.get(key, 0) + 1


def _day(clock: Clock) -> str:
    return clock.now().date().isoformat()
