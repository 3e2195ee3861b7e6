"""Tokens of the OAuth app that always work: renewed shortly before they expire, by one process at a time.

A refresh token works once. It is exchanged under a lock that all processes share (`Vault.alone`); before the
exchange the intent is written down, after it the new pair takes the place of the old one and ends the intent in one
transaction. Whoever comes second finds the new pair. Only a process that is killed in between loses the grant, and
then it is known why.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from hlcore.errors import AnswerLost, GrantLost, StoreError, TokenRefused, VaultError
from hlcore.highlevel import Clock
from hlcore.highlevel.oauth import COMPANY as COMPANY_TYPE
from hlcore.highlevel.oauth import LOCATION as LOCATION_TYPE
from hlcore.highlevel.oauth import OAuth, TokenPair
from hlcore.store import Vault, oauth_grants, runs
from hlcore.store.encryption import Cipher
from hlcore.store.oauth_grants import COMPANY, LOCATION, StoredGrant

EARLY = timedelta(minutes=5)
STORE_TRIES = 5


@dataclass(frozen=True, slots=True)
class TokenManager:
    """The grants of one vault."""

    vault: Vault
    cipher: Cipher
    oauth: OAuth
    clock: Clock

    def keep(self, pair: TokenPair) -> StoredGrant:
        """A person has given this pair: it is kept, for the location or the agency it is of."""
        kind = COMPANY if pair.user_type == COMPANY_TYPE else LOCATION
        owner_id = pair.company_id if kind == COMPANY else pair.location_id
        with self.vault.write() as tx:
            oauth_grants.save(
                tx,
                kind,
                owner_id,
                company_id=pair.company_id,
                tokens=self._sealed(pair),
                expires_at=pair.expires_at,
                at=self.clock.now(),
            )
        return self._read(kind, owner_id)

    def has(self, location_id: str) -> bool:
        """Whether the location is connected by the app."""
        with self.vault.read() as tx:
            return oauth_grants.get(tx, LOCATION, location_id) is not None

    def token(self, kind: str, owner_id: str) -> str:
        """An access token that works for some minutes more. Raises GrantLost when a person must connect again,
        HighLevelError when HighLevel cannot be reached and the old one has expired."""
        grant = self._read(kind, owner_id)
        if grant.trouble:
            raise GrantLost(grant.trouble)
        if grant.expires_at - self.clock.now() > EARLY:
            return self._opened(grant)[0]
        try:
            return self.renew(kind, owner_id, grant.generation)
        except GrantLost:
            raise
        except VaultError:
            if grant.expires_at <= self.clock.now():
                raise
            return self._opened(grant)[0]

    def refused(self, kind: str, owner_id: str, token: str) -> None:
        """HighLevel refused this token although it should still work: another is obtained, unless somebody has done so
        already. Raises HighLevelError with what is wrong when it cannot be: the refused token alone does not tell that
        a person must connect again, that the account is paused, or that trying later will do."""
        grant = self._read(kind, owner_id)
        if not grant.trouble and self._opened(grant)[0] == token:
            self.renew(kind, owner_id, grant.generation)

    def renew(self, kind: str, owner_id: str, generation: int) -> str:
        """A newer access token than that of `generation`: the one that another process has just obtained, or a fresh
        one. Raises GrantLost, HighLevelError, StoreError."""
        with self.vault.alone(f"grant-{kind}"):
            grant = self._read(kind, owner_id)
            if grant.trouble:
                raise GrantLost(grant.trouble)
            if grant.generation != generation:
                return self._opened(grant)[0]
            if kind == LOCATION and (pair := self._by_agency(grant)) is not None:
                return self._store(grant, pair)
            return self._exchange(grant)

    def _by_agency(self, grant: StoredGrant) -> TokenPair | None:
        """A location's token out of its agency's grant; None where there is none that works."""
        with self.vault.read() as tx:
            agency = oauth_grants.get(tx, COMPANY, grant.company_id)
        if agency is None or agency.trouble:
            return None
        try:
            token = self.token(COMPANY, grant.company_id)
            return self.oauth.location_token(token, grant.company_id, grant.owner_id)
        except TokenRefused:
            if self._opened(grant)[1]:
                return None
            raise

    def _exchange(self, grant: StoredGrant) -> str:
        """The refresh token is exchanged, and the new pair kept. Called by whoever is alone."""
        refresh = self._opened(grant)[1]
        if not refresh:
            raise self._lost(grant, "HighLevel gave no way to renew this authorisation, and it has expired.")
        holder = runs.this_process()
        with self.vault.write() as tx:
            oauth_grants.claim(tx, grant.kind, grant.owner_id, holder=holder, at=self.clock.now())
        user_type = COMPANY_TYPE if grant.kind == COMPANY else LOCATION_TYPE
        try:
            pair = self._ask(refresh, user_type)
        except GrantLost as exc:
            newer = self._read(grant.kind, grant.owner_id)
            if newer.generation != grant.generation:
                return self._opened(newer)[0]
            raise self._lost(grant, _why(grant, exc)) from exc
        except AnswerLost:
            raise  # the claim stays: whoever tries next knows that this one may have been used
        except VaultError:
            with self.vault.write() as tx:
                oauth_grants.unclaim(tx, grant.kind, grant.owner_id, holder=holder)
            raise
        return self._store(grant, pair)

    def _ask(self, refresh: str, user_type: str) -> TokenPair:
        """A lost answer is asked for once more: it may have been the question that was lost."""
        try:
            return self.oauth.refresh(refresh, user_type)
        except AnswerLost:
            try:
                return self.oauth.refresh(refresh, user_type)
            except GrantLost as exc:
                raise GrantLost("HighLevel's answer with the new authorisation was lost on its way.") from exc

    def _store(self, grant: StoredGrant, pair: TokenPair) -> str:
        """The pair takes the place of the grant's; tried again, for it exists nowhere else."""
        refresh = pair.refresh or self._opened(grant)[1]
        sealed = self.cipher.encrypt(json.dumps({"access": pair.access, "refresh": refresh}))
        for left in reversed(range(STORE_TRIES)):
            try:
                with self.vault.write() as tx:
                    oauth_grants.renewed(
                        tx,
                        grant.kind,
                        grant.owner_id,
                        tokens=sealed,
                        expires_at=pair.expires_at,
                        at=self.clock.now(),
                        generation=grant.generation,
                    )
                return pair.access
            except StoreError:
                if not left:
                    raise
                self.clock.sleep(1.0)
        raise AssertionError("unreachable")

    def _lost(self, grant: StoredGrant, why: str) -> GrantLost:
        with self.vault.write() as tx:
            oauth_grants.troubled(
                tx, grant.kind, grant.owner_id, trouble=why, at=self.clock.now(), generation=grant.generation
            )
        return GrantLost(why)

    def _read(self, kind: str, owner_id: str) -> StoredGrant:
        with self.vault.read() as tx:
            found = oauth_grants.get(tx, kind, owner_id)
        if found is None:
            raise GrantLost("The app is not installed for this account.")
        return found

    def _sealed(self, pair: TokenPair) -> bytes:
        return self.cipher.encrypt(json.dumps({"access": pair.access, "refresh": pair.refresh}))

    def _opened(self, grant: StoredGrant) -> tuple[str, str]:
        """(access token, refresh token)."""
        found = json.loads(self.cipher.decrypt(grant.tokens or b""))
        return found["access"], found["refresh"]


def _why(grant: StoredGrant, refusal: GrantLost) -> str:
    if grant.claimed_at is not None:
        return (
            f"Contact Vault was interrupted on {_at(grant.claimed_at)} just while it renewed HighLevel's "
            "authorisation. HighLevel had replaced it already, and the new one could not be kept."
        )
    if isinstance(refusal.__cause__, GrantLost):
        return str(refusal)
    return f"{refusal} It was withdrawn in HighLevel, or used by another program."


def _at(moment: datetime) -> str:
    return f"{moment:%d %b %Y, %H:%M} UTC"
