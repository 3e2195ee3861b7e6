"""Which accounts are copied, and how carefully?"""

import streamlit as st

from hlcore.runtime import get_runtime
from hlcore.ui import session
from hlcore.ui.components import address
from hlcore.ui.components.formatting import count, plural
from hlcore.ui.components.tables import empty_state
from hlcore.ui.settings import connect
from hlcore.ui.settings.account_card import show_account_card

MAX_CARDS = 4
user = session.current_user()
settings = session.settings()
locations = session.selected_locations()
connected = sum(location.connected for location in session.locations())

st.title("Settings")
connected_text = plural(connected, "account is", "accounts are").capitalize()
st.markdown(
    f"{connected_text} connected; a complete round of each begins every {plural(settings.sync_minutes, 'minute')}."
    if settings.worker == "on"
    else f"{connected_text} connected. The background worker of this dashboard is switched off; rounds begin when "
    "somebody asks for one, or by `python -m hlcore worker`."
)
if done := st.session_state.pop("settings_done", ""):
    st.success(done, icon=":material/check_circle:")
    st.toast(done, icon=":material/check_circle:")

connect.show_install_result()
connect.show_broken_grants(session.app_context())

st.subheader("Accounts", anchor=False)
if not locations:
    empty_state(
        "No account is connected",
        "Connect your HighLevel sub-account below. The first copy begins by itself.",
        icon=":material/link:",
    )
if len(locations) > MAX_CARDS:
    label, by_id = f"Account to look at, of {count(len(locations))}", {each.location_id: each for each in locations}
    card = address.choice(
        "account_card",
        list(by_id),
        lambda: st.selectbox(label, list(by_id), key="account_card", format_func=lambda one: by_id[one].name),
    )
    locations = [by_id[card]]
for location in locations:
    show_account_card(location, user)

st.subheader("Connect an account", anchor="connect")
with st.container(border=True, key="connect_card"):
    if get_runtime().shows_demo:
        st.markdown(
            ":violet-badge[:material/science: Demo] As soon as your account is connected, this dashboard shows it "
            "instead of the demo. The two are kept in separate databases and never mix."
        )
    connect.show_app_connect(get_runtime(), user)
    left, right = st.columns([2, 3], gap="large")
    with left:
        connect.show_token_form(get_runtime(), user)
    with right:
        st.markdown("**How to get a token**")
        connect.show_token_steps()
