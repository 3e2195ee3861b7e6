"""How fast a restore goes and when it will be done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hlcore.ui.restore.job_view import pace_text

NOW = datetime(2026, 11, 24, 13, 5, tzinfo=UTC)


def done_every(seconds: float, people: int) -> list[datetime]:
    """When so many people were finished, evenly until now."""
    return [NOW - timedelta(seconds=seconds * (people - at)) for at in range(people)]


def test_the_pace_and_the_finish_time_in_the_accounts_zone() -> None:
    text = pace_text(done_every(0.25, 40), NOW, 800, "Europe/Berlin")
    assert text == "About 4 people a second. Done at about 24 Nov 2026, 14:08 CET, in 3 min 20 s."


def test_a_slow_one_is_told_by_the_minute() -> None:
    assert pace_text(done_every(10, 6), NOW, 60, "UTC").startswith("About 6 people a minute. Done at about")


def test_too_few_tell_nothing_yet() -> None:
    assert "once a few people are done" in pace_text(done_every(1, 2), NOW, 60, "UTC")
    assert "once a few people are done" in pace_text([NOW] * 9, NOW, 60, "UTC")


def test_nothing_remains() -> None:
    assert pace_text(done_every(1, 9), NOW, 0, "UTC") == ""
