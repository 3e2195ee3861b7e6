"""How often what is asked of HighLevel. Pure."""

from __future__ import annotations

import math
from datetime import timedelta

LISTING_SHARE = 0.15
"""Full listings may use so much of a location's day."""
PAGE = 500


def listing_every(minutes: int, *, contacts: int, requests_per_day: int) -> timedelta:
    """The time between two full listings of a location with so many contacts: the wish, or as much longer as it takes
    for listings to stay within their share of the day's requests. The watch looks in between."""
    cost = math.ceil(contacts / PAGE) + 10
    affordable = max(1.0, requests_per_day * LISTING_SHARE / cost)
    return max(timedelta(minutes=minutes), timedelta(days=1) / affordable)
