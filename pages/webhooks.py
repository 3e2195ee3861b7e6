"""Does HighLevel tell us what happens, and how is that set up?"""

import streamlit as st

from hlcore.governance.roles import Act
from hlcore.ui import hearing, office

person = office.person()
settings = office.settings()
found = [location for location in office.chosen_locations() if location.connected]
heard = hearing.hearing(office.office(), found)

st.title("Webhooks")
hearing.answer(heard, found, settings)
if heard.last or heard.refused:
    hearing.numbers(heard)
with st.expander("How to set webhooks up", expanded=not heard.last, icon=":material/build:", key="webhooks_how"):
    hearing.how_to(settings, person.may(Act.SETTINGS))
