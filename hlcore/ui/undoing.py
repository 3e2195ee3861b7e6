"""Undoing a restore, and what the page calls each kind of job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from hlcore.governance.roles import Act, Person
from hlcore.restore import rewind, undo
from hlcore.restore.kinds import kind_of
from hlcore.store.restores import Item, Job
from hlcore.ui import errors, office
from hlcore.ui.house import house
from hlcore.ui.restoring import carry_on
from hlcore.ui.words import NOTHING, Mark, count, many, plain

ASKING = "confirm_undo"
OUTCOMES = {
    "undone": Mark("Deleted again", ":material/undo:", "green", "✓"),
    "put_back": Mark("Put back", ":material/history:", "green", "✓"),
}
_AS_PLANNED = {"undone": "✓ not in HighLevel any more", "put_back": "✓ as before; all else unchanged"}
_TITLES = {undo.KIND: "Undo {0}", rewind.KIND: "Putting back {0}"}


def title(jobs: Sequence[Job]) -> str:
    """'Restore 3 and 4', 'Undo 5', 'Putting back 6'."""
    numbers = " and ".join(str(job.job_id) for job in jobs)
    return _TITLES.get(kind_of(jobs[0]), "Restore {0}").format(numbers)


def subject(job: Job) -> str:
    """What a job is about, where that is not a restore; '' for one."""
    options = job.options if isinstance(job.options, Mapping) else {}
    if kind_of(job) == undo.KIND:
        return f"It undoes restore {options.get('undoes')}: what that restore created and nobody has touched since."
    if kind_of(job) == rewind.KIND:
        return str(options.get("said") or "")
    return ""


def verified_words(item: Item) -> str:
    """Whether what HighLevel shows is what was planned."""
    if item.verified is None:
        return NOTHING
    if item.verified:
        return _AS_PLANNED.get(item.outcome, "✓ every field as planned")
    return f"! {many(len(item.differences or ()), 'difference')}" if item.differences else "! not verified"


def verdict(job: Job, outcomes: Mapping[str, int], different: int) -> tuple[Callable[..., Any], str] | None:
    """How to draw the result, and the result in a sentence; None for a restore."""
    kind = kind_of(job)
    if not kind:
        return None
    done = outcomes.get("undone" if kind == undo.KIND else "put_back", 0)
    failed, left, waiting = outcomes.get("failed", 0), outcomes.get("skipped", 0), outcomes.get("", 0)
    people = many(done, "person", "people").capitalize()
    if kind == undo.KIND:
        parts = [f"{people} that the restore had created {'is' if done == 1 else 'are'} deleted again."]
    else:
        parts = [f"{people} {'has' if done == 1 else 'have'} the earlier values again."]
        if done and not different:
            parts.append("Each was read back: the chosen fields are as they were, everything else is unchanged.")
    if different:
        parts.append(f"{many(different, 'person differs', 'people differ').capitalize()} from the plan; see below.")
    if left:
        parts.append(f"{many(left, 'person was', 'people were').capitalize()} left as they are; see why below.")
    if failed:
        parts.append(f"{many(failed, 'person', 'people').capitalize()} failed; see why below.")
    if waiting:
        parts.append(f"{many(waiting, 'person', 'people').capitalize()} had not begun when it was stopped.")
    draw = st.error if failed else st.warning if different else st.success if done and not waiting else st.info
    return draw, " ".join(parts)


def different(items: Sequence[Any]) -> int:
    """How many of these are done and not as planned."""
    return sum(item.outcome in OUTCOMES and item.verified is False for item in items)


def button(jobs: Sequence[Job], person: Person, opened: Callable[[Sequence[int]], None]) -> None:
    """The way to undo these restores; nothing where there is nothing to undo. `opened` shows the new jobs."""
    vault = office.office().vault
    told = [undo.preview(vault, job.job_id) for job in jobs if not kind_of(job)]
    under_way = [one.undo_id for one in told if one.undo_id]
    if under_way:
        st.button("Show the undo", key="show_undo", icon=":material/undo:", on_click=opened, args=(under_way,))
        return
    possible = [one for one in told if not one.refusal]
    if not possible:
        return
    may = person.may(Act.RESTORE)
    why = None if may else "Your role may look, not restore."
    if st.button("Undo this restore …", key="undo", icon=":material/undo:", disabled=not may, help=why):
        st.session_state[ASKING] = True
    if st.session_state.get(ASKING):
        _dialog(possible, jobs, person, opened)


def _dialog(
    possible: Sequence[undo.Preview], jobs: Sequence[Job], person: Person, opened: Callable[[Sequence[int]], None]
) -> None:
    created, stays = sum(one.created for one in possible), sum(one.stays for one in possible)

    @st.dialog("Undo this restore?", icon=":material/undo:", on_dismiss=_do_not_ask)
    def ask() -> None:
        st.markdown(
            f"**{many(created, 'contact')}** that this restore created will be looked at again, one by one. Those that "
            "nobody has touched since are **deleted in HighLevel**; everybody else stays, with the reason."
        )
        lines = [
            "Touched means: a field, tag, note, task, appointment or opportunity changed or came, or a message was "
            "exchanged.",
            "In Contact Vault the people are deleted again under their old ids, with their copies, and can be restored "
            "once more.",
            f"About {many(sum(one.requests for one in possible), 'request')}. Each step is recorded.",
        ]
        if stays:
            lines.insert(1, f"{count(stays)} that this restore did not create are not touched.")
        st.markdown("\n".join(f"- {plain(line)}" for line in lines))
        with st.container(horizontal=True, gap="small"):
            sure = st.button(f"Delete {many(created, 'contact')} again", key="sure_undo", type="primary")
            if st.button("Cancel", key="cancel_undo"):
                _do_not_ask()
                st.rerun()
        if sure:
            with errors.shown():
                begun = [_begin(one, jobs, person) for one in possible]
                _do_not_ask()
                opened(begun)
                st.rerun()

    ask()


def _begin(one: undo.Preview, jobs: Sequence[Job], person: Person) -> int:
    here = office.office()
    undo_id = undo.create_undo(here.vault, one.job_id, person, here.clock.now)
    location_id = next(job.location_id for job in jobs if job.job_id == one.job_id)
    carry_on(house(), here, location_id, undo_id, person)
    return undo_id


def _do_not_ask() -> None:
    st.session_state.pop(ASKING, None)
