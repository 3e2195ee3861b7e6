"""Which accounts are copied, and how carefully?"""

import streamlit as st

from hlcore.ui import connecting, installs, office
from hlcore.ui.accounts import card
from hlcore.ui.empty import empty
from hlcore.ui.house import house
from hlcore.ui.words import count, many

MOST_CARDS = 4
person = office.person()
settings = office.settings()
found = office.chosen_locations()
connected = [location for location in office.locations() if location.connected]

st.title("Settings")
st.markdown(
    f"{many(len(connected), 'account is', 'accounts are').capitalize()} connected; a complete round of each begins "
    f"every {many(settings.sync_minutes, 'minute')}."
    if settings.worker == "on"
    else f"{many(len(connected), 'account is', 'accounts are').capitalize()} connected. The background worker of this "
    "dashboard is switched off; rounds begin when somebody asks for one, or by `python -m hlcore worker`."
)
if done := st.session_state.pop("settings_done", ""):
    st.success(done, icon=":material/check_circle:")
    st.toast(done, icon=":material/check_circle:")

installs.outcome()
installs.troubles(office.office())

st.subheader("Accounts")
if not found:
    empty(
        "No account is connected",
        "Connect your HighLevel sub-account below. The first copy begins by itself.",
        icon=":material/link:",
    )
if len(found) > MOST_CARDS:
    found = [
        st.selectbox(
            f"Account to look at, of {count(len(found))}", found, key="account_card", format_func=lambda one: one.name
        )
    ]
for location in found:
    card(location, person)

st.subheader("Connect an account", anchor="connect")
with st.container(border=True, key="connect_card"):
    if house().shows_demo:
        st.markdown(
            ":violet-badge[:material/science: Demo] As soon as your account is connected, this dashboard shows it "
            "instead of the demo. The two are kept in separate databases and never mix."
        )
    installs.connect(house(), person)
    left, right = st.columns([2, 3], gap="large")
    with left:
        connecting.form(house(), person)
    with right:
        st.markdown("**How to get a token**")
        connecting.how_to()
