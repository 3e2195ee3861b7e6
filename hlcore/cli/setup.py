"""The commands that set up an account or the demo, or keep the vault up to date: connect, new-vault, new-key,
worker, demo."""

from __future__ import annotations

import signal
import sys
from contextlib import closing
from typing import Annotated

import typer

from hlcore.accounts import connection
from hlcore.app_context import AppContext
from hlcore.cli.console import EXITS, Json, command, current_user, open_context, print_json, print_text, progress_bar
from hlcore.errors import SettingsError, VaultMissing
from hlcore.governance.audit import audited
from hlcore.governance.roles import Action
from hlcore.model.wording import plural
from hlcore.settings import Settings
from hlcore.store import Vault
from hlcore.store.encryption import Cipher

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@command(epilog=EXITS)
def connect(location_id: str, as_json: Json = False) -> None:
    """Connect an account: asks for its token (or reads it from standard input) and checks it with a real call."""
    token = typer.prompt("Private Integration Token", hide_input=True) if sys.stdin.isatty() else sys.stdin.read()
    with open_context() as context:
        now = context.clock.now
        with audited(context.vault, current_user(), Action.CONNECT, now=now, location_id=location_id):
            connection.connect(context, location_id, token)
        location = context.location(location_id)
    if as_json:
        print_json({"location_id": location.location_id, "name": location.name, "timezone": location.timezone})
    else:
        print_text(f"Connected: {location.name} ({location.location_id}). Next: python -m hlcore sync")


@command("new-vault", epilog=EXITS)
def new_vault(yes: Yes = False, as_json: Json = False) -> None:
    """Begin with an empty vault where one is lost: its database is gone or empty, its key is still there."""
    settings = Settings.load()
    if Vault.exists(settings.database_url):
        raise SettingsError(
            "There is a vault at HLCORE_DATABASE_URL.", hint="It is used as it is; nothing was changed."
        )
    _confirm("Begin with an empty vault? Copies of deleted people are only in the lost one.", yes)
    context = AppContext.open(settings, new_vault=True)
    with closing(context):
        _record(context, "new_vault")
    _say(as_json, {"new_vault": True}, "An empty vault is ready. Next: python -m hlcore connect LOCATION_ID")


@command("new-key", epilog=EXITS)
def new_key(yes: Yes = False, as_json: Json = False) -> None:
    """Make a new key for a vault whose key is lost. Stored tokens cannot be read any more; all copies stay."""
    settings = Settings.load()
    if not Vault.exists(settings.database_url):
        raise VaultMissing("There is no vault at HLCORE_DATABASE_URL.")
    _confirm("Make a new key? Every account must then be connected again.", yes)
    Cipher.renew(settings.data_dir)
    with closing(AppContext.open(settings)) as context:
        _record(context, "new_key")
    _say(
        as_json,
        {"new_key": True},
        "A new key is made. Connect each account again: python -m hlcore connect LOCATION_ID",
    )


def _confirm(question: str, yes: bool) -> None:
    if not yes:
        typer.confirm(question, abort=True, err=True)


def _record(context: AppContext, what: str) -> None:
    with audited(context.vault, current_user(), Action.SETTINGS, now=context.clock.now, detail={"made": what}):
        pass


def _say(as_json: bool, value: dict[str, bool], text: str) -> None:
    if as_json:
        print_json(value)
    else:
        print_text(text)


@command(epilog=EXITS)
def worker() -> None:
    """Do in this process what the dashboard's background thread does, until stopped."""
    from hlcore.worker.loop import Worker

    with open_context() as context:
        connection.connect_from_settings(context)
        running = Worker(lambda: context)
        running.start()
        print_text("Working. Stop with Ctrl+C.")
        try:
            signal.sigwait({signal.SIGINT, signal.SIGTERM}) if hasattr(signal, "sigwait") else input()
        finally:
            running.stop()


@command(epilog=EXITS)
def demo(as_json: Json = False) -> None:
    """Build the demo vault afresh: two invented accounts and sixty days of their life."""
    from hlcore.demo.builder import count_contacts, open_demo

    with progress_bar(as_json) as listener:
        context = open_demo(Settings.load(), listener=listener, rebuild=True)
    try:
        contacts, folder = count_contacts(context), str(context.settings.data_dir)
    finally:
        context.close()
    if as_json:
        print_json({"contacts": contacts, "folder": folder})
    else:
        print_text(f"The demo is ready: {plural(contacts, 'contact')} in {folder}. Open it with: streamlit run app.py")
