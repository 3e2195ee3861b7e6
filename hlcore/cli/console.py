"""What all commands share: the office, progress, output, and how a fault ends.

Exit codes: 0 done; 1 finished, but something needs attention (said on standard error); 2 wrong use; 3 HighLevel could
not be reached or refused.
"""

from __future__ import annotations

import getpass
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
from hlcore.errors import HighLevelError, NotAllowed, NotFound, SettingsError, VaultError
from hlcore.governance.roles import User, cli_user
from hlcore.model.progress import Listener, Progress, silent
from hlcore.settings import Settings

EXITS = (
    "Exit codes: 0 done; 1 finished, but something needs attention (see standard error); 2 wrong use; "
    "3 HighLevel could not be reached or refused."
)
app = typer.Typer(help=f"Contact Vault. {EXITS}", no_args_is_help=True, add_completion=False, epilog=EXITS)
command = app.command
screen = Console()
errors = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]
OneLocation = Annotated[str, typer.Option("--location", help="Only this location id.")]


class Attention(Exception):
    """The command finished, but a person should look; the texts say at what. `code` is the exit code."""

    def __init__(self, *texts: str, code: int = 1) -> None:
        super().__init__(*texts)
        self.code = code


@contextmanager
def context() -> Iterator[AppContext]:
    """The settings' office for the length of a command."""
    opened = AppContext.open(Settings.load())
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def progress(quiet: bool) -> Iterator[Listener]:
    """A listener that draws a bar on a terminal and is silent elsewhere."""
    if quiet or not errors.is_terminal:
        yield silent
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=errors, transient=True) as bar:
        task = bar.add_task("…", total=None)

        def draw(step: Progress) -> None:
            bar.update(task, description=step.stage, completed=step.done, total=step.total or None)

        yield draw


def show_json(value: Any) -> None:
    """One JSON value on standard output; all of it escaped where the output cannot hold a letter (half an emoji)."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, default=str)
    sys.stdout.write(text + "\n")


def table(title: str, columns: list[str], rows: list[list[object]]) -> None:
    """A table on the terminal, or a word that there is nothing."""
    drawn = Table(*columns, title=title, title_justify="left")
    for row in rows:
        drawn.add_row(*["" if cell is None else str(cell) for cell in row])
    screen.print(drawn if rows else f"{title}: nothing here.")


def somebody() -> User:
    """Who uses this shell, for the audit log."""
    try:
        return cli_user(getpass.getuser())
    except (OSError, KeyError, ImportError):
        return cli_user()


def code_of(error: VaultError) -> int:
    """The exit code for this error."""
    if isinstance(error, HighLevelError):
        return 3
    return 2 if isinstance(error, (SettingsError, NotFound, NotAllowed)) else 1


def complain(error: VaultError) -> None:
    """The error and its hint on standard error."""
    errors.print(f"{error}", style="bold red", highlight=False)
    if error.hint:
        errors.print(error.hint, highlight=False)


def main(run: Callable[[], Any] | None = None) -> None:
    """Run the command line; every fault ends in a sentence and the documented exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        (run or app)()
    except Attention as exc:
        for text in exc.args:
            errors.print(text, highlight=False)
        sys.exit(exc.code)
    except VaultError as exc:
        complain(exc)
        sys.exit(code_of(exc))
