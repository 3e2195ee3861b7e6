"""Days are those of the people who look at them."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hlcore.metrics.daily import daily_counts
from tests.metrics.conftest import AGENCY, CLINIC, Story


def days(story: Story, *ids: str, what: str = "deleted", count: int = 60) -> dict[str, int]:
    found = daily_counts(story.vault, ids or (AGENCY, CLINIC), story.clock(), days=count)
    return {str(each.day): getattr(each, what) for each in found if getattr(each, what)}


def test_there_is_a_row_for_every_day_up_to_today(story: Story) -> None:
    found = daily_counts(story.vault, [AGENCY], story.clock(), days=5)
    assert [each.day for each in found] == [date(2026, 2, 26), date(2026, 2, 27), date(2026, 2, 28),
                                            date(2026, 3, 1), date(2026, 3, 2)]  # fmt: skip


def test_a_late_evening_belongs_to_its_own_day_there(story: Story) -> None:
    story.lose("berlin", exact=datetime(2026, 3, 1, 23, 30, tzinfo=UTC))
    story.lose("new_york", CLINIC, exact=datetime(2026, 3, 2, 4, 30, tzinfo=UTC))
    assert days(story, AGENCY) == {"2026-03-02": 1}
    assert days(story, CLINIC) == {"2026-03-01": 1}


def test_midnight_itself_begins_the_day(story: Story) -> None:
    story.lose("a", exact=datetime(2026, 2, 28, 23, 0, tzinfo=UTC))
    story.lose("b", exact=datetime(2026, 2, 28, 22, 59, 59, 999_999, tzinfo=UTC))
    assert days(story, AGENCY) == {"2026-03-01": 1, "2026-02-28": 1}


def test_the_day_of_the_clock_change_is_one_day(story: Story) -> None:
    story.clock.at = datetime(2026, 3, 30, 9, tzinfo=UTC)
    story.lose("before", exact=datetime(2026, 3, 28, 23, 0, tzinfo=UTC))
    story.lose("after", exact=datetime(2026, 3, 29, 21, 59, tzinfo=UTC))
    assert days(story, AGENCY) == {"2026-03-29": 2}


def test_without_an_exact_time_the_day_it_was_noticed_counts(story: Story) -> None:
    story.lose("a", days_ago=3)
    assert days(story) == {"2026-03-02": 1}


def test_what_came_back_still_was_deleted_and_counts_on_its_own_day(story: Story) -> None:
    story.lose("back")
    story.lose("anew")
    story.clock.advance(days=1)
    story.returned("back")
    story.recreated("anew")
    assert days(story) == {"2026-03-02": 2}
    assert days(story, what="returned") == days(story, what="recreated") == {"2026-03-03": 1}


def test_suspicions_are_no_deletions(story: Story) -> None:
    story.add("maybe")
    story.suspect("maybe")
    assert days(story) == {}


def test_what_lies_before_the_first_day_is_left_out(story: Story) -> None:
    story.lose("old", exact=datetime(2026, 2, 20, tzinfo=UTC))
    assert days(story, count=5) == {}
