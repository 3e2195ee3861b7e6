"""Commands that read: sync, status, deletions, show, verify."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from hlcore.cli.console import (
    EXITS,
    Attention,
    Json,
    OneLocation,
    code_of,
    command,
    errors,
    office,
    progress,
    screen,
    show_json,
    somebody,
    table,
)
from hlcore.errors import HighLevelError, NotFound
from hlcore.governance.record import recorded
from hlcore.governance.roles import Act
from hlcore.metrics import deletions as register
from hlcore.metrics import status as health
from hlcore.metrics.person import person
from hlcore.model.progress import Listener
from hlcore.sync.listing import sync_location
from hlcore.sync.report import Report
from hlcore.sync.verify import verify_location
from hlcore.sync.watch import watch_location
from hlcore.wiring import Office


@command(epilog=EXITS)
def sync(
    location: OneLocation = "",
    full: Annotated[bool, typer.Option("--full", help="List everything, even if a cheaper look would do.")] = False,
    as_json: Json = False,
) -> None:
    """One complete round: list all contacts, notice what is missing, confirm it by id."""
    with office() as here, progress(as_json) as listener:
        reports = _connect(here) or [_round(here, each.location_id, listener) for each in _connected(here, location)]
    _tell(reports, as_json)


@command(epilog=EXITS)
def watch(location: OneLocation = "", as_json: Json = False) -> None:
    """The cheap check for deletions: counts instead of lists, pages only where they differ."""
    with office() as here, progress(as_json) as listener:
        reports = _connect(here) or [_look(here, each.location_id, listener) for each in _connected(here, location)]
    _tell(reports, as_json)


def _look(here: Office, location_id: str, listener: Listener) -> Report:
    with here.client(location_id) as client:
        rules = here.rules(here.location(location_id))
        return watch_location(here.vault, client, rules, now=here.clock.now, listener=listener)


def _connect(here: Office) -> list[Report]:
    """The account named by the settings is connected; HighLevel's refusal becomes its report."""
    try:
        here.connect_from_settings()
    except HighLevelError as exc:
        return [Report(here.settings.location_id, "refused", f"{exc} {exc.hint}".strip(), requests=1)]
    return []


def _connected(here: Office, only: str) -> list[Any]:
    found = here.locations(only)
    if not found:
        raise NotFound("No account is connected.", hint="Use: python -m hlcore connect LOCATION_ID")
    return found


def _round(here: Office, location_id: str, listener: Listener) -> Report:
    with here.client(location_id) as client:
        rules = here.rules(here.location(location_id))
        return sync_location(here.vault, client, rules, now=here.clock.now, listener=listener)


def _tell(reports: list[Report], as_json: bool) -> None:
    if as_json:
        show_json({"runs": [report.to_json() for report in reports]})
    else:
        columns = ["location", "outcome", "seen", "added", "changed", "suspected", "deleted", "returned", "requests"]
        rows = [[r.location_id, *(getattr(r, column) for column in columns[1:])] for r in reports]
        table("Rounds", columns, rows)
    troubled = [report for report in reports if report.needs_attention]
    if troubled:
        refused = any(report.outcome == "refused" for report in troubled)
        texts = [f"{report.location_id}: {report.outcome}. {report.reason}" for report in troubled]
        raise Attention(*texts, code=3 if refused else 1)


@command(epilog=EXITS)
def status(as_json: Json = False) -> None:
    """Is my copy good? Health, counts and coverage of every connected account."""
    with office() as here:
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
    with office() as here:
        ids = [each.location_id for each in here.locations(location)]
        with recorded(here.vault, somebody(), Act.VIEW, now=here.clock.now, subject="deletions") as entry:
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
    with office() as here, recorded(here.vault, somebody(), Act.VIEW, now=here.clock.now, subject=contact_id):
        found = person(here.vault, contact_id, location_id=location, now=here.clock.now())
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
    with office() as here, progress(as_json) as listener:
        found = [_verify(here, each.location_id, live, listener) for each in here.locations(location)]
    answer = {"ok": all(each["ok"] for each in found), "at": datetime.now(UTC).isoformat(), "locations": found}
    if as_json:
        show_json(answer)
    else:
        rows = [[each["location_id"], each["checked"], len(each["problems"])] for each in found]
        table("The vault against itself", ["location", "checked", "problems"], rows)
    if not answer["ok"]:
        raise Attention(*[problem for each in found for problem in each["problems"][:20]])


def _verify(here: Office, location_id: str, live: bool, listener: Listener) -> dict[str, Any]:
    if not live:
        return verify_location(here.vault, location_id, listener=listener).to_json()
    try:
        with here.client(location_id) as client:
            return verify_location(here.vault, location_id, client=client, listener=listener).to_json()
    except HighLevelError as exc:
        errors.print(f"{location_id}: {exc} {exc.hint}", highlight=False)
        raise typer.Exit(code_of(exc)) from exc
