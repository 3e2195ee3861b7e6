"""`POST /contacts/search`: filters, sorting and cursors over the search index.

Contract: HighLevel's "Search contacts" page (filters, operators, 500 per page, 10,000 in page mode)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hlcore.sandbox.state.filters import Condition, compile_filters
from hlcore.sandbox.state.record import ContactRecord
from hlcore.sandbox.state.search_index import SORTS, Key, SearchIndex

LAST = "\U0010ffff"
CACHE_SIZE = 16


@dataclass(slots=True)
class SearchRequest:
    """A search request after its values were checked. ``after``: the cursor, or None."""

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
    """Rows of one page, as ``(id, record, cursor)``, and the number of all matches."""

    rows: list[tuple[str, ContactRecord, list[Any]]]
    total: int


class Searcher:
    """Answers questions over one index. Walks without filters cost about their page size."""

    def __init__(self, index: SearchIndex) -> None:
        self._index = index
        self._cache: OrderedDict[bytes, list[Key]] = OrderedDict()
        self._revision = -1

    def search(self, question: SearchRequest) -> SearchResult:
        if len(question.sort) == 1 and not question.query and _only_ranges(question):
            return self._by_rank(question)
        return self._by_scan(question)

    def _by_rank(self, question: SearchRequest) -> SearchResult:
        name, descending = question.sort[0]
        order = self._index.order(name)
        low, high = 0, len(order)
        for condition in question.filters:
            low, high = _narrow(order, condition["value"], low, high)
        hidden = self._hidden(question, name, low, high)
        total = max(0, high - low) - (len(hidden) if question.omit_from_total else 0)
        if question.after is not None:
            key = tuple(question.after)
            if descending:
                high = min(high, order.bisect_left(key))
            else:
                low = max(low, order.bisect_left((*key, "")))
        elif descending:
            high -= (question.page - 1) * question.limit
        else:
            low += (question.page - 1) * question.limit
        keys: list[Key] = []
        while low < high and len(keys) < question.limit:
            want = question.limit - len(keys)
            first, last = (max(low, high - want), high) if descending else (low, min(high, low + want))
            found = order[first:last][:: -1 if descending else 1]
            low, high = (low, high - want) if descending else (low + want, high)
            keys += [key for key in found if key[-1] not in question.omit]
        return SearchResult(self._rows(keys), total)

    def _hidden(self, question: SearchRequest, name: str, low: int, high: int) -> set[str]:
        if not question.omit:
            return set()
        order, value = self._index.order(name), SORTS[name]
        known = ((id_, self._index.get(id_)) for id_ in question.omit)
        return {id_ for id_, record in known if record and low <= order.bisect_left((value(record), id_)) < high}

    def _by_scan(self, question: SearchRequest) -> SearchResult:
        keys = self._matches(question)
        shown = [key for key in keys if key[-1] not in question.omit] if question.omit else keys
        total = len(shown) if question.omit_from_total else len(keys)
        start = (question.page - 1) * question.limit
        if question.after is not None:
            start = _position(shown, question.sort, question.after)
        return SearchResult(self._rows(shown[start : start + question.limit]), total)

    def _matches(self, question: SearchRequest) -> list[Key]:
        """All matching keys in the order asked for; remembered until the index changes."""
        if self._revision != self._index.revision:
            self._cache.clear()
            self._revision = self._index.revision
        asked = msgspec.json.encode([question.filters, question.sort, question.query])
        if asked not in self._cache:
            self._cache[asked] = self._scan(question)
            if len(self._cache) > CACHE_SIZE:
                self._cache.popitem(last=False)
        return self._cache[asked]

    def _scan(self, question: SearchRequest) -> list[Key]:
        test = compile_filters(question.filters, question.query)
        candidates = self._candidates(question.filters)
        records = self._index.items() if candidates is None else ((id_, self._index.get(id_)) for id_ in candidates)
        found = [(id_, record) for id_, record in records if record and test(record)]
        keys = [(*(SORTS[name](record) for name, _ in question.sort), id_) for id_, record in found]
        keys.sort(key=lambda key: key[-1])
        for at, (_, descending) in reversed(list(enumerate(question.sort))):
            keys.sort(key=lambda key: key[at], reverse=descending)
        return keys

    def _candidates(self, filters: list[Any]) -> list[str] | None:
        """Ids that a date range or an id filter at the top level leaves; None when there is neither."""
        for condition in filters:
            name, operator = condition.get("field"), condition.get("operator")
            if name in ("dateAdded", "dateUpdated") and operator == "range":
                order = self._index.order(name)
                low, high = _narrow(order, condition["value"], 0, len(order))
                return [key[-1] for key in order[low : max(low, high)]]
            if name == "id" and operator == "eq":
                given = condition["value"]
                return [str(id_) for id_ in (given if isinstance(given, list) else [given])]
        return None

    def _rows(self, keys: list[Key]) -> list[tuple[str, ContactRecord, list[Any]]]:
        rows = []
        for key in keys:
            record = self._index.get(key[-1])
            if record is not None:
                rows.append((key[-1], record, list(key)))
        return rows


def _only_ranges(question: SearchRequest) -> bool:
    name = question.sort[0][0]
    return all(
        condition.get("field") == name and condition.get("operator") == "range" and name in ("dateAdded", "dateUpdated")
        for condition in question.filters
    )


def _narrow(order: Any, value: Condition, low: int, high: int) -> tuple[int, int]:
    """The ranks that a checked range (milliseconds) leaves."""
    if "gte" in value:
        low = max(low, order.bisect_left((value["gte"],)))
    if "gt" in value:
        low = max(low, order.bisect_left((value["gt"], LAST)))
    if "lt" in value:
        high = min(high, order.bisect_left((value["lt"],)))
    if "lte" in value:
        high = min(high, order.bisect_left((value["lte"], LAST)))
    return low, high


def _position(keys: list[Key], sort: list[tuple[str, bool]], after: list[Any]) -> int:
    """The first row after the cursor, also when the cursor's own row is gone."""
    for at, key in enumerate(keys):
        for (_, descending), mine, theirs in zip(sort, key, after, strict=False):
            if mine != theirs:
                if (mine > theirs) != descending:
                    return at
                break
        else:
            if key[-1] > after[-1]:
                return at
    return len(keys)
