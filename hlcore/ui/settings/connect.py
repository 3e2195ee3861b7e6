"""Connecting locations on the Settings page: by the OAuth app, or with a Private Integration Token."""

from __future__ import annotations

import streamlit as st

from hlcore.accounts.oauth_install import create_ticket
from hlcore.app_context import AppContext
from hlcore.governance.roles import Action, User
from hlcore.highlevel.endpoints import ENDPOINTS
from hlcore.runtime import Runtime
from hlcore.store import locations, oauth_grants
from hlcore.ui import account_tasks
from hlcore.ui.components.buttons import LOOK_ONLY
from hlcore.ui.components.errors import errors_shown
from hlcore.ui.components.formatting import day, escaped, plural

HELP_URL = "https://help.gohighlevel.com/support/solutions/articles/155000003054"
PROBLEMS = {
    "not_open": "The vault was not open yet. Try again.",
    "declined": "The installation was not completed in HighLevel. Nothing was changed.",
    "not_allowed": "The installation was begun in another browser, by somebody else, or more than ten minutes ago. "
    "Begin again here.",
    "no_app": "HighLevel does not know the app: check HLCORE_CLIENT_ID and HLCORE_CLIENT_SECRET.",
    "refused": "HighLevel did not give its authorisation. Begin again here; the server's log names the reason.",
}


def show_install_result() -> None:
    """Draw, once, the result of an installation when the browser comes back from HighLevel."""
    params = st.query_params
    if params.get("install") != "back":
        return
    problem, connected, failed = params.get("problem", ""), params.get("connected", ""), params.get("failed", "")
    for name in ("install", "problem", "connected", "failed"):
        params.pop(name, None)
    if problem:
        st.error(PROBLEMS.get(problem, PROBLEMS["refused"]), icon=":material/error:")
        return
    number = int(connected) if connected.isdigit() else 0
    st.success(
        f"{plural(number, 'account is', 'accounts are').capitalize()} connected.", icon=":material/check_circle:"
    )
    if failed.isdigit() and int(failed):
        st.warning(
            f"{plural(int(failed), 'account')} could not be connected; Contact Vault tries again every hour.",
            icon=":material/warning:",
        )


def show_broken_grants(context: AppContext) -> None:
    """Draw every authorisation that somebody must give again, with the reason."""
    with context.vault.read() as tx:
        broken = [grant for grant in oauth_grants.list_all(tx) if grant.trouble]
        names = {location.location_id: location.name for location in locations.list_all(tx, connected_only=False)}
    for grant in broken:
        owner = names.get(grant.owner_id, grant.owner_id) if grant.kind == oauth_grants.LOCATION else "The agency"
        since = f" (since {day(grant.trouble_at, 'UTC')})" if grant.trouble_at else ""
        st.error(
            f"**{escaped(owner)} must be connected again{since}.** {escaped(grant.trouble)} What was copied is safe.",
            icon=":material/link_off:",
        )


def show_app_connect(runtime: Runtime, user: User) -> None:
    """Draw the link to HighLevel where an app is set up and the user may connect; else how to set one up."""
    context = runtime.real_context
    if context is None or not runtime.settings.has_app:
        with st.expander("Many accounts at once: connect by an app of your own", icon=":material/apps:"):
            st.markdown(
                "With a private Marketplace app, one installation connects one sub-account or all of an agency, and "
                "webhooks become possible. Set `HLCORE_CLIENT_ID`, `HLCORE_CLIENT_SECRET` and `HLCORE_REDIRECT_URI` "
                "(this dashboard's address and `/oauth/callback`, as in the app's Auth page), and restart."
            )
        return
    if not user.may(Action.CONNECT):
        return
    with errors_shown():
        ticket = create_ticket(context, user)
        st.link_button(
            "Connect with HighLevel", f"oauth/start?ticket={ticket}", icon=":material/open_in_new:", type="primary"
        )
        st.caption("Choose one sub-account, or the whole agency: its accounts are then connected by themselves.")


def show_token_form(runtime: Runtime, user: User) -> None:
    """Draw the form. After a success the page is drawn again with the location on it; the token is never shown
    again."""
    allowed = user.may(Action.CONNECT)
    if st.session_state.pop("connect_forget", False):
        st.session_state["connect_location"] = st.session_state["connect_token"] = ""
    with st.form("connect", clear_on_submit=False, border=False):
        location_id = st.text_input(
            "Location id", key="connect_location", placeholder="ve9EPM428h8vShlRW1KT", disabled=not allowed
        )
        token = st.text_input(
            "Private Integration Token",
            key="connect_token",
            type="password",
            placeholder="pit-…",
            autocomplete="off",
            disabled=not allowed,
            help="Kept encrypted in the vault, never shown again.",
        )
        submitted = st.form_submit_button(
            "Check and connect", type="primary", icon=":material/link:", disabled=not allowed, key="connect_send"
        )
    if not allowed:
        st.caption(LOOK_ONLY[Action.CONNECT])
    if submitted:
        with errors_shown():
            with st.spinner("Asking HighLevel …"):
                name = account_tasks.connect(runtime, user, location_id, token)
            st.session_state["settings_done"] = f"{escaped(name)} is connected. The first copy begins by itself."
            st.session_state["connect_forget"] = True
            st.rerun()


def show_token_steps() -> None:
    """Draw the steps in HighLevel, with the scopes to tick."""
    st.markdown(
        "1. In HighLevel, open the sub-account and go to **Settings → Private Integrations**.\n"
        "2. Choose **Create new integration** and call it “Contact Vault”.\n"
        "3. Tick the scopes below. A missing one can be added later; the token stays the same.\n"
        "4. Create it and copy the token at once: HighLevel shows it only this one time.\n"
        "5. The **location id** stands in the sub-account's address, between `/location/` and the next `/`."
    )
    reading, writing = st.columns(2)
    with reading:
        st.markdown("**To copy**")
        st.code("\n".join(required_scopes(writing=False)), language=None)
    with writing:
        st.markdown("**To restore**")
        st.code("\n".join(required_scopes(writing=True)), language=None)
    st.caption("Nothing here can send a message to anybody, and nothing is deleted in HighLevel without your order.")
    st.markdown(f":small[[HighLevel's own description]({HELP_URL})]")


def required_scopes(*, writing: bool) -> list[str]:
    """Return the scopes that Contact Vault's own requests need to read or to write, by name."""
    return sorted({endpoint.scope for endpoint in ENDPOINTS.values() if endpoint.writes is writing})
