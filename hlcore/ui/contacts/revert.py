"""Putting fields back: an earlier state beside today's, the choice of fields, and the job that writes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from hlcore.governance.roles import Action, User
from hlcore.model.restore.revert import FieldHistory
from hlcore.restore.revert import ContactAt, RevertRequest, contact_at, create_revert
from hlcore.runtime import get_runtime
from hlcore.ui import session
from hlcore.ui.components import contact_fields, errors
from hlcore.ui.components.buttons import confirm_buttons, refusal
from hlcore.ui.components.contact_fields import Names
from hlcore.ui.components.formatting import escaped, moment, plural
from hlcore.ui.components.navigation import RESTORE, go_to
from hlcore.ui.components.tables import selectable_table
from hlcore.ui.contacts.contact_data import ContactData
from hlcore.ui.restore.tasks import start_job

MOMENT_PARAM, DIALOG_KEY = "before", "confirm_put_back"
"""Query parameter of the moment that a record is shown at; session key of the open dialog."""
_TEXT = st.column_config.TextColumn
_COLUMNS: dict[str, Any] = {"Field": _TEXT(width=200), "Then": _TEXT(width=260), "Today": _TEXT(width=260)}


def open_past_state(at: datetime) -> None:
    """Show the record's state right before this moment."""
    st.query_params[MOMENT_PARAM] = str(int(at.timestamp() * 1_000_000))
    st.session_state.pop(DIALOG_KEY, None)


def close_past_state() -> None:
    """Show the record as it is today only."""
    st.query_params.pop(MOMENT_PARAM, None)
    st.session_state.pop(DIALOG_KEY, None)


def selected_moment() -> datetime | None:
    """Return the moment that the URL names."""
    text = st.query_params.get(MOMENT_PARAM, "")
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        return None
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(text))


def show_past_state(data: ContactData, user: User) -> None:
    """Draw the state right before the selected moment beside today's, with the way to put fields back; nothing where no
    moment is selected."""
    at = selected_moment()
    if at is None:
        return
    vault, stored = session.app_context().vault, data.stored
    past = contact_at(vault, stored.location_id, stored.contact_id, at)
    with st.container(border=True, gap="small", key="rewind"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(
                f"##### :material/history: Before {moment(at, data.tz)}, beside today", width="stretch", anchors=False
            )
            st.button("Close", key="rewind_close", type="tertiary", on_click=close_past_state)
        if past is None:
            st.caption("Of that moment there is no copy of this person, or the person is not in HighLevel now.")
        elif not past.histories:
            st.caption("Nothing differs from today.")
        else:
            _choose_fields(past, data, user, at)


def _choose_fields(past: ContactAt, data: ContactData, user: User, at: datetime) -> None:
    revertible = [history for history in past.histories if not history.obstacle]
    chosen: list[str] = []
    if revertible:
        st.caption("Tick what shall be as it was. Only that is written; everything else stays as it is.")
        rows = [field_row(history, data.names, data.tz) for history in revertible]
        ids = [history.field for history in revertible]
        chosen = selectable_table(
            rows, ids, key=f"rewind_{at:%Y%m%d%H%M%S%f}", alt="Fields then and today", columns=_COLUMNS
        )
    show_obstacles(past.histories, data.names, data.tz)
    if "tags" in chosen:
        st.caption(":material/sell: " + tags_text(next(history for history in revertible if history.field == "tags")))
    if revertible:
        description = f"Values from before {moment(at, data.tz)}."
        revert_button([past], chosen, user, data.stored.location_id, description)


def field_row(history: FieldHistory, names: Names, tz: str) -> dict[str, Any]:
    """Return a field then and today as a row."""
    then, now = (contact_fields.value_text(history.field, value, names, tz) for value in (history.then, history.now))
    return {"Field": contact_fields.field_label(history.field, names), "Then": then, "Today": now}


def show_obstacles(histories: Sequence[FieldHistory], names: Names, tz: str) -> None:
    """Draw what differs and cannot be put back, with the reason."""
    for history in (history for history in histories if history.obstacle):
        then, now = (
            escaped(contact_fields.value_text(history.field, value, names, tz)) for value in (history.then, history.now)
        )
        label = escaped(contact_fields.field_label(history.field, names))
        st.caption(f":material/lock: {label}: {then} → {now}. {escaped(history.obstacle)}")


def tags_text(history: FieldHistory) -> str:
    """Return what putting tags back adds and takes away: HighLevel replaces the whole list."""
    then, now = (
        {str(tag) for tag in value} if isinstance(value, list) else set() for value in (history.then, history.now)
    )
    parts = [f"adds {escaped(', '.join(sorted(then - now)))}"] if then - now else []
    parts += [f"takes away {escaped(', '.join(sorted(now - then)))}"] if now - then else []
    return f"The whole list of tags is replaced: {' and '.join(parts) or 'same tags'}. Tags can start workflows."


def revert_button(
    contacts: Sequence[ContactAt], chosen: Collection[str], user: User, location_id: str, description: str
) -> None:
    """Draw the button that puts the chosen fields of these contacts back, after a confirmation."""
    affected = [contact for contact in contacts if contact.chosen_histories(chosen)]
    refused = refusal(user, Action.RESTORE)
    text = f"Put {plural(len(set(chosen)), 'field')} back" if chosen else "Put back"
    label = (
        f"{text} for {plural(len(affected), 'person', 'people')} …" if len(contacts) > 1 and affected else f"{text} …"
    )
    if st.button(
        label,
        key="put_back",
        type="primary",
        icon=":material/history:",
        disabled=not affected or refused is not None,
        help=refused,
    ):
        st.session_state[DIALOG_KEY] = True
    if st.session_state.get(DIALOG_KEY) and affected:
        _show_dialog(affected, chosen, user, location_id, description)


def _show_dialog(
    contacts: Sequence[ContactAt], chosen: Collection[str], user: User, location_id: str, description: str
) -> None:
    by_field = Counter(history.field for contact in contacts for history in contact.chosen_histories(chosen))
    people = plural(len(contacts), "person", "people")

    @st.dialog(f"Put back for {people}?", icon=":material/history:", on_dismiss=_close_dialog)
    def ask() -> None:
        st.markdown(f"{plural(by_field.total(), 'value').capitalize()} of **{people}** will be as before in HighLevel.")
        st.markdown(
            "- Only the chosen fields are written; each person is read before and after.\n"
            "- Whatever was changed in HighLevel since the last copy stays as it is.\n"
            "- Do-not-disturb is never loosened. Nobody gets a message from this; workflows of yours that watch these "
            "fields or tags may start.\n"
            "- What stands there today is kept and can be put back too."
        )
        if confirm_buttons("Put back", _close_dialog, key="sure_put_back", cancel_key="cancel_put_back"):
            with errors.errors_shown():
                _start_revert(contacts, chosen, user, location_id, description)

    ask()


def _start_revert(
    contacts: Sequence[ContactAt], chosen: Collection[str], user: User, location_id: str, description: str
) -> None:
    context = session.app_context()
    request = RevertRequest(location_id, contacts, chosen, description)
    job_id = create_revert(context.vault, request, user, context.clock.now)
    _close_dialog()
    start_job(get_runtime(), context, location_id, job_id, user)
    go_to(RESTORE, {"job": str(job_id)})


def _close_dialog() -> None:
    st.session_state.pop(DIALOG_KEY, None)
