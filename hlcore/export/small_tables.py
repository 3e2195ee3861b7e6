"""Tables in memory as CSV: what a page shows, the receipt of a restore."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from hlcore.export.csv_cells import ExportMode, cell, writer_of
from hlcore.export.csv_writer import CsvSink, Manifest
from hlcore.governance.audit import audited
from hlcore.governance.roles import Action, User
from hlcore.model.callbacks import Now
from hlcore.store import Vault


def rows_to_csv(
    columns: Sequence[str], rows: Iterable[Sequence[object]], mode: ExportMode = ExportMode.SAFE, *, bom: bool = False
) -> bytes:
    """Return the table as CSV, header first, by the rules of `csv_cells`. Values unknown to JSON become text."""
    return _write(columns, rows, mode, bom)[0]


def _write(
    columns: Sequence[str], rows: Iterable[Sequence[object]], mode: ExportMode, bom: bool
) -> tuple[bytes, Manifest]:
    out, write = io.BytesIO(), writer_of(mode)
    sink = CsvSink(out, bom=bom)
    sink.write_row([cell(name, mode) for name in columns])
    for row in rows:
        sink.write_row([write(value if isinstance(value, _JSON_TYPES) else str(value)) for value in row])
    manifest = sink.finish()
    return out.getvalue(), manifest


_JSON_TYPES = (str, int, float, bool, list, tuple, dict, type(None))


def export_table(
    vault: Vault,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    subject: str,
    user: User,
    now: Now,
    location_id: str = "",
    mode: ExportMode = ExportMode.SAFE,
    bom: bool = True,
) -> bytes:
    """As `rows_to_csv`, with the permission checked and the export in the audit log. `subject` names the table there,
    never a contact. Raises NotAllowed, StoreError."""
    with audited(vault, user, Action.EXPORT, now=now, location_id=location_id, subject=subject) as note:
        data, manifest = _write(columns, rows, mode, bom)
        note.add(mode=str(mode), **manifest.to_json())
    return data
