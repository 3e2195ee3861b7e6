"""What every file is made of: the names of its columns and its rows, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from hlcore.export.columns import COLUMNS, contact_values, fields_of, others
from hlcore.export.csv_cells import ExportMode, row_writer
from hlcore.export.custom_fields import CustomColumns
from hlcore.model.progress import Listener, silent
from hlcore.store import Tx
from hlcore.store.locations import Location

OTHERS = ("otherFields",)
RAW = ("raw", "raw_detail")


@dataclass(frozen=True, slots=True)
class ExportTable:
    """`columns` and `rows` have the same length everywhere; `total` rows are expected (0: not known)."""

    columns: tuple[str, ...]
    rows: Iterator[Sequence[str]]
    total: int = 0


@dataclass(frozen=True, slots=True)
class ExportSource:
    """What a sheet is read from: one snapshot of the vault, the locations chosen, the mode, and the moment that days
    left are counted from."""

    tx: Tx
    locations: Sequence[Location]
    mode: ExportMode
    at: datetime
    listener: Listener = silent

    @property
    def ids(self) -> list[str]:
        """The ids of the locations."""
        return [location.location_id for location in self.locations]


@dataclass(frozen=True, slots=True)
class ContactWriter:
    """Turns the copies of a contact into cells. `tells`: locations whose search rows carry `dndSettings`."""

    mode: ExportMode
    custom: CustomColumns
    tells: frozenset[str]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of `cells`."""
        return (*COLUMNS, *self.custom.names, *(RAW if self.mode is ExportMode.EXACT else OTHERS))

    def cells(self, location_id: str, raw: bytes, detail: bytes | None) -> list[str]:
        """One contact's cells."""
        fields = fields_of(raw, detail, rows_tell_settings=location_id in self.tells)
        values = contact_values(fields, self.mode)
        values += self.custom.values(location_id, fields.get("customFields"))
        if self.mode is ExportMode.EXACT:
            values += (text_of(raw), text_of(detail or b""))
        else:
            values.append(others(fields))
        return row_writer(self.mode)(values)


def text_of(raw: bytes) -> str:
    """The JSON text in these bytes, letter by letter."""
    return raw.decode("utf-8", "replace")
