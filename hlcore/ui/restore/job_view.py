"""A restore job on the Restore page: its progress and controls while it runs, then the result of each contact.

All of it is read from the database, so closing the browser, another browser or a restart change nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from hlcore.errors import VaultError
from hlcore.governance.roles import Action, User
from hlcore.restore.job_control import RESTORED_OUTCOMES, cancel_job, confirm_job, job_kind, pause_job, retry_job
from hlcore.restore.receipt import deviations
from hlcore.restore.summary import Verdict, receipt_verdict
from hlcore.runtime import get_runtime
from hlcore.store import leases
from hlcore.store.restores import jobs as restore_jobs
from hlcore.store.restores.jobs import JobItem, RestoreJob
from hlcore.ui import session
from hlcore.ui.components import errors
from hlcore.ui.components.buttons import refusal
from hlcore.ui.components.contact_fields import Names, load_names
from hlcore.ui.components.contact_picker import ContactRef
from hlcore.ui.components.formatting import NOTHING, Badge, ago, code, count, duration, escaped, moment, plural
from hlcore.ui.components.navigation import names_column
from hlcore.ui.components.tables import page_slice, pager, table
from hlcore.ui.restore import downloads, job_labels, plan_view, undo
from hlcore.ui.restore.tasks import job_key, start_job

OPEN_STATES = ("draft", "confirmed", "running", "paused")
STATES = {
    "draft": Badge("Not confirmed", ":material/edit:", "gray", "·"),
    "confirmed": Badge("Waiting", ":material/hourglass_empty:", "blue", "…"),
    "running": Badge("Running", ":material/sync:", "blue", "…"),
    "paused": Badge("Paused", ":material/pause_circle:", "orange", "‖"),
    "cancelled": Badge("Stopped", ":material/cancel:", "gray", "✕"),
    "done": Badge("Done", ":material/check_circle:", "green", "✓"),
}
PACE_SPAN = timedelta(minutes=1)
"""The pace is that of the last minute: a pause or a wait before it does not count."""
_MIN_FINISHED = 3
_TEXT = st.column_config.TextColumn
COLUMNS: dict[str, Any] = {"Result": _TEXT(width=150), "Verified": _TEXT(width=210), "Why": _TEXT(width="large")}


def selected_jobs() -> list[int]:
    """Return the jobs that the URL names."""
    parts = st.query_params.get("job", "").split(",")
    return [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 16]


def open_jobs(job_ids: Sequence[int]) -> None:
    """Show these jobs (`?job=<number>,…`)."""
    st.query_params["job"] = ",".join(map(str, job_ids))


def close_jobs() -> None:
    """Show the preview or the list again."""
    st.query_params.pop("job", None)


def show_recent_jobs(location_ids: Sequence[str]) -> int:
    """Draw the newest jobs of these locations, each with a button that opens it, and return how many there are."""
    with session.app_context().vault.read() as tx:
        jobs = restore_jobs.list_jobs(tx, location_ids, limit=20)
    locations = session.locations()
    for job in jobs:
        with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
            name = escaped(session.location_name(job.location_id, locations))
            people, when = plural(job.total, "person", "people"), ago(job.created_at, session.now())
            title = f"{STATES[job.state].markdown} **{job_labels.job_title([job])}**"
            st.markdown(f"{title} · {people} of {name} · {when}", width="stretch")
            st.button("Open", key=f"open_{job.job_id}", on_click=open_jobs, args=([job.job_id],))
    return len(jobs)


def show_jobs(job_ids: Sequence[int], user: User) -> None:
    """Draw the jobs that one confirmation started (one for each location), as they stand and as they go on."""
    with errors.errors_shown():
        jobs = [_read(job_id) for job_id in job_ids]
        st.title(job_labels.job_title(jobs), anchor=False)
        first = jobs[0]
        people = plural(sum(job.total for job in jobs), "person", "people").capitalize()
        by, when = escaped(job_labels.requested_by(first)), moment(first.created_at, _timezone(first))
        subject = escaped(job_labels.job_subject(first))
        st.markdown(f"{people} of {_accounts_text(jobs)}, asked for by {by} on {when}. {subject}".strip())
        if any(job.state in OPEN_STATES for job in jobs):
            _watch(tuple(job_ids), user)
        else:
            _show_result(jobs, user)


def _read(job_id: int) -> RestoreJob:
    with session.app_context().vault.read() as tx:
        return restore_jobs.get_job(tx, job_id)


def _timezone(job: RestoreJob) -> str:
    return session.timezone_of(job.location_id, session.locations())


def _accounts_text(jobs: Sequence[RestoreJob]) -> str:
    locations = session.locations()
    return " and ".join(f"**{escaped(session.location_name(job.location_id, locations))}**" for job in jobs)


@st.fragment(run_every="1s")
def _watch(job_ids: Sequence[int], user: User) -> None:
    """Draw the progress every second; when all jobs have ended, draw the whole page again, with the result."""
    try:
        jobs = [_read(job_id) for job_id in job_ids]
    except VaultError as error:
        errors.show_error(error)
        return
    if all(job.state not in OPEN_STATES for job in jobs):
        st.rerun()
    if any(job.state in ("confirmed", "running") for job in jobs):
        st.caption("You may close this page: the work goes on, and this address shows it again.")
    for job in jobs:
        share = job.finished / job.total if job.total else 1.0
        done = f"{count(job.finished)} of {plural(job.total, 'person', 'people')} done"
        st.progress(share, text=f"{STATES[job.state].markdown} {_accounts_text([job])}: {done}")
        if job.state == "running" and is_active(job):
            st.caption(f":material/speed: {_job_pace_text(job)}")
        if job.state in OPEN_STATES:
            _show_controls(job, user)
        _show_items(job)


def _job_pace_text(job: RestoreJob) -> str:
    now = session.now()
    with session.app_context().vault.read() as tx:
        finish_times = restore_jobs.finish_times_since(tx, job.job_id, now - PACE_SPAN)
    return pace_text(finish_times, now, job.total - job.finished, _timezone(job))


def pace_text(finish_times: Sequence[datetime], now: datetime, remaining: int, tz: str) -> str:
    """Return 'About 4 people a second. Done at about 24 Nov 2026, 14:05 CET, in 3 min 20 s.'; says that it is too early
    while too few contacts are finished. `finish_times` are those of the last minute. Pure."""
    span = (now - min(finish_times)).total_seconds() if finish_times else 0.0
    if not remaining:
        return ""
    if len(finish_times) < _MIN_FINISHED or span <= 0:
        return "The pace and the finish time show once a few people are done."
    per_second = len(finish_times) / span
    left = remaining / per_second
    end = moment(now + timedelta(seconds=left), tz)
    return f"{_speed_text(per_second)}. Done at about {end}, in {duration(left)}."


def _speed_text(per_second: float) -> str:
    if per_second >= 1.5:
        return f"About {count(round(per_second))} people a second"
    return f"About {plural(max(1, round(per_second * 60)), 'person', 'people')} a minute"


def is_active(job: RestoreJob) -> bool:
    """Whether a living process works on the job now."""
    if get_runtime().tasks.running(job_key(job.job_id)):
        return True
    return leases.is_held(job.holder, job.heartbeat_at, session.now())


def _show_controls(job: RestoreJob, user: User) -> None:
    """Draw the buttons to pause, go on and stop, and why the job waits if it does."""
    task = get_runtime().tasks.get(job_key(job.job_id))
    if task is not None and task.error is not None and not task.running:
        errors.show_error(task.error)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        waits = job.state not in ("confirmed", "running") or not is_active(job)
        if waits:
            _control_button(job, user, "Go on", "play_arrow", lambda: _continue(job, user))
        else:
            _control_button(job, user, "Pause", "pause", lambda: _change_state(pause_job, job, user))
        _control_button(job, user, "Stop", "stop", lambda: _change_state(cancel_job, job, user))
        if waits:
            st.caption(_wait_text(job), width="content")


def _control_button(job: RestoreJob, user: User, label: str, icon: str, on_click: Callable[[], None]) -> None:
    refused = refusal(user, Action.RESTORE)
    st.button(
        label,
        key=f"job_{job.job_id}_{icon}",
        icon=f":material/{icon}:",
        disabled=refused is not None,
        help=refused,
        on_click=on_click,
    )


def _wait_text(job: RestoreJob) -> str:
    """Return why nobody works on an open job now."""
    if job.state == "paused":
        return "Paused: it goes on when somebody says so."
    if job.started_at is not None and get_runtime().worker is not None:
        return "The rest waits until HighLevel's search shows what was just written, then goes on by itself."
    return "It is taken up by the background worker, or when you press Go on."


def _change_state(change: Callable[..., bool], job: RestoreJob, user: User) -> None:
    context = session.app_context()
    with errors.errors_shown():
        change(context.vault, job.job_id, user, context.clock.now)


def _continue(job: RestoreJob, user: User) -> None:
    context = session.app_context()
    with errors.errors_shown():
        if job.state in ("draft", "paused"):
            confirm_job(context.vault, job.job_id, user, context.clock.now)
        start_job(get_runtime(), context, job.location_id, job.job_id, user)


def _show_result(jobs: Sequence[RestoreJob], user: User) -> None:
    outcomes: Counter[str] = Counter()
    differing = 0
    with session.app_context().vault.read() as tx:
        for job in jobs:
            outcomes.update(restore_jobs.count_by_outcome(tx, job.job_id))
            differing += restore_jobs.count_differing(tx, job.job_id)
            if job_kind(job):
                differing += job_labels.count_differing(list(restore_jobs.iterate_items(tx, job.job_id)))
        names = load_names(tx, [job.location_id for job in jobs])
    draw, text = job_labels.result_message(job_kind(jobs[0]), outcomes, differing)
    draw(text, icon=STATES[jobs[0].state].icon)
    verdicts = {job.job_id: _verdicts(job) for job in jobs}
    everybody = [verdict for of_job in verdicts.values() for verdict in of_job]
    plan_view.show_summary(everybody)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        downloads.receipt_button(jobs, user)
        labels = {outcome: badge.label for outcome, badge in job_labels.OUTCOMES.items()}
        downloads.printed_button(jobs, job_labels.job_title(jobs), labels, user)
        if outcomes["failed"] or differing:
            _show_retry_button(jobs, user)
        undo.undo_button(jobs, user, open_jobs)
        st.page_link("at_risk.py", label="Back to At risk", icon=":material/timer:")
    shown = plan_view.choose_shown(everybody)
    for job in jobs:
        if len(jobs) > 1:
            st.markdown(f"##### {_accounts_text([job])}", anchors=False)
        positions = [at for at, verdict in enumerate(verdicts[job.job_id]) if plan_view.is_shown(verdict, shown)]
        different_items = [item for item in _show_items(job, positions) if item.differences or _deviations(item)]
        if different_items:
            st.markdown("##### What differs from the copy", anchors=False)
        for item in different_items:
            _show_differences(item, names, _timezone(job))


def _verdicts(job: RestoreJob) -> list[Verdict]:
    """Return what became of each contact of this ended job, in its order; worked out once until the job changes."""
    key, version = f"verdicts_{job.job_id}", (job.state, job.finished, job.finished_at)
    kept = st.session_state.get(key)
    if kept is None or kept[0] != version:
        with session.app_context().vault.read() as tx:
            kept = (version, [receipt_verdict(item) for item in restore_jobs.iterate_items(tx, job.job_id)])
        st.session_state[key] = kept
    verdicts: list[Verdict] = kept[1]
    return verdicts


def _show_retry_button(jobs: Sequence[RestoreJob], user: User) -> None:
    """Draw the button that tries again what failed or differs; everything else stays as it is."""
    restores = [job for job in jobs if not job_kind(job)]
    if restores:
        st.button(
            "Try again what failed or differs",
            key="try_again",
            icon=":material/refresh:",
            disabled=not user.may(Action.RESTORE),
            on_click=_retry,
            args=(restores, user),
        )


def _retry(jobs: Sequence[RestoreJob], user: User) -> None:
    context = session.app_context()
    with errors.errors_shown():
        for job in jobs:
            if retry_job(context.vault, job.job_id, user, context.clock.now):
                start_job(get_runtime(), context, job.location_id, job.job_id, user)


def _show_items(job: RestoreJob, positions: Sequence[int] | None = None) -> list[JobItem]:
    """Draw one page of the job's contacts (of those at these places in its order), and return those on it."""
    places = range(job.total) if positions is None else positions
    part = page_slice(f"job_{job.job_id}", len(places), query=len(places))
    with session.app_context().vault.read() as tx:
        items = restore_jobs.items_at(tx, job.job_id, places[part.offset : part.offset + part.limit])
    rows, key = [item_row(item) for item in items], f"job_{job.job_id}_table"
    table(rows, key=key, alt=f"People of restore {job.job_id}", columns=_people_columns(job, items))
    pager(part, "person", "people")
    return items


