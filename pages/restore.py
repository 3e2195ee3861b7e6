"""Bring people back: preview, confirm, watch, read the result."""

import streamlit as st

from hlcore.governance.roles import Action
from hlcore.ui import session
from hlcore.ui.components.contact_picker import restore_selection
from hlcore.ui.components.formatting import many
from hlcore.ui.components.tables import empty
from hlcore.ui.restore import decisions, job_view, plan_view, preview

user = session.current_user()
ids = session.selected_location_ids()
jobs = job_view.asked_for()
people = restore_selection()

if jobs:
    st.button("All restores", key="back", icon=":material/arrow_back:", type="tertiary", on_click=preview.leave)
    job_view.show(jobs, user)
    st.stop()

st.title("Restore")
if not people:
    st.markdown("Bring deleted people back into HighLevel, without messaging anybody.")
    empty(
        "Nobody is chosen",
        "Choose the people to bring back on At risk (still within HighLevel's own window) or open one under Contacts. "
        "If many vanished at once, Bulk deletions has them together.",
        icon=":material/settings_backup_restore:",
    )
    with st.container(horizontal=True, horizontal_alignment="center", gap="medium"):
        st.page_link("at_risk.py", label="Choose on At risk", icon=":material/timer:", width="content")
        st.page_link("bulk_deletions.py", label="Open Bulk deletions", icon=":material/group_remove:", width="content")
        st.page_link("contacts.py", label="Search Contacts", icon=":material/group:", width="content")
else:
    st.markdown(
        f"Preview for {many(len(people), 'person', 'people')}. Nothing is written until you confirm, and nobody gets a "
        "message."
    )
    path = preview.choose_path()
    choices = decisions.choose(sorted({who.location_id for who in people}))
    planning = preview.planning_for(people, path, choices)
    if not planning.done:
        preview.wait_for(planning)
    elif planning.error is not None:
        preview.failed(planning)
    else:
        st.markdown(plan_view.summary(planning))
        decisions.ask(planning.plans)
        preview.actions(planning, user, may=user.may(Action.RESTORE))
        plan_view.draw(planning)

st.subheader("Recent restores", anchor=False)
if not job_view.recent(ids):
    st.caption("Nobody has been restored yet. Every restore is listed here and can be opened again.")
