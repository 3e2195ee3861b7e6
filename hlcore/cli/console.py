"""What all commands share: the AppContext, progress, output, and how an error ends the command.

Exit codes: 0 done; 1 finished, but something needs attention (said on standard error); 2 wrong use; 3 HighLevel could
not be reached or refused; 4 the database could not be used; 141 whoever read the output closed it.
"""

from __future__ import annotations

import getpass
import importlib
import io
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperCommand, TyperGroup

from hlcore.errors import HighLevelError, NotAllowed, NotFound, SettingsError, StoreError, VaultError
from hlcore.log_privacy import describe_exception
from hlcore.model.callbacks import Listener, Progress, ignore_progress

if TYPE_CHECKING:
    from hlcore.app_context import AppContext
    from hlcore.governance.roles import User

EXITS = (
    "Exit codes: 0 done; 1 finished, but something needs attention (see standard error); 2 wrong use; "
    "3 HighLevel could not be reached or refused; 4 the database could not be used; 141 whoever read the output closed "
    "it."
)
ATTENTION, WRONG_USE, HIGHLEVEL, DATABASE = 1, 2, 3, 4
COMMANDS = {
    "status": ("inspect", "Is my copy good? Health, counts and coverage of every connected account."),
    "deletions": (
        "inspect",
        "The register of disappearances: who, when, why, and for how long they can still be restored.",
    ),
    "show": ("inspect", "Everything held about one person."),
    "restore": ("restore", "Bring deleted contacts back: plan, ask, do, read back. Nobody gets a message."),
    "export": ("export", "Stream a CSV that you own."),
    "sync": ("sync", "One complete round: list all contacts, notice what is missing, confirm it by id."),
    "watch": ("sync", "The cheap check for deletions: counts instead of lists, pages only where they differ."),
    "capture": ("sync", "Fill what is not yet safe."),
    "verify": (
        "inspect",
        "Check the vault against itself: every copy's bytes against their digest, the register against the copies.",
    ),
    "connect": ("setup", "Connect an account."),
    "worker": ("setup", "Do in this process what the dashboard's background thread does, until stopped."),
    "demo": ("setup", "Build the demo vault afresh: two invented accounts and sixty days of their life."),
    "new-vault": ("setup", "Begin with an empty vault where one is lost."),
    "new-key": ("setup", "Make a new key for a vault whose key is lost."),
}
"""Command → (its module in this package, what `--help` says of it). A module is imported when its command is run."""


class LazyGroup(TyperGroup):
    """Knows every command by name and help, and loads the one that is run."""

    def __init__(self, **attrs: Any) -> None:
        known = {name: TyperCommand(name, help=text) for name, (_, text) in COMMANDS.items()}
        super().__init__(**{**attrs, "commands": known})

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that the first argument names, loaded."""
        if args[0] in COMMANDS:
            importlib.import_module(f"hlcore.cli.{COMMANDS[args[0]][0]}")
            self.commands[args[0]] = typer.main.get_group(loaded).commands[args[0]]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=LazyGroup,
    callback=lambda: None,
    help=f"Contact Vault. {EXITS}",
    no_args_is_help=True,
    add_completion=False,
    epilog=EXITS,
)
loaded = typer.Typer()
"""The commands of the modules that were imported."""
command = loaded.command
stdout = Console()
stderr = Console(stderr=True)
OUTPUT_CLOSED = 141
"""Exit code when whoever read the output has closed it: 128 and the number of SIGPIPE, as in a shell."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

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
    from hlcore.app_context import AppContext
    from hlcore.settings import Settings

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
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

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
    from rich.table import Table

    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*[_literal("" if cell is None else str(cell)) for cell in row])
    stdout.print(table if rows else f"{title}: nothing here.")


def print_text(text: str) -> None:
    """Print a line of text as it is."""
    stdout.print(_literal(text), soft_wrap=True)


def warn(text: str, *, style: str = "") -> None:
    """Print a line of text as it is on standard error."""
    stderr.print(_literal(text, style), soft_wrap=True)


def _literal(text: str, style: str = "") -> Text:
    """Return text from anywhere for the terminal: no part of it is a format or a command to the terminal."""
    return Text(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text), style)


def current_user() -> User:
    """Return the user of this shell, for the audit log."""
    from hlcore.governance.roles import cli_user

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
    _accept_any_text()
    try:
        _run(run or app)
    except BrokenPipeError:
        _end_quietly()
    except SystemExit as exc:
        if isinstance(exc.__context__, BrokenPipeError):  # how typer and rich report it
            _end_quietly()
        raise


def _run(run: Callable[[], Any]) -> None:
    try:
        run()
    except NeedsAttention as exc:
        for text in exc.args:
            warn(text)
        sys.exit(exc.code)
    except VaultError as exc:
        warn(f"{exc}", style="bold red")
        if exc.hint:
            warn(exc.hint)
        sys.exit(exit_code(exc))
    except BrokenPipeError:
        raise
    except Exception as exc:  # its text, and a traceback's, could hold personal data
        warn(f"A defect of Contact Vault: {describe_exception(exc)}.", style="bold red")
        warn("Nothing that was stored is lost. Please report this line.")
        sys.exit(ATTENTION)
    finally:
        sys.stdout.flush()


def _accept_any_text() -> None:
    """Make both streams accept any text: where the terminal's code page lacks a character, a mark stands for it. A
    stream that was closed before the start takes the text and drops it."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _end_quietly() -> NoReturn:
    """End the command without a word: nobody reads its output any more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            os.dup2(nowhere, stream.fileno())
    sys.exit(OUTPUT_CLOSED)
