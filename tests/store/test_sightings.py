"""What a listing has seen, and what it has not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from hlcore.model.contact import Contact
from hlcore.store import Vault, contacts, runs


@pytest.fixture
def run_id(vault: Vault, location: str, person: Callable[..., Contact], clock: Any) -> int:
    """An open listing of a location with the contacts c0 … c9, and c0 of another location."""
    with vault.write() as tx:
        contacts.insert(tx, location, [person(f"c{number}") for number in range(10)], at=clock())
        contacts.insert(tx, "elsewhere", [person("c0")], at=clock())
        claimed = runs.claim(
            tx, location, "listing", at=clock(), holder=runs.this_process(), resume_within=timedelta(hours=1)
        )
    return claimed.run_id


def test_a_sighting_counts_once(vault: Vault, run_id: int) -> None:
    with vault.write() as tx:
        assert contacts.sight(tx, run_id, ["c1", "c2", "c1"]) == 2
        assert contacts.sight(tx, run_id, ["c2", "c3"]) == 1
        assert contacts.sight(tx, run_id, []) == 0
        assert contacts.sighted(tx, run_id) == 3


def test_a_sighting_by_row_is_the_same_sighting(vault: Vault, run_id: int, location: str) -> None:
    with vault.write() as tx:
        assert contacts.sight(tx, run_id, ["c1"]) == 1
        rows = [row_id for row_id, _ in contacts.digests(tx, location, ["c2", "c1", "c3", "unknown"]).values()]
        assert contacts.sight_rows(tx, run_id, rows) == 2
        assert contacts.sight_rows(tx, run_id, []) == 0
        assert contacts.sight(tx, run_id, ["c1", "c2", "c3"]) == 0


def test_only_contacts_of_the_run_s_location_are_sighted(vault: Vault, run_id: int) -> None:
    with vault.write() as tx:
        assert contacts.sight(tx, run_id, ["unknown"]) == 0


def test_what_was_not_sighted_is_missing_by_id_and_page(vault: Vault, location: str, run_id: int) -> None:
    with vault.write() as tx:
        contacts.sight(tx, run_id, ["c1", "c3", "c5", "c7", "c9"])
        first = contacts.missing(tx, location, run_id, limit=3)
        rest = contacts.missing(tx, location, run_id, after=first[-1].contact_id)
        assert [one.contact_id for one in (*first, *rest)] == ["c0", "c2", "c4", "c6", "c8"]
        assert contacts.count_missing(tx, location, run_id) == 5


def test_who_is_lost_already_is_not_missing_again(vault: Vault, location: str, run_id: int) -> None:
    with vault.write() as tx:
        for number, status in enumerate(("suspected", "returned", "deleted", "merged", "recreated", "erased")):
            contacts.set_status(tx, location, [f"c{number}"], status)
        contacts.sight(tx, run_id, ["c6", "c7", "c8", "c9"])
        assert [one.contact_id for one in contacts.missing(tx, location, run_id)] == ["c0", "c1"]


def test_another_run_s_sightings_are_its_own(vault: Vault, location: str, run_id: int, clock: Any) -> None:
    with vault.write() as tx:
        contacts.sight(tx, run_id, [f"c{number}" for number in range(10)])
        runs.finish(tx, run_id, clock(), outcome="complete", reason="")
        other = runs.claim(
            tx, location, "listing", at=clock(), holder=runs.this_process(), resume_within=timedelta(hours=1)
        )
        assert contacts.count_missing(tx, location, other.run_id) == 10


def test_a_lost_contact_that_is_listed_again_stands_out(vault: Vault, location: str, run_id: int) -> None:
    with vault.write() as tx:
        contacts.set_status(tx, location, ["c1", "c2"], "deleted")
        contacts.sight(tx, run_id, ["c2", "c3"])
        assert contacts.sighted_with_status(tx, location, run_id, ("deleted", "merged")) == ["c2"]
        assert contacts.sighted_with_status(tx, location, run_id, ("deleted",), after="c2") == []
        assert contacts.some_sighted(tx, location, run_id, ("present",), limit=5) == ["c3"]
        assert contacts.some_sighted(tx, location, run_id, ("present", "deleted"), limit=1) in (["c2"], ["c3"])


def test_forgetting_sightings_leaves_none(vault: Vault, run_id: int) -> None:
    with vault.write() as tx:
        contacts.sight(tx, run_id, ["c1"])
        contacts.forget_sightings(tx, run_id)
        assert contacts.sighted(tx, run_id) == 0
