"""Connecting an account: how to make a token in HighLevel, which scopes it needs, and the form."""

from __future__ import annotations

import streamlit as st

from hlcore.governance.roles import Act, Person
from hlcore.highlevel.endpoints import ENDPOINTS
from hlcore.ui import acts
from hlcore.ui.errors import shown
from hlcore.ui.house import House
from hlcore.ui.words import plain

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


def form(house: House, person: Person) -> None:
    """The form; after a success the page is drawn anew with the account on it. The token is never shown again."""
    allowed = person.may(Act.CONNECT)
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
        with shown():
            with st.spinner("Asking HighLevel …"):
                name = acts.connect(house, person, location_id, token)
            st.session_state["settings_done"] = f"{plain(name)} is connected. The first copy begins by itself."
            st.session_state["connect_forget"] = True
            st.rerun()
