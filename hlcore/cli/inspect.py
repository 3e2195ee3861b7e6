"""The commands that read the vault: status, deletions, show, verify."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from hlcore.app_context import AppContext
from hlcore.cli.console import (
    EXITS,
    Json,
    NeedsAttention,
    OneLocation,
    command,
    current_user,
    exit_code,
    open_context,
    print_json,
    print_table,
    print_text,
    progress_bar,
    stdout,
    warn,
)
from hlcore.errors import HighLevelError
from hlcore.governance.audit import audited
from hlcore.governance.roles import Action
from hlcore.metrics import deletions as register
from hlcore.metrics import overview
from hlcore.metrics.contact_record import contact_record
from hlcore.metrics.coverage import kind_names
from hlcore.model.callbacks import Listener
from hlcore.sync.integrity import check_integrity


@command(epilog=EXITS)
def status(as_json: Json = False) -> None:
    """Is my copy good? Health, counts and coverage of every connected account."""
    with open_context() as context:
        locations = overview.status_json(context.vault, context.settings, context.clock.now())
    if as_json:
        print_json({"locations": locations})
        return
    columns = ["location", "name", "health", "why", "present", "deleted", "at risk"]
    rows = [
        [
            location["location_id"],
            location["name"],
            location["health"]["level"],
            " ".join(location["health"]["reasons"]),
            location["contacts"]["present"],
            location["contacts"]["deleted"],
            location["at_risk"],
        ]
        for location in locations
    ]
    print_table("Is my copy good?", columns, rows)


@command(epilog=EXITS)
def deletions(
    status: Annotated[str, typer.Option("--status", help="Only this status, e.g. deleted or expired.")] = "",
    location: OneLocation = "",
    as_json: Json = False,
) -> None:
    """The register of disappearances: who, when, why, and for how long they can still be restored."""
    with open_context() as context:
        ids, now = [connected.location_id for connected in context.locations(location)], context.clock.now
        with audited(context.vault, current_user(), Action.VIEW, now=now, subject="deletions") as entry:
            rows = register.deletions_json(context.vault, ids, now(), status=status)
            entry.add(rows=len(rows))
    if as_json:
        print_json({"deletions": rows})
        return
    columns = ["contact_id", "name", "status", "cause", "last_seen_at", "window_ends_at", "days_left"]
    cells = [[*(row[column] for column in columns), kind_names(row["not_captured"])] for row in rows]
    print_table("Disappearances", [*columns, "never captured"], cells)
    if missing := sum(bool(row["not_captured"]) for row in rows):
        known = f"known for {len(rows) - missing} of {len(rows)}"
        print_text(f"What belonged to them (notes, tasks, opportunities and so on) is {known}.")


@command(epilog=EXITS)
def show(contact_id: str, location: OneLocation = "", as_json: Json = False) -> None:
    """Everything held about one person."""
    with open_context() as context:
        now = context.clock.now
        with audited(context.vault, current_user(), Action.VIEW, now=now, subject=contact_id):
            record = contact_record(context.vault, contact_id, location_id=location, now=now())
    if as_json:
        print_json(record)
    else:
        stdout.print_json(data=record, default=str)


@command(epilog=EXITS)
def verify(
    location: OneLocation = "",
    live: Annotated[bool, typer.Option("--live", help="Also compare a sample with HighLevel.")] = False,
    as_json: Json = False,
) -> None:
    """Check the vault against itself: every copy's bytes against their digest, the register against the copies."""
    with open_context() as context, progress_bar(as_json) as listener:
        reports = [_verify(context, each.location_id, live, listener) for each in context.locations(location)]
    ok = all(report["ok"] for report in reports)
    if as_json:
        print_json({"ok": ok, "at": datetime.now(UTC).isoformat(), "locations": reports})
    else:
        rows = [[report["location_id"], report["checked"], len(report["problems"])] for report in reports]
        print_table("The vault against itself", ["location", "checked", "problems"], rows)
    if not ok:
        raise NeedsAttention(*[problem for report in reports for problem in report["problems"][:20]])


def _verify(context: AppContext, location_id: str, live: bool, listener: Listener) -> dict[str, Any]:
    if not live:
        return check_integrity(context.vault, location_id, listener=listener).to_json()
    try:
        with context.client(location_id) as client:
            return check_integrity(context.vault, location_id, client=client, listener=listener).to_json()
    except HighLevelError as exc:
        warn(f"{location_id}: {exc} {exc.hint}")
        raise typer.Exit(exit_code(exc)) from exc
