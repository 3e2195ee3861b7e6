"""Pausing, going on and stopping a job from its page, and how fast it goes."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from hlcore.governance.roles import Act, Person
from hlcore.restore.execute import cancel_job, confirm_job, pause_job
from hlcore.store import restores, runs
from hlcore.store.restores import Job
from hlcore.ui import errors, office
from hlcore.ui.house import house
from hlcore.ui.pace import LATELY, pace
from hlcore.ui.restoring import carry_on, job_key


def pace_of(job: Job, tz: str) -> str:
    """How fast the running job goes and when it will be done."""
    now = office.now()
    with office.office().vault.read() as tx:
        times = restores.finished_since(tx, job.job_id, now - LATELY)
    return pace(times, now, job.total - job.finished, tz)


def steering(job: Job, person: Person) -> None:
    """Pause, go on, stop; and what keeps the job waiting."""
    may = person.may(Act.RESTORE)
    last = house().jobs.get(job_key(job.job_id))
    if last is not None and last.error is not None and not last.running:
        errors.show(last.error)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        waits = job.state not in ("confirmed", "running") or not is_worked_on(job)
        if not waits:
            _button(job, "Pause", "pause", ":material/pause:", may, lambda: _steer(pause_job, job, person))
        else:
            _button(job, "Go on", "play_arrow", ":material/play_arrow:", may, lambda: _go_on(job, person))
        _button(job, "Stop", "stop", ":material/stop:", may, lambda: _steer(cancel_job, job, person))
        if waits:
            st.caption(_waits_for(job), width="content")


def _waits_for(job: Job) -> str:
    """Why nobody works on an open job now."""
    if job.state == "paused":
        return "Paused: it goes on when somebody says so."
    if job.started_at is not None and house().worker is not None:
        return "The rest waits until HighLevel's search shows what was just written, then goes on by itself."
    return "It is taken up by the background worker, or when you press Go on."


def is_worked_on(job: Job) -> bool:
    """Whether some living process works on the job now."""
    if house().jobs.running(job_key(job.job_id)):
        return True
    if not job.holder or job.heartbeat_at is None or runs.is_gone(job.holder):
        return False
    return office.now() - job.heartbeat_at < runs.SILENT_AFTER


def _button(job: Job, label: str, key: str, icon: str, may: bool, act: Callable[[], None]) -> None:
    why = None if may else "Your role may look, not restore."
    st.button(label, key=f"job_{job.job_id}_{key}", icon=icon, disabled=not may, help=why, on_click=act)


def _steer(change: Callable[..., bool], job: Job, person: Person) -> None:
    here = office.office()
    with errors.shown():
        change(here.vault, job.job_id, person, here.clock.now)


def _go_on(job: Job, person: Person) -> None:
    here = office.office()
    with errors.shown():
        if job.state in ("draft", "paused"):
            confirm_job(here.vault, job.job_id, person, here.clock.now)
        carry_on(house(), here, job.location_id, job.job_id, person)
