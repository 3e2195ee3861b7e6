"""One connected account on the Settings page: its state, sync now, window, thresholds, disconnecting."""

from __future__ import annotations

import streamlit as st

from hlcore.accounts import settings
from hlcore.errors import VaultError
from hlcore.governance.roles import Action, User
from hlcore.model.recovery_window import DEFAULT_DAYS, DEFAULT_REASON, HIPAA_REASON, window_of
from hlcore.runtime import get_runtime
from hlcore.store.locations import Location
from hlcore.ui import account_tasks, session
from hlcore.ui.components.errors import errors_shown, show
from hlcore.ui.components.formatting import day, many, percent, plain
from hlcore.ui.run_progress import watch_sync

STANDARD, SIXTY, HIPAA, CUSTOM = "30 days", "60 days", "None: HIPAA account", "Another number"
SIXTY_REASON = "HighLevel's help articles on restoring contacts say 60 days."


def card(location: Location, user: User) -> None:
    """Everything about one account."""
    at = location.location_id
    with st.container(border=True, key=f"account_{at}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"#### {plain(location.name)} {_marks(location)}", width="content")
            if location.connected:
                st.button(
                    "Sync now",
                    key=f"sync_{at}",
                    icon=":material/sync:",
                    disabled=not user.may(Action.SYNC),
                    on_click=_sync,
                    args=(location, user),
                )
        since = f"connected {day(location.connected_at, location.timezone)}"
        st.caption(f"{plain(at)} · {plain(location.timezone)} · {since}")
        refused = st.session_state.pop(f"sync_error_{at}", None)
        if refused is not None:
            show(refused)
        if location.connected:
            watch_sync(location)
        else:
            st.caption("Nothing new is copied. What was copied stays here; connect it again below to go on.")
        _settings(location, user)


def _marks(location: Location) -> str:
    if not location.connected:
        return ":gray-badge[:material/link_off: Disconnected]"
    demo = " :violet-badge[:material/science: Demo]" if location.is_demo else ""
    return f":green-badge[:material/link: Connected]{demo}"


def _sync(location: Location, user: User) -> None:
    try:
        account_tasks.sync_now(get_runtime(), user, location)
    except VaultError as error:
        st.session_state[f"sync_error_{location.location_id}"] = error


def _settings(location: Location, user: User) -> None:
    at = location.location_id
    window = window_of(location.window_days, hipaa=location.hipaa, reason=location.window_reason)
    with st.expander(f"Recovery window: {window.days} days" if window.days else "Recovery window: none"):
        st.markdown(window.reason)
        _window_form(location, user)
    floor, share = _thresholds(location)
    with st.expander(f"Alarm: more than {floor:,} and {percent(share)} missing at once"):
        _threshold_form(location, user, floor, share)
    if location.connected and user.may(Action.DISCONNECT):
        with st.popover("Disconnect", icon=":material/link_off:", key=f"leave_{at}"):
            st.markdown(
                f"**Disconnect {plain(location.name)}?** The token is forgotten and deletions are no longer noticed. "
                "The copy stays and can still be searched and exported."
            )
            if st.button("Disconnect", key=f"disconnect_{at}", type="primary"):
                with errors_shown():
                    settings.disconnect(session.app_context(), user, at)
                    _done(f"{plain(location.name)} is disconnected. Its copy stays.")


def _window_form(location: Location, user: User) -> None:
    at, allowed = location.location_id, user.may(Action.SETTINGS)
    choices = [STANDARD, SIXTY, HIPAA, CUSTOM]
    now = _current(location)
    captions = ["The careful choice: within both published figures.", SIXTY_REASON, HIPAA_REASON, "If you know better."]
    with st.form(f"window_{at}", border=False):
        chosen = st.radio(
            "How long HighLevel can bring a deleted contact back",
            choices,
            index=choices.index(now),
            captions=captions,
            key=f"window_choice_{at}",
            disabled=not allowed,
        )
        days = st.number_input(
            "Days, for another number",
            min_value=0,
            max_value=3650,
            value=location.window_days if now == CUSTOM and location.window_days is not None else DEFAULT_DAYS,
            key=f"window_days_{at}",
            disabled=not allowed,
        )
        reason = st.text_input(
            "Why, for another number",
            value=location.window_reason if now == CUSTOM else "",
            max_chars=300,
            key=f"window_reason_{at}",
            disabled=not allowed,
        )
        policy = st.checkbox(
            "On a HIPAA account: deleted people may be re-created from the copy",
            value=location.hipaa_recreate,
            help="Off until your organisation decides so. The decision is kept in the activity log.",
            key=f"window_policy_{at}",
            disabled=not allowed,
        )
        sent = st.form_submit_button("Save window", key=f"window_send_{at}", disabled=not allowed)
    st.caption(DEFAULT_REASON)
    if sent:
        with errors_shown():
            values = {STANDARD: (None, ""), SIXTY: (60, SIXTY_REASON), HIPAA: (None, ""), CUSTOM: (int(days), reason)}
            number, why = values[chosen]
            hipaa = chosen == HIPAA
            settings.set_window(
                session.app_context(), user, at, days=number, hipaa=hipaa, reason=why, hipaa_recreate=policy
            )
            _done("The recovery window is saved.")


def _threshold_form(location: Location, user: User, floor: int, share: float) -> None:
    at, allowed = location.location_id, user.may(Action.SETTINGS)
    st.markdown(
        "When more contacts than **both** figures are missing at once, a sample is asked for by id first. A broken "
        "answer of HighLevel is then never mistaken for a mass deletion."
    )
    with st.form(f"care_{at}", border=False):
        left, right = st.columns(2)
        new_floor = left.number_input(
            "Contacts", min_value=0, max_value=1_000_000, value=floor, key=f"floor_{at}", disabled=not allowed
        )
        new_share = right.number_input(
            "Share of the account, %",
            min_value=0.0,
            max_value=100.0,
            value=round(share * 100, 2),
            step=0.5,
            key=f"share_{at}",
            disabled=not allowed,
        )
        sent = st.form_submit_button("Save alarm", key=f"care_send_{at}", disabled=not allowed)
    st.caption(f"Standard: {many(session.settings().incident_floor, 'contact')} and {percent(_standard_share())}.")
    if sent:
        with errors_shown():
            settings.set_thresholds(session.app_context(), user, at, floor=int(new_floor), share=float(new_share) / 100)
            _done("The alarm is saved.")


def _thresholds(location: Location) -> tuple[int, float]:
    rules = session.app_context().rules(location)
    return rules.incident_floor, rules.incident_share


def _standard_share() -> float:
    return session.settings().incident_share


def _current(location: Location) -> str:
    if location.hipaa:
        return HIPAA
    return {None: STANDARD, DEFAULT_DAYS: STANDARD, 60: SIXTY}.get(location.window_days, CUSTOM)


def _done(words: str) -> None:
    st.session_state["settings_done"] = words
    st.rerun()