def _people_columns(job: RestoreJob, items: Sequence[JobItem]) -> dict[str, Any]:
    """Return the columns of these people. A name opens the old record, a new id the new one."""
    old = [ContactRef(job.location_id, item.contact_id) for item in items]
    new = [ContactRef(job.location_id, item.new_contact_id) if item.new_contact_id else None for item in items]
    person = names_column(old, key=f"job_{job.job_id}_names")
    new_id = names_column(new, key=f"job_{job.job_id}_new_ids", width=230) if any(new) else _TEXT(width=70)
    return {"Person": person, **COLUMNS, "New id": new_id}


def item_row(item: JobItem) -> dict[str, Any]:
    """Return one contact of a job as a row of the table."""
    outcome = job_labels.OUTCOMES.get(item.outcome) or Badge(item.outcome, ":material/help:", "gray")
    return {
        "Person": _contact_name(item),
        "Result": outcome.cell,
        "New id": item.new_contact_id or NOTHING,
        "Verified": job_labels.verified_text(item),
        "Why": item.error or (str((item.plan or {}).get("reason", "")) if item.outcome == "skipped" else ""),
    }


def _contact_name(item: JobItem) -> str:
    """Return what to call the contact; the id of one that was erased meanwhile."""
    return str((item.plan or {}).get("name") or item.contact_id)


def _deviations(item: JobItem) -> list[str]:
    """Return what was planned to be different or lost, of a contact that was restored."""
    plan = item.plan if item.plan and item.outcome in RESTORED_OUTCOMES else {}
    return deviations(plan.get("will_change", ()), plan.get("will_be_lost", ()))


def _show_differences(item: JobItem, names: Names, tz: str) -> None:
    with st.container(border=True, gap="xsmall"):
        new_id = f" → {code(item.new_contact_id)}" if item.new_contact_id else ""
        st.markdown(f"**{escaped(_contact_name(item))}**{new_id}")
        for difference in item.differences or ():
            field, planned, found, reason = map(escaped, job_labels.difference_parts(difference, names, tz))
            st.markdown(f"{field}: planned **{planned}**, HighLevel shows **{found}**. {reason}".strip())
        for text in _deviations(item):
            st.markdown(escaped(text))
