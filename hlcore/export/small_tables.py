"""Small tables as CSV: what a page shows, a restore's receipt."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from hlcore.export.csv_cells import ExportMode, cell, writer_of
from hlcore.export.csv_writer import Manifest, Sink
from hlcore.export.exporter import Now
from hlcore.governance.audit import recorded
from hlcore.governance.roles import Action, User
from hlcore.store import Vault


def rows_to_csv(
    columns: Sequence[str], rows: Iterable[Sequence[object]], mode: ExportMode = ExportMode.SAFE, *, bom: bool = False
) -> bytes:
    """The table as CSV, header first, by the rules of `export.cells`. Values are those of JSON; others as text."""
    return _made(columns, rows, mode, bom)[0]


def _made(
    columns: Sequence[str], rows: Iterable[Sequence[object]], mode: ExportMode, bom: bool
) -> tuple[bytes, Manifest]:
    out, write = io.BytesIO(), writer_of(mode)
    sink = Sink(out, bom=bom)
    sink.row([cell(name, mode) for name in columns])
    for row in rows:
        sink.row([write(value if isinstance(value, _JSON) else str(value)) for value in row])
    manifest = sink.finish()
    return out.getvalue(), manifest


_JSON = (str, int, float, bool, list, tuple, dict, type(None))


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
    """As `rows_to_csv`, checked and recorded. `subject` names the table for the audit log (never a person). Raises
    NotAllowed, StoreError."""
    with recorded(vault, user, Action.EXPORT, now=now, location_id=location_id, subject=subject) as entry:
        data, manifest = _made(columns, rows, mode, bom)
        entry.note(mode=str(mode), **manifest.to_json())
    return data
