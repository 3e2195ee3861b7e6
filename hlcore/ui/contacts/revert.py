"""Time travel on the pages: an earlier state beside today's, choosing fields, and the job that puts them back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from hlcore.governance.roles import Action, User
from hlcore.model.revert import FieldHistory
from hlcore.restore.revert import ContactAt, at_moment, create_put_back
from hlcore.runtime import get_runtime
from hlcore.ui import session
from hlcore.ui.components import contact_fields, errors
from hlcore.ui.components.contact_fields import Names
from hlcore.ui.components.formatting import many, moment, plain
from hlcore.ui.components.tables import choose
from hlcore.ui.contacts.contact_data import ContactData
from hlcore.ui.restore.tasks import carry_on

MOMENT, ASKING = "before", "confirm_put_back"
"""URL parameter of the moment that a record is shown at; session key of the question."""
_TEXT = st.column_config.TextColumn
_COLUMNS: dict[str, Any] = {
    "Field": _TEXT(width=200),
    "Then": _TEXT(width=260),
    "Today": _TEXT(width=260),
}


def look_back(at: datetime) -> None:
    """The record shows the state right before this moment."""
    st.query_params[MOMENT] = str(int(at.timestamp() * 1_000_000))
    st.session_state.pop(ASKING, None)


def look_at_today() -> None:
    """The record shows today only."""
    st.query_params.pop(MOMENT, None)
    st.session_state.pop(ASKING, None)


def asked_moment() -> datetime | None:
    """The moment that the URL names."""
    text = st.query_params.get(MOMENT, "")
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        return None
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(text))


def draw(sheet: ContactData, user: User) -> None:
    """The chosen moment's state beside today's, with the way to put fields back; nothing where none was chosen."""
    at = asked_moment()
    if at is None:
        return
    vault, held = session.app_context().vault, sheet.stored
    past = at_moment(vault, held.location_id, held.contact_id, at)
    with st.container(border=True, gap="small", key="rewind"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"##### :material/history: Before {moment(at, sheet.tz)}, beside today", width="stretch")
            st.button("Close", key="rewind_close", type="tertiary", on_click=look_at_today)
        if past is None:
            st.caption("Of that moment there is no copy of this person, or the person is not in HighLevel now.")
        elif not past.aspects:
            st.caption("Nothing differs from today.")
        else:
            _choose_fields(past, sheet, user, at)


def _choose_fields(past: ContactAt, sheet: ContactData, user: User, at: datetime) -> None:
    possible = [one for one in past.aspects if not one.obstacle]
    chosen: list[str] = []
    if possible:
        st.caption("Tick what shall be as it was. Only that is written; everything else stays as it is.")
        rows = [row(one, sheet.names, sheet.tz) for one in possible]
        ids = [one.field for one in possible]
        chosen = choose(rows, ids, key=f"rewind_{at:%Y%m%d%H%M%S%f}", alt="Fields then and today", columns=_COLUMNS)
    obstacles(past.aspects, sheet.names, sheet.tz)
    if "tags" in chosen:
        st.caption(":material/sell: " + tag_words(next(one for one in possible if one.field == "tags")))
    if possible:
        said = f"Values from before {moment(at, sheet.tz)}."
        button([past], chosen, user, sheet.stored.location_id, said)


def row(one: FieldHistory, names: Names, tz: str) -> dict[str, Any]:
    """A field then and today."""
    then, now = (contact_fields.text(one.field, value, names, tz) for value in (one.then, one.now))
    return {"Field": contact_fields.label(one.field, names), "Then": then, "Today": now}


def obstacles(found: Sequence[FieldHistory], names: Names, tz: str) -> None:
    """What differs and cannot be put back, with the reason."""
    for one in (each for each in found if each.obstacle):
        then, now = (plain(contact_fields.text(one.field, value, names, tz)) for value in (one.then, one.now))
        label = plain(contact_fields.label(one.field, names))
        st.caption(f":material/lock: {label}: {then} → {now}. {plain(one.obstacle)}")


def tag_words(one: FieldHistory) -> str:
    """What putting tags back adds and takes away: HighLevel replaces the whole list."""
    then, now = ({str(tag) for tag in value} if isinstance(value, list) else set() for value in (one.then, one.now))
    parts = [f"adds {plain(', '.join(sorted(then - now)))}"] if then - now else []
    parts += [f"takes away {plain(', '.join(sorted(now - then)))}"] if now - then else []
    return f"The whole list of tags is replaced: {' and '.join(parts) or 'same tags'}. Tags can start workflows."


def button(pasts: Sequence[ContactAt], chosen: Collection[str], user: User, location_id: str, said: str) -> None:
    """Puts the chosen fields of these people back, after a question."""
    wanted = [past for past in pasts if past.chosen(chosen)]
    may = user.may(Action.RESTORE)
    number = len(set(chosen))
    words = f"Put {many(number, 'field')} back" if chosen else "Put back"
    label = f"{words} for {many(len(wanted), 'person', 'people')} …" if len(pasts) > 1 and wanted else f"{words} …"
    if st.button(
        label,
        key="put_back",
        type="primary",
        icon=":material/history:",
        disabled=not wanted or not may,
        help=None if may else "Your role may look, not restore.",
    ):
        st.session_state[ASKING] = True
    if st.session_state.get(ASKING) and wanted:
        _dialog(wanted, chosen, user, location_id, said)


def _dialog(wanted: Sequence[ContactAt], chosen: Collection[str], user: User, location_id: str, said: str) -> None:
    counted = Counter(one.field for past in wanted for one in past.chosen(chosen))
    people = many(len(wanted), "person", "people")

    @st.dialog(f"Put back for {people}?", icon=":material/history:", on_dismiss=_do_not_ask)
    def ask() -> None:
        st.markdown(f"{many(counted.total(), 'value').capitalize()} of **{people}** will be as before in HighLevel.")
        st.markdown(
            "- Only the chosen fields are written; each person is read before and after.\n"
            "- Whatever was changed in HighLevel since the last copy stays as it is.\n"
            "- Do-not-disturb is never loosened. Nobody gets a message from this; workflows of yours that watch these "
            "fields or tags may start.\n"
            "- What stands there today is kept and can be put back too."
        )
        with st.container(horizontal=True, gap="small"):
            sure = st.button("Put back", key="sure_put_back", type="primary")
            if st.button("Cancel", key="cancel_put_back"):
                _do_not_ask()
                st.rerun()
        if sure:
            with errors.errors_shown():
                _begin(wanted, chosen, user, location_id, said)

    ask()


def _begin(wanted: Sequence[ContactAt], chosen: Collection[str], user: User, location_id: str, said: str) -> None:
    here = session.app_context()
    job_id = create_put_back(here.vault, location_id, wanted, chosen, user, here.clock.now, said=said)
    _do_not_ask()
    carry_on(get_runtime(), here, location_id, job_id, user)
    st.switch_page("restore.py", query_params={"job": str(job_id)})


def _do_not_ask() -> None:
    st.session_state.pop(ASKING, None)
