"""The command `export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hlcore.app_context import AppContext
from hlcore.cli.console import (
    EXITS,
    Json,
    OneLocation,
    command,
    current_user,
    open_context,
    print_json,
    print_text,
    progress_bar,
    warn,
)
from hlcore.export import ExportKind, ExportMode, ExportSelection, Manifest, export_csv, export_file
from hlcore.model.callbacks import Listener
from hlcore.model.wording import plural

STANDARD_OUTPUT = "-"


@command(epilog=EXITS)
def export(
    what: Annotated[ExportKind, typer.Argument(help="What to export.")],
    out: Annotated[
        Path, typer.Option("--out", help="The CSV file, replaced once the new one is whole; “-”: standard output.")
    ],
    mode: Annotated[ExportMode, typer.Option(help="safe for spreadsheets, or exact to the byte.")] = ExportMode.SAFE,
    location: OneLocation = "",
    status: Annotated[str, typer.Option("--status", help="Only contacts of this status, e.g. deleted.")] = "",
    bom: Annotated[bool, typer.Option("--bom", help="Mark the file as UTF-8 for Excel.")] = False,
    as_json: Json = False,
) -> None:
    """Stream a CSV that you own; prints its rows, bytes and SHA-256 (on standard error when the CSV itself goes to
    standard output)."""
    selection = ExportSelection(what, (location,) if location else (), statuses=(status,) if status else ())
    to_stdout = str(out) == STANDARD_OUTPUT
    with open_context() as context, progress_bar(as_json or to_stdout) as listener:
        manifest = _export(context, selection, None if to_stdout else out, mode, bom, listener)
    size = f"{plural(manifest.rows, 'row')}, {plural(manifest.bytes, 'byte')}, SHA-256 {manifest.sha256}"
    said = ". ".join(filter(None, (f"{out}: {size}", manifest.note)))
    if to_stdout:
        warn(said)
    elif as_json:
        print_json(manifest.to_json())
    else:
        print_text(said)


def _export(
    context: AppContext, selection: ExportSelection, out: Path | None, mode: ExportMode, bom: bool, listener: Listener
) -> Manifest:
    """Write the rows to the file, or to standard output, byte by byte whatever its code page."""
    user, now = current_user(), context.clock.now
    if out is not None:
        return export_file(context.vault, selection, out, mode=mode, bom=bom, user=user, now=now, listener=listener)
    sys.stdout.flush()
    return export_csv(
        context.vault, selection, sys.stdout.buffer, mode=mode, bom=bom, user=user, now=now, listener=listener
    )
