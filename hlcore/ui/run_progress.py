"""Work in progress, as it happens: read from the database by a fragment that refreshes itself."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from hlcore.errors import VaultError
from hlcore.runtime import get_runtime
from hlcore.store import runs
from hlcore.store.locations import Location
from hlcore.store.runs import Run
from hlcore.ui import session
from hlcore.ui.account_tasks import sync_key
from hlcore.ui.components import errors
from hlcore.ui.components.formatting import ago, count, many, outcome_mark, plain

KINDS = {
    "listing": "Complete round",
    "watch": "Quick check",
    "capture": "Details",
    "webhooks": "Told by HighLevel",
}


def kind_words(kind: str) -> str:
    """What a run does, for people."""
    return KINDS.get(kind, kind.capitalize())


def is_alive(run: Run) -> bool:
    """Whether somebody still works on this open run."""
    silent = session.now() - run.heartbeat_at
    return bool(run.holder) and silent < runs.SILENT_AFTER and not runs.is_gone(run.holder)


def draw_run(run: Run, found: Sequence[Location]) -> None:
    """One open run with its progress; one whose process died says so."""
    name = f"{kind_words(run.kind)} of **{plain(session.name_of(run.location_id, found))}**"
    if not is_alive(run):
        st.markdown(f":gray-badge[:material/pause_circle: Interrupted] {name}. The next one goes on where it stopped.")
        return
    share = min(1.0, run.seen / run.total) if run.total else 0.0
    of = f"{count(run.seen)} of {count(run.total)} contacts read" if run.total else "looking at the account"
    if run.total and run.seen >= run.total:
        of = f"{many(run.seen, 'contact')} read; missing ones are being asked for one by one"
    requests = f" · {many(run.requests, 'request')}" if run.requests else ""
    st.progress(share, text=f"{name}: {of}{requests}")


def open_runs(ids: Sequence[str]) -> list[Run]:
    """The runs of these accounts that are not finished."""
    with session.app_context().vault.read() as tx:
        return [run for run in runs.open_runs(tx) if run.location_id in ids]


@st.fragment(run_every="3s")
def watch_runs(ids: Sequence[str], newest: int) -> None:
    """Open runs with progress. When one has begun or ended since the page was drawn (`newest`: what `pulse` said
    then), the page is drawn anew."""
    with errors.errors_shown():
        if pulse(ids) != newest:
            st.rerun()
        found = session.locations()
        for run in open_runs(ids):
            draw_run(run, found)


def pulse(ids: Sequence[str]) -> int:
    """A number that changes when a run of these accounts begins or ends."""
    with session.app_context().vault.read() as tx:
        newest = runs.recent(tx, ids, limit=1)
        still_open = [run.run_id for run in runs.open_runs(tx) if run.location_id in ids]
    return hash((newest[0].run_id if newest else 0, *still_open))


@st.fragment(run_every="2s")
def watch_sync(location: Location) -> None:
    """What a round of this account does now, or how the last one ended, whoever started it."""
    try:
        current = open_runs([location.location_id])
        with session.app_context().vault.read() as tx:
            looks = runs.recent(tx, [location.location_id], limit=3, kinds=runs.LOOKS)
            last = next((run for run in looks if run.finished_at), None)
    except VaultError as error:
        errors.show(error)
        return
    for run in current:
        draw_run(run, [location])
    if current:
        return
    job = get_runtime().tasks.get(sync_key(location.location_id))
    if job is not None and job.running:
        st.progress(0.0, text="Starting …")
    elif job is not None and job.error is not None:
        errors.show(job.error)
    elif last is not None:
        st.markdown(f":small[{last_words(last)}]")
    else:
        st.caption("No round has ended yet.")


def last_words(run: Run) -> str:
    """How a finished run ended, in one line."""
    changes = ", ".join(
        f"{count(number)} {word}"
        for number, word in ((run.added, "new"), (run.changed, "changed"), (run.deleted, "deleted"))
        if number
    )
    text = f"{outcome_mark(run.outcome).badge} {kind_words(run.kind)}, {ago(run.finished_at, session.now())}: "
    read = [f"{many(run.seen, 'contact')} read"] if run.kind == "listing" else []
    return f"{text}{', '.join([*read, changes or 'nothing new'])}. {plain(run.reason)}".strip()
