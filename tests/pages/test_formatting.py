"""How the pages say things."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.ui.components import formatting

AT = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("Europe/Berlin", "23 Nov 2026, 14:05 CET"),
        ("America/New_York", "23 Nov 2026, 08:05 EST"),
        ("Asia/Kolkata", "23 Nov 2026, 18:35 IST"),
        ("America/Sao_Paulo", "23 Nov 2026, 10:05 UTC-03:00"),
        ("No/Such_Zone", "23 Nov 2026, 13:05 UTC"),
        ("", "23 Nov 2026, 13:05 UTC"),
    ],
)
def test_a_moment_names_its_time_zone(zone: str, said: str) -> None:
    assert formatting.moment(AT, zone) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.42, "0.4 s"), (12.4, "12 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")]
)
def test_durations_are_short(seconds: float, said: str) -> None:
    assert formatting.duration(seconds) == said


@pytest.mark.parametrize(("number", "said"), [(0, "no contacts"), (1, "1 contact"), (1234567, "1,234,567 contacts")])
def test_numbers_have_their_noun(number: int, said: str) -> None:
    assert formatting.many(number, "contact") == said


@pytest.mark.parametrize("name", ["![x](https://evil.example/p.png)", "[me](x:1)", "<b>", ":red[x]", "`x`", "$x$"])
def test_a_name_never_becomes_markup(name: str) -> None:
    escaped = formatting.plain(name)
    assert all(escaped[at - 1] == "\\" for at, char in enumerate(escaped) if char in "[]()<>`$:!")


@given(st.text())
def test_a_name_keeps_its_letters(name: str) -> None:
    letters = [char for char in name if char.isalnum()]
    assert [char for char in formatting.plain(name) if char.isalnum()] == letters


@given(st.text(max_size=20))
def test_every_state_has_a_word_and_an_icon(state: str) -> None:
    for mark in (formatting.status_mark(state), formatting.outcome_mark(state), formatting.urgency_mark(state)):
        assert mark.icon.startswith(":material/")


@pytest.mark.parametrize(
    ("open_", "days", "said"),
    [(True, 12, "12 days left"), (True, 0, "less than a day left"), (False, 0, "window closed")],
)
def test_what_is_left_of_the_window(open_: bool, days: int, said: str) -> None:
    assert formatting.time_left(open_, days) == said
