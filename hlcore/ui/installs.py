"""Connecting accounts by the OAuth app, on the Settings page: begin, what came of it, what must be done again."""

from __future__ import annotations

import streamlit as st

from hlcore.governance.roles import Act, Person
from hlcore.installing import ticket
from hlcore.store import grants, locations
from hlcore.ui.errors import shown
from hlcore.ui.house import House
from hlcore.ui.words import day, many, plain
from hlcore.wiring import Office

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


def troubles(office: Office) -> None:
    """Every authorisation that a person must give again, with the reason."""
    with office.vault.read() as tx:
        found = [grant for grant in grants.all(tx) if grant.trouble]
        names = {place.location_id: place.name for place in locations.all(tx, connected_only=False)}
    for grant in found:
        whose = names.get(grant.owner_id, grant.owner_id) if grant.kind == grants.LOCATION else "The agency"
        since = f" (since {day(grant.trouble_at, 'UTC')})" if grant.trouble_at else ""
        st.error(
            f"**{plain(whose)} must be connected again{since}.** {plain(grant.trouble)} What was copied is safe.",
            icon=":material/link_off:",
        )


def connect(house: House, person: Person) -> None:
    """The way to HighLevel, where an app is set up and the person may connect accounts; else how to set one up."""
    office = house.real
    if office is None or not house.settings.has_app:
        with st.expander("Many accounts at once: connect by an app of your own", icon=":material/apps:"):
            st.markdown(
                "With a private Marketplace app, one installation connects one sub-account or all of an agency, and "
                "webhooks become possible. Set `HLCORE_CLIENT_ID`, `HLCORE_CLIENT_SECRET` and `HLCORE_REDIRECT_URI` "
                "(this dashboard's address and `/oauth/callback`, as in the app's Auth page), and restart."
            )
        return
    if not person.may(Act.CONNECT):
        return
    with shown():
        word = ticket(office, person)
        st.link_button(
            "Connect with HighLevel", f"oauth/start?ticket={word}", icon=":material/open_in_new:", type="primary"
        )
        st.caption("Choose one sub-account, or the whole agency: its accounts are then connected by themselves.")
