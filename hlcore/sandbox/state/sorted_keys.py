"""A sorted list of keys with cheap insertion, removal and rank."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

Key = tuple[Any, ...]
CHUNK = 1000


class SortedKeys:
    """Distinct tuples in ascending order.

    Adding, removing and asking for a rank cost about the square root of the length; a slice costs its own length.
    A key may be asked for by a prefix: ``rank((5,))`` counts the keys whose first part is below 5."""

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        ordered = sorted(keys)
        self._chunks = [ordered[i : i + CHUNK] for i in range(0, len(ordered), CHUNK)]
        self._maxes = [chunk[-1] for chunk in self._chunks]
        self._starts: list[int] | None = None
        self._length = len(ordered)

    def __len__(self) -> int:
        return self._length

    def add(self, key: Key) -> None:
        self._length += 1
        self._starts = None
        if not self._chunks:
            self._chunks, self._maxes = [[key]], [key]
            return
        at = min(bisect_left(self._maxes, key), len(self._chunks) - 1)
        chunk = self._chunks[at]
        insort(chunk, key)
        if len(chunk) > 2 * CHUNK:
            self._chunks[at : at + 1] = [chunk[:CHUNK], chunk[CHUNK:]]
            self._maxes[at : at + 1] = [chunk[CHUNK - 1], chunk[-1]]
        else:
            self._maxes[at] = chunk[-1]

    def remove(self, key: Key) -> None:
        """Raises KeyError when the key is not there."""
        at = bisect_left(self._maxes, key)
        chunk = self._chunks[at] if at < len(self._chunks) else []
        inside = bisect_left(chunk, key)
        if inside == len(chunk) or chunk[inside] != key:
            raise KeyError(key)
        del chunk[inside]
        self._length -= 1
        self._starts = None
        if chunk:
            self._maxes[at] = chunk[-1]
        else:
            del self._chunks[at], self._maxes[at]

    def rank(self, key: Key) -> int:
        """How many keys come before this one."""
        at = bisect_left(self._maxes, key)
        if at == len(self._chunks):
            return self._length
        return self._offsets()[at] + bisect_left(self._chunks[at], key)

    def slice(self, start: int, stop: int) -> list[Key]:
        """The keys with these ranks, ascending."""
        start, stop = max(0, start), min(stop, self._length)
        if start >= stop:
            return []
        offsets = self._offsets()
        at = bisect_left(offsets, start + 1) - 1
        found: list[Key] = []
        inside = start - offsets[at]
        while len(found) < stop - start:
            found += self._chunks[at][inside : inside + stop - start - len(found)]
            at, inside = at + 1, 0
        return found

    def _offsets(self) -> list[int]:
        if self._starts is None:
            self._starts = [0, *accumulate(len(chunk) for chunk in self._chunks)][:-1]
        return self._starts
