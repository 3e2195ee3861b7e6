"""One location on the Settings page: its state, "Sync now", recovery window, alarm thresholds, disconnecting."""

from __future__ import annotations

import streamlit as st

from hlcore.accounts import location_settings
from hlcore.errors import VaultError
from hlcore.governance.roles import Action, User
from hlcore.model.recovery_window import DEFAULT_DAYS, DEFAULT_REASON, HIPAA_REASON, recovery_window
from hlcore.runtime import get_runtime
from hlcore.store.locations import Location
from hlcore.ui import account_tasks, session
from hlcore.ui.components.errors import errors_shown, show_error
from hlcore.ui.components.formatting import day, escaped, percent, plural
from hlcore.ui.run_progress import watch_sync

STANDARD, SIXTY, HIPAA, CUSTOM = "30 days", "60 days", "None: HIPAA account", "Another number"
SIXTY_REASON = "HighLevel's help articles on restoring contacts say 60 days."


def show_account_card(location: Location, user: User) -> None:
    """Draw everything about one location."""
    location_id = location.location_id
    with st.container(border=True, key=f"account_{location_id}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"#### {escaped(location.name)} {_badges(location)}", width="content", anchors=False)
            if location.connected:
                st.button(
                    "Sync now",
                    key=f"sync_{location_id}",
                    icon=":material/sync:",
                    disabled=not user.may(Action.SYNC),
                    on_click=_start_sync,
                    args=(location, user),
                )
        since = f"connected {day(location.connected_at, location.timezone)}"
        st.caption(f"{escaped(location_id)} · {escaped(location.timezone)} · {since}")
        sync_error = st.session_state.pop(f"sync_error_{location_id}", None)
        if sync_error is not None:
            show_error(sync_error)
        if location.connected:
            watch_sync(location)
        else:
            st.caption("Nothing new is copied. What was copied stays here; connect it again below to go on.")
        _show_settings(location, user)


def _badges(location: Location) -> str:
    if not location.connected:
        return ":gray-badge[:material/link_off: Disconnected]"
    demo = " :violet-badge[:material/science: Demo]" if location.is_demo else ""
    return f":green-badge[:material/link: Connected]{demo}"


def _start_sync(location: Location, user: User) -> None:
    try:
        account_tasks.sync_now(get_runtime(), user, location)
    except VaultError as error:
        st.session_state[f"sync_error_{location.location_id}"] = error


def _show_settings(location: Location, user: User) -> None:
    location_id = location.location_id
    window = recovery_window(location.window_days, hipaa=location.hipaa, reason=location.window_reason)
    with st.expander(f"Recovery window: {window.days} days" if window.days else "Recovery window: none"):
        st.markdown(escaped(window.reason))
        _show_window_form(location, user)
    floor, share = _thresholds(location)
    with st.expander(f"Alarm: more than {floor:,} and {percent(share)} missing at once"):
        _show_threshold_form(location, user, floor, share)
    if location.connected and user.may(Action.DISCONNECT):
        with st.popover("Disconnect", icon=":material/link_off:", key=f"leave_{location_id}"):
            st.markdown(
                f"**Disconnect {escaped(location.name)}?** The token is forgotten and deletions are no longer noticed. "
                "The copy stays and can still be searched and exported."
            )
            if st.button("Disconnect", key=f"disconnect_{location_id}", type="primary"):
                with errors_shown():
                    location_settings.disconnect(session.app_context(), user, location_id)
                    _finish(f"{escaped(location.name)} is disconnected. Its copy stays.")


def _show_window_form(location: Location, user: User) -> None:
    location_id, allowed = location.location_id, user.may(Action.SETTINGS)
    choices = [STANDARD, SIXTY, HIPAA, CUSTOM]
    current = _window_choice(location)
    captions = ["The careful choice: within both published figures.", SIXTY_REASON, HIPAA_REASON, "If you know better."]
    with st.form(f"window_{location_id}", border=False):
        choice = st.radio(
            "How long HighLevel can bring a deleted contact back",
            choices,
            index=choices.index(current),
            captions=captions,
            key=f"window_choice_{location_id}",
            disabled=not allowed,
        )
        days = st.number_input(
            "Days, for another number",
            min_value=0,
            max_value=3650,
            value=location.window_days if current == CUSTOM and location.window_days is not None else DEFAULT_DAYS,
            key=f"window_days_{location_id}",
            disabled=not allowed,
        )
        reason = st.text_input(
            "Why, for another number",
            value=location.window_reason if current == CUSTOM else "",
            max_chars=300,
            key=f"window_reason_{location_id}",
            disabled=not allowed,
        )
        policy = st.checkbox(
            "On a HIPAA account: deleted people may be re-created from the copy",
            value=location.hipaa_recreate,
            help="Off until your organisation decides so. The decision is kept in the activity log.",
            key=f"window_policy_{location_id}",
            disabled=not allowed,
        )
        submitted = st.form_submit_button("Save window", key=f"window_send_{location_id}", disabled=not allowed)
    st.caption(DEFAULT_REASON)
    if submitted:
        with errors_shown():
            values = {STANDARD: (None, ""), SIXTY: (60, SIXTY_REASON), HIPAA: (None, ""), CUSTOM: (int(days), reason)}
            number, why = values[choice]
            location_settings.set_window(
                session.app_context(),
                user,
                location_id,
                days=number,
                hipaa=choice == HIPAA,
                reason=why,
                hipaa_recreate=policy,
            )
            _finish("The recovery window is saved.")


def _show_threshold_form(location: Location, user: User, floor: int, share: float) -> None:
    location_id, allowed = location.location_id, user.may(Action.SETTINGS)
    st.markdown(
        "When more contacts than **both** figures are missing at once, a sample is asked for by id first. A broken "
        "answer of HighLevel is then never mistaken for a mass deletion."
    )
    with st.form(f"care_{location_id}", border=False):
        left, right = st.columns(2)
        new_floor = left.number_input(
            "Contacts", min_value=0, max_value=1_000_000, value=floor, key=f"floor_{location_id}", disabled=not allowed
        )
        new_share = right.number_input(
            "Share of the account, %",
            min_value=0.0,
            max_value=100.0,
            value=round(share * 100, 2),
            step=0.5,
            key=f"share_{location_id}",
            disabled=not allowed,
        )
        submitted = st.form_submit_button("Save alarm", key=f"care_send_{location_id}", disabled=not allowed)
    standard = session.settings()
    st.caption(f"Standard: {plural(standard.incident_floor, 'contact')} and {percent(standard.incident_share)}.")
    if submitted:
        with errors_shown():
            location_settings.set_thresholds(
                session.app_context(), user, location_id, floor=int(new_floor), share=float(new_share) / 100
            )
            _finish("The alarm is saved.")


def _thresholds(location: Location) -> tuple[int, float]:
    rules = session.app_context().rules(location)
    return rules.incident_floor, rules.incident_share


def _window_choice(location: Location) -> str:
    if location.hipaa:
        return HIPAA
    return {None: STANDARD, DEFAULT_DAYS: STANDARD, 60: SIXTY}.get(location.window_days, CUSTOM)


def _finish(message: str) -> None:
    st.session_state["settings_done"] = message
    st.rerun()
