"""The recovery clock, whatever comes first: listings, lookups, updates and deletions, each told of late or never."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hlcore.highlevel.webhook_signature import parse_event
from hlcore.model.contact import parse_contact
from hlcore.model.recovery_window import DEFAULT_DAYS, recovery_window, remaining_time
from hlcore.store import Vault, runs
from hlcore.store.contacts import presence
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions import register
from hlcore.store.deletions.queries import Disappearance
from hlcore.sync.deletion_cause import record_loss
from hlcore.sync.run_context import LookupResult
from hlcore.webhooks.contact_events import ContactUpdate, apply_contact_updates
from tests.conftest import START

LAG = timedelta(minutes=5)
BIRTH, DEATH = START - timedelta(days=50), START
WINDOW = timedelta(days=DEFAULT_DAYS)
numbers = count()
before_death = st.integers(0, 50 * 24 * 60).map(lambda minutes: BIRTH + timedelta(minutes=minutes))


class Life:
    """One contact of a location of its own, added at `BIRTH` and deleted at `DEATH`."""

    def __init__(self, vault: Vault) -> None:
        self.vault, self.number = vault, next(numbers)
        self.location, self.contact_id = f"loc{self.number}", f"c{self.number}"
        self.proofs = [BIRTH]
        raw = json.dumps({"id": self.contact_id, "locationId": self.location}).encode()
        self.contact = parse_contact(raw)
        with vault.write() as tx:
            contact_writes.insert_contacts(tx, self.location, [self.contact], at=BIRTH)

    def listing(self, at: datetime) -> None:
        """A complete listing showed it."""
        with self.vault.write() as tx:
            runs.record_finished(tx, self.location, "listing", began=at, at=at, columns={})
        self.proofs.append(at - LAG)

    def lookup(self, at: datetime) -> None:
        """GET by id showed it."""
        with self.vault.write() as tx:
            contact_writes.store_detail(tx, self.location, self.contact_id, self.contact.raw, at)
        self.proofs.append(at)

    def search(self, at: datetime) -> None:
        """A page of the watch showed it."""
        with self.vault.write() as tx:
            presence.record_seen(tx, self.location, [self.contact_id], at=at - LAG)
        self.proofs.append(at - LAG)

    def told(self, at: datetime, *, updates: list[datetime], deleted: bool) -> None:
        """Deliveries about it are worked off; GET says that it is gone."""
        gone = LookupResult(self.contact_id, deleted=True, message="404")
        body = {"type": "ContactDelete", "locationId": self.location, "id": self.contact_id, "timestamp": iso(DEATH)}
        raw = json.dumps(body).encode()
        event = parse_event(raw)
        assert event
        update = ContactUpdate(gone, [(event, raw)] if deleted else [], bool(updates), tuple(updates))
        apply_contact_updates(self.vault, self.location, [update], at=at, lag=LAG)
        self.proofs += [moment for moment in updates if moment <= at]

    def missed(self, at: datetime) -> None:
        """A listing did not show it, and GET says that it is gone."""
        with self.vault.write() as tx:
            proofs = register.proofs_of_life(tx, self.location, [self.contact_id], now=at, lag=LAG)
            register.mark_suspected(tx, self.location, list(proofs.items()), at=at, detected_by="listing")
            for row in deletion_queries.list_open_suspects(tx, self.location, limit=1):
                record_loss(tx, row, "404", at=at)

    def row(self) -> Disappearance:
        with self.vault.read() as tx:
            return deletion_queries.list_for_contact(tx, self.location, self.contact_id)[-1]


def iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def assert_window(life: Life, at: datetime) -> None:
    """It is open until the last proof of life and the window are over, and never longer than it was in truth."""
    row = life.row()
    left = remaining_time(recovery_window(None), deleted_at=row.deleted_at, last_seen_at=row.last_seen_at, now=at)
    assert left.starts_at == row.clock_from
    assert left.ends_at >= max(life.proofs) + WINDOW
    assert left.ends_at <= DEATH + WINDOW


sightings = st.lists(st.tuples(st.sampled_from(["listing", "lookup", "search"]), before_death), max_size=4)
looks = st.one_of(
    st.just("missed"),
    st.tuples(st.lists(before_death, max_size=2), st.booleans()).filter(lambda told: told[0] or told[1]),
)


@given(sightings, st.lists(looks, min_size=1, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_the_window_never_ends_before_the_last_proof_of_life_and_the_window(
    vault: Vault, seen: list[tuple[str, datetime]], later: list[str | tuple[list[datetime], bool]]
) -> None:
    life = Life(vault)
    for how, at in sorted(seen, key=lambda sighting: sighting[1]):
        getattr(life, how)(at)
    at = DEATH
    for look in later:
        at += timedelta(hours=7)
        if isinstance(look, str):
            life.missed(at)
        else:
            life.told(at, updates=look[0], deleted=look[1])
        assert_window(life, at)


def test_a_late_update_about_someone_who_is_gone_leaves_the_window_open(vault: Vault) -> None:
    life = Life(vault)
    life.listing(DEATH - timedelta(minutes=10))
    life.told(DEATH + timedelta(minutes=3), updates=[BIRTH + timedelta(days=2)], deleted=False)
    row = life.row()
    assert (row.status, row.last_seen_at) == ("suspected", DEATH - timedelta(minutes=10) - LAG)


def test_an_update_that_is_told_of_later_moves_the_clock_of_an_open_row(vault: Vault) -> None:
    life = Life(vault)
    life.missed(DEATH + timedelta(hours=1))
    assert life.row().clock_from == BIRTH
    life.told(DEATH + timedelta(hours=2), updates=[DEATH - timedelta(hours=1)], deleted=False)
    assert (life.row().status, life.row().clock_from) == ("deleted", DEATH - timedelta(hours=1))


@pytest.mark.parametrize("ahead", [timedelta(minutes=6), timedelta(days=400)], ids=str)
def test_a_moment_in_the_future_proves_nothing(vault: Vault, ahead: timedelta) -> None:
    life = Life(vault)
    at = DEATH + timedelta(minutes=3)
    life.listing(at + ahead + LAG)
    with vault.write() as tx:
        proofs = register.proofs_of_life(tx, life.location, [life.contact_id], now=at, lag=LAG)
    assert proofs == {life.contact_id: BIRTH}
    life.told(at, updates=[at + ahead], deleted=False)
    assert life.row().last_seen_at == BIRTH


def test_an_update_dated_after_a_listing_had_missed_it_may_be_a_repetition_and_proves_nothing(vault: Vault) -> None:
    life = Life(vault)
    life.missed(DEATH + timedelta(hours=1))
    life.told(DEATH + timedelta(days=3), updates=[DEATH + timedelta(days=2)], deleted=False)
    assert life.row().clock_from == BIRTH
