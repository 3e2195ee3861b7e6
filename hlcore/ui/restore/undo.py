"""Undoing a restore: the way to it, and the question before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from hlcore.governance.roles import Action, User
from hlcore.restore import undo
from hlcore.restore.execution.run import kind_of
from hlcore.runtime import get_runtime
from hlcore.store.restores.jobs import RestoreJob
from hlcore.ui import session
from hlcore.ui.components import errors
from hlcore.ui.components.formatting import count, many, plain
from hlcore.ui.restore.tasks import carry_on

ASKING = "confirm_undo"


def button(jobs: Sequence[RestoreJob], user: User, opened: Callable[[Sequence[int]], None]) -> None:
    """The way to undo these restores; nothing where there is nothing to undo. `opened` shows the new jobs."""
    vault = session.app_context().vault
    told = [undo.preview(vault, job.job_id) for job in jobs if not kind_of(job)]
    under_way = [one.undo_id for one in told if one.undo_id]
    if under_way:
        st.button("Show the undo", key="show_undo", icon=":material/undo:", on_click=opened, args=(under_way,))
        return
    possible = [one for one in told if not one.refusal]
    if not possible:
        return
    may = user.may(Action.RESTORE)
    why = None if may else "Your role may look, not restore."
    if st.button("Undo this restore …", key="undo", icon=":material/undo:", disabled=not may, help=why):
        st.session_state[ASKING] = True
    if st.session_state.get(ASKING):
        _dialog(possible, jobs, user, opened)


def _dialog(
    possible: Sequence[undo.UndoPreview],
    jobs: Sequence[RestoreJob],
    user: User,
    opened: Callable[[Sequence[int]], None],
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
            with errors.errors_shown():
                begun = [_begin(one, jobs, user) for one in possible]
                _do_not_ask()
                opened(begun)
                st.rerun()

    ask()


def _begin(one: undo.UndoPreview, jobs: Sequence[RestoreJob], user: User) -> int:
    here = session.app_context()
    undo_id = undo.create_undo(here.vault, one.job_id, user, here.clock.now)
    location_id = next(job.location_id for job in jobs if job.job_id == one.job_id)
    carry_on(get_runtime(), here, location_id, undo_id, user)
    return undo_id


def _do_not_ask() -> None:
    st.session_state.pop(ASKING, None)
