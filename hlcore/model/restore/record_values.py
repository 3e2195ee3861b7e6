"""What a stored record holds, read for a request. Whatever cannot be written as it is, is named in words.

A record is anything that HighLevel sent under a name like `task`: its members may have any type. Each is read once, and
what is left over at the end is named as lost, so that nothing of a record disappears silently.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hlcore.model.contact_fields import original_text
from hlcore.model.custom_fields import is_empty
from hlcore.model.json_codec import is_finite
from hlcore.model.moments import parse_moment
from hlcore.model.records import record_title

_DECIMAL = re.compile(r"[+-]?\d{1,15}(\.\d{1,15})?")
_SET_BY_HIGHLEVEL = frozenset(
    {
        *("id", "_id", "contactId", "locationId", "dateAdded", "dateUpdated", "createdAt", "updatedAt", "traceId"),
        *("deleted", "isDeleted", "__v"),
    }
)
"""Members that HighLevel sets itself, in records of every kind."""

Report = Callable[[str], None]


@dataclass(slots=True)
class RecordValues:
    """The members of one record. `lost` and `changed` take words; `read`: the members that were asked for."""

    row: Mapping[str, Any]
    kind: str
    lost: Report
    changed: Report
    read: set[str] = field(default_factory=set)

    @property
    def title(self) -> str:
        """The record's kind and title, as people know it."""
        title = record_title(self.row, "")
        return f"{self.kind} “{title}”" if title else f"{self.kind} without title"

    def text(self, name: str, label: str, default: str = "") -> str:
        """Return a text as it is and a number as text; else the default."""
        value = self._value(name)
        if isinstance(value, str):
            return value or default
        if isinstance(value, (int, float)) and not isinstance(value, bool) and is_finite(value):
            return str(value)
        self._lose(label, value, "it is no text")
        return default

    def flag(self, name: str, label: str) -> bool:
        """Return whether the member is true; a text counts whatever its case."""
        value = self._value(name)
        word = value.strip().lower() if isinstance(value, str) else ""
        if value is True or word == "true":
            return True
        if value is not False and word != "false":
            self._lose(label, value, "neither true nor false")
        return False

    def amount(self, name: str, label: str) -> int | float | None:
        """Return a number, also one that is written as a plain decimal text; None for none."""
        value = self._value(name)
        if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()):
            text = value.strip()
            return float(text) if "." in text else int(text)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and is_finite(value):
            return value
        self._lose(label, value, "not a plain number")
        return None

    def choice(self, name: str, label: str, known: Collection[str], default: str) -> str:
        """Return one of the known words, whatever its case; else the default."""
        value = self._value(name)
        word = value.strip().lower() if isinstance(value, str) else ""
        if word in known:
            return word
        unknown = f"{label} {original_text(value)} is not one that HighLevel knows"
        was = f"no {label}" if is_empty(value) else unknown
        self.changed(f"{self.title}: {was}; becomes “{default}”")
        return default

    def moment(self, name: str, label: str) -> datetime | None:
        """Return a moment; None for none and for what is none."""
        value = self._value(name)
        at = parse_moment(value.strip() if isinstance(value, str) else value)
        if at is None:
            self._lose(label, value, "not a date that can be read")
        return at

    def other(self, *names: str) -> None:
        """Take note that these members are dealt with elsewhere."""
        self.read.update(names)

    def name_the_rest(self) -> None:
        """Name what was not read: no request can carry it."""
        for name, value in self.row.items():
            if name not in self.read and name not in _SET_BY_HIGHLEVEL and not is_empty(value) and value is not False:
                self._lose(f"“{name}”", value, "HighLevel does not let it be written")

    def _value(self, name: str) -> Any:
        self.read.add(name)
        return self.row.get(name)

    def _lose(self, label: str, value: Any, why: str) -> None:
        if not is_empty(value):
            self.lost(f"{label} {original_text(value)} of {self.title} ({why})")
