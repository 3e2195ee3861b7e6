"""Connecting an account: how to make a token in HighLevel, which scopes it needs, and the form.

Connecting accounts by the OAuth app, on the Settings page: begin, what came of it, what must be done again.
"""

from __future__ import annotations

import streamlit as st

from hlcore.accounts.oauth_install import create_ticket
from hlcore.app_context import AppContext
from hlcore.governance.roles import Action, User
from hlcore.highlevel.endpoints import ENDPOINTS
from hlcore.runtime import Runtime
from hlcore.store import locations, oauth_grants
from hlcore.ui import account_tasks
from hlcore.ui.components.errors import errors_shown
from hlcore.ui.components.formatting import day, many, plain

HELP = "https://help.gohighlevel.com/support/solutions/articles/155000003054"


def scopes(*, writing: bool) -> list[str]:
    """The scopes that Contact Vault's own requests need: those that read, or those that write, by name."""
    return sorted({endpoint.scope for endpoint in ENDPOINTS.values() if endpoint.writes is writing})


def scope_words(scope: str) -> str:
    """'View locations / custom fields' for `locations/customFields.readonly`."""
    name, _, right = scope.rpartition(".")
    spaced = "".join(f" {char.lower()}" if char.isupper() else char for char in name).replace("/", " / ")
    return f"{'Edit' if right == 'write' else 'View'} {spaced}"


def how_to() -> None:
    """The steps in HighLevel, with exactly the scopes to tick."""
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
        st.code("\n".join(scopes(writing=False)), language=None)
    with writing:
        st.markdown("**To restore**")
        st.code("\n".join(scopes(writing=True)), language=None)
    st.caption("Nothing here can send a message to anybody, and nothing is deleted in HighLevel without your order.")
    st.markdown(f":small[[HighLevel's own description]({HELP})]")


def form(runtime: Runtime, user: User) -> None:
    """The form; after a success the page is drawn anew with the account on it. The token is never shown again."""
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
        sent = st.form_submit_button(
            "Check and connect", type="primary", icon=":material/link:", disabled=not allowed, key="connect_send"
        )
    if not allowed:
        st.caption("Your role may look, not connect accounts.")
    if sent:
        with errors_shown():
            with st.spinner("Asking HighLevel …"):
                name = account_tasks.connect(runtime, user, location_id, token)
            st.session_state["settings_done"] = f"{plain(name)} is connected. The first copy begins by itself."
            st.session_state["connect_forget"] = True
            st.rerun()


PROBLEMS = {
    "not_open": "The vault was not open yet. Try again.",
    "declined": "The installation was not completed in HighLevel. Nothing was changed.",
    "not_allowed": "The installation was begun in another browser, by somebody else, or more than ten minutes ago. "
    "Begin again here.",
    "no_app": "HighLevel does not know the app: check HLCORE_CLIENT_ID and HLCORE_CLIENT_SECRET.",
    "refused": "HighLevel did not give its authorisation. Begin again here; the server's log names the reason.",
}


def outcome() -> None:
    """What came of an installation, once, when the browser is back from HighLevel."""
    asked = st.query_params
    if asked.get("install") != "back":
        return
    problem, connected, failed = asked.get("problem", ""), asked.get("connected", ""), asked.get("failed", "")
    for name in ("install", "problem", "connected", "failed"):
        asked.pop(name, None)
    if problem:
        st.error(PROBLEMS.get(problem, PROBLEMS["refused"]), icon=":material/error:")
        return
    number = int(connected) if connected.isdigit() else 0
    st.success(f"{many(number, 'account is', 'accounts are').capitalize()} connected.", icon=":material/check_circle:")
    if failed.isdigit() and int(failed):
        st.warning(
            f"{many(int(failed), 'account', 'accounts')} could not be connected; it is tried again every hour.",
            icon=":material/warning:",
        )


def troubles(context: AppContext) -> None:
    """Every authorisation that a person must give again, with the reason."""
    with context.vault.read() as tx:
        found = [grant for grant in oauth_grants.all(tx) if grant.trouble]
        names = {place.location_id: place.name for place in locations.all(tx, connected_only=False)}
    for grant in found:
        whose = names.get(grant.owner_id, grant.owner_id) if grant.kind == oauth_grants.LOCATION else "The agency"
        since = f" (since {day(grant.trouble_at, 'UTC')})" if grant.trouble_at else ""
        st.error(
            f"**{plain(whose)} must be connected again{since}.** {plain(grant.trouble)} What was copied is safe.",
            icon=":material/link_off:",
        )


def connect(runtime: Runtime, user: User) -> None:
    """The way to HighLevel, where an app is set up and the person may connect accounts; else how to set one up."""
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
        word = create_ticket(context, user)
        st.link_button(
            "Connect with HighLevel", f"oauth/start?ticket={word}", icon=":material/open_in_new:", type="primary"
        )
        st.caption("Choose one sub-account, or the whole agency: its accounts are then connected by themselves.")
