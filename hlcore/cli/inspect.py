"""Commands that read: sync, status, deletions, show, verify."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from hlcore.app_context import AppContext
from hlcore.cli.console import (
    EXITS,
    Attention,
    Json,
    OneLocation,
    code_of,
    command,
    context,
    errors,
    progress,
    screen,
    show_json,
    somebody,
    table,
)
from hlcore.errors import HighLevelError
from hlcore.governance.audit import recorded
from hlcore.governance.roles import Action
from hlcore.metrics import deletions as register
from hlcore.metrics import overview as health
from hlcore.metrics.contact_record import contact_record
from hlcore.model.progress import Listener
from hlcore.sync.integrity import verify_location


@command(epilog=EXITS)
def status(as_json: Json = False) -> None:
    """Is my copy good? Health, counts and coverage of every connected account."""
    with context() as here:
        found = health.status(here.vault, here.settings, here.clock.now())
    if as_json:
        show_json({"locations": found})
        return
    columns = ["location", "name", "health", "why", "present", "deleted", "at risk"]
    rows = [
        [
            row["location_id"],
            row["name"],
            row["health"]["level"],
            " ".join(row["health"]["reasons"]),
            row["contacts"]["present"],
            row["contacts"]["deleted"],
            row["at_risk"],
        ]
        for row in found
    ]
    table("Is my copy good?", columns, rows)


@command(epilog=EXITS)
def deletions(
    status: Annotated[str, typer.Option("--status", help="Only this status, e.g. deleted or expired.")] = "",
    location: OneLocation = "",
    as_json: Json = False,
) -> None:
    """The register of disappearances: who, when, why, and for how long they can still be restored."""
    with context() as here:
        ids = [each.location_id for each in here.locations(location)]
        with recorded(here.vault, somebody(), Action.VIEW, now=here.clock.now, subject="deletions") as entry:
            found = register.deletions(here.vault, ids, here.clock.now(), status=status)
            entry.note(rows=len(found))
    if as_json:
        show_json({"deletions": found})
        return
    columns = ["contact_id", "name", "status", "cause", "last_seen_at", "window_ends_at", "days_left"]
    table("Disappearances", columns, [[row[column] for column in columns] for row in found])


@command(epilog=EXITS)
def show(contact_id: str, location: OneLocation = "", as_json: Json = False) -> None:
    """Everything held about one person."""
    with context() as here, recorded(here.vault, somebody(), Action.VIEW, now=here.clock.now, subject=contact_id):
        found = contact_record(here.vault, contact_id, location_id=location, now=here.clock.now())
    if as_json:
        show_json(found)
    else:
        screen.print_json(data=found, default=str)


@command(epilog=EXITS)
def verify(
    location: OneLocation = "",
    live: Annotated[bool, typer.Option("--live", help="Also compare a sample with HighLevel.")] = False,
    as_json: Json = False,
) -> None:
    """Check the vault against itself: every copy's bytes against their digest, the register against the copies."""
    with context() as here, progress(as_json) as listener:
        found = [_verify(here, each.location_id, live, listener) for each in here.locations(location)]
    answer = {"ok": all(each["ok"] for each in found), "at": datetime.now(UTC).isoformat(), "locations": found}
    if as_json:
        show_json(answer)
    else:
        rows = [[each["location_id"], each["checked"], len(each["problems"])] for each in found]
        table("The vault against itself", ["location", "checked", "problems"], rows)
    if not answer["ok"]:
        raise Attention(*[problem for each in found for problem in each["problems"][:20]])


def _verify(here: AppContext, location_id: str, live: bool, listener: Listener) -> dict[str, Any]:
    if not live:
        return verify_location(here.vault, location_id, listener=listener).to_json()
    try:
        with here.client(location_id) as client:
            return verify_location(here.vault, location_id, client=client, listener=listener).to_json()
    except HighLevelError as exc:
        errors.print(f"{location_id}: {exc} {exc.hint}", highlight=False)
        raise typer.Exit(code_of(exc)) from exc
