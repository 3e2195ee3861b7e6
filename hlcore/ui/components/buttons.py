"""Buttons that follow the user's role, and what their tooltips say where the role forbids the action.

This is for the eye only: every action is checked again in `hlcore.governance` where it happens.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from hlcore.governance.roles import Action, User

LOOK_ONLY = {
    Action.RESTORE: "Your role may look, not restore.",
    Action.EXPORT: "Your role may look, not download.",
    Action.CONNECT: "Your role may look, not connect accounts.",
}
RESTORE_ICON = ":material/settings_backup_restore:"


def refusal(user: User, action: Action) -> str | None:
    """Return why this user may not do it, for a tooltip; None when they may."""
    return None if user.may(action) else LOOK_ONLY[action]


def download_button(
    label: str,
    data: Callable[[], bytes],
    file_name: str,
    *,
    key: str,
    user: User,
    mime: str = "text/csv",
    icon: str = ":material/download:",
    help_text: str | None = None,
) -> None:
    """Draw a download button, disabled where the role may not export.

    `data` runs when the button is pressed, in another thread without a Streamlit session: it opens its own transaction
    and uses no `st.*` and no session state. The page is not run again.
    """
    refused = refusal(user, Action.EXPORT)
    st.download_button(
        label,
        data=data,
        file_name=file_name,
        mime=mime,
        key=key,
        icon=icon,
        on_click="ignore",
        disabled=refused is not None,
        help=refused or help_text,
    )


def confirm_buttons(label: str, close: Callable[[], None], *, key: str, cancel_key: str) -> bool:
    """Draw the buttons at the foot of a dialog, and return whether `label` was pressed. "Cancel" calls `close`."""
    with st.container(horizontal=True, gap="small"):
        confirmed = st.button(label, key=key, type="primary")
        if st.button("Cancel", key=cancel_key):
            close()
            st.rerun()
    return confirmed


def restore_button(label: str, *, key: str, user: User, disabled: bool = False, help_text: str | None = None) -> bool:
    """Draw the primary button that leads to a restore, and return whether it was pressed. Nothing is written yet."""
    refused = refusal(user, Action.RESTORE)
    return st.button(
        label,
        key=key,
        type="primary",
        icon=RESTORE_ICON,
        disabled=disabled or refused is not None,
        help=refused or help_text,
    )
