"""Commands that set things up or keep them running: connect, worker, demo."""

from __future__ import annotations

import signal
import sys

import typer

from hlcore.accounts import connection
from hlcore.cli.console import EXITS, Json, command, context, progress, screen, show_json, somebody
from hlcore.governance.audit import recorded
from hlcore.governance.roles import Action
from hlcore.settings import Settings


@command(epilog=EXITS)
def connect(location_id: str, as_json: Json = False) -> None:
    """Connect an account: asks for its token (or reads it from standard input) and checks it with a real call."""
    token = typer.prompt("Private Integration Token", hide_input=True) if sys.stdin.isatty() else sys.stdin.read()
    with context() as here:
        with recorded(here.vault, somebody(), Action.CONNECT, now=here.clock.now, location_id=location_id):
            connection.connect(here, location_id, token)
        found = here.location(location_id)
    if as_json:
        show_json({"location_id": found.location_id, "name": found.name, "timezone": found.timezone})
    else:
        screen.print(f"Connected: {found.name} ({found.location_id}). Next: python -m hlcore sync")


@command(epilog=EXITS)
def worker() -> None:
    """Do in this process what the dashboard's background thread does, until stopped."""
    from hlcore.worker.loop import Worker

    with context() as here:
        connection.connect_from_settings(here)
        running = Worker(lambda: here)
        running.start()
        screen.print("Working. Stop with Ctrl+C.")
        try:
            signal.sigwait({signal.SIGINT, signal.SIGTERM}) if hasattr(signal, "sigwait") else input()
        finally:
            running.stop()


@command(epilog=EXITS)
def demo(as_json: Json = False) -> None:
    """Build the demo vault afresh: two invented accounts and sixty days of their life."""
    from hlcore.demo.builder import open_demo, size

    with progress(as_json) as listener:
        opened = open_demo(Settings.load(), listener=listener, afresh=True)
    try:
        living, where = size(opened), str(opened.settings.data_dir)
    finally:
        opened.close()
    if as_json:
        show_json({"contacts": living, "folder": where})
    else:
        screen.print(f"The demo is ready: {living:,} contacts in {where}. Open it with: streamlit run app.py")
