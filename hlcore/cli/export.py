"""The command `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hlcore.cli.console import (
    EXITS,
    Json,
    OneLocation,
    command,
    current_user,
    open_context,
    print_json,
    progress_bar,
    stdout,
)
from hlcore.export import ExportKind, ExportMode, ExportSelection, export_file


@command(epilog=EXITS)
def export(
    what: Annotated[ExportKind, typer.Argument(help="What to export.")],
    out: Annotated[Path, typer.Option("--out", help="The CSV file; replaced only when the new one is whole.")],
    mode: Annotated[ExportMode, typer.Option(help="safe for spreadsheets, or exact to the byte.")] = ExportMode.SAFE,
    location: OneLocation = "",
    status: Annotated[str, typer.Option("--status", help="Only contacts of this status, e.g. deleted.")] = "",
    bom: Annotated[bool, typer.Option("--bom", help="Mark the file as UTF-8 for Excel.")] = False,
    as_json: Json = False,
) -> None:
    """Stream a CSV that you own; prints its rows, bytes and SHA-256."""
    selection = ExportSelection(what, (location,) if location else (), statuses=(status,) if status else ())
    with open_context() as context, progress_bar(as_json) as listener:
        manifest = export_file(
            context.vault,
            selection,
            out,
            mode=mode,
            bom=bom,
            user=current_user(),
            now=context.clock.now,
            listener=listener,
        )
    if as_json:
        print_json(manifest.to_json())
    else:
        stdout.print(f"{out}: {manifest.rows:,} rows, {manifest.bytes:,} bytes, SHA-256 {manifest.sha256}")
