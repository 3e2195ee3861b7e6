"""How often: as wished, and never more than the day allows."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.listing_verdict import LISTING_SHARE, PAGE_SIZE, listing_interval


def test_a_small_account_is_listed_as_often_as_wished() -> None:
    assert listing_interval(15, contacts=5_000, requests_per_day=200_000) == timedelta(minutes=15)


@given(st.integers(1, 1440), st.integers(0, 5_000_000), st.integers(1_000, 200_000))
def test_listings_stay_within_their_share_of_the_day(minutes: int, contacts: int, requests: int) -> None:
    """Unless one listing alone is more than the share."""
    every = listing_interval(minutes, contacts=contacts, requests_per_day=requests)
    cost = contacts / PAGE_SIZE
    assert every >= timedelta(minutes=minutes)
    assert timedelta(days=1) / every * cost <= max(requests * LISTING_SHARE, cost) + 1
