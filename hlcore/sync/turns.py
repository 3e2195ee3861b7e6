"""Where a walk stands, and what one page of it brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

LAG = timedelta(minutes=10)
"""News are asked for from so much before the last look: clocks differ and indexes lag."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The checkpoint of a walk: JSON values. `mode` is all or news; `rows` counts what it showed, each once; `calls`
    its pages; `since` is the last look before it."""

    values: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name, 0)

    def get(self, name: str, default: Any = None) -> Any:
        """The value, or the default where there is none."""
        found = self.values.get(name)
        return default if found is None else found

    def then(self, **changes: Any) -> Mark:
        """The mark with other values."""
        return Mark({**self.values, **changes})

    def count(self, *, fresh: int) -> Mark:
        """The mark after one more page with so many rows that were not seen before."""
        return self.then(rows=self["rows"] + fresh, calls=self["calls"] + 1, fresh=fresh)

    @property
    def since(self) -> datetime | None:
        """News are asked for from here."""
        text = self.get("since", "")
        return datetime.fromisoformat(text) - LAG if text else None

    @property
    def edge_ms(self) -> int:
        """What is older (milliseconds since 1970) was there before the walk, or before the last look."""
        edge = self.since or datetime.fromisoformat(self["began"]) - LAG
        return int(edge.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Turn:
    """One page: its rows, where the walk stands behind it, and whether it was the last. `full`: so many rows must have
    been shown by the end. `failed`: why the walk cannot be ended."""

    rows: Sequence[bytes]
    mark: Mark
    ended: bool = False
    full: int = 0
    failed: str = ""

    def verdict(self, mark: Mark) -> str | None:
        """None: go on. '': complete. Else why the walk cannot count."""
        if self.failed:
            return self.failed
        if self.full and mark["rows"] >= self.full:
            return ""
        if not self.ended:
            return None
        if mark["rows"] < self.full:
            return f"{self.full:,} were promised, {mark['rows']:,} came."
        return ""
