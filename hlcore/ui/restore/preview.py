"""From the preview of a restore to its job: choosing the path, waiting for the plan, confirming it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from hlcore.governance.roles import Action, User
from hlcore.restore.plan import PlanChoices, RestorePath
from hlcore.restore.planning.planner import DEFAULT_CHOICES
from hlcore.runtime import get_runtime
from hlcore.ui import session
from hlcore.ui.components import errors
from hlcore.ui.components.buttons import confirm_buttons, refusal, restore_button
from hlcore.ui.components.contact_picker import ContactRef, Selection
from hlcore.ui.components.formatting import count, escaped, plural
from hlcore.ui.restore import drafts, job_view
from hlcore.ui.restore.downloads import plan_button
from hlcore.ui.restore.drafts import PATH_KEY, PATHS
from hlcore.ui.restore.plan_view import NOBODY_IS_MESSAGED
from hlcore.ui.restore.tasks import PlanTask, start_planning, start_restore, stop_planning

_PATH_TEXTS = {
    "auto": "Where HighLevel's own restore is still open it comes first, because it keeps the contact's id; everybody "
    "else is created again.",
    "recreate": "Contact Vault creates everybody again from its copy, at once. They get a new id; what no program can "
    "write stays lost. HighLevel's own restore should not be used for them afterwards.",
    "top_up": "For people who came back through HighLevel's own restore: what it did not bring along (notes, tasks, "
    "opportunities, tags, fields) is added from the copy. Nothing that is there is overwritten.",
}
TASK_KEY, DIALOG_KEY = "planning", "confirm_restore"


def choose_path() -> RestorePath:
    """Draw the choice of how contacts are brought back, and return it."""
    st.session_state.setdefault(PATH_KEY, "Best way for each")
    path = PATHS[str(st.segmented_control("How", list(PATHS), key=PATH_KEY, required=True))]
    st.caption(_PATH_TEXTS[path])
    return path


def current_plan(contacts: Sequence[ContactRef], path: RestorePath, choices: PlanChoices = DEFAULT_CHOICES) -> PlanTask:
    """Return the planning task for these contacts and decisions. A new one is started when they have changed, or what
    the plan rests on; it asks HighLevel only what the one before does not know."""
    runtime, context = get_runtime(), session.app_context()
    task: PlanTask | None = st.session_state.get(TASK_KEY) or drafts.kept_plan()
    if task is not None and task.is_for(contacts, path, choices) and (not task.done or task.is_current(context)):
        if task.done:
            runtime.tasks.forget(task.key)
        st.session_state[TASK_KEY] = task
        return task
    stop_planning(runtime, task)
    started = start_planning(runtime, context, contacts, path, choices, previous=task)
    st.session_state[TASK_KEY] = started
    drafts.keep_plan(started)
    return started


@st.fragment(run_every="0.5s")
def show_planning_progress(task: PlanTask) -> None:
    """Draw how far the planning has come; draw the whole page again when it has ended."""
    if task.done:
        st.rerun()
    progress = task.progress
    text = f"Asking HighLevel about each person: {count(progress.done)} of {count(len(task.contacts))}"
    st.progress(progress.share or 0.0, text=text)


def show_failure(task: PlanTask) -> None:
    """Draw why there is no plan, and how to try again."""
    if task.error is not None:
        errors.show_error(task.error)
    with st.container(horizontal=True, gap="small"):
        st.button("Try again", key="again", icon=":material/refresh:", on_click=_drop_plan)
        st.button("Choose others", key="others", type="tertiary", on_click=_clear_selection)


def show_actions(task: PlanTask, user: User) -> None:
    """Draw the buttons to confirm, to create again instead, to download the plan, and to choose others."""
    number, refused = task.restorable_count, refusal(user, Action.RESTORE)
    with st.container(horizontal=True, gap="small"):
        if number:
            if restore_button(f"Restore {plural(number, 'person', 'people')} …", key="restore", user=user):
                st.session_state[DIALOG_KEY] = True
        elif task.native_count:
            icon = ":material/person_add:"
            st.button("Create them again instead", key="instead", icon=icon, on_click=_choose_recreate)
        plan_button(task.plans, user)
        st.button("Choose others", key="others", type="tertiary", on_click=_clear_selection)
    if refused:
        st.caption(f":material/lock: {refused} Ask whoever looks after Contact Vault.")
    if number:
        st.info(NOBODY_IS_MESSAGED, icon=":material/notifications_off:")
    if st.session_state.get(DIALOG_KEY):
        _show_dialog(task, user)


def _show_dialog(task: PlanTask, user: User) -> None:
    people = plural(task.restorable_count, "person", "people")

    @st.dialog(f"Restore {people}?", icon=":material/settings_backup_restore:", on_dismiss=_close_dialog)
    def ask() -> None:
        locations = session.locations()
        for plan in task.plans:
            name, counts = escaped(session.location_name(plan.location_id, locations)), plan.counts()
            if number := counts.get("recreate", 0):
                created = plural(number, "person", "people")
                st.markdown(f"**{created}** will be created again in **{name}**, with a new contact id.")
            if number := counts.get("top_up", 0):
                st.markdown(f"**{plural(number, 'person', 'people')}** of **{name}** will be topped up.")
        st.markdown("**Nobody gets a message.** Each step is recorded.")
        if confirm_buttons(f"Restore {people}", _close_dialog, key="sure", cancel_key="cancel"):
            with errors.errors_shown():
                jobs = start_restore(get_runtime(), session.app_context(), task, user)
                _close_dialog()
                drafts.confirm_draft(jobs)
                _drop_plan()
                Selection("risk").clear()
                job_view.open_jobs(jobs)
                st.rerun()

    ask()


def _close_dialog() -> None:
    st.session_state.pop(DIALOG_KEY, None)


def _choose_recreate() -> None:
    st.session_state[PATH_KEY] = "Create again now"


def _drop_plan() -> None:
    st.session_state.pop(TASK_KEY, None)


def _clear_selection() -> None:
    drafts.discard_draft()
    _drop_plan()
