"""Moments in every spelling of HighLevel, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.moments import from_milliseconds, iso, milliseconds, original_time, parse_moment, time_zone

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
        pytest.param(10**30, None, id="huge"),
        ("1612031210305", datetime(2021, 1, 30, 18, 26, 50, 305000, UTC)),
        pytest.param("1" * 5_000, None, id="very long number"),
        ("9999-12-31T23:59:59-05:00", None),
        ("0001-01-01T00:00:00+05:30", None),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        (float("nan"), None),
        (float("inf"), None),
    ],
    ids=str,
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
    assert original_time(at, "Europe/Berlin") == "3 November 2026, 15:05 (Europe/Berlin)"


texts = st.one_of(
    st.text(),
    st.from_regex(r"\d{1,25}", fullmatch=True),
    st.datetimes(timezones=st.timezones()).map(datetime.isoformat),
    st.builds("{}{}".format, st.datetimes().map(datetime.isoformat), st.sampled_from(["Z", "+14:00", "-12:00"])),
)
values = st.one_of(texts, st.integers(), st.floats(), st.booleans(), st.none(), st.binary(), st.lists(st.integers()))


@given(values, st.timezone_keys())
def test_no_value_and_no_zone_raises(value: object, zone: str) -> None:
    at = parse_moment(value)
    if at is not None:
        assert at.utcoffset() == timedelta(0)
        assert original_time(at, zone)
        assert parse_moment(iso(at)) is not None


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd"])
def test_an_unknown_time_zone_is_utc(name: str) -> None:
    assert time_zone(name).key == "UTC"
