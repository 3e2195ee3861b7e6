"""The command that fills what is not yet safe: capture."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from hlcore.cli.console import EXITS, Attention, Json, OneLocation, command, office, progress, show_json, table
from hlcore.errors import NotFound
from hlcore.model.progress import Listener
from hlcore.sync.budget import Budget
from hlcore.sync.capture import CaptureReport
from hlcore.sync.capture import capture as capture_location
from hlcore.wiring import Office


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
    with office() as here, progress(as_json) as listener:
        here.connect_from_settings()
        places = here.locations(location)
        if not places:
            raise NotFound("No account is connected.", hint="Use: python -m hlcore connect LOCATION_ID")
        found: list[CaptureReport] = []
        for place in places:
            spent = sum(each.requests for each in found)
            rest = None if max_requests is None else max(0, max_requests - spent)
            found.append(_capture(here, place.location_id, rest, listener))
    _tell(found, as_json)


def _capture(here: Office, location_id: str, at_most: int | None, listener: Listener) -> CaptureReport:
    with here.client(location_id) as client:
        budget = Budget.of(here.settings, client.limiter, at_most=at_most)
        return capture_location(
            here.vault, client, location_id, now=here.clock.now, budget=budget, listener=listener, again=True
        )


def _tell(found: list[CaptureReport], as_json: bool) -> None:
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
