"""The planner: most valuable first, never more than the share, and a forecast that holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.capture_forecast import Pace, completion_time, forecast
from hlcore.model.capture_planner import (
    Allowance,
    CaptureFacts,
    CapturePolicy,
    FeedFacts,
    KindState,
    Purpose,
    next_step,
    work_items,
)
from hlcore.model.records import CALLS_PER_CONTACT, KINDS
from tests.benchmarks.planner_days import START, Days, error_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAWN = datetime(2026, 3, 2, tzinfo=UTC)


@st.composite
def parts(draw: st.DrawFn) -> KindState:
    kind = draw(st.sampled_from(KINDS))
    live = draw(st.integers(0, 1_000_000))
    never = draw(st.integers(0, live))
    wanted = draw(st.integers(0, live - never))
    feeds = st.builds(FeedFacts, st.integers(1, 10_000), st.booleans(), st.booleans(), st.booleans())
    feed = draw(st.none() | feeds)
    return KindState(
        kind, live, never, wanted, draw(st.integers(0, live)), CALLS_PER_CONTACT[kind], feed, draw(st.booleans())
    )


facts = st.builds(
    CaptureFacts,
    st.lists(parts(), max_size=7, unique_by=lambda part: part.kind).map(tuple),
    st.integers(0, 2),
    st.booleans(),
    st.integers(0, 2),
    st.integers(0, 2),
    st.integers(0, 2),
)
allowances = st.builds(
    Allowance,
    st.just(200_000),
    st.integers(0, 200_000),
    st.floats(0, 0.9),
    st.just(DAWN),
    st.booleans(),
    st.none() | st.integers(0, 500),
)


@given(facts, allowances, st.integers(0, 86_399))
def test_no_step_is_chosen_before_a_more_valuable_one(facts: CaptureFacts, allowance: Allowance, second: int) -> None:
    step = next_step(facts, allowance, DAWN + timedelta(seconds=second))
    if step is not None:
        assert step.purpose == min(purpose for purpose, _, _ in work_items(facts))


@given(facts, allowances, st.integers(0, 86_399))
def test_capturing_never_touches_the_share_that_stays_unused(
    facts: CaptureFacts, allowance: Allowance, second: int
) -> None:
    step = next_step(facts, allowance, DAWN + timedelta(seconds=second))
    if step is not None and step.purpose > Purpose.CONFIRM:
        assert allowance.left - step.calls >= allowance.reserved
    if step is not None and allowance.at_most is not None:
        assert step.calls <= allowance.at_most


@given(facts)
def test_the_order_is_restore_watch_confirm_changed_first_renew(facts: CaptureFacts) -> None:
    purposes = [purpose for purpose, _, _ in work_items(facts)]
    assert purposes == sorted(purposes)


@given(facts)
def test_what_the_token_may_not_read_is_never_asked_for(facts: CaptureFacts) -> None:
    closed = {part.kind for part in facts.kinds if not part.readable}
    assert not closed & {kind for _, kind, way in work_items(facts) if way not in ("", "catalogue", "email")}


@given(facts, allowances, st.floats(0, 50_000), st.floats(0, 50_000))
def test_a_forecast_never_lies_in_the_past_and_more_work_is_never_done_sooner(
    facts: CaptureFacts, allowance: Allowance, others: float, changes: float
) -> None:
    pace = Pace(8.0, others, changes)
    for at in forecast(facts, allowance, NOON, pace).values():
        assert at is None or at >= NOON
    little, much = completion_time(100, allowance, NOON, pace), completion_time(50_000, allowance, NOON, pace)
    if little and much:
        assert little <= much


@given(parts())
def test_a_share_is_never_above_one_and_never_one_while_something_is_missing(part: KindState) -> None:
    assert 0 <= part.share <= 1
    if part.contacts and (part.never or part.changed):
        assert part.share < 1


def test_work_that_can_wait_leaves_the_evening_its_part_of_the_day() -> None:
    allowance = Allowance(200_000, 100_000, 0.2, DAWN, paced=True)
    assert allowance.allows(Purpose.FIRST, NOON) == 0
    assert allowance.allows(Purpose.CHANGED, NOON) == 60_000
    assert allowance.allows(Purpose.RESTORE, NOON) == 100_000


def test_a_walk_that_is_dear_comes_rarely() -> None:
    policy, walked = CapturePolicy(), NOON - timedelta(hours=7)
    assert policy.feed_due(walked, NOON, calls=10, usable=160_000, news=False)
    assert not policy.feed_due(walked, NOON, calls=5_000, usable=160_000, news=False)


@pytest.mark.parametrize(
    "days",
    [Days(contacts=20_000, per_day=5_000, others=300, changes=60), Days(contacts=8_000, per_day=5_000, paced=False)],
    ids=["paced", "as fast as it goes"],
)
@pytest.mark.parametrize("after", [0, 2], ids=["at once", "two days later"])
def test_the_forecast_is_within_a_fifth_of_what_then_happens(days: Days, after: int) -> None:
    assert error_of(replace(days), after=timedelta(days=after)) < 0.2


def test_the_day_keeps_its_share_and_the_order_while_it_is_lived() -> None:
    days = Days(contacts=10_000, per_day=5_000, others=100, changes=50)
    days.live(START + timedelta(days=3))
    first = [step.kind for step in days.steps if step.purpose is Purpose.FIRST and step.way == "each"]
    assert {"detail", "note", "appointment"} == set(first)
    assert days.most_spent <= 5_000 - 1_000 + 100
