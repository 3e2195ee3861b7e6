"""Exporting to a stream or a file: permission is checked, rows are streamed, and the audit log names their hash."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from hlcore.errors import NotFound
from hlcore.export import contacts, deletions, records
from hlcore.export.csv_cells import ExportMode, cell
from hlcore.export.csv_writer import CsvSink, Manifest, atomic_file
from hlcore.export.selection import ExportKind, ExportSelection
from hlcore.export.sheet import ExportSource, ExportTable
from hlcore.governance.audit import audited
from hlcore.governance.roles import Action, User
from hlcore.model.callbacks import Listener, Now, Progress, ignore_progress
from hlcore.store import Tx, Vault, locations
from hlcore.store.capture import state as capture_state
from hlcore.store.locations import Location

PROGRESS_ROWS = 1_000
"""Rows between two reports of progress."""


def export_csv(
    vault: Vault,
    selection: ExportSelection,
    out: BinaryIO,
    *,
    mode: ExportMode = ExportMode.SAFE,
    bom: bool = False,
    user: User,
    now: Now,
    listener: Listener = ignore_progress,
) -> Manifest:
    """Write the selected rows to `out` as CSV (RFC 4180, UTF-8, header first), read in one snapshot of the vault and in
    constant memory. `bom` marks the file as UTF-8 for Excel.

    The user's permission is checked first; the audit log then says how many rows left the vault and with which hash.
    Raises NotAllowed, NotFound (a location), ExportError, StoreError, and what the listener raises.
    """
    with _audited(vault, selection, mode, user, now) as manifests:
        manifests.append(_write(vault, selection, out, mode=mode, bom=bom, now=now(), listener=listener))
    return manifests[0]


def export_file(
    vault: Vault,
    selection: ExportSelection,
    path: Path,
    *,
    mode: ExportMode = ExportMode.SAFE,
    bom: bool = False,
    user: User,
    now: Now,
    listener: Listener = ignore_progress,
) -> Manifest:
    """As `export_csv`, to a file that appears only when it is whole and the audit log names it: until then, and when
    anything fails, an existing file at `path` stays as it is. Only this user may read the file."""
    with atomic_file(path) as open_draft, _audited(vault, selection, mode, user, now) as manifests, open_draft() as out:
        manifests.append(_write(vault, selection, out, mode=mode, bom=bom, now=now(), listener=listener))
    return manifests[0]


@contextmanager
def _audited(
    vault: Vault, selection: ExportSelection, mode: ExportMode, user: User, now: Now
) -> Iterator[list[Manifest]]:
    """Yield a list to which the block appends its manifest."""
    manifests: list[Manifest] = []
    only = selection.location_ids[0] if len(selection.location_ids) == 1 else ""
    detail = {**selection.audit_facts(), "mode": str(mode)}
    with audited(
        vault, user, Action.EXPORT, now=now, location_id=only, subject=str(selection.kind), detail=detail
    ) as note:
        yield manifests
        note.add(**manifests[0].to_json())


def _write(
    vault: Vault,
    selection: ExportSelection,
    out: BinaryIO,
    *,
    mode: ExportMode,
    bom: bool,
    now: datetime,
    listener: Listener,
) -> Manifest:
    sink = CsvSink(out, bom=bom)
    with vault.read() as tx:
        source = ExportSource(tx, _locations(tx, selection.location_ids), mode, now, listener)
        table = _export_table(source, selection)
        sink.write_row([cell(name, mode) for name in table.columns])
        for number, row in enumerate(table.rows, 1):
            sink.write_row(row)
            if not number % PROGRESS_ROWS:
                listener(Progress("Writing", number, table.total))
        known_for = _known_for(source, selection)
    manifest = sink.finish(source.unreadable, known_for)
    listener(Progress("Written", manifest.rows, manifest.rows))
    return manifest


def _known_for(source: ExportSource, selection: ExportSelection) -> tuple[int, int] | None:
    """Return for how many live contacts, of how many, the file could hold its kind of records; None for chosen contacts
    and for files whose rows come from listings alone."""
    kind = records.STORED.get(selection.kind)
    if kind is None or selection.contact_ids is not None:
        return None
    return capture_state.count_known(source.tx, source.location_ids, kind)


def _export_table(source: ExportSource, selection: ExportSelection) -> ExportTable:
    if selection.kind is ExportKind.CONTACTS:
        return contacts.contact_table(source, selection)
    if selection.kind is ExportKind.DELETIONS:
        return deletions.deletion_table(source, selection)
    if selection.kind is ExportKind.VERSIONS:
        return records.version_table(source, selection)
    return records.record_table(source, selection)


def _locations(tx: Tx, location_ids: Sequence[str]) -> list[Location]:
    held = locations.list_all(tx, connected_only=False)
    if not location_ids:
        return held
    chosen = [location for location in held if location.location_id in location_ids]
    if len(chosen) < len(set(location_ids)):
        raise NotFound("This vault holds no such location.", hint="`status` lists the locations it holds.")
    return chosen
