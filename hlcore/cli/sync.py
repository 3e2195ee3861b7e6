"""The command that fills what is not yet safe: capture."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from hlcore.accounts import connection
from hlcore.app_context import AppContext
from hlcore.cli.console import EXITS, Attention, Json, OneLocation, command, context, progress, show_json, table
from hlcore.errors import HighLevelError, NotFound
from hlcore.model.progress import Listener
from hlcore.sync.capture.budget import CaptureBudget
from hlcore.sync.capture.run import CaptureReport
from hlcore.sync.capture.run import capture as capture_location
from hlcore.sync.listing.run import sync_location
from hlcore.sync.run_context import SyncReport
from hlcore.sync.watch import watch_location


@command(epilog=EXITS)
def capture(
    location: OneLocation = "",
    max_requests: Annotated[
        int | None, typer.Option("--max-requests", min=0, help="At most so many requests; the rest another time.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fill what is not yet safe (details, notes, tasks, opportunities, appointments, messages), then look again at
    what is, until all is done or the budget ends. A run that was stopped goes on where it was."""
    with context() as here, progress(as_json) as listener:
        connection.connect_from_settings(here)
        places = here.locations(location)
        if not places:
            raise NotFound("No account is connected.", hint="Use: python -m hlcore connect LOCATION_ID")
        found: list[CaptureReport] = []
        for place in places:
            spent = sum(each.requests for each in found)
            rest = None if max_requests is None else max(0, max_requests - spent)
            found.append(_capture(here, place.location_id, rest, listener))
    _print_captures(found, as_json)


def _capture(here: AppContext, location_id: str, at_most: int | None, listener: Listener) -> CaptureReport:
    with here.client(location_id) as client:
        budget = CaptureBudget.of(here.settings, client.limiter, at_most=at_most)
        return capture_location(
            here.vault, client, location_id, now=here.clock.now, budget=budget, listener=listener, again=True
        )


def _print_captures(found: list[CaptureReport], as_json: bool) -> None:
    if as_json:
        show_json({**together(found), "locations": [each.to_json() for each in found]})
    else:
        rows: list[list[object]] = [
            [each.location_id, each.requests, *(f"{share:.1%}" for share in each.coverage.values()), each.reason]
            for each in found
        ]
        table("What is safe", ["location", "requests", *found[0].coverage, "why it ended"], rows)
    notes = [f"{each.location_id}: {note}" for each in found for note in each.notes]
    if notes:
        raise Attention(*notes)


def together(found: list[CaptureReport]) -> dict[str, Any]:
    """Several locations as one: what was spent and captured added up, of each kind the smallest coverage, the latest
    moment."""
    kinds = {kind: None for each in found for kind in each.coverage}
    taken = {kind: None for each in found for kind in each.captured}
    moments: list[datetime | None] = [each.done_by for each in found]
    known = [moment for moment in moments if moment is not None]
    last = max(known) if known and len(known) == len(moments) else None
    return {
        "requests": sum(each.requests for each in found),
        "captured": {kind: sum(each.captured.get(kind, 0) for each in found) for kind in taken},
        "coverage": {kind: min(each.coverage.get(kind, 0.0) for each in found) for kind in kinds},
        "done_by": last.isoformat().replace("+00:00", "Z") if last else None,
        "complete": all(each.complete for each in found),
    }


@command(epilog=EXITS)
def sync(
    location: OneLocation = "",
    full: Annotated[bool, typer.Option("--full", help="List everything, even if a cheaper look would do.")] = False,
    as_json: Json = False,
) -> None:
    """One complete round: list all contacts, notice what is missing, confirm it by id."""
    with context() as here, progress(as_json) as listener:
        reports = _connect(here) or [_round(here, each.location_id, listener) for each in _connected(here, location)]
    _print_reports(reports, as_json)


@command(epilog=EXITS)
def watch(location: OneLocation = "", as_json: Json = False) -> None:
    """The cheap check for deletions: counts instead of lists, pages only where they differ."""
    with context() as here, progress(as_json) as listener:
        reports = _connect(here) or [_look(here, each.location_id, listener) for each in _connected(here, location)]
    _print_reports(reports, as_json)


def _look(here: AppContext, location_id: str, listener: Listener) -> SyncReport:
    with here.client(location_id) as client:
        rules = here.rules(here.location(location_id))
        return watch_location(here.vault, client, rules, now=here.clock.now, listener=listener)


def _connect(here: AppContext) -> list[SyncReport]:
    """The account named by the settings is connected; HighLevel's refusal becomes its report."""
    try:
        connection.connect_from_settings(here)
    except HighLevelError as exc:
        return [SyncReport(here.settings.location_id, "refused", f"{exc} {exc.hint}".strip(), requests=1)]
    return []


def _connected(here: AppContext, only: str) -> list[Any]:
    found = here.locations(only)
    if not found:
        raise NotFound("No account is connected.", hint="Use: python -m hlcore connect LOCATION_ID")
    return found


def _round(here: AppContext, location_id: str, listener: Listener) -> SyncReport:
    with here.client(location_id) as client:
        rules = here.rules(here.location(location_id))
        return sync_location(here.vault, client, rules, now=here.clock.now, listener=listener)


def _print_reports(reports: list[SyncReport], as_json: bool) -> None:
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
