"""Making a file: allowed, written as a stream, counted, hashed and recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from hlcore.errors import NotFound
from hlcore.export import contacts, deletions, records
from hlcore.export.csv_cells import ExportMode, cell
from hlcore.export.csv_writer import Manifest, Sink, placed
from hlcore.export.selection import ExportKind, ExportSelection
from hlcore.export.sheet import ExportSource, ExportTable
from hlcore.governance.audit import recorded
from hlcore.governance.roles import Action, User
from hlcore.model.progress import Listener, Progress, silent
from hlcore.store import Tx, Vault, locations
from hlcore.store.locations import Location

Now = Callable[[], datetime]
TELL_EVERY = 1_000


def export(
    vault: Vault,
    selection: ExportSelection,
    out: BinaryIO,
    *,
    mode: ExportMode = ExportMode.SAFE,
    bom: bool = False,
    user: User,
    now: Now,
    listener: Listener = silent,
) -> Manifest:
    """The rows that the selection names are written to `out` as CSV: RFC 4180, UTF-8, header first. What they say is
    one moment of the vault, and memory does not grow with their number. `bom` marks the file as UTF-8 for Excel.

    The person's right is checked first; that the data left, how many rows and which hash, is in the audit log.
    Raises NotAllowed, NotFound (a location), ExportError, StoreError, and what the listener raises.
    """
    with _recorded(vault, selection, mode, user, now) as kept:
        kept.append(_write(vault, selection, out, mode=mode, bom=bom, at=now(), listener=listener))
    return kept[0]


def to_file(
    vault: Vault,
    selection: ExportSelection,
    path: Path,
    *,
    mode: ExportMode = ExportMode.SAFE,
    bom: bool = False,
    user: User,
    now: Now,
    listener: Listener = silent,
) -> Manifest:
    """As `export`, into a file that is there only when it is whole and its export is recorded: until then, and when
    anything fails, whatever stood at `path` stays. Only this user may read it."""
    with (
        placed(path) as draft,
        _recorded(vault, selection, mode, user, now) as kept,
        draft() as out,
    ):
        kept.append(_write(vault, selection, out, mode=mode, bom=bom, at=now(), listener=listener))
    return kept[0]


@contextmanager
def _recorded(
    vault: Vault, selection: ExportSelection, mode: ExportMode, user: User, now: Now
) -> Iterator[list[Manifest]]:
    kept: list[Manifest] = []
    only = selection.location_ids[0] if len(selection.location_ids) == 1 else ""
    detail = {**selection.facts(), "mode": str(mode)}
    with recorded(
        vault, user, Action.EXPORT, now=now, location_id=only, subject=str(selection.kind), detail=detail
    ) as entry:
        yield kept
        entry.note(**kept[0].to_json())


def _write(
    vault: Vault,
    selection: ExportSelection,
    out: BinaryIO,
    *,
    mode: ExportMode,
    bom: bool,
    at: datetime,
    listener: Listener,
) -> Manifest:
    sink = Sink(out, bom=bom)
    with vault.read() as tx:
        sheet = sheet_of(ExportSource(tx, _places(tx, selection.location_ids), mode, at, listener), selection)
        sink.row([cell(name, mode) for name in sheet.columns])
        for number, row in enumerate(sheet.rows, 1):
            sink.row(row)
            if not number % TELL_EVERY:
                listener(Progress("Writing", number, sheet.total))
    manifest = sink.finish()
    listener(Progress("Written", manifest.rows, manifest.rows))
    return manifest


def sheet_of(source: ExportSource, selection: ExportSelection) -> ExportTable:
    """The sheet of the selection's kind."""
    if selection.kind is ExportKind.CONTACTS:
        return contacts.sheet(source, selection)
    if selection.kind is ExportKind.DELETIONS:
        return deletions.sheet(source, selection)
    if selection.kind is ExportKind.VERSIONS:
        return records.versions_sheet(source, selection)
    return records.sheet(source, selection)


def _places(tx: Tx, location_ids: Sequence[str]) -> list[Location]:
    places = locations.all(tx, connected_only=False)
    if not location_ids:
        return places
    found = [place for place in places if place.location_id in location_ids]
    if len(found) < len(set(location_ids)):
        raise NotFound("This vault holds no such location.", hint="`status` lists the locations it holds.")
    return found
