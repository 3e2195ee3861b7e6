"""Does HighLevel tell us what happens, and how is that set up?"""

import streamlit as st

from hlcore.governance.roles import Act
from hlcore.ui import session, webhooks

person = session.person()
settings = session.settings()
found = [location for location in session.chosen_locations() if location.connected]
heard = webhooks.hearing(session.office(), found)

st.title("Webhooks")
webhooks.answer(heard, found, settings)
if heard.last or heard.refused:
    webhooks.numbers(heard)
with st.expander("How to set webhooks up", expanded=not heard.last, icon=":material/build:", key="webhooks_how"):
    webhooks.how_to(settings, person.may(Act.SETTINGS))
