"""The commands that set up an account or the demo, or keep the vault up to date: connect, worker, demo."""

from __future__ import annotations

import signal
import sys

import typer

from hlcore.accounts import connection
from hlcore.cli.console import EXITS, Json, command, current_user, open_context, print_json, progress_bar, stdout
from hlcore.governance.audit import audited
from hlcore.governance.roles import Action
from hlcore.settings import Settings


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
        stdout.print(f"Connected: {location.name} ({location.location_id}). Next: python -m hlcore sync")


@command(epilog=EXITS)
def worker() -> None:
    """Do in this process what the dashboard's background thread does, until stopped."""
    from hlcore.worker.loop import Worker

    with open_context() as context:
        connection.connect_from_settings(context)
        running = Worker(lambda: context)
        running.start()
        stdout.print("Working. Stop with Ctrl+C.")
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
        stdout.print(f"The demo is ready: {contacts:,} contacts in {folder}. Open it with: streamlit run app.py")
