"""The commands that copy from HighLevel: sync, watch, capture."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from hlcore.accounts import connection
from hlcore.app_context import AppContext
from hlcore.cli.console import (
    ATTENTION,
    EXITS,
    HIGHLEVEL,
    Json,
    NeedsAttention,
    OneLocation,
    command,
    open_context,
    print_json,
    print_table,
    progress_bar,
)
from hlcore.errors import HighLevelError, NotFound
from hlcore.model.callbacks import Listener
from hlcore.store.locations import Location
from hlcore.sync.capture.budget import CaptureBudget
from hlcore.sync.capture.run import CaptureReport, capture_location
from hlcore.sync.listing.run import sync_location
from hlcore.sync.run_context import SyncReport
from hlcore.sync.watch import watch_location


@command(epilog=EXITS)
def sync(
    location: OneLocation = "",
    full: Annotated[bool, typer.Option("--full", help="List everything, even if a cheaper look would do.")] = False,
    as_json: Json = False,
) -> None:
    """One complete round: list all contacts, notice what is missing, confirm it by id."""
    with open_context() as context, progress_bar(as_json) as listener:
        reports = _connect(context) or [_sync(context, each, listener) for each in _connected(context, location)]
    _print_reports(reports, as_json)


@command(epilog=EXITS)
def watch(location: OneLocation = "", as_json: Json = False) -> None:
    """The cheap check for deletions: counts instead of lists, pages only where they differ."""
    with open_context() as context, progress_bar(as_json) as listener:
        reports = _connect(context) or [_watch(context, each, listener) for each in _connected(context, location)]
    _print_reports(reports, as_json)


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
    with open_context() as context, progress_bar(as_json) as listener:
        connection.connect_from_settings(context)
        reports: list[CaptureReport] = []
        for each in _connected(context, location):
            spent = sum(report.requests for report in reports)
            remaining = None if max_requests is None else max(0, max_requests - spent)
            reports.append(_capture(context, each, remaining, listener))
    _print_captures(reports, as_json)


def _connect(context: AppContext) -> list[SyncReport]:
    """Connect the account named by the settings; HighLevel's refusal becomes its report."""
    try:
        connection.connect_from_settings(context)
    except HighLevelError as exc:
        reason = f"{exc} {exc.hint}".strip()
        return [SyncReport(context.settings.location_id, "refused", reason, requests=1, by_highlevel=True)]
    return []


def _connected(context: AppContext, location_id: str) -> list[Location]:
    """Return the connected locations, or the one with this id. Raises NotFound."""
    locations = context.locations(location_id)
    if not locations:
        raise NotFound("No account is connected.", hint="Use: python -m hlcore connect LOCATION_ID")
    return locations


def _sync(context: AppContext, location: Location, listener: Listener) -> SyncReport:
    with context.location_context(location.location_id, listener=listener) as opened:
        return sync_location(opened, context.rules(location))


def _watch(context: AppContext, location: Location, listener: Listener) -> SyncReport:
    with context.location_context(location.location_id, listener=listener) as opened:
        return watch_location(opened, context.rules(location))


def _capture(context: AppContext, location: Location, max_requests: int | None, listener: Listener) -> CaptureReport:
    with context.location_context(location.location_id, listener=listener) as opened:
        budget = CaptureBudget.of(context.settings, opened.client.limiter, at_most=max_requests)
        return capture_location(opened, budget, again=True)


def _print_reports(reports: list[SyncReport], as_json: bool) -> None:
    if as_json:
        print_json({"runs": [report.to_json() for report in reports]})
    else:
        columns = ["location", "outcome", "seen", "added", "changed", "suspected", "deleted", "returned", "requests"]
        rows = [[report.location_id, *(getattr(report, column) for column in columns[1:])] for report in reports]
        print_table("Rounds", columns, rows)
    troubled = [report for report in reports if report.needs_attention]
    if troubled:
        texts = [f"{report.location_id}: {report.outcome}. {report.reason}" for report in troubled]
        raise NeedsAttention(*texts, code=HIGHLEVEL if any(report.by_highlevel for report in troubled) else ATTENTION)


def _print_captures(reports: list[CaptureReport], as_json: bool) -> None:
    if as_json:
        print_json({**combined_json(reports), "locations": [report.to_json() for report in reports]})
    else:
        rows: list[list[object]] = [
            [
                report.location_id,
                report.requests,
                *(f"{share:.1%}" for share in report.coverage.values()),
                report.reason,
            ]
            for report in reports
        ]
        print_table("What is safe", ["location", "requests", *reports[0].coverage, "why it ended"], rows)
    unreachable = [f"{report.location_id}: {report.reason}" for report in reports if report.unreachable]
    notes = [f"{report.location_id}: {note}" for report in reports for note in report.notes]
    if notes or unreachable:
        raise NeedsAttention(*unreachable, *notes, code=HIGHLEVEL if unreachable else ATTENTION)


def combined_json(reports: list[CaptureReport]) -> dict[str, Any]:
    """Return several locations as one: requests and captured added up, of each kind the smallest coverage, and the
    latest time at which all will be done (None if it is unknown for one of them)."""
    covered_kinds = {kind: None for report in reports for kind in report.coverage}
    captured_kinds = {kind: None for report in reports for kind in report.captured}
    moments: list[datetime | None] = [report.done_by for report in reports]
    known = [moment for moment in moments if moment is not None]
    last = max(known) if known and len(known) == len(moments) else None
    return {
        "requests": sum(report.requests for report in reports),
        "captured": {kind: sum(report.captured.get(kind, 0) for report in reports) for kind in captured_kinds},
        "coverage": {kind: min(report.coverage.get(kind, 0.0) for report in reports) for kind in covered_kinds},
        "done_by": last.isoformat().replace("+00:00", "Z") if last else None,
        "complete": all(report.complete for report in reports),
    }
