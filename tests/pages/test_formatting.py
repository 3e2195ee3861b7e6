"""How the pages say things."""

from __future__ import annotations

import re
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


MARKUP = ["![x](/p.png)", "[me](x:1)", "<b>", ":red[x]", "`x`", "$x$", "&copy;", "1. x", "*x*", "a | b"]
ADDRESSES = [
    "http://x.example",
    "HTTPS://x",
    "www.x.example",
    "a.b@x.example",
    ":smile:",
    ":material/star:",
    "a -> b",
    "--",
]
APART = re.compile(r":color\[(.*?)(?<!\\)\]")


def shown(markdown: str) -> str:
    """The text that Markdown makes of escaped text."""
    return re.sub(r"\\([^A-Za-z0-9\s])", r"\1", APART.sub(r"\1", markdown))


@pytest.mark.parametrize("name", MARKUP)
def test_a_name_never_becomes_markup(name: str) -> None:
    escaped = formatting.escaped(name)
    assert all(escaped[at - 1] == "\\" for at, char in enumerate(escaped) if char in "[]()<>`$:!&*|")
    assert escaped[:2] != "1."


@pytest.mark.parametrize("name", ADDRESSES)
def test_what_pages_rewrite_is_torn_apart(name: str) -> None:
    escaped = formatting.escaped(name)
    texts = re.sub(r"\\([^A-Za-z0-9\s])", r"\1", APART.sub("\n", escaped)).split("\n")
    assert len(texts) > 1, "one text, in which a page would find the address"
    assert shown(escaped) == name


@given(st.text(st.sampled_from("ab:/.@w-><~=+_*[]()`$&1\\ \n")) | st.text())
def test_a_name_keeps_its_letters(name: str) -> None:
    assert shown(formatting.escaped(name)) == " ".join(formatting.displayable(name).split())


@pytest.mark.parametrize(("text", "expected"), [("a\0b", "ab"), ("\ud83d!", "\ufffd!"), ("\ud83d\ude00", "\U0001f600")])
def test_half_a_character_can_be_drawn(text: str, expected: str) -> None:
    assert formatting.displayable(text) == expected


def test_lines_stay_lines() -> None:
    assert formatting.escaped_lines("1. call\r\n\n- write\n") == "1\\. call  \n\\- write"


@pytest.mark.parametrize(("text", "expected"), [("a1", "`a1`"), ("a`b``", "``` a`b`` ```"), ("", "–")])
def test_an_id_stands_as_code(text: str, expected: str) -> None:
    assert formatting.code(text) == expected


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
