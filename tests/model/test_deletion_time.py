"""Which of the told moments is that of this deletion."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.recovery_window import DeletionFacts, deletion_time

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SLACK = timedelta(minutes=5)
near = st.integers(-500, 500).map(lambda minutes: NOON + timedelta(minutes=minutes))
known = st.builds(DeletionFacts, near, st.none() | near, st.none() | near)


def test_the_only_told_moment_is_believed() -> None:
    assert deletion_time([NOON], DeletionFacts(NOON - timedelta(hours=1)), slack=SLACK) == NOON


def test_a_moment_before_the_contact_was_last_alive_belongs_to_an_earlier_deletion() -> None:
    assert deletion_time([NOON], DeletionFacts(NOON + timedelta(hours=1)), slack=SLACK) is None


def test_a_moment_after_a_listing_had_missed_it_is_not_its_deletion() -> None:
    facts = DeletionFacts(NOON - timedelta(hours=3), noticed_at=NOON - timedelta(hours=1))
    assert deletion_time([NOON], facts, slack=SLACK) is None


def test_an_older_message_never_takes_the_place_of_a_newer_one() -> None:
    facts = DeletionFacts(NOON - timedelta(hours=9), deleted_at=NOON)
    assert deletion_time([NOON - timedelta(hours=1)], facts, slack=SLACK) is None
    assert deletion_time([NOON + timedelta(hours=1)], facts, slack=SLACK) == NOON + timedelta(hours=1)


@given(st.lists(near, max_size=6), known)
def test_the_order_and_repetition_of_messages_do_not_matter(told: list[datetime], facts: DeletionFacts) -> None:
    assert deletion_time(told, facts, slack=SLACK) == deletion_time([*reversed(told), *told], facts, slack=SLACK)


@given(st.lists(near, max_size=6), known)
def test_taking_messages_one_by_one_ends_at_the_same_moment(told: list[datetime], facts: DeletionFacts) -> None:
    at_once = deletion_time(told, facts, slack=SLACK) or facts.deleted_at
    step = facts
    for one in told:
        found = deletion_time([one], step, slack=SLACK)
        step = DeletionFacts(step.alive_at, step.noticed_at, found or step.deleted_at)
    assert step.deleted_at == at_once
