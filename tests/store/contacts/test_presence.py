"""What a listing has seen, and what it has not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest

from hlcore.model.contact import Contact
from hlcore.store import Tx, Vault, leases, runs
from hlcore.store.contacts import presence
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import writes as contact_writes


@pytest.fixture
def run_id(vault: Vault, location: str, make_contact: Callable[..., Contact], clock: Any) -> int:
    """An open listing of a location with the contacts c0 … c9, and c0 of another location."""
    with vault.write() as tx:
        contact_writes.insert_contacts(tx, location, [make_contact(f"c{number}") for number in range(10)], at=clock())
        contact_writes.insert_contacts(tx, "elsewhere", [make_contact("c0")], at=clock())
        claimed = runs.claim(
            tx, location, "listing", at=clock(), holder=leases.this_process(), resume_within=timedelta(hours=1)
        )
    return claimed.run_id


def see(tx: Tx, run_id: int, ids: Iterable[str]) -> int:
    """Record that the run has seen these contacts of its location."""
    location_id = runs.get(tx, run_id).location_id
    return presence.record_sightings(tx, run_id, contact_reads.row_ids(tx, location_id, list(ids)))


def test_a_sighting_counts_once(vault: Vault, run_id: int) -> None:
    with vault.write() as tx:
        assert see(tx, run_id, ["c1", "c2"]) == 2
        assert see(tx, run_id, ["c2", "c3"]) == 1
        assert see(tx, run_id, []) == 0
        assert presence.count_sightings(tx, run_id) == 3


def test_what_was_not_sighted_is_missing_by_id_and_page(vault: Vault, location: str, run_id: int) -> None:
    with vault.write() as tx:
        see(tx, run_id, ["c1", "c3", "c5", "c7", "c9"])
        first = presence.list_missing(tx, location, run_id, limit=3)
        rest = presence.list_missing(tx, location, run_id, after=first[-1].contact_id)
        assert [contact.contact_id for contact in (*first, *rest)] == ["c0", "c2", "c4", "c6", "c8"]
        assert presence.count_missing(tx, location, run_id) == 5


def test_who_is_lost_already_is_not_missing_again(vault: Vault, location: str, run_id: int) -> None:
    with vault.write() as tx:
        for number, status in enumerate(("suspected", "returned", "deleted", "merged", "recreated", "erased")):
            contact_writes.set_status(tx, location, [f"c{number}"], status)
        see(tx, run_id, ["c6", "c7", "c8", "c9"])
        assert [contact.contact_id for contact in presence.list_missing(tx, location, run_id)] == ["c0", "c1"]


def test_another_run_s_sightings_are_its_own(vault: Vault, location: str, run_id: int, clock: Any) -> None:
    with vault.write() as tx:
        see(tx, run_id, [f"c{number}" for number in range(10)])
        runs.finish(tx, run_id, clock(), outcome="complete", reason="")
        other = runs.claim(
            tx, location, "listing", at=clock(), holder=leases.this_process(), resume_within=timedelta(hours=1)
        )
        assert presence.count_missing(tx, location, other.run_id) == 10


def test_a_lost_contact_that_is_listed_again_stands_out(vault: Vault, location: str, run_id: int) -> None:
    with vault.write() as tx:
        contact_writes.set_status(tx, location, ["c1", "c2"], "deleted")
        see(tx, run_id, ["c2", "c3"])
        assert presence.list_sighted(tx, location, run_id, ("deleted", "merged")) == ["c2"]
        assert presence.list_sighted(tx, location, run_id, ("deleted",), after="c2") == []
        assert presence.sample_sighted(tx, location, run_id, ("present",), limit=5) == ["c3"]
        assert presence.sample_sighted(tx, location, run_id, ("present", "deleted"), limit=1) in (["c2"], ["c3"])


def test_forgetting_sightings_leaves_none(vault: Vault, run_id: int) -> None:
    with vault.write() as tx:
        see(tx, run_id, ["c1"])
        presence.delete_sightings(tx, run_id)
        assert presence.count_sightings(tx, run_id) == 0
