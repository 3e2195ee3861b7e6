"""Does HighLevel tell us what happens, and how is that set up?"""

import streamlit as st

from hlcore.governance.roles import Action
from hlcore.ui import session, webhooks

user = session.current_user()
settings = session.settings()
found = [location for location in session.selected_locations() if location.connected]
heard = webhooks.load_stats(session.app_context(), found)

st.title("Webhooks")
webhooks.answer(heard, found, settings)
if heard.last or heard.refused:
    webhooks.numbers(heard)
with st.expander("How to set webhooks up", expanded=not heard.last, icon=":material/build:", key="webhooks_how"):
    webhooks.how_to(settings, user.may(Action.SETTINGS))
