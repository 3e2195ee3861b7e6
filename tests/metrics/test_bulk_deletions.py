"""A bulk deletion is one thing: how big it was, what was on the people, and what has come back."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hlcore.metrics import bulk_deletions
from hlcore.model.deletion_causes import BURST_GAP, deletion_bursts
from hlcore.store import records
from hlcore.store.capture import feeds
from hlcore.store.capture import state as capture_state
from hlcore.store.deletions import bulk_deletions as deletion_bulk_deletions
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions import register
from tests.conftest import START
from tests.metrics.conftest import AGENCY, CLINIC, Story

BOTH = [AGENCY, CLINIC]


def gone_at_once(story: Story, *ids: str, incident: int | None = None, cause: str = "bulk", **fields: object) -> None:
    """These people were there and are noticed as gone at this moment."""
    story.add(*ids, **fields)
    at = story.clock()
    with story.vault.write() as tx:
        register.mark_suspected(
            tx, AGENCY, [(one, at - timedelta(hours=2)) for one in ids], at=at, detected_by="listing",
            incident_id=incident,
        )  # fmt: skip
        for one in ids:
            row = deletion_queries.list_for_contact(tx, AGENCY, one)[-1]
            register.confirm(tx, row.disappearance_id, at=at, cause=cause, evidence=f"{len(ids)} at once")


def incident_of(story: Story, contacts: int, known: int) -> int:
    with story.vault.write() as tx:
        return deletion_bulk_deletions.open_incident(
            tx, AGENCY, at=story.clock(), contacts=contacts, known=known, evidence="sample"
        )


def test_a_bulk_deletion_below_the_threshold_is_one_event(story: Story) -> None:
    story.add("stays")
    gone_at_once(story, "a", "b", "c")
    (found,) = bulk_deletions.list_bulk_deletions(story.vault, BOTH, story.clock())
    assert (found.contacts, found.still_missing, found.came_back, found.known) == (3, 3, 0, None)


def test_its_own_page_says_of_how_many(story: Story) -> None:
    story.add("stays", "stays too")
    gone_at_once(story, "a", "b", "c")
    (listed,) = bulk_deletions.list_bulk_deletions(story.vault, BOTH, story.clock())
    found = bulk_deletions.get_bulk_deletion(story.vault, BOTH, listed.key, story.clock())
    assert found is not None
    assert (found.contacts, found.known) == (3, 5)


def test_an_incident_counts_only_its_own(story: Story) -> None:
    gone_at_once(story, "x", "y", cause="unknown")
    number = incident_of(story, 2, 10)
    gone_at_once(story, "a", "b", incident=number, cause="unknown")
    (found,) = bulk_deletions.list_bulk_deletions(story.vault, BOTH, story.clock())
    assert (found.key, found.contacts, found.known) == (f"i-{number}", 2, 10)


def test_deletions_of_another_day_are_another_event(story: Story) -> None:
    gone_at_once(story, "a")
    story.clock.advance(minutes=30)
    gone_at_once(story, "b")
    story.clock.advance(days=1)
    gone_at_once(story, "c")
    assert [one.contacts for one in bulk_deletions.list_bulk_deletions(story.vault, BOTH, story.clock())] == [1, 2]


def test_whoever_came_back_is_not_restored_again(story: Story) -> None:
    gone_at_once(story, "a", "b", "c")
    story.returned("a")
    story.recreated("b")
    (found,) = bulk_deletions.list_bulk_deletions(story.vault, BOTH, story.clock())
    assert (found.still_missing, found.came_back) == (1, 2)
    assert bulk_deletions.missing_contact_ids(story.vault, found) == ["c"]
    assert bulk_deletions.contact_ids(story.vault, found) == ["a", "b", "c"]


def test_a_false_alarm_belongs_to_no_event(story: Story) -> None:
    number = incident_of(story, 1, 10)
    story.add("alive")
    with story.vault.write() as tx:
        register.mark_suspected(
            tx, AGENCY, [("alive", story.clock())], at=story.clock(), detected_by="listing", incident_id=number
        )
        row = deletion_queries.list_for_contact(tx, AGENCY, "alive")[-1]
        register.withdraw(tx, [row.disappearance_id], at=story.clock(), note="alive")
    (found,) = bulk_deletions.list_bulk_deletions(story.vault, BOTH, story.clock())
    assert (found.contacts, found.state) == (0, "waiting")


def test_what_was_on_the_people_is_added_up(story: Story) -> None:
    story.user("u1", "Nora Nye")
    gone_at_once(story, "a", "b", tags=["vip", "lead"], assignedTo="u1", source="fair")
    gone_at_once(story, "c", tags=["vip"])
    with story.vault.write() as tx:
        entries = {
            "o1": ("a", "open", 100),
            "o2": ("b", "open", "50.5"),
            "o3": ("b", "won", 7),
            "o4": ("c", "open", None),
        }
        rows = [
            (key, who, json.dumps({"id": key, "status": status, "monetaryValue": value}).encode())
            for key, (who, status, value) in entries.items()
        ]
        records.save(tx, AGENCY, "opportunity", rows, at=story.clock())
        records.save(tx, AGENCY, "note", [("n1", "a", b"{}")], at=story.clock())
    (found,) = bulk_deletions.list_bulk_deletions(story.vault, BOTH, story.clock())
    lost = bulk_deletions.bulk_deletion_details(story.vault, found)
    assert (lost.open_value.opportunities, lost.open_value.valued, lost.open_value.total) == (3, 2, 150.5)
    assert lost.records == {"note": 1, "opportunity": 4}
    assert lost.owners == [("Nora Nye", 2), ("", 1)]
    assert lost.tags == [("vip", 3), ("lead", 2)]
    assert lost.sources == [("fair", 2), ("", 1)]


def test_records_that_were_gone_before_are_not_counted(story: Story) -> None:
    story.add("a")
    with story.vault.write() as tx:
        records.save(tx, AGENCY, "task", [("t1", "a", b"{}"), ("t2", "a", b"{}")], at=story.clock())
        records.mark_vanished(tx, AGENCY, "task", keep=["t2"], at=story.clock())
    story.clock.advance(days=2)
    at = story.clock()
    with story.vault.write() as tx:
        register.mark_suspected(tx, AGENCY, [("a", at)], at=at, detected_by="listing")
        row = deletion_queries.list_for_contact(tx, AGENCY, "a")[-1]
        register.confirm(tx, row.disappearance_id, at=at, cause="bulk", evidence="")
    (found,) = bulk_deletions.list_bulk_deletions(story.vault, BOTH, at)
    assert bulk_deletions.bulk_deletion_details(story.vault, found).records == {"task": 1}


def test_another_locations_event_is_not_to_be_had(story: Story) -> None:
    gone_at_once(story, "a")
    (found,) = bulk_deletions.list_bulk_deletions(story.vault, BOTH, story.clock())
    assert bulk_deletions.get_bulk_deletion(story.vault, [CLINIC], found.key, story.clock()) is None


def test_a_recent_event_is_one_of_which_somebody_is_still_gone(story: Story) -> None:
    gone_at_once(story, "a")
    assert len(bulk_deletions.recent_bulk_deletions(story.vault, BOTH, story.clock())) == 1
    story.returned("a")
    assert not bulk_deletions.recent_bulk_deletions(story.vault, BOTH, story.clock())


@given(st.lists(st.tuples(st.integers(0, 100_000), st.integers(1, 50))))
def test_every_deletion_is_in_one_spell_and_spells_are_apart(told: list[tuple[int, int]]) -> None:
    found = deletion_bursts((START + timedelta(seconds=seconds), number) for seconds, number in told)
    assert sum(one.contacts for one in found) == sum(number for _, number in told)
    assert all(later.first - earlier.last > BURST_GAP for earlier, later in pairwise(found))


def test_what_was_never_captured_is_not_counted_as_none(story: Story) -> None:
    gone_at_once(story, "a", "b", "c")
    (found,) = bulk_deletions.list_bulk_deletions(story.vault, BOTH, story.clock())
    lost = bulk_deletions.bulk_deletion_details(story.vault, found)
    assert (lost.open_value.opportunities, lost.open_value.known) == (0, 0)
    assert set(lost.known.values()) == {0}


def test_it_is_known_for_those_of_whom_a_kind_had_been_captured(story: Story) -> None:
    with story.vault.write() as tx:
        capture_state.mark_captured(tx, AGENCY, "opportunity", ["a", "b"], at=story.clock() - timedelta(hours=3))
        capture_state.mark_captured(tx, AGENCY, "note", ["a"], at=story.clock() - timedelta(hours=3))
    gone_at_once(story, "a", "b", "c")
    with story.vault.write() as tx:  # whatever is read later shows nothing of theirs
        capture_state.mark_captured(tx, AGENCY, "note", ["b", "c"], at=story.clock())
        feeds.save(tx, AGENCY, "task", covered_at=story.clock.advance(days=1))
    (found,) = bulk_deletions.list_bulk_deletions(story.vault, BOTH, story.clock())
    lost = bulk_deletions.bulk_deletion_details(story.vault, found)
    assert lost.known == {
        **dict.fromkeys(("detail", "task", "appointment", "conversation", "message"), 0), "opportunity": 2, "note": 1
    }  # fmt: skip
