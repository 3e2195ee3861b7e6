"""The states that people see, asked of the register, are those that the pure rules tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.lifecycle import Status, display_status
from hlcore.model.recovery_window import remaining_time
from hlcore.store.deletions.queries import WindowSpan, window_opened_after, window_spans
from hlcore.store.locations import Location

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
AGES = st.timedeltas(timedelta(0), timedelta(days=100)) | st.integers(0, 100).map(lambda days: timedelta(days=days))
WINDOWS = st.sampled_from([0, 1, 30, 60])


def place(days: int) -> Location:
    return Location("x", "", "UTC", "", NOW, None, False, False, False, days, "", None, None, None, True)


def is_in(span: WindowSpan, status: str, clock: datetime) -> bool:
    since = span.clock_from is None or clock >= span.clock_from
    return status in span.statuses and since and (span.clock_before is None or clock < span.clock_before)


@given(AGES, WINDOWS, st.sampled_from(["deleted", "merged", "returned", "suspected"]))
def test_a_row_is_found_under_the_status_that_people_see_and_no_other(age: timedelta, days: int, status: str) -> None:
    clock, here = NOW - age, place(days)
    left = remaining_time(here.window, deleted_at=None, last_seen_at=clock, now=NOW)
    found = [
        asked
        for asked in map(str, Status)
        if any(is_in(span, status, clock) for span in window_spans([here], NOW, [asked]))
    ]
    assert found == [display_status(status, left)]


@given(AGES, WINDOWS, st.integers(0, 60), st.integers(0, 60))
def test_days_left_in_the_question_are_days_left_in_the_answer(
    age: timedelta, days: int, least: int, most: int
) -> None:
    clock, here = NOW - age, place(days)
    left = remaining_time(here.window, deleted_at=None, last_seen_at=clock, now=NOW)
    (span,) = window_spans([here], NOW, ["deleted"], min_days=least, max_days=most)
    assert is_in(span, "deleted", clock) == (left.open and least <= left.days_left <= most)


@given(AGES, WINDOWS)
def test_the_window_is_open_after_that_moment(age: timedelta, days: int) -> None:
    clock, here = NOW - age, place(days)
    left = remaining_time(here.window, deleted_at=None, last_seen_at=clock, now=NOW)
    assert (clock > window_opened_after(here, NOW)) == left.open


@given(st.text())
def test_a_state_that_the_model_does_not_know_is_shown_as_it_is(status: str) -> None:
    left = remaining_time(place(30).window, deleted_at=None, last_seen_at=NOW, now=NOW)
    assert display_status(status, left) == status
