"""The recovery window and the time of a deletion: cautious, and a pure function of facts and now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.recovery_window import (
    DEFAULT_DAYS,
    NO_PROOF,
    DeletionFacts,
    RecoveryWindow,
    clock_start,
    deletion_time,
    last_proof_of_life,
    life_time,
    recovery_window,
    remaining_time,
    urgency,
)

SEEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
START = datetime(2020, 1, 1, tzinfo=UTC)
moments = st.integers(0, 10 * 365 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))


def test_the_default_is_the_shorter_figure_and_says_why() -> None:
    assert recovery_window(None).days == DEFAULT_DAYS == 30
    assert "60" in recovery_window(None).reason


def test_an_account_under_hipaa_has_no_window() -> None:
    left = remaining_time(recovery_window(60, hipaa=True), deleted_at=None, last_seen_at=SEEN, now=SEEN)
    assert not left.open
    assert left.days_left == 0


def test_the_clock_starts_at_the_last_sighting_unless_the_deletion_is_known() -> None:
    reported = SEEN + timedelta(hours=5)
    cautious = remaining_time(recovery_window(30), deleted_at=None, last_seen_at=SEEN, now=reported)
    exact = remaining_time(recovery_window(30), deleted_at=reported, last_seen_at=SEEN, now=reported)
    assert (cautious.starts_at, cautious.exact) == (SEEN, False)
    assert (exact.starts_at, exact.exact) == (reported, True)


@given(st.integers(0, 90), moments, moments)
def test_never_promises_a_day_that_is_not_there(days: int, seen: datetime, now: datetime) -> None:
    left = remaining_time(RecoveryWindow(days, "x"), deleted_at=None, last_seen_at=seen, now=now)
    assert left.days_left >= 0
    assert now + timedelta(days=left.days_left) <= left.ends_at or left.days_left == 0
    assert left.open == (now < seen + timedelta(days=days))


@pytest.mark.parametrize("days", [-1, 4000])
def test_rejects_a_senseless_window(days: int) -> None:
    with pytest.raises(ValueError, match="window"):
        RecoveryWindow(days, "x")


@pytest.mark.parametrize(("age", "word"), [(31, "closed"), (29.5, "today"), (25, "soon"), (10, "later")], ids=str)
def test_urgency_in_one_word(age: float, word: str) -> None:
    left = remaining_time(recovery_window(30), deleted_at=None, last_seen_at=SEEN, now=SEEN + timedelta(days=age))
    assert urgency(left) == word


NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SLACK = timedelta(minutes=5)
near = st.integers(-500, 500).map(lambda minutes: NOON + timedelta(minutes=minutes))
known = st.builds(DeletionFacts, near, st.none() | near, st.none() | near)


def test_the_only_reported_moment_is_believed() -> None:
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
def test_the_order_and_repetition_of_messages_do_not_matter(reported: list[datetime], facts: DeletionFacts) -> None:
    assert deletion_time(reported, facts, slack=SLACK) == deletion_time(
        [*reversed(reported), *reported], facts, slack=SLACK
    )


@given(st.lists(near, max_size=6), known)
def test_taking_messages_one_by_one_ends_at_the_same_moment(reported: list[datetime], facts: DeletionFacts) -> None:
    at_once = deletion_time(reported, facts, slack=SLACK) or facts.deleted_at
    step = facts
    for at in reported:
        found = deletion_time([at], step, slack=SLACK)
        step = DeletionFacts(step.alive_at, step.noticed_at, found or step.deleted_at)
    assert step.deleted_at == at_once


@given(st.lists(st.none() | near), near)
def test_the_last_proof_of_life_is_the_newest_that_is_not_in_the_future(
    proofs: list[datetime | None], now: datetime
) -> None:
    found = last_proof_of_life(proofs, now=now)
    past = [at for at in proofs if at is not None and at <= now]
    assert found == (max(past) if past else NO_PROOF)


@given(st.none() | near, near)
def test_the_clock_never_starts_before_the_last_proof_of_life(deleted: datetime | None, seen: datetime) -> None:
    assert clock_start(deleted, seen) == max(deleted or seen, seen)
    left = remaining_time(recovery_window(30), deleted_at=deleted, last_seen_at=seen, now=NOON)
    assert left.ends_at >= seen + timedelta(days=30)


@given(st.lists(near, max_size=6), known)
def test_who_is_said_to_live_after_the_deletion_or_a_listing_without_them_is_not_believed(
    reported: list[datetime], facts: DeletionFacts
) -> None:
    found = life_time(reported, facts, slack=SLACK)
    ends = [at + SLACK for at in (facts.noticed_at, facts.deleted_at) if at is not None]
    possible = [at for at in reported if all(at <= end for end in ends)]
    assert found == max(possible, default=None)
