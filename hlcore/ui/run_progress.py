"""Sync runs as they happen: fragments that read their progress from the database again and again."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from hlcore.errors import VaultError
from hlcore.runtime import get_runtime
from hlcore.store import leases, runs
from hlcore.store.locations import Location
from hlcore.store.runs import Run
from hlcore.ui import session
from hlcore.ui.account_tasks import sync_key
from hlcore.ui.components import errors
from hlcore.ui.components.formatting import ago, count, escaped, outcome_badge, plural

KIND_LABELS = {
    "listing": "Complete round",
    "watch": "Quick check",
    "capture": "Details",
    "webhooks": "Told by HighLevel",
}


def run_kind_label(kind: str) -> str:
    """Return what people call a run of this kind."""
    return KIND_LABELS.get(kind, kind.capitalize())


def show_run(run: Run, locations: Sequence[Location]) -> None:
    """Draw an open run with its progress, or as interrupted when its process died."""
    name = f"{run_kind_label(run.kind)} of **{escaped(session.location_name(run.location_id, locations))}**"
    if not leases.is_held(run.holder, run.heartbeat_at, session.now()):
        st.markdown(f":gray-badge[:material/pause_circle: Interrupted] {name}. The next one goes on where it stopped.")
        return
    share = min(1.0, run.seen / run.total) if run.total else 0.0
    progress = f"{count(run.seen)} of {count(run.total)} contacts read" if run.total else "looking at the account"
    if run.total and run.seen >= run.total:
        progress = f"{plural(run.seen, 'contact')} read; missing ones are being asked for one by one"
    requests = f" · {plural(run.requests, 'request')}" if run.requests else ""
    st.progress(share, text=f"{name}: {progress}{requests}")


def open_runs(location_ids: Sequence[str]) -> list[Run]:
    """Return the runs of these locations that have not finished."""
    with session.app_context().vault.read() as tx:
        return [run for run in runs.open_runs(tx) if run.location_id in location_ids]


def runs_fingerprint(location_ids: Sequence[str]) -> int:
    """Return a number that changes when a run of these locations begins or ends."""
    with session.app_context().vault.read() as tx:
        newest = runs.list_recent(tx, location_ids, limit=1)
        still_open = [run.run_id for run in runs.open_runs(tx) if run.location_id in location_ids]
    return hash((newest[0].run_id if newest else 0, *still_open))


@st.fragment(run_every="3s")
def watch_runs(location_ids: Sequence[str], fingerprint: int) -> None:
    """Draw the open runs every 3 seconds; draw the whole page again when `runs_fingerprint` is no longer this one."""
    with errors.errors_shown():
        if runs_fingerprint(location_ids) != fingerprint:
            st.rerun()
        locations = session.locations()
        for run in open_runs(location_ids):
            show_run(run, locations)


@st.fragment(run_every="2s")
def watch_sync(location: Location) -> None:
    """Draw every 2 seconds what a sync of this location does now, or how the last one ended, whoever started it."""
    try:
        in_progress = open_runs([location.location_id])
        with session.app_context().vault.read() as tx:
            recent = runs.list_recent(tx, [location.location_id], limit=3, kinds=runs.DETECTION_KINDS)
    except VaultError as error:
        errors.show_error(error)
        return
    for run in in_progress:
        show_run(run, [location])
    if in_progress:
        return
    last = next((run for run in recent if run.finished_at), None)
    task = get_runtime().tasks.get(sync_key(location.location_id))
    if task is not None and task.running:
        st.progress(0.0, text="Starting …")
    elif task is not None and task.error is not None:
        errors.show_error(task.error)
    elif last is not None:
        st.markdown(f":small[{run_result_text(last)}]")
    else:
        st.caption("No round has ended yet.")


def run_result_text(run: Run) -> str:
    """Return how a finished run ended, as one line of Markdown."""
    changes = ", ".join(
        f"{count(number)} {label}"
        for number, label in ((run.added, "new"), (run.changed, "changed"), (run.deleted, "deleted"))
        if number
    )
    when = ago(run.finished_at, session.now())
    read = [f"{plural(run.seen, 'contact')} read"] if run.kind == "listing" else []
    text = f"{outcome_badge(run.outcome).markdown} {run_kind_label(run.kind)}, {when}: "
    return f"{text}{', '.join([*read, changes or 'nothing new'])}. {escaped(run.reason)}".strip()
