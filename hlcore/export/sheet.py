"""What every file is made of: the names of its columns and its rows, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from hlcore.export.cells import Mode, writer_of
from hlcore.export.custom import CustomColumns
from hlcore.export.fields import COLUMNS, contact_cells, fields_of, others
from hlcore.model.progress import Listener, silent
from hlcore.store import Tx
from hlcore.store.locations import Location

OTHERS = ("otherFields",)
RAW = ("raw", "raw_detail")


@dataclass(frozen=True, slots=True)
class Sheet:
    """`columns` and `rows` have the same length everywhere; `total` rows are expected (0: not known)."""

    columns: tuple[str, ...]
    rows: Iterator[Sequence[str]]
    total: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """What a sheet is read from: one snapshot of the vault, the locations chosen, the mode, and the moment that days
    left are counted from."""

    tx: Tx
    locations: Sequence[Location]
    mode: Mode
    at: datetime
    listener: Listener = silent

    @property
    def ids(self) -> list[str]:
        """The ids of the locations."""
        return [location.location_id for location in self.locations]


@dataclass(frozen=True, slots=True)
class ContactWriter:
    """Turns the copies of a contact into cells. `tells`: locations whose search rows carry `dndSettings`."""

    mode: Mode
    custom: CustomColumns
    tells: frozenset[str]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of `cells`."""
        return (*COLUMNS, *self.custom.names, *(RAW if self.mode is Mode.EXACT else OTHERS))

    def cells(self, location_id: str, raw: bytes, detail: bytes | None) -> list[str]:
        """One contact's cells."""
        fields = fields_of(raw, detail, rows_tell_settings=location_id in self.tells)
        write = writer_of(self.mode)
        cells = contact_cells(fields, self.mode)
        cells += self.custom.cells(location_id, fields.get("customFields"), write)
        if self.mode is Mode.EXACT:
            cells += [text_of(raw), text_of(detail or b"")]
        else:
            cells.append(write(others(fields)))
        return cells


def text_of(raw: bytes) -> str:
    """The JSON text in these bytes, letter by letter."""
    return raw.decode("utf-8", "replace")
