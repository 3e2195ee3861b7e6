"""What all files are made of: a table of columns and rows, the source it is read from, and a contact's cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hlcore.export.columns import COLUMNS, contact_fields, contact_values, other_fields
from hlcore.export.csv_cells import ExportMode, cell, row_writer
from hlcore.export.custom_fields import CustomColumns
from hlcore.model.callbacks import Listener, ignore_progress
from hlcore.store import Tx
from hlcore.store.contacts.streams import ContactCopy
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
    """What a table is read from: one snapshot of the vault, and the chosen locations. Days left count from `now`.
    `unreadable` gets the id of every row that could not be read field by field."""

    tx: Tx
    locations: Sequence[Location]
    mode: ExportMode
    now: datetime
    listener: Listener = ignore_progress
    unreadable: list[str] = field(default_factory=list)

    @property
    def location_ids(self) -> list[str]:
        """The ids of the locations."""
        return [location.location_id for location in self.locations]


@dataclass(frozen=True, slots=True)
class ContactWriter:
    """Converts the copies of a contact to cells. `unreadable`: see `raw_row`."""

    mode: ExportMode
    custom: CustomColumns
    unreadable: list[str] = field(default_factory=list)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of `cells`."""
        return (*COLUMNS, *self.custom.names, *(RAW if self.mode is ExportMode.EXACT else OTHERS))

    def cells(self, copy: ContactCopy) -> list[str]:
        """Return the cells of one contact; of one that cannot be read field by field, the ids and bytes."""
        try:
            return self._cells(copy)
        except Exception:  # whatever is odd about it: see `raw_row`
            ids = {"id": copy.contact_id, "locationId": copy.location_id, "raw_detail": text_of(copy.detail or b"")}
            return raw_row(self.mode, self.columns, ids, copy.raw, self.unreadable)

    def _cells(self, copy: ContactCopy) -> list[str]:
        fields = copy.fields or contact_fields(copy.raw, copy.detail)
        require_fields(fields)
        values = contact_values(fields, self.mode)
        values += self.custom.values(copy.location_id, fields.get("customFields"))
        if self.mode is ExportMode.EXACT:
            values += (text_of(copy.raw), text_of(copy.detail or b""))
        else:
            values.append(other_fields(fields))
        return row_writer(self.mode)(values)


def raw_row(
    mode: ExportMode, columns: Sequence[str], ids: Mapping[str, str], raw: bytes, unreadable: list[str]
) -> list[str]:
    """Return the row of something that cannot be read field by field, and name it in `unreadable`: `ids` (column →
    value), the row's own id first, and the bytes in the column `raw`, or `otherFields` of a safe file. An odd row never
    ends an export."""
    unreadable.append(next(iter(ids.values()), ""))
    text = text_of(raw)
    known = {"raw": text, "otherFields": text, **ids}
    return [cell(known.get(column, ""), mode) for column in columns]


def require_fields(fields: Mapping[str, Any]) -> None:
    """Raise ValueError where nothing could be read."""
    if not fields:
        raise ValueError("no JSON object")


def text_of(raw: bytes) -> str:
    """Return the JSON text in these bytes, unchanged."""
    return raw.decode("utf-8", "replace")
