"""Moments in every spelling of HighLevel, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.moments import from_milliseconds, iso, local_time, milliseconds, parse_moment, time_zone

aware = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds + 0.123456, UTC))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2021-11-26T12:41:02.193Z", datetime(2021, 11, 26, 12, 41, 2, 193000, UTC)),
        ("2021-11-26T13:41:02+01:00", datetime(2021, 11, 26, 12, 41, 2, tzinfo=UTC)),
        (1637930462193, datetime(2021, 11, 26, 12, 41, 2, 193000, UTC)),
        ("1637930462193", datetime(2021, 11, 26, 12, 41, 2, 193000, UTC)),
        ("yesterday", None),
        (None, None),
        (True, None),
        (10**30, None),
    ],
    ids=["utc", "offset", "ms", "ms text", "words", "none", "bool", "huge"],
)
def test_reads_moments_in_every_spelling(value: object, expected: datetime | None) -> None:
    assert parse_moment(value) == expected


@given(aware)
def test_what_is_written_is_read_back_to_the_millisecond(at: datetime) -> None:
    assert parse_moment(iso(at)) == parse_moment(milliseconds(at)) == from_milliseconds(milliseconds(at))


def test_iso_is_utc_with_milliseconds() -> None:
    at = datetime(2026, 11, 23, 15, 5, 0, 999_999, timezone(timedelta(hours=1)))
    assert iso(at) == "2026-11-23T14:05:00.999Z"
    assert iso(None) is None


def test_people_read_their_own_time() -> None:
    at = datetime(2026, 11, 3, 14, 5, tzinfo=UTC)
    assert local_time(at, "Europe/Berlin") == "3 November 2026, 15:05 (Europe/Berlin)"


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd"])
def test_an_unknown_time_zone_is_utc(name: str) -> None:
    assert time_zone(name).key == "UTC"
