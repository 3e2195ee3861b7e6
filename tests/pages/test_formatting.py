"""How the pages say things."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.ui.components import formatting

AT = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/Berlin", "23 Nov 2026, 14:05 CET"),
        ("America/New_York", "23 Nov 2026, 08:05 EST"),
        ("Asia/Kolkata", "23 Nov 2026, 18:35 IST"),
        ("America/Sao_Paulo", "23 Nov 2026, 10:05 UTC-03:00"),
        ("No/Such_Zone", "23 Nov 2026, 13:05 UTC"),
        ("", "23 Nov 2026, 13:05 UTC"),
    ],
)
def test_a_moment_names_its_time_zone(zone: str, expected: str) -> None:
    assert formatting.moment(AT, zone) == expected


@pytest.mark.parametrize(
    "at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)], ids=["first", "last"]
)
@pytest.mark.parametrize("zone", ["America/Chicago", "Asia/Tokyo"])
def test_the_ends_of_the_calendar_are_shown(at: datetime, zone: str) -> None:
    assert formatting.moment(at, zone).endswith(("UTC", "CST", "LMT", "JST"))
    assert formatting.day(at, zone)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.42, "0.4 s"), (12.4, "12 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")]
)
def test_durations_are_short(seconds: float, expected: str) -> None:
    assert formatting.duration(seconds) == expected


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "no contacts"), (1, "1 contact"), (1234567, "1,234,567 contacts")]
)
def test_numbers_have_their_noun(number: int, expected: str) -> None:
    assert formatting.plural(number, "contact") == expected


@pytest.mark.parametrize("name", ["![x](https://evil.example/p.png)", "[me](x:1)", "<b>", ":red[x]", "`x`", "$x$"])
def test_a_name_never_becomes_markup(name: str) -> None:
    escaped = formatting.escaped(name)
    assert all(escaped[at - 1] == "\\" for at, char in enumerate(escaped) if char in "[]()<>`$:!")


@given(st.text())
def test_a_name_keeps_its_letters(name: str) -> None:
    letters = [char for char in name if char.isalnum()]
    assert [char for char in formatting.escaped(name) if char.isalnum()] == letters


@given(st.text(max_size=20))
def test_every_state_has_a_word_and_an_icon(state: str) -> None:
    for badge in (formatting.status_badge(state), formatting.outcome_badge(state), formatting.urgency_badge(state)):
        assert badge.icon.startswith(":material/")


@pytest.mark.parametrize(
    ("is_open", "days", "expected"),
    [(True, 12, "12 days left"), (True, 0, "less than a day left"), (False, 0, "window closed")],
)
def test_what_is_left_of_the_window(is_open: bool, days: int, expected: str) -> None:
    assert formatting.time_left(is_open, days) == expected
