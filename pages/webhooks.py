"""Does HighLevel tell us what happens, and how is that set up?"""

import streamlit as st

from hlcore.governance.roles import Action
from hlcore.store.quarantine import DELIVERY
from hlcore.ui import quarantine_table, session, webhooks

user = session.current_user()
settings = session.settings()
locations = [location for location in session.selected_locations() if location.connected]
stats = webhooks.load_stats(session.app_context(), locations)

st.title("Webhooks")
webhooks.show_summary(stats, locations, settings)
if stats.last or stats.refused:
    webhooks.show_figures(stats)
if quarantine_table.count_waiting(
    session.app_context().vault, [place.location_id for place in locations], kinds=[DELIVERY]
):
    st.subheader("Set aside", anchor=False)
    quarantine_table.show_quarantine(user, locations, key="webhooks_aside", kinds=[DELIVERY])
with st.expander("How to set webhooks up", expanded=not stats.last, icon=":material/build:", key="webhooks_how"):
    webhooks.show_setup(settings, user.may(Action.SETTINGS))
