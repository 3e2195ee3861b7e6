"""A restore job on the page: live progress while it runs, then what came of each person. All of it is read from the
database, so that closing the browser, another browser or a restart change nothing.

How fast a restore goes and when it will be done, from what was finished lately. Pure.

Pausing, going on and stopping a job from its page, and how fast it goes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from hlcore.errors import VaultError
from hlcore.governance.roles import Action, User
from hlcore.model.restore.comparison import Difference
from hlcore.restore.execution.run import kind_of
from hlcore.restore.job_control import cancel_job, confirm_job, pause_job, retry_job
from hlcore.runtime import get_runtime
from hlcore.store import runs
from hlcore.store.locations import Location
from hlcore.store.restores import jobs as restore_jobs
from hlcore.store.restores.jobs import JobItem, RestoreJob
from hlcore.ui import session
from hlcore.ui.components import contact_fields, errors
from hlcore.ui.components.contact_fields import Names, names_of
from hlcore.ui.components.formatting import NOTHING, Badge, ago, count, duration, many, moment, plain
from hlcore.ui.components.tables import pager, slice_of, table
from hlcore.ui.restore import downloads, job_labels, undo
from hlcore.ui.restore.tasks import carry_on, job_key

LATELY = timedelta(minutes=1)
"""The pace is that of the last minute: a pause or a wait before it does not count."""
_ENOUGH = 3


def pace(times: list[datetime], now: datetime, remaining: int, tz: str) -> str:
    """'About 4 people a second. Done at about 24 Nov 2026, 14:05 CET, in 3 min 20 s.' from the moments at which people
    were finished in the last minute; says that it is too early where these are too few."""
    span = (now - min(times)).total_seconds() if times else 0.0
    if not remaining:
        return ""
    if len(times) < _ENOUGH or span <= 0:
        return "The pace and the finish time show once a few people are done."
    per_second = len(times) / span
    left = remaining / per_second
    end = moment(now + timedelta(seconds=left), tz)
    return f"{_speed(per_second)}. Done at about {end}, in {duration(left)}."


def _speed(per_second: float) -> str:
    if per_second >= 1.5:
        return f"About {count(round(per_second))} people a second"
    return f"About {many(max(1, round(per_second * 60)), 'person', 'people')} a minute"


def pace_of(job: RestoreJob, tz: str) -> str:
    """How fast the running job goes and when it will be done."""
    now = session.now()
    with session.app_context().vault.read() as tx:
        times = restore_jobs.finished_since(tx, job.job_id, now - LATELY)
    return pace(times, now, job.total - job.finished, tz)


def steering(job: RestoreJob, user: User) -> None:
    """Pause, go on, stop; and what keeps the job waiting."""
    may = user.may(Action.RESTORE)
    last = get_runtime().tasks.get(job_key(job.job_id))
    if last is not None and last.error is not None and not last.running:
        errors.show(last.error)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        waits = job.state not in ("confirmed", "running") or not is_worked_on(job)
        if not waits:
            _button(job, "Pause", "pause", ":material/pause:", may, lambda: _steer(pause_job, job, user))
        else:
            _button(job, "Go on", "play_arrow", ":material/play_arrow:", may, lambda: _go_on(job, user))
        _button(job, "Stop", "stop", ":material/stop:", may, lambda: _steer(cancel_job, job, user))
        if waits:
            st.caption(_waits_for(job), width="content")


def _waits_for(job: RestoreJob) -> str:
    """Why nobody works on an open job now."""
    if job.state == "paused":
        return "Paused: it goes on when somebody says so."
    if job.started_at is not None and get_runtime().worker is not None:
        return "The rest waits until HighLevel's search shows what was just written, then goes on by itself."
    return "It is taken up by the background worker, or when you press Go on."


def is_worked_on(job: RestoreJob) -> bool:
    """Whether some living process works on the job now."""
    if get_runtime().tasks.running(job_key(job.job_id)):
        return True
    if not job.holder or job.heartbeat_at is None or runs.is_gone(job.holder):
        return False
    return session.now() - job.heartbeat_at < runs.SILENT_AFTER


def _button(job: RestoreJob, label: str, key: str, icon: str, may: bool, act: Callable[[], None]) -> None:
    why = None if may else "Your role may look, not restore."
    st.button(label, key=f"job_{job.job_id}_{key}", icon=icon, disabled=not may, help=why, on_click=act)


def _steer(change: Callable[..., bool], job: RestoreJob, user: User) -> None:
    here = session.app_context()
    with errors.errors_shown():
        change(here.vault, job.job_id, user, here.clock.now)


def _go_on(job: RestoreJob, user: User) -> None:
    here = session.app_context()
    with errors.errors_shown():
        if job.state in ("draft", "paused"):
            confirm_job(here.vault, job.job_id, user, here.clock.now)
        carry_on(get_runtime(), here, job.location_id, job.job_id, user)


OPEN = ("draft", "confirmed", "running", "paused")
STATES = {
    "draft": Badge("Not confirmed", ":material/edit:", "gray", "·"),
    "confirmed": Badge("Waiting", ":material/hourglass_empty:", "blue", "…"),
    "running": Badge("Running", ":material/sync:", "blue", "…"),
    "paused": Badge("Paused", ":material/pause_circle:", "orange", "‖"),
    "cancelled": Badge("Stopped", ":material/cancel:", "gray", "✕"),
    "done": Badge("Done", ":material/check_circle:", "green", "✓"),
}
_TEXT = st.column_config.TextColumn
COLUMNS: dict[str, Any] = {
    "Person": _TEXT(width=190),
    "Result": _TEXT(width=150),
    "New id": _TEXT(width=210),
    "Verified": _TEXT(width=210),
    "Why": _TEXT(width="large"),
}


def show(job_ids: Sequence[int], user: User) -> None:
    """The jobs that one confirmation began (one for each account), as they stand now and as they go on."""
    with errors.errors_shown():
        found = [_read(job_id) for job_id in job_ids]
        st.title(job_labels.title(found), anchor=False)
        first, place = found[0], _place(found[0])
        by = "somebody on this computer" if first.created_by in ("", "local") else plain(first.created_by)
        when = moment(first.created_at, place.timezone if place else "UTC")
        people = many(sum(job.total for job in found), "person", "people")
        said = plain(job_labels.subject(first))
        st.markdown(f"{people.capitalize()} of {_accounts(found)}, asked for by {by} on {when}. {said}".strip())
        if any(job.state in OPEN for job in found):
            _watch(tuple(job_ids), user)
        else:
            _result(found, user)


def _read(job_id: int) -> RestoreJob:
    with session.app_context().vault.read() as tx:
        return restore_jobs.job(tx, job_id)


def _place(job: RestoreJob) -> Location | None:
    return next((one for one in session.locations() if one.location_id == job.location_id), None)


def _accounts(found: Sequence[RestoreJob]) -> str:
    places = session.locations()
    return " and ".join(f"**{plain(session.name_of(job.location_id, places))}**" for job in found)


@st.fragment(run_every="1s")
def _watch(job_ids: Sequence[int], user: User) -> None:
    """The progress; when all jobs have ended the page is drawn anew, with the result."""
    try:
        found = [_read(job_id) for job_id in job_ids]
    except VaultError as error:
        errors.show(error)
        return
    if all(job.state not in OPEN for job in found):
        st.rerun()
    if any(job.state in ("confirmed", "running") for job in found):
        st.caption("You may close this page: the work goes on, and this address shows it again.")
    for job in found:
        share = job.finished / job.total if job.total else 1.0
        done = f"{count(job.finished)} of {many(job.total, 'person', 'people')} done"
        st.progress(share, text=f"{STATES[job.state].badge} {_accounts([job])}: {done}")
        if job.state == "running" and is_worked_on(job):
            place = _place(job)
            st.caption(f":material/speed: {pace_of(job, place.timezone if place else 'UTC')}")
        if job.state in OPEN:
            steering(job, user)
        _table(job)


def _result(found: Sequence[RestoreJob], user: User) -> None:
    outcomes: Counter[str] = Counter()
    different = 0
    with session.app_context().vault.read() as tx:
        for job in found:
            outcomes.update(restore_jobs.progress(tx, job.job_id))
            different += restore_jobs.differing(tx, job.job_id)
            if kind_of(job):
                different += job_labels.differing(list(restore_jobs.iterate_items(tx, job.job_id)))
        names = names_of(tx, [job.location_id for job in found])
    draw, words = job_labels.verdict(kind_of(found[0]), outcomes, different)
    draw(words, icon=STATES[found[0].state].icon)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        downloads.receipt_button(found, user)
        said = {key: mark.word for key, mark in job_labels.OUTCOMES.items()}
        downloads.printed_button(found, job_labels.title(found), said, user)
        if outcomes["failed"] or different:
            _again(found, user)
        undo.button(found, user, open_job)
        st.page_link("at_risk.py", label="Back to At risk", icon=":material/timer:")
    for job in found:
        if len(found) > 1:
            st.markdown(f"##### {_accounts([job])}")
        shown, place = _table(job), _place(job)
        told = [item for item in shown if item.differences]
        if told:
            st.markdown("##### What differs from the copy")
        for item in told:
            _differences(item, names, place.timezone if place else "UTC")


def _again(found: Sequence[RestoreJob], user: User) -> None:
    """Tries again what failed or differs; everything else stays as it is."""
    restored = [job for job in found if not kind_of(job)]
    if restored:
        st.button(
            "Try again what failed or differs",
            key="try_again",
            icon=":material/refresh:",
            disabled=not user.may(Action.RESTORE),
            on_click=_retry,
            args=(restored, user),
        )


def _retry(found: Sequence[RestoreJob], user: User) -> None:
    here = session.app_context()
    with errors.errors_shown():
        for job in found:
            if retry_job(here.vault, job.job_id, user, here.clock.now):
                carry_on(get_runtime(), here, job.location_id, job.job_id, user)


def _table(job: RestoreJob) -> list[JobItem]:
    """One page of the job's people; those it shows."""
    part = slice_of(f"job_{job.job_id}", job.total)
    with session.app_context().vault.read() as tx:
        found = restore_jobs.items(tx, job.job_id, after=part.offset - 1, limit=part.limit)
    rows, key = [row(item) for item in found], f"job_{job.job_id}_table"
    table(rows, key=key, alt=f"People of restore {job.job_id}", columns=COLUMNS)
    pager(part, "person", "people")
    return found


