"""From the preview of a restore to its job: choosing the way, waiting for the plan, confirming it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from hlcore.governance.roles import User
from hlcore.restore.plan import Path, PlanChoices
from hlcore.restore.planning.planner import DEFAULT
from hlcore.runtime import get_runtime
from hlcore.ui import session
from hlcore.ui.components import errors
from hlcore.ui.components.contact_picker import ContactRef, Selection, fill_restore_selection
from hlcore.ui.components.formatting import count, many, plain
from hlcore.ui.restore import decisions, job_view
from hlcore.ui.restore.downloads import plan_button
from hlcore.ui.restore.plan_view import NOBODY_IS_MESSAGED
from hlcore.ui.restore.tasks import PlanTask, confirm, start_planning, stop_planning

PATHS: dict[str, Path] = {
    "Best way for each": "auto",
    "Create again now": "recreate",
    "Top up who came back": "top_up",
}
_WHAT = {
    "auto": "Where HighLevel's own restore is still open it comes first, because it keeps the contact's id; everybody "
    "else is created again.",
    "recreate": "Contact Vault creates everybody again from its copy, at once. They get a new id; what no program can "
    "write stays lost. HighLevel's own restore should not be used for them afterwards.",
    "top_up": "For people who came back through HighLevel's own restore: what it did not bring along (notes, tasks, "
    "opportunities, tags, fields) is added from the copy. Nothing that is there is overwritten.",
}
PLANNING, ASKING = "planning", "confirm_restore"


def choose_path() -> Path:
    """How people shall be brought back."""
    st.session_state.setdefault("how", "Best way for each")
    path = PATHS[str(st.segmented_control("How", list(PATHS), key="how", required=True))]
    st.caption(_WHAT[path])
    return path


def planning_for(whos: Sequence[ContactRef], path: Path, choices: PlanChoices = DEFAULT) -> PlanTask:
    """The plan for these people; a new one is begun when the question has changed, or what the plan rests on. It asks
    HighLevel only what is not known from the one before."""
    held: PlanTask | None = st.session_state.get(PLANNING)
    if (
        held is not None
        and held.is_for(whos, path, choices)
        and not (held.done and not held.holds(session.app_context()))
    ):
        if held.done:
            get_runtime().tasks.forget(held.key)
        return held
    stop_planning(get_runtime(), held)
    st.session_state[PLANNING] = start_planning(get_runtime(), session.app_context(), whos, path, choices, before=held)
    begun: PlanTask = st.session_state[PLANNING]
    return begun


@st.fragment(run_every="0.5s")
def wait_for(planning: PlanTask) -> None:
    """How far the plan has come; the page is drawn anew when it is there."""
    if planning.done:
        st.rerun()
    now = planning.progress
    text = f"Asking HighLevel about each person: {count(now.done)} of {count(len(planning.whos))}"
    st.progress(now.share or 0.0, text=text)


def failed(planning: PlanTask) -> None:
    """Why there is no plan, and how to try again."""
    if planning.error is not None:
        errors.show(planning.error)
    with st.container(horizontal=True, gap="small"):
        st.button("Try again", key="again", icon=":material/refresh:", on_click=_forget)
        st.button("Choose others", key="others", type="tertiary", on_click=_empty)


def actions(planning: PlanTask, user: User, *, may: bool) -> None:
    """Confirm, go the other way, or choose others."""
    makes = planning.makes
    with st.container(horizontal=True, gap="small"):
        if makes:
            st.button(
                f"Restore {many(makes, 'person', 'people')} …",
                key="restore",
                type="primary",
                icon=":material/settings_backup_restore:",
                disabled=not may,
                help=None if may else "Your role may look, not restore.",
                on_click=_ask,
            )
        elif planning.natives:
            icon = ":material/person_add:"
            st.button("Create them again instead", key="instead", icon=icon, on_click=_create_instead)
        plan_button(planning.plans, user)
        st.button("Choose others", key="others", type="tertiary", on_click=_empty)
    if not may:
        st.caption(":material/lock: Your role may look, not restore. Ask whoever looks after Contact Vault.")
    if makes:
        st.info(NOBODY_IS_MESSAGED, icon=":material/notifications_off:")
    if st.session_state.get(ASKING):
        _dialog(planning, user)


def _dialog(planning: PlanTask, user: User) -> None:
    people = many(planning.makes, "person", "people")

    @st.dialog(f"Restore {people}?", icon=":material/settings_backup_restore:", on_dismiss=_do_not_ask)
    def ask() -> None:
        places = session.locations()
        for one in planning.plans:
            name, counted = plain(session.name_of(one.location_id, places)), one.counts()
            if made := counted.get("recreate", 0):
                st.markdown(
                    f"**{many(made, 'person', 'people')}** will be created again in **{name}**, with a new contact id."
                )
            if added := counted.get("top_up", 0):
                st.markdown(f"**{many(added, 'person', 'people')}** of **{name}** will be topped up.")
        st.markdown("**Nobody gets a message.** Each step is recorded.")
        with st.container(horizontal=True, gap="small"):
            sure = st.button(f"Restore {people}", key="sure", type="primary")
            if st.button("Cancel", key="cancel"):
                _do_not_ask()
                st.rerun()
        if sure:
            with errors.errors_shown():
                jobs = confirm(get_runtime(), session.app_context(), planning, user)
                _do_not_ask()
                _empty()
                Selection("risk").clear()
                job_view.open_job(jobs)
                st.rerun()

    ask()


def leave() -> None:
    """The page shows the preview or the list again."""
    st.query_params.pop("job", None)


def _ask() -> None:
    st.session_state[ASKING] = True


def _do_not_ask() -> None:
    st.session_state.pop(ASKING, None)


def _create_instead() -> None:
    st.session_state["how"] = "Create again now"


def _forget() -> None:
    st.session_state.pop(PLANNING, None)


def _empty() -> None:
    fill_restore_selection([])
    decisions.forget()
    _forget()
