from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hlcore.cli.console import EXITS, Json, OneLocation, command, context, progress, screen, show_json, somebody
from hlcore.export.csv_cells import ExportMode
from hlcore.export.exporter import to_file
from hlcore.export.selection import ExportKind, ExportSelection


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
    with context() as here, progress(as_json) as listener:
        selection = ExportSelection(what, (location,) if location else (), statuses=(status,) if status else ())
        manifest = to_file(
            here.vault,
            selection,
            out,
            mode=mode,
            bom=bom,
            user=somebody(),
            now=here.clock.now,
            listener=listener,
        )
    if as_json:
        show_json(manifest.to_json())
    else:
        screen.print(f"{out}: {manifest.rows:,} rows, {manifest.bytes:,} bytes, SHA-256 {manifest.sha256}")
