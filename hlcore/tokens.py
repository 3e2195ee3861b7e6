"""`TokenManager`: tokens of the OAuth app that renew themselves shortly before they expire, in one process at a time.

A refresh token works once. It is exchanged under a lock that all processes share (`Vault.alone`). Before the exchange a
claim is stored; afterwards the new pair replaces the old one and ends the claim in one transaction. A process that
comes second finds the new pair. Only a process that is killed in between loses the authorisation, and the claim then
tells why.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

from hlcore.errors import AnswerLost, GrantLost, StoreError, TokenRefused, VaultError
from hlcore.highlevel import Clock
from hlcore.highlevel.oauth import COMPANY as COMPANY_TYPE
from hlcore.highlevel.oauth import LOCATION as LOCATION_TYPE
from hlcore.highlevel.oauth import OAuth, TokenPair
from hlcore.model.moments import is_future
from hlcore.store import Vault, leases, oauth_grants
from hlcore.store.encryption import Cipher
from hlcore.store.oauth_grants import COMPANY, LOCATION, StoredGrant

RENEW_BEFORE = timedelta(minutes=5)
STORE_TRIES = 5


@dataclass(frozen=True, slots=True)
class TokenManager:
    """The tokens of one vault. Thread-safe."""

    vault: Vault
    cipher: Cipher
    oauth: OAuth
    clock: Clock

    def save(self, pair: TokenPair) -> StoredGrant:
        """Store a pair that a user's consent has given, for its location or agency."""
        kind = COMPANY if pair.user_type == COMPANY_TYPE else LOCATION
        owner_id = pair.company_id if kind == COMPANY else pair.location_id
        with self.vault.write() as tx:
            oauth_grants.save(
                tx,
                kind,
                owner_id,
                company_id=pair.company_id,
                tokens=self._encrypt(pair.access, pair.refresh),
                expires_at=pair.expires_at,
                at=self.clock.now(),
            )
        return self._read(kind, owner_id)

    def has_grant(self, location_id: str) -> bool:
        """Whether the location is connected by the app."""
        with self.vault.read() as tx:
            return oauth_grants.get(tx, LOCATION, location_id) is not None

    def access_token(self, kind: str, owner_id: str) -> str:
        """Return an access token that is valid for some minutes more.

        Raises GrantLost when a user must connect again, HighLevelError when HighLevel cannot be reached and the old
        token has expired.
        """
        grant = self._read(kind, owner_id)
        if grant.trouble:
            raise GrantLost(grant.trouble)
        now = self.clock.now()
        if grant.expires_at - now > RENEW_BEFORE and not is_future(grant.refreshed_at, now):
            return self._decrypt(grant)[0]
        try:
            return self.renew(kind, owner_id, grant.generation)
        except GrantLost:
            raise
        except VaultError:
            if grant.expires_at <= now:
                raise
            return self._decrypt(grant)[0]

    def replace_refused(self, kind: str, owner_id: str, token: str) -> None:
        """Obtain a new token in place of one that HighLevel refused before its time, unless that has been done already.

        Raises HighLevelError with the reason when it cannot: a user must connect again, the location is paused, or a
        later attempt may succeed.
        """
        grant = self._read(kind, owner_id)
        if not grant.trouble and self._decrypt(grant)[0] == token:
            self.renew(kind, owner_id, grant.generation)

    def renew(self, kind: str, owner_id: str, generation: int) -> str:
        """Return a newer access token than that of `generation`: obtained here, or by another process a moment ago.
        Raises GrantLost, HighLevelError, StoreError."""
        with self.vault.exclusive(f"grant-{kind}"):
            grant = self._read(kind, owner_id)
            if grant.trouble:
                raise GrantLost(grant.trouble)
            if grant.generation != generation:
                return self._decrypt(grant)[0]
            if kind == LOCATION and (pair := self._from_agency(grant)) is not None:
                return self._store(grant, pair)
            return self._exchange(grant)

    def _from_agency(self, grant: StoredGrant) -> TokenPair | None:
        """Return a location's pair obtained with its agency's token; None where no agency token works."""
        with self.vault.read() as tx:
            agency = oauth_grants.get(tx, COMPANY, grant.company_id)
        if agency is None or agency.trouble:
            return None
        try:
            token = self.access_token(COMPANY, grant.company_id)
            return self.oauth.location_token(token, grant.company_id, grant.owner_id)
        except TokenRefused:
            if self._decrypt(grant)[1]:
                return None
            raise

    def _exchange(self, grant: StoredGrant) -> str:
        """Exchange the refresh token and store the new pair. The caller holds the lock."""
        refresh = self._decrypt(grant)[1]
        if not refresh:
            raise self._mark_lost(grant, "HighLevel gave no way to renew this authorisation, and it has expired.")
        holder = leases.this_process()
        with self.vault.write() as tx:
            oauth_grants.claim_refresh_token(tx, grant.kind, grant.owner_id, holder=holder, at=self.clock.now())
        user_type = COMPANY_TYPE if grant.kind == COMPANY else LOCATION_TYPE
        try:
            pair = self._refresh(refresh, user_type)
        except GrantLost as exc:
            newer = self._read(grant.kind, grant.owner_id)
            if newer.generation != grant.generation:
                return self._decrypt(newer)[0]
            raise self._mark_lost(grant, _loss_reason(grant, exc)) from exc
        except AnswerLost:
            raise  # the claim stays: the next attempt knows that this token may have been used
        except VaultError:
            with self.vault.write() as tx:
                oauth_grants.release_refresh_token(tx, grant.kind, grant.owner_id, holder=holder)
            raise
        return self._store(grant, pair)

    def _refresh(self, refresh: str, user_type: str) -> TokenPair:
        """Exchange the refresh token; once more after a lost answer, because the request itself may have been lost."""
        try:
            return self.oauth.refresh(refresh, user_type)
        except AnswerLost:
            try:
                return self.oauth.refresh(refresh, user_type)
            except GrantLost as exc:
                raise GrantLost("HighLevel's answer with the new authorisation was lost on its way.") from exc

    def _store(self, grant: StoredGrant, pair: TokenPair) -> str:
        """Replace the grant's pair. Retried, because the new pair exists nowhere else."""
        refresh = pair.refresh or self._decrypt(grant)[1]
        encrypted = self._encrypt(pair.access, refresh)
        for tries_left in reversed(range(STORE_TRIES)):
            try:
                with self.vault.write() as tx:
                    oauth_grants.store_renewed(
                        tx,
                        grant.kind,
                        grant.owner_id,
                        tokens=encrypted,
                        expires_at=pair.expires_at,
                        at=self.clock.now(),
                        generation=grant.generation,
                    )
                return pair.access
            except StoreError:
                if not tries_left:
                    raise
                self.clock.sleep(1.0)
        raise AssertionError("unreachable")

    def _mark_lost(self, grant: StoredGrant, reason: str) -> GrantLost:
        with self.vault.write() as tx:
            oauth_grants.record_trouble(
                tx, grant.kind, grant.owner_id, trouble=reason, at=self.clock.now(), generation=grant.generation
            )
        return GrantLost(reason)

    def _read(self, kind: str, owner_id: str) -> StoredGrant:
        with self.vault.read() as tx:
            grant = oauth_grants.get(tx, kind, owner_id)
        if grant is None:
            raise GrantLost("The app is not installed for this account.")
        return grant

    def _encrypt(self, access: str, refresh: str) -> bytes:
        return self.cipher.encrypt(json.dumps({"access": access, "refresh": refresh}))

    def _decrypt(self, grant: StoredGrant) -> tuple[str, str]:
        """Return (access token, refresh token)."""
        tokens = json.loads(self.cipher.decrypt(grant.tokens or b""))
        return tokens["access"], tokens["refresh"]


def _loss_reason(grant: StoredGrant, refusal: GrantLost) -> str:
    if grant.claimed_at is not None:
        return (
            f"Contact Vault was interrupted on {grant.claimed_at:%d %b %Y, %H:%M} UTC just while it renewed "
            "HighLevel's authorisation. HighLevel had replaced it already, and the new one could not be kept."
        )
    if isinstance(refusal.__cause__, GrantLost):
        return str(refusal)
    return f"{refusal} It was withdrawn in HighLevel, or used by another program."
