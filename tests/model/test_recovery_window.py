"""The recovery window: cautious, explained, and a pure function of facts and now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.recovery_window import DEFAULT_DAYS, Window, remaining, urgency, window_of

SEEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
START = datetime(2020, 1, 1, tzinfo=UTC)
moments = st.integers(0, 10 * 365 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))


def test_the_default_is_the_shorter_figure_and_says_why() -> None:
    assert window_of(None).days == DEFAULT_DAYS == 30
    assert "60" in window_of(None).reason


def test_an_account_under_hipaa_has_no_window() -> None:
    left = remaining(window_of(60, hipaa=True), deleted_at=None, last_seen_at=SEEN, now=SEEN)
    assert not left.open
    assert left.days_left == 0


def test_the_clock_starts_at_the_last_sighting_unless_the_deletion_is_known() -> None:
    told = SEEN + timedelta(hours=5)
    cautious = remaining(window_of(30), deleted_at=None, last_seen_at=SEEN, now=told)
    exact = remaining(window_of(30), deleted_at=told, last_seen_at=SEEN, now=told)
    assert (cautious.starts_at, cautious.exact) == (SEEN, False)
    assert (exact.starts_at, exact.exact) == (told, True)


@given(st.integers(0, 90), moments, moments)
def test_never_promises_a_day_that_is_not_there(days: int, seen: datetime, now: datetime) -> None:
    left = remaining(Window(days, "x"), deleted_at=None, last_seen_at=seen, now=now)
    assert left.days_left >= 0
    assert now + timedelta(days=left.days_left) <= left.ends_at or left.days_left == 0
    assert left.open == (now < seen + timedelta(days=days))


@pytest.mark.parametrize("days", [-1, 4000])
def test_rejects_a_senseless_window(days: int) -> None:
    with pytest.raises(ValueError, match="window"):
        Window(days, "x")


@pytest.mark.parametrize(("age", "word"), [(31, "closed"), (29.5, "today"), (25, "soon"), (10, "later")], ids=str)
def test_urgency_in_one_word(age: float, word: str) -> None:
    left = remaining(window_of(30), deleted_at=None, last_seen_at=SEEN, now=SEEN + timedelta(days=age))
    assert urgency(left) == word
