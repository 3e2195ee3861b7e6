"""The watch: right with a handful of requests."""

from __future__ import annotations

import pytest

from tests.sync.conftest import World


@pytest.fixture
def copied(world: World) -> World:
    """1,200 people, all copied, nothing changed for an hour."""
    world.location.fill(1_000)
    world.sync()
    world.watch()
    return world


def test_nothing_changed_costs_three_requests(copied: World) -> None:
    before = len(copied.sandbox.ledger)
    report = copied.watch()
    assert (report.outcome, report.reason) == ("complete", "")
    assert len(copied.sandbox.ledger) - before <= 3


def test_scattered_deletions_are_found_exactly(copied: World) -> None:
    gone = list(copied.location.contacts)[5::600]
    copied.location.delete(*gone)
    before = len(copied.sandbox.ledger)
    report = copied.watch()
    assert report.deleted == len(gone)
    assert copied.lost() == set(gone)
    assert copied.row(gone[0]).detected_by == "watch"
    assert len(copied.sandbox.ledger) - before <= 25


def test_deletions_returns_and_creations_together(copied: World) -> None:
    """What one direction adds must not hide what the other takes away."""
    first = list(copied.location.contacts)[100:103]
    copied.location.delete(*first)
    copied.watch()
    gone = list(copied.location.contacts)[300:302]
    copied.location.native_restore(*first[:2])
    copied.location.delete(*gone)
    new = copied.location.create(firstName="New", lastName="Person")
    copied.watch()
    assert copied.lost() == {first[2], *gone}
    assert copied.status(first[0]) == "returned"
    copied.watch()
    assert new in copied.stored_ids()


def test_a_change_is_taken_in(copied: World) -> None:
    contact_id = next(iter(copied.location.contacts))
    copied.location.edit(contact_id, companyName="Changed & Co")
    assert copied.watch().changed == 1


def test_many_contacts_of_one_millisecond(copied: World) -> None:
    same = [copied.location.create(firstName=f"I{n}", dateAdded="2025-05-05T05:05:05.555Z") for n in range(120)]
    copied.sync()
    copied.location.delete(same[60])
    copied.watch()
    assert copied.lost() == {same[60]}


@pytest.mark.parametrize(
    ("fault", "options"),
    [("total_cap", {"cap": 100}), ("total_low", {"by": 200}), ("empty", {}), ("omits", {"part": 0.5})],
    ids=["capped", "low", "empty", "omitted"],
)
def test_counts_that_cannot_be_right_end_in_a_listing_and_no_deletion(
    copied: World, fault: str, options: dict[str, object]
) -> None:
    copied.location.faults.on(fault, **options)
    report = copied.watch()
    assert copied.lost() == set()
    assert report.outcome != "complete" or "full listing was made instead" in report.reason
    kinds = [run.kind for run in copied.runs()]
    assert "listing" in kinds[:1]
    copied.location.faults.clear()
    copied.watch()
    assert copied.lost() == set()


def test_very_many_deletions_are_left_to_a_listing(copied: World) -> None:
    gone = list(copied.location.contacts)[:300]
    copied.location.delete(*gone)
    report = copied.watch()
    assert (report.outcome, report.deleted) == ("complete", 300)
    assert "full listing was made instead" in report.reason
    assert copied.lost() == set(gone)
    assert [run.kind for run in copied.runs()][:2] == ["listing", "watch"]


def test_an_index_that_lags_leads_to_no_false_deletion(copied: World) -> None:
    copied.location.faults.lag = 240
    contact_id = next(iter(copied.location.contacts))
    copied.location.edit(contact_id, companyName="Later")
    copied.location.create(firstName="Late")
    copied.watch()
    assert copied.lost() == set()


def test_without_a_first_listing_the_watch_lists(world: World) -> None:
    assert world.watch().seen == 200
