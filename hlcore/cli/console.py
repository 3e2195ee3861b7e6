"""What all commands share: the AppContext, progress, output, and how an error ends the command.

Exit codes: 0 done; 1 finished, but something needs attention (said on standard error); 2 wrong use; 3 HighLevel could
not be reached or refused; 4 the database could not be used.
"""

from __future__ import annotations

import getpass
import io
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from hlcore.app_context import AppContext
from hlcore.errors import HighLevelError, NotAllowed, NotFound, SettingsError, StoreError, VaultError
from hlcore.governance.roles import User, cli_user
from hlcore.model.callbacks import Listener, Progress, ignore_progress
from hlcore.settings import Settings

EXITS = (
    "Exit codes: 0 done; 1 finished, but something needs attention (see standard error); 2 wrong use; "
    "3 HighLevel could not be reached or refused; 4 the database could not be used."
)
ATTENTION, WRONG_USE, HIGHLEVEL, DATABASE = 1, 2, 3, 4
app = typer.Typer(help=f"Contact Vault. {EXITS}", no_args_is_help=True, add_completion=False, epilog=EXITS)
command = app.command
stdout = Console()
stderr = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]
OneLocation = Annotated[str, typer.Option("--location", help="Only this location id.")]


class NeedsAttention(Exception):
    """The command finished, but somebody should look at something; the arguments say at what."""

    def __init__(self, *texts: str, code: int = ATTENTION) -> None:
        super().__init__(*texts)
        self.code = code


@contextmanager
def open_context() -> Iterator[AppContext]:
    """Open the AppContext of the settings for the length of a command."""
    context = AppContext.open(Settings.load())
    try:
        yield context
    finally:
        context.close()


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Listener]:
    """Yield a listener that draws a bar on a terminal, and does nothing elsewhere or if `quiet`."""
    if quiet or not stderr.is_terminal:
        yield ignore_progress
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=stderr, transient=True) as bar:
        task = bar.add_task("…", total=None)

        def draw(progress: Progress) -> None:
            bar.update(task, description=progress.stage, completed=progress.done, total=progress.total or None)

        yield draw


def print_json(value: Any) -> None:
    """Print one JSON value. It is ASCII throughout where the output cannot encode a character (half an emoji)."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, default=str)
    sys.stdout.write(text + "\n")


def print_table(title: str, columns: list[str], rows: list[list[object]]) -> None:
    """Print a table, or that there is nothing."""
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*["" if cell is None else str(cell) for cell in row])
    stdout.print(table if rows else f"{title}: nothing here.")


def current_user() -> User:
    """Return the user of this shell, for the audit log."""
    try:
        return cli_user(getpass.getuser())
    except (OSError, KeyError, ImportError):
        return cli_user()


def exit_code(error: VaultError) -> int:
    """Return the exit code for this error."""
    if isinstance(error, HighLevelError):
        return HIGHLEVEL
    if isinstance(error, StoreError):
        return DATABASE
    return WRONG_USE if isinstance(error, (SettingsError, NotFound, NotAllowed)) else ATTENTION


def main(run: Callable[[], Any] | None = None) -> None:
    """Run the command line; an error ends in its message and hint on standard error, and the documented exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal's code page lacks must not end the command
            stream.reconfigure(errors="replace")
    try:
        (run or app)()
    except NeedsAttention as exc:
        for text in exc.args:
            stderr.print(text, highlight=False)
        sys.exit(exc.code)
    except VaultError as exc:
        stderr.print(f"{exc}", style="bold red", highlight=False)
        if exc.hint:
            stderr.print(exc.hint, highlight=False)
        sys.exit(exit_code(exc))
