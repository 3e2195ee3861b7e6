"""What all files are made of: a table of columns and rows, the source it is read from, and a contact's cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from hlcore.export.columns import COLUMNS, contact_fields, contact_values, other_fields
from hlcore.export.csv_cells import ExportMode, row_writer
from hlcore.export.custom_fields import CustomColumns
from hlcore.model.callbacks import Listener, ignore_progress
from hlcore.store import Tx
from hlcore.store.locations import Location

OTHERS = ("otherFields",)
RAW = ("raw", "raw_detail")


@dataclass(frozen=True, slots=True)
class ExportTable:
    """A table. Every row is as long as `columns`; `total` rows are expected (0: not known)."""

    columns: tuple[str, ...]
    rows: Iterator[Sequence[str]]
    total: int = 0


@dataclass(frozen=True, slots=True)
class ExportSource:
    """What a table is read from: one snapshot of the vault, and the chosen locations. Days left count from `now`."""

    tx: Tx
    locations: Sequence[Location]
    mode: ExportMode
    now: datetime
    listener: Listener = ignore_progress

    @property
    def location_ids(self) -> list[str]:
        """The ids of the locations."""
        return [location.location_id for location in self.locations]


@dataclass(frozen=True, slots=True)
class ContactWriter:
    """Converts the copies of a contact to cells. `with_dnd`: the locations whose search rows carry `dndSettings`."""

    mode: ExportMode
    custom: CustomColumns
    with_dnd: frozenset[str]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of `cells`."""
        return (*COLUMNS, *self.custom.names, *(RAW if self.mode is ExportMode.EXACT else OTHERS))

    def cells(self, location_id: str, raw: bytes, detail: bytes | None) -> list[str]:
        """Return the cells of one contact."""
        fields = contact_fields(raw, detail, rows_have_dnd=location_id in self.with_dnd)
        values = contact_values(fields, self.mode)
        values += self.custom.values(location_id, fields.get("customFields"))
        if self.mode is ExportMode.EXACT:
            values += (text_of(raw), text_of(detail or b""))
        else:
            values.append(other_fields(fields))
        return row_writer(self.mode)(values)


def text_of(raw: bytes) -> str:
    """Return the JSON text in these bytes, unchanged."""
    return raw.decode("utf-8", "replace")
