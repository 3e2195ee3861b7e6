"""Filters and sort orders of HighLevel's contact search.

Ranges are written with `gte` and `lte` and ISO texts: of the two spellings in circulation the one that users report as
working.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hlcore.model.moments import from_milliseconds, iso

BY_DATE_ADDED = [{"field": "dateAdded", "direction": "asc"}]
NEWEST_FIRST = [{"field": "dateAdded", "direction": "desc"}]
BY_DATE_UPDATED = [{"field": "dateUpdated", "direction": "asc"}]


def added_between(since: int | None, until: int | None) -> list[dict[str, Any]]:
    """Return the filter for contacts added between these moments, both included; [] for all.

    Moments are milliseconds since 1970, here and below.
    """
    return _between("dateAdded", since, until)


def updated_since(since: int) -> list[dict[str, Any]]:
    """Return the filter for contacts that HighLevel changed at or after this moment."""
    return _between("dateUpdated", since, None)


def any_of(name: str, values: Sequence[str]) -> list[dict[str, Any]]:
    """Return the filter for contacts whose field equals one of these values."""
    equal = [{"field": name, "operator": "eq", "value": value} for value in values]
    return [{"group": "OR", "filters": equal}]


def _between(name: str, since: int | None, until: int | None) -> list[dict[str, Any]]:
    bounds = {key: iso(from_milliseconds(at)) for key, at in (("gte", since), ("lte", until)) if at is not None}
    return [{"field": name, "operator": "range", "value": bounds}] if bounds else []
