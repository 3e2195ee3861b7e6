"""Which accounts are copied, and how carefully?"""

import streamlit as st

from hlcore.runtime import get_runtime
from hlcore.ui import session
from hlcore.ui.components.formatting import count, many
from hlcore.ui.components.tables import empty
from hlcore.ui.settings import connect
from hlcore.ui.settings.account_card import card

MOST_CARDS = 4
user = session.current_user()
settings = session.settings()
found = session.selected_locations()
connected = [location for location in session.locations() if location.connected]

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

connect.outcome()
connect.troubles(session.app_context())

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
    card(location, user)

st.subheader("Connect an account", anchor="connect")
with st.container(border=True, key="connect_card"):
    if get_runtime().shows_demo:
        st.markdown(
            ":violet-badge[:material/science: Demo] As soon as your account is connected, this dashboard shows it "
            "instead of the demo. The two are kept in separate databases and never mix."
        )
    connect.connect(get_runtime(), user)
    left, right = st.columns([2, 3], gap="large")
    with left:
        connect.form(get_runtime(), user)
    with right:
        st.markdown("**How to get a token**")
        connect.how_to()
