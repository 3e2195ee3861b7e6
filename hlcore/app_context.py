"""`AppContext`: what one process shares, made from the settings: the vault, and a client and limiter per location.

The command line, the worker and the pages use it; the use cases below take what they need as arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Lock

from hlcore.errors import KeyMissing, NotFound, VaultMissing
from hlcore.highlevel import Client, Clock, Limiter, Priority, SentRequest, SystemClock
from hlcore.highlevel.oauth import OAuth
from hlcore.location_context import LocationContext
from hlcore.model.callbacks import Listener, ignore_progress, never
from hlcore.private_files import make_data_folder
from hlcore.settings import Settings
from hlcore.store import Vault, locations, oauth_grants
from hlcore.store.encryption import Cipher
from hlcore.store.locations import Location
from hlcore.store.oauth_grants import LOCATION
from hlcore.sync.run_context import SyncRules
from hlcore.tokens import TokenManager


@dataclass
class AppContext:
    """The open vault and everything made with it. Opened once, shared by all threads of the process, ended by `close`.

    `on_close_before_vault` is called while the vault is still open, `on_close` after it is closed. `webhook_received`
    is set when a webhook delivery was stored.
    """

    settings: Settings
    vault: Vault
    cipher: Cipher
    clock: Clock
    on_close: list[Callable[[], None]] = field(default_factory=list)
    on_close_before_vault: list[Callable[[], None]] = field(default_factory=list)
    webhook_received: Event = field(default_factory=Event)
    _limiters: dict[str, Limiter] = field(default_factory=dict)
    _unsaved_requests: dict[tuple[str, str], int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _tokens: TokenManager | None = None

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock | None = None, new_vault: bool = False) -> AppContext:
        """Open the vault at the newest schema; the first start makes it and its key. The data folder is private then.

        A key without its vault, and a vault of accounts without its key, are a loss and no first start: nothing is made
        then, unless `new_vault` asks for an empty vault. Raises VaultMissing, KeyMissing, SettingsError, StoreError."""
        has_key, secret = Cipher.has_key_file(settings.data_dir), settings.secret_key.get_secret_value()
        was_here = has_key or Vault.left_traces(settings.database_url)  # asked first: the first start makes these last
        if was_here and not new_vault and not Vault.exists(settings.database_url):
            beside = "its key" if has_key else "files of it"
            raise VaultMissing(f"The vault's database is gone or empty, but {beside} can still be found.")
        make_data_folder(settings.data_dir)
        vault = Vault.open(settings.database_url)
        try:
            if not has_key and not secret and _has_accounts(vault) and not Cipher.has_key_file(settings.data_dir):
                raise KeyMissing(f"The key file of this vault is missing in {settings.data_dir}.")
            return cls(settings, vault, Cipher.load(secret, settings.data_dir), clock or SystemClock())
        except BaseException:
            vault.close()
            raise

    def close(self) -> None:
        """Store the counted requests, call the callbacks and close the vault."""
        self.flush_usage()
        for callback in self.on_close_before_vault:
            callback()
        if self._tokens is not None:
            self._tokens.oauth.close()
        self.vault.close()
        for callback in self.on_close:
            callback()

    def location(self, location_id: str) -> Location:
        """Return the connected location. Raises NotFound."""
        with self.vault.read() as tx:
            location = locations.get(tx, location_id)
        if location is None or not location.connected:
            raise NotFound(
                f"Location {location_id} is not connected.", hint="Connect it on the Settings page, or see `connect`."
            )
        return location

    def locations(self, location_id: str = "") -> list[Location]:
        """Return the connected locations, or only this one. Raises NotFound."""
        if location_id:
            return [self.location(location_id)]
        with self.vault.read() as tx:
            return locations.list_all(tx)

    @property
    def tokens(self) -> TokenManager:
        """The tokens of the OAuth app."""
        with self._lock:
            if self._tokens is None:
                self._tokens = TokenManager(self.vault, self.cipher, OAuth(self.settings, self.clock), self.clock)
            return self._tokens

    def rules(self, location: Location) -> SyncRules:
        """Return how careful a sync of this location is."""
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
        """Open a client of this location. All clients of a location in this process share one limiter.

        `token` is for a location that is not connected yet; otherwise the stored or granted one is used.
        """
        get_token = (lambda: token) if token is not None else partial(self._token, location_id)
        client = Client(
            location_id,
            get_token,
            base_url=self.settings.api_url,
            limiter=self._limiter(location_id),
            clock=self.clock,
            priority=priority,
            on_request=partial(self._count_request, location_id),
            on_refused=None if token is not None else partial(self._on_token_refused, location_id),
            cancelled=cancelled,
        )
        try:
            yield client
        finally:
            client.close()
            self.flush_usage()

    @contextmanager
    def location_context(
        self,
        location_id: str,
        *,
        priority: Priority = Priority.BACKGROUND,
        listener: Listener = ignore_progress,
        cancelled: Callable[[], bool] = never,
    ) -> Iterator[LocationContext]:
        """Yield what a use case needs to work on this location; its client is closed afterwards."""
        with self.client(location_id, priority=priority, cancelled=cancelled) as client:
            yield LocationContext(self.vault, client, location_id, self.clock.now, listener, cancelled)

    def flush_usage(self) -> None:
        """Store the requests counted since the last call."""
        with self._lock:
            counted, self._unsaved_requests = self._unsaved_requests, {}
        if not counted:
            return
        with self.vault.write() as tx:
            for (location_id, day), requests in counted.items():
                locations.add_usage(tx, location_id, day, requests)

    def _token(self, location_id: str) -> str:
        with self.vault.read() as tx:
            encrypted = locations.get_token(tx, location_id)
        if encrypted is not None:
            return self.cipher.decrypt(encrypted)
        if self.tokens.has_grant(location_id):
            return self.tokens.access_token(LOCATION, location_id)
        raise NotFound(f"Location {location_id} has no token.", hint="Connect it again on the Settings page.")

    def _on_token_refused(self, location_id: str, token: str) -> None:
        """Replace a token of the app, which HighLevel may have withdrawn before its time. A private token has no
        replacement."""
        if self.tokens.has_grant(location_id):
            self.tokens.replace_refused(LOCATION, location_id, token)

    def _limiter(self, location_id: str) -> Limiter:
        with self._lock:
            if location_id in self._limiters:
                return self._limiters[location_id]
        with self.vault.read() as tx:
            spent_today = locations.get_usage(tx, location_id, _day(self.clock)).requests
        with self._lock:
            return self._limiters.setdefault(
                location_id,
                Limiter(
                    self.clock,
                    per_10s=self.settings.requests_per_10s,
                    per_day=self.settings.requests_per_day,
                    interactive_share=self.settings.interactive_share,
                    spent_today=spent_today,
                ),
            )

    def _count_request(self, location_id: str, sent: SentRequest) -> None:
        key = (location_id, _day(self.clock))
        with self._lock:
            self._unsaved_requests[key] = self._unsaved_requests.get(key, 0) + 1


def _has_accounts(vault: Vault) -> bool:
    with vault.read() as tx:
        return bool(locations.list_all(tx, connected_only=False)) or oauth_grants.any_held(tx)


def _day(clock: Clock) -> str:
    return clock.now().date().isoformat()
