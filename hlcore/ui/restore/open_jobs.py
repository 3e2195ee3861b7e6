"""Jobs that run or wait, as every page shows them: a line with the progress, a message at the end, and who is in them.

A job is a state of its people: At risk, Contacts, bulk deletions and the record mark them, and do not offer them again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from hlcore.restore import revert, undo
from hlcore.restore.job_control import job_kind
from hlcore.store.restores import jobs as restore_jobs
from hlcore.store.restores.jobs import RestoreJob
from hlcore.ui import session
from hlcore.ui.components.contact_picker import ContactRef
from hlcore.ui.components.formatting import Badge, count, escaped, plural
from hlcore.ui.components.navigation import RESTORE
from hlcore.ui.restore import job_labels
from hlcore.ui.restore.job_view import OPEN_STATES, STATES, selected_jobs

_BUSY = Badge("Being restored", ":material/sync:", "blue", "…")
_BADGES = {
    undo.KIND: Badge("Being undone", ":material/undo:", "blue", "…"),
    revert.KIND: Badge("Being put back", ":material/history:", "blue", "…"),
}
SEEN_KEY, ENDED_KEY = "open_jobs", "ended_jobs"
"""Session keys: the vault, its open jobs and its newest job at the last run; those that have ended since, until
somebody looks."""


@dataclass(frozen=True, slots=True)
class PersonInJob:
    """The job in which a person waits to be written, and what the pages call that."""

    job_id: int
    badge: Badge


PeopleInJobs = Mapping[ContactRef, PersonInJob]


def job_badges() -> list[Badge]:
    """Return every badge that a person in a job can have."""
    return [_BUSY, *_BADGES.values()]


def people_in_jobs(location_ids: Sequence[str]) -> PeopleInJobs:
    """Return the people of these locations who wait in a job now."""
    with session.app_context().vault.read() as tx:
        kinds = {job.job_id: job_kind(job) for job in restore_jobs.open_jobs(tx)}
        waiting = restore_jobs.jobs_of_waiting_contacts(tx, location_ids) if kinds else {}
    return {
        ContactRef(*ids): PersonInJob(job_id, _BADGES.get(kinds.get(job_id, ""), _BUSY))
        for ids, job_id in waiting.items()
    }


def left_out_text(chosen: Sequence[ContactRef], in_jobs: PeopleInJobs) -> str:
    """Return how many of the chosen people are not offered because a job has them; '' for nobody."""
    number = sum(contact in in_jobs for contact in chosen)
    if not number:
        return ""
    verb = "is in a restore already and is" if number == 1 else "are in a restore already and are"
    return f"{plural(number, 'person', 'people').capitalize()} {verb} not offered again."


def job_link(job_id: int, *, label: str = "") -> None:
    """Draw the link to this job."""
    query = {"job": str(job_id)}
    st.page_link(
        RESTORE, label=label or f"Restore {job_id}", icon=":material/sync:", query_params=query, width="content"
    )


def show_open_jobs() -> None:
    """Draw a line for every open job and for those that ended since this visitor's last look, and say once that they
    ended. Follows by itself: when a job begins or ends anywhere, the whole page is drawn again."""
    jobs, newest = _load()
    open_ids = {job.job_id for job in jobs}
    vault, seen, last = st.session_state.get(SEEN_KEY, (None, set[int](), 0))
    if vault is not session.app_context().vault:  # another vault, as after the demo, has other jobs
        seen, last, st.session_state[ENDED_KEY] = open_ids, newest, []
    ended = [number for number in st.session_state[ENDED_KEY] if number not in open_ids]
    for job_id in sorted({*seen, *range(last + 1, newest + 1)} - open_ids - set(ended)):
        job = _find(job_id)
        if job.state in OPEN_STATES:  # not confirmed yet
            continue
        ended.append(job_id)
        st.toast(f"{job_labels.job_title([job])} has ended. {_result_text(job)}", icon=STATES[job.state].icon)
    st.session_state[SEEN_KEY] = (session.app_context().vault, open_ids, newest)
    st.session_state[ENDED_KEY] = [number for number in ended if number not in selected_jobs()]
    _watch(open_ids, newest)


@st.fragment(run_every="2s")
def _watch(job_ids: Collection[int], last: int) -> None:
    jobs, newest = _load()
    if newest != last or {job.job_id for job in jobs} != set(job_ids):
        st.rerun()
    on_show = selected_jobs()
    ended: list[int] = st.session_state.get(ENDED_KEY, [])
    lines = [job for job in jobs if job.job_id not in on_show]
    if not lines and not ended:
        return
    with st.container(border=True, gap="xsmall", key="open_jobs_lines"):
        for job in lines:
            _show_line(job)
        for job_id in ended:
            _show_ended(job_id)


def _show_line(job: RestoreJob) -> None:
    title = job_labels.job_title([job])
    done = f"{count(job.finished)} of {plural(job.total, 'person', 'people')}"
    account = escaped(session.location_name(job.location_id, session.locations()))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{STATES[job.state].markdown} **{title}**: {done} · {account}", width="content")
        st.progress(job.finished / job.total if job.total else 1.0, width=140)
        job_link(job.job_id, label=f"Watch {title[:1].lower()}{title[1:]}")


def _show_ended(job_id: int) -> None:
    job = _find(job_id)
    title = job_labels.job_title([job])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{STATES[job.state].markdown} **{title}**: {_result_text(job)}", width="stretch")
        job_link(job_id, label="See the receipt")
        st.button("Dismiss", key=f"dismiss_job_{job_id}", type="tertiary", on_click=_dismiss, args=(job_id,))


def _dismiss(job_id: int) -> None:
    st.session_state[ENDED_KEY] = [number for number in st.session_state.get(ENDED_KEY, []) if number != job_id]


def _load() -> tuple[list[RestoreJob], int]:
    """Return the open jobs, and the number of the newest job: one may begin and end between two looks."""
    with session.app_context().vault.read() as tx:
        return restore_jobs.open_jobs(tx), restore_jobs.newest_job_id(tx)


def _find(job_id: int) -> RestoreJob:
    with session.app_context().vault.read() as tx:
        return restore_jobs.get_job(tx, job_id)


def _result_text(job: RestoreJob) -> str:
    with session.app_context().vault.read() as tx:
        outcomes = Counter(restore_jobs.count_by_outcome(tx, job.job_id))
        differing = restore_jobs.count_differing(tx, job.job_id)
    return job_labels.result_message(job_kind(job), outcomes, differing, brief=True)[1]
