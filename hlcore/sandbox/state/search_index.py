"""The search index of one location, which may show writes later than GET by id does."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

from sortedcontainers import SortedList

from hlcore.sandbox.state.record import ContactRecord

Key = tuple[Any, ...]

SORT_VALUES: dict[str, Callable[[ContactRecord], Any]] = {
    "dateAdded": lambda record: record.added,
    "dateUpdated": lambda record: record.updated,
    "email": lambda record: str(record.row().get("email", "")).lower(),
    "source": lambda record: str(record.row().get("source", "")),
    "dnd": lambda record: bool(record.row().get("dnd", False)),
    "firstNameLowerCase": lambda record: str(record.row().get("firstName", "")).lower(),
    "lastNameLowerCase": lambda record: str(record.row().get("lastName", "")).lower(),
}


class SearchIndex:
    """What search sees of the location's live ``records``; only what still differs from them is stored here.

    Sorted orders are built on first use and kept up to date from then on. ``revision`` grows with every change
    that search can see."""

    def __init__(self, records: dict[str, ContactRecord]) -> None:
        self._records = records
        self._orders: dict[str, SortedList] = {}
        self._stale: dict[str, ContactRecord | None] = {}
        self._waiting: dict[str, int] = {}
        self._queue: list[tuple[float, int, str, ContactRecord | None]] = []
        self._serial = count()
        self._latest = 0.0
        self.revision = 0

    def get(self, id_: str) -> ContactRecord | None:
        """Return the record as search sees it; None when it does not see the id."""
        return self._stale[id_] if id_ in self._stale else self._records.get(id_)

    def order(self, field: str) -> SortedList:
        """Return the keys ``(value, id)`` of all records in ascending order of a field."""
        if field not in self._orders:
            value = SORT_VALUES[field]
            self._orders[field] = SortedList((value(record), id_) for id_, record in self.items())
        return self._orders[field]

    def items(self) -> Iterable[tuple[str, ContactRecord]]:
        """Yield every id and record that search sees."""
        for id_, record in self._records.items():
            if id_ not in self._stale:
                yield id_, record
        for id_, old in self._stale.items():
            if old is not None:
                yield id_, old

    def record_change(
        self, id_: str, before: ContactRecord | None, after: ContactRecord | None, due: float | None
    ) -> None:
        """Note that ``records`` changed. ``due``: when search may show it, in seconds since 1970; None: at once."""
        if due is None:
            self.show_due(math.inf)
            self._show(id_, before, after)
            return
        self._stale.setdefault(id_, before)
        self._waiting[id_] = self._waiting.get(id_, 0) + 1
        self._latest = max(self._latest, due)
        heapq.heappush(self._queue, (self._latest, next(self._serial), id_, after))

    def show_due(self, now: float) -> None:
        """Let search see everything that is due at this moment."""
        while self._queue and self._queue[0][0] <= now:
            _, _, id_, after = heapq.heappop(self._queue)
            self._show(id_, self._stale[id_], after)
            self._waiting[id_] -= 1
            if self._waiting[id_]:
                self._stale[id_] = after
            else:
                del self._waiting[id_], self._stale[id_]

    def reset(self) -> None:
        """Drop the orders after many records changed at once; the next search builds them again."""
        self._orders.clear()
        self.revision += 1

    def _show(self, id_: str, before: ContactRecord | None, after: ContactRecord | None) -> None:
        self.revision += 1
        for field, order in self._orders.items():
            value = SORT_VALUES[field]
            old: Key | None = (value(before), id_) if before else None
            new: Key | None = (value(after), id_) if after else None
            if old == new:
                continue
            if old is not None:
                order.remove(old)
            if new is not None:
                order.add(new)
