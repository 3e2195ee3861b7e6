"""How questions are put to HighLevel's contact search.

Ranges are written with `gte` and `lte` and ISO texts; of the two spellings in circulation this is the one that users
report as working.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, overload

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ORDER = [{"field": "dateAdded", "direction": "asc"}]
CHANGES = [{"field": "dateUpdated", "direction": "asc"}]


@overload
def milliseconds(moment: datetime) -> int: ...
@overload
def milliseconds(moment: None) -> None: ...
def milliseconds(moment: datetime | None) -> int | None:
    """Milliseconds since 1970, rounded down."""
    return None if moment is None else (moment - EPOCH) // timedelta(milliseconds=1)


def from_milliseconds(at: int) -> datetime:
    """The moment, aware, in UTC."""
    return EPOCH + timedelta(milliseconds=at)


def text(at: int) -> str:
    """The moment as HighLevel writes it: ISO 8601 in UTC with milliseconds and 'Z'."""
    return from_milliseconds(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def added_between(since: int | None, until: int | None) -> list[dict[str, Any]]:
    """The filter for contacts added in this stretch, both ends included; [] for all."""
    return _between("dateAdded", since, until)


def updated_since(since: int) -> list[dict[str, Any]]:
    """The filter for contacts that HighLevel changed at or after this moment."""
    return _between("dateUpdated", since, None)


def any_of(name: str, values: Sequence[str]) -> list[dict[str, Any]]:
    """The filter for contacts whose field equals one of these."""
    return [{"group": "OR", "filters": [{"field": name, "operator": "eq", "value": value} for value in values]}]


def _between(name: str, since: int | None, until: int | None) -> list[dict[str, Any]]:
    bounds = {key: text(at) for key, at in (("gte", since), ("lte", until)) if at is not None}
    return [{"field": name, "operator": "range", "value": bounds}] if bounds else []