def row(item: JobItem) -> dict[str, Any]:
    """One person of a job as a row."""
    outcome = job_labels.OUTCOMES.get(item.outcome) or Badge(item.outcome, ":material/help:", "gray")
    return {
        "Person": name_of(item),
        "Result": outcome.cell,
        "New id": item.new_contact_id or NOTHING,
        "Verified": job_labels.verified(item),
        "Why": item.error or (str((item.plan or {}).get("reason", "")) if item.outcome == "skipped" else ""),
    }


def name_of(item: JobItem) -> str:
    """What to call the person; the id of one who was erased meanwhile."""
    return str((item.plan or {}).get("name") or item.contact_id)


def _differences(item: JobItem, names: Names, tz: str) -> None:
    with st.container(border=True, gap="xsmall"):
        new = f" → `{item.new_contact_id}`" if item.new_contact_id else ""
        st.markdown(f"**{plain(name_of(item))}**{new}")
        for one in item.differences or ():
            found = Difference(one["field"], one.get("planned"), one.get("found"), one.get("reason") or "")
            st.markdown(difference_words(found, names, tz))


def difference_words(one: Difference, names: Names, tz: str) -> str:
    """'Phone: planned …, HighLevel shows …. Why.'"""
    label = plain(contact_fields.label(one.field, names))
    planned, now = (plain(contact_fields.text(one.field, value, names, tz)) for value in (one.planned, one.found))
    return f"{label}: planned **{planned}**, HighLevel shows **{now}**. {plain(one.reason)}".strip()


def recent(ids: Sequence[str]) -> int:
    """The restores of these accounts, newest first, each with a way to open it; how many there are on the page."""
    with session.app_context().vault.read() as tx:
        found = restore_jobs.list_jobs(tx, ids, limit=20)
    places = session.locations()
    for job in found:
        with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
            name = plain(session.name_of(job.location_id, places))
            when = ago(job.created_at, session.now())
            people = many(job.total, "person", "people")
            told = f"{STATES[job.state].badge} **{job_labels.title([job])}** · {people} of {name} · {when}"
            st.markdown(told, width="stretch")
            st.button("Open", key=f"open_{job.job_id}", on_click=open_job, args=([job.job_id],))
    return len(found)


def open_job(job_ids: Sequence[int]) -> None:
    """The page shows these jobs (`?job=<number>`)."""
    st.query_params["job"] = ",".join(map(str, job_ids))


def asked_for() -> list[int]:
    """The jobs that the URL names."""
    parts = st.query_params.get("job", "").split(",")
    return [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 16]
