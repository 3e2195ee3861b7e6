"""Undoing a restore: the button for it, and the confirmation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from hlcore.governance.roles import Action, User
from hlcore.restore import undo
from hlcore.restore.job_control import job_kind
from hlcore.runtime import get_runtime
from hlcore.store.restores.jobs import RestoreJob
from hlcore.ui import session
from hlcore.ui.components import errors
from hlcore.ui.components.buttons import confirm_buttons, refusal
from hlcore.ui.components.formatting import escaped, plural
from hlcore.ui.restore.tasks import start_job

DIALOG_KEY = "confirm_undo"


def undo_button(jobs: Sequence[RestoreJob], user: User, open_jobs: Callable[[Sequence[int]], None]) -> None:
    """Draw the button to undo these restores; nothing where there is nothing to undo. `open_jobs` shows the jobs that
    this creates, or those that exist already."""
    vault = session.app_context().vault
    previews = [undo.preview(vault, job.job_id) for job in jobs if not job_kind(job)]
    existing = [preview.undo_id for preview in previews if preview.undo_id]
    if existing:
        st.button("Show the undo", key="show_undo", icon=":material/undo:", on_click=open_jobs, args=(existing,))
        return
    undoable = [preview for preview in previews if not preview.refusal]
    if not undoable:
        return
    refused, icon = refusal(user, Action.RESTORE), ":material/undo:"
    if st.button("Undo this restore …", key="undo", icon=icon, disabled=refused is not None, help=refused):
        st.session_state[DIALOG_KEY] = True
    if st.session_state.get(DIALOG_KEY):
        _show_dialog(undoable, jobs, user, open_jobs)


def _show_dialog(
    previews: Sequence[undo.UndoPreview],
    jobs: Sequence[RestoreJob],
    user: User,
    open_jobs: Callable[[Sequence[int]], None],
) -> None:
    created, stays = sum(preview.created for preview in previews), sum(preview.stays for preview in previews)

    @st.dialog("Undo this restore?", icon=":material/undo:", on_dismiss=_close_dialog)
    def ask() -> None:
        st.markdown(
            f"**{plural(created, 'contact')}** that this restore created will be looked at again, one by one. Those "
            "that nobody has touched since are **deleted in HighLevel**; everybody else stays, with the reason."
        )
        lines = [
            "Touched means: a field, tag, note, task, appointment or opportunity changed or came, or a message was "
            "exchanged.",
            "In Contact Vault the people are deleted again under their old ids, with their copies, and can be restored "
            "once more.",
            f"About {plural(sum(preview.requests for preview in previews), 'request')}. Each step is recorded.",
        ]
        if stays:
            untouched = plural(stays, "contact stays", "contacts stay")
            lines.insert(1, f"{untouched} untouched, because this restore did not create them.")
        st.markdown("\n".join(f"- {escaped(line)}" for line in lines))
        label = f"Delete {plural(created, 'contact')} again"
        if confirm_buttons(label, _close_dialog, key="sure_undo", cancel_key="cancel_undo"):
            with errors.errors_shown():
                undo_ids = [_start_undo(preview, jobs, user) for preview in previews]
                _close_dialog()
                open_jobs(undo_ids)
                st.rerun()

    ask()


def _start_undo(preview: undo.UndoPreview, jobs: Sequence[RestoreJob], user: User) -> int:
    context = session.app_context()
    undo_id = undo.create_undo(context.vault, preview.job_id, user, context.clock.now)
    location_id = next(job.location_id for job in jobs if job.job_id == preview.job_id)
    start_job(get_runtime(), context, location_id, undo_id, user)
    return undo_id


def undo_one(job_id: int, location_id: str, contact_id: str, user: User) -> int:
    """Start undoing what this restore created for one contact (its old id); return the number of the job."""
    context = session.app_context()
    undo_id = undo.create_undo(context.vault, job_id, user, context.clock.now, only=[contact_id])
    start_job(get_runtime(), context, location_id, undo_id, user)
    return undo_id


def _close_dialog() -> None:
    st.session_state.pop(DIALOG_KEY, None)
