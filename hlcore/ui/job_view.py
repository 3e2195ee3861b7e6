"""A restore job on the page: live progress while it runs, then what came of each person. All of it is read from the
database, so that closing the browser, another browser or a restart change nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import streamlit as st

from hlcore.errors import VaultError
from hlcore.governance.roles import Act, Person
from hlcore.model.fidelity import Difference
from hlcore.restore.execute import retry_job
from hlcore.restore.kinds import kind_of
from hlcore.store import restores
from hlcore.store.locations import Location
from hlcore.store.restores import Item, Job
from hlcore.ui import errors, fields, job_words, office, receipts, undoing
from hlcore.ui.house import house
from hlcore.ui.names import Names, names_of
from hlcore.ui.restoring import carry_on
from hlcore.ui.steering import is_worked_on, pace_of, steering
from hlcore.ui.tables import pager, slice_of, table
from hlcore.ui.words import NOTHING, Mark, ago, count, many, moment, plain

OPEN = ("draft", "confirmed", "running", "paused")
STATES = {
    "draft": Mark("Not confirmed", ":material/edit:", "gray", "·"),
    "confirmed": Mark("Waiting", ":material/hourglass_empty:", "blue", "…"),
    "running": Mark("Running", ":material/sync:", "blue", "…"),
    "paused": Mark("Paused", ":material/pause_circle:", "orange", "‖"),
    "cancelled": Mark("Stopped", ":material/cancel:", "gray", "✕"),
    "done": Mark("Done", ":material/check_circle:", "green", "✓"),
}
_TEXT = st.column_config.TextColumn
COLUMNS: dict[str, Any] = {
    "Person": _TEXT(width=190),
    "Result": _TEXT(width=150),
    "New id": _TEXT(width=210),
    "Verified": _TEXT(width=210),
    "Why": _TEXT(width="large"),
}


def show(job_ids: Sequence[int], person: Person) -> None:
    """The jobs that one confirmation began (one for each account), as they stand now and as they go on."""
    with errors.shown():
        found = [_read(job_id) for job_id in job_ids]
        st.title(job_words.title(found), anchor=False)
        first, place = found[0], _place(found[0])
        by = "somebody on this computer" if first.created_by in ("", "local") else plain(first.created_by)
        when = moment(first.created_at, place.timezone if place else "UTC")
        people = many(sum(job.total for job in found), "person", "people")
        said = plain(job_words.subject(first))
        st.markdown(f"{people.capitalize()} of {_accounts(found)}, asked for by {by} on {when}. {said}".strip())
        if any(job.state in OPEN for job in found):
            _watch(tuple(job_ids), person)
        else:
            _result(found, person)


def _read(job_id: int) -> Job:
    with office.office().vault.read() as tx:
        return restores.job(tx, job_id)


def _place(job: Job) -> Location | None:
    return next((one for one in office.locations() if one.location_id == job.location_id), None)


def _accounts(found: Sequence[Job]) -> str:
    places = office.locations()
    return " and ".join(f"**{plain(office.name_of(job.location_id, places))}**" for job in found)


@st.fragment(run_every="1s")
def _watch(job_ids: Sequence[int], person: Person) -> None:
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
            steering(job, person)
        _table(job)


def _result(found: Sequence[Job], person: Person) -> None:
    outcomes: Counter[str] = Counter()
    different = 0
    with office.office().vault.read() as tx:
        for job in found:
            outcomes.update(restores.progress(tx, job.job_id))
            different += restores.differing(tx, job.job_id)
            if kind_of(job):
                different += job_words.differing(list(restores.iterate_items(tx, job.job_id)))
        names = names_of(tx, [job.location_id for job in found])
    draw, words = job_words.verdict(kind_of(found[0]), outcomes, different)
    draw(words, icon=STATES[found[0].state].icon)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        receipts.receipt_button(found, person)
        said = {key: mark.word for key, mark in job_words.OUTCOMES.items()}
        receipts.printed_button(found, job_words.title(found), said, person)
        if outcomes["failed"] or different:
            _again(found, person)
        undoing.button(found, person, open_job)
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


def _again(found: Sequence[Job], person: Person) -> None:
    """Tries again what failed or differs; everything else stays as it is."""
    restored = [job for job in found if not kind_of(job)]
    if restored:
        st.button(
            "Try again what failed or differs",
            key="try_again",
            icon=":material/refresh:",
            disabled=not person.may(Act.RESTORE),
            on_click=_retry,
            args=(restored, person),
        )


def _retry(found: Sequence[Job], person: Person) -> None:
    here = office.office()
    with errors.shown():
        for job in found:
            if retry_job(here.vault, job.job_id, person, here.clock.now):
                carry_on(house(), here, job.location_id, job.job_id, person)


def _table(job: Job) -> list[Item]:
    """One page of the job's people; those it shows."""
    part = slice_of(f"job_{job.job_id}", job.total)
    with office.office().vault.read() as tx:
        found = restores.items(tx, job.job_id, after=part.offset - 1, limit=part.limit)
    rows, key = [row(item) for item in found], f"job_{job.job_id}_table"
    table(rows, key=key, alt=f"People of restore {job.job_id}", columns=COLUMNS)
    pager(part, "person", "people")
    return found


def row(item: Item) -> dict[str, Any]:
    """One person of a job as a row."""
    outcome = job_words.OUTCOMES.get(item.outcome) or Mark(item.outcome, ":material/help:", "gray")
    return {
        "Person": name_of(item),
        "Result": outcome.cell,
        "New id": item.new_contact_id or NOTHING,
        "Verified": job_words.verified(item),
        "Why": item.error or (str((item.plan or {}).get("reason", "")) if item.outcome == "skipped" else ""),
    }


def name_of(item: Item) -> str:
    """What to call the person; the id of one who was erased meanwhile."""
    return str((item.plan or {}).get("name") or item.contact_id)


def _differences(item: Item, names: Names, tz: str) -> None:
    with st.container(border=True, gap="xsmall"):
        new = f" → `{item.new_contact_id}`" if item.new_contact_id else ""
        st.markdown(f"**{plain(name_of(item))}**{new}")
        for one in item.differences or ():
            found = Difference(one["field"], one.get("planned"), one.get("found"), one.get("reason") or "")
            st.markdown(difference_words(found, names, tz))


def difference_words(one: Difference, names: Names, tz: str) -> str:
    """'Phone: planned …, HighLevel shows …. Why.'"""
    label = plain(fields.label(one.field, names))
    planned, now = (plain(fields.text(one.field, value, names, tz)) for value in (one.planned, one.found))
    return f"{label}: planned **{planned}**, HighLevel shows **{now}**. {plain(one.reason)}".strip()


def recent(ids: Sequence[str]) -> int:
    """The restores of these accounts, newest first, each with a way to open it; how many there are on the page."""
    with office.office().vault.read() as tx:
        found = restores.list_jobs(tx, ids, limit=20)
    places = office.locations()
    for job in found:
        with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
            name = plain(office.name_of(job.location_id, places))
            when = ago(job.created_at, office.now())
            people = many(job.total, "person", "people")
            told = f"{STATES[job.state].badge} **{job_words.title([job])}** · {people} of {name} · {when}"
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
