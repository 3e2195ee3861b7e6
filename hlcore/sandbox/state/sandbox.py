"""The whole sandbox: its locations, their tokens, the OAuth app, the clock and the ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hlcore.sandbox.ids import Ids
from hlcore.sandbox.ledger import Ledger
from hlcore.sandbox.state.location import SandboxLocation
from hlcore.sandbox.webhooks import SigningKeys


@dataclass(slots=True)
class SandboxGrant:
    """What a bearer token stands for. ``location`` empty: the whole agency. ``scopes`` None: all."""

    location: str
    scopes: set[str] | None = None
    expires_at: datetime | None = None
    revoked: bool = False


@dataclass(slots=True)
class SandboxOAuth:
    """The Marketplace apps by client id, and the location ids that codes and refresh tokens (used once) stand for."""

    clients: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    refresh: dict[str, str] = field(default_factory=dict)


class Sandbox:
    """A HighLevel in memory. ``now`` is its clock (aware datetimes); ``seed`` decides every id and invented contact.

    Safe to use from several threads. `build_app` makes the ASGI application of it, `serve` runs that on a loopback
    port, and `persistence` saves it to a file."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC), *, seed: int = 0) -> None:
        self.now = now
        self.seed = seed
        self.lock = threading.RLock()
        self.ledger = Ledger()
        self.keys = SigningKeys()
        self.ids = Ids(f"{seed}:sandbox")
        self.locations: dict[str, SandboxLocation] = {}
        self.tokens: dict[str, SandboxGrant] = {}
        self.oauth = SandboxOAuth()

    def add_location(
        self,
        id: str,
        name: str,
        timezone: str = "America/New_York",
        *,
        token: str = "",
        allow_duplicates: bool = False,
        hipaa: bool = False,
    ) -> SandboxLocation:
        """Add a location whose private integration token is ``token`` (``pit-<id>`` when empty).

        Raises ValueError when the id is taken."""
        if id in self.locations:
            raise ValueError(f"location {id} exists")
        location = SandboxLocation(self, id, name, timezone)
        location.allow_duplicates = allow_duplicates
        location.hipaa = hipaa
        self.locations[id] = location
        self.tokens[token or f"pit-{id}"] = SandboxGrant(id)
        return location

    def token_of(self, location_id: str) -> str:
        """Return the newest working token of this location. Raises KeyError when there is none."""
        for token, grant in reversed(self.tokens.items()):
            if grant.location == location_id and not grant.revoked:
                return token
        raise KeyError(location_id)

    def add_token(self, token: str, location_id: str = "", *, scopes: set[str] | None = None) -> str:
        """Add a token for one location or (empty) the agency, with these scopes or (None) all."""
        self.tokens[token] = SandboxGrant(location_id, scopes)
        return token

    def revoke(self, token: str) -> None:
        self.tokens[token].revoked = True

    def add_app(self, client_id: str, client_secret: str) -> None:
        """Add a Marketplace app that may use the OAuth routes."""
        self.oauth.clients[client_id] = client_secret

    def authorize(self, location_id: str = "") -> str:
        """Return a code for `POST /oauth/token`, as choosing a location (empty: the agency) in the browser does."""
        code = self.ids.next()
        self.oauth.codes[code] = location_id
        return code

    def sizes(self) -> dict[str, int]:
        """Return the number of contacts by location id."""
        return {id_: len(location.records) for id_, location in self.locations.items()}
