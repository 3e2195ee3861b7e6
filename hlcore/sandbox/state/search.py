"""Answers `POST /contacts/search` from the search index: filters, sorting, cursors.

Contract: HighLevel's "Search contacts" page (filters, operators, 500 per page, 10,000 in page mode)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hlcore.sandbox.state.filters import Condition, compile_filters
from hlcore.sandbox.state.record import ContactRecord
from hlcore.sandbox.state.search_index import SORT_VALUES, Key, SearchIndex

MAX_ID = "\U0010ffff"
CACHE_SIZE = 16


@dataclass(slots=True)
class SearchRequest:
    """A checked search request. ``sort``: (field, descending); ``after``: the cursor, or None; ``omit``: ids that a
    fault hides."""

    filters: list[Any]
    sort: list[tuple[str, bool]]
    limit: int
    page: int = 1
    after: list[Any] | None = None
    query: str = ""
    omit: set[str] = field(default_factory=set)
    omit_from_total: bool = True


@dataclass(slots=True)
class SearchResult:
    """The rows of one page, as ``(id, record, cursor)``, and the number of all matches."""

    rows: list[tuple[str, ContactRecord, list[Any]]]
    total: int


class Searcher:
    """Searches one index. Without filters or with a date range, a page costs about its own size."""

    def __init__(self, index: SearchIndex) -> None:
        self._index = index
        self._cache: OrderedDict[bytes, list[Key]] = OrderedDict()
        self._revision = -1

    def search(self, request: SearchRequest) -> SearchResult:
        if len(request.sort) == 1 and not request.query and _only_ranges(request):
            return self._by_rank(request)
        return self._by_scan(request)

    def _by_rank(self, request: SearchRequest) -> SearchResult:
        name, descending = request.sort[0]
        order = self._index.order(name)
        low, high = 0, len(order)
        for condition in request.filters:
            low, high = _narrow_range(order, condition["value"], low, high)
        hidden = self._hidden(request, name, low, high)
        total = max(0, high - low) - (len(hidden) if request.omit_from_total else 0)
        if request.after is not None:
            key = tuple(request.after)
            if descending:
                high = min(high, order.bisect_left(key))
            else:
                low = max(low, order.bisect_left((*key, "")))
        elif descending:
            high -= (request.page - 1) * request.limit
        else:
            low += (request.page - 1) * request.limit
        keys: list[Key] = []
        while low < high and len(keys) < request.limit:
            missing = request.limit - len(keys)
            first, last = (max(low, high - missing), high) if descending else (low, min(high, low + missing))
            chunk = order[first:last][:: -1 if descending else 1]
            low, high = (low, high - missing) if descending else (low + missing, high)
            keys += [key for key in chunk if key[-1] not in request.omit]
        return SearchResult(self._rows(keys), total)

    def _hidden(self, request: SearchRequest, name: str, low: int, high: int) -> set[str]:
        if not request.omit:
            return set()
        order, value = self._index.order(name), SORT_VALUES[name]
        known = ((id_, self._index.get(id_)) for id_ in request.omit)
        return {id_ for id_, record in known if record and low <= order.bisect_left((value(record), id_)) < high}

    def _by_scan(self, request: SearchRequest) -> SearchResult:
        keys = self._matches(request)
        shown = [key for key in keys if key[-1] not in request.omit] if request.omit else keys
        total = len(shown) if request.omit_from_total else len(keys)
        start = (request.page - 1) * request.limit
        if request.after is not None:
            start = _position_after(shown, request.sort, request.after)
        return SearchResult(self._rows(shown[start : start + request.limit]), total)

    def _matches(self, request: SearchRequest) -> list[Key]:
        """Return all matching keys in the requested order, cached until the index changes."""
        if self._revision != self._index.revision:
            self._cache.clear()
            self._revision = self._index.revision
        cache_key = msgspec.json.encode([request.filters, request.sort, request.query])
        if cache_key not in self._cache:
            self._cache[cache_key] = self._scan(request)
            if len(self._cache) > CACHE_SIZE:
                self._cache.popitem(last=False)
        return self._cache[cache_key]

    def _scan(self, request: SearchRequest) -> list[Key]:
        test = compile_filters(request.filters, request.query)
        candidates = self._candidates(request.filters)
        records = self._index.items() if candidates is None else ((id_, self._index.get(id_)) for id_ in candidates)
        matches = [(id_, record) for id_, record in records if record and test(record)]
        keys = [(*(SORT_VALUES[name](record) for name, _ in request.sort), id_) for id_, record in matches]
        keys.sort(key=lambda key: key[-1])
        for index, (_, descending) in reversed(list(enumerate(request.sort))):
            keys.sort(key=lambda key: key[index], reverse=descending)
        return keys

    def _candidates(self, filters: list[Any]) -> list[str] | None:
        """Return the ids that a date range or id filter at the top level leaves; None when there is neither."""
        for condition in filters:
            name, operator = condition.get("field"), condition.get("operator")
            if name in ("dateAdded", "dateUpdated") and operator == "range":
                order = self._index.order(name)
                low, high = _narrow_range(order, condition["value"], 0, len(order))
                return [key[-1] for key in order[low : max(low, high)]]
            if name == "id" and operator == "eq":
                value = condition["value"]
                return [str(id_) for id_ in (value if isinstance(value, list) else [value])]
        return None

    def _rows(self, keys: list[Key]) -> list[tuple[str, ContactRecord, list[Any]]]:
        rows = []
        for key in keys:
            record = self._index.get(key[-1])
            if record is not None:
                rows.append((key[-1], record, list(key)))
        return rows


def _only_ranges(request: SearchRequest) -> bool:
    name = request.sort[0][0]
    return all(
        condition.get("field") == name and condition.get("operator") == "range" and name in ("dateAdded", "dateUpdated")
        for condition in request.filters
    )


def _narrow_range(order: Any, value: Condition, low: int, high: int) -> tuple[int, int]:
    """Return the part of `low` to `high` that a checked range (milliseconds) leaves of the order."""
    if "gte" in value:
        low = max(low, order.bisect_left((value["gte"],)))
    if "gt" in value:
        low = max(low, order.bisect_left((value["gt"], MAX_ID)))
    if "lt" in value:
        high = min(high, order.bisect_left((value["lt"],)))
    if "lte" in value:
        high = min(high, order.bisect_left((value["lte"], MAX_ID)))
    return low, high


def _position_after(keys: list[Key], sort: list[tuple[str, bool]], after: list[Any]) -> int:
    """Return the index of the first row after the cursor, also when the cursor's own row no longer exists."""
    for index, key in enumerate(keys):
        for (_, descending), value, cursor_value in zip(sort, key, after, strict=False):
            if value != cursor_value:
                if (value > cursor_value) != descending:
                    return index
                break
        else:
            if key[-1] > after[-1]:
                return index
    return len(keys)
