"""Bring people back: preview, confirm, watch, read the result."""

import streamlit as st

from hlcore.ui import session
from hlcore.ui.components.formatting import plural
from hlcore.ui.components.tables import empty_state
from hlcore.ui.restore import decisions, drafts, job_view, plan_view, preview

user = session.current_user()
ids = session.selected_location_ids()
jobs = job_view.selected_jobs()
contacts = [] if jobs else drafts.draft_contacts()

if jobs:
    st.button("All restores", key="back", icon=":material/arrow_back:", type="tertiary", on_click=job_view.close_jobs)
    job_view.show_jobs(jobs, user)
    st.stop()

st.title("Restore")
if not contacts:
    st.markdown("Bring deleted people back into HighLevel, without messaging anybody.")
    empty_state(
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
    people = plural(len(contacts), "person", "people")
    st.markdown(f"Preview for {people}. Nothing is written until you confirm, and nobody gets a message.")
    path = preview.choose_path()
    choices = decisions.choose_options(sorted({contact.location_id for contact in contacts}))
    drafts.keep_draft(contacts, path, choices)
    task = preview.current_plan(contacts, path, choices)
    if not task.done:
        preview.show_planning_progress(task)
    elif task.error is not None:
        preview.show_failure(task)
    else:
        plan_view.show_summary(plan_view.plan_verdicts(task))
        st.markdown(plan_view.summary_text(task))
        decisions.ask_stages(task.plans)
        preview.show_actions(task, user)
        plan_view.show_plans(task)

st.subheader("Recent restores", anchor=False)
if not job_view.show_recent_jobs(ids):
    st.caption("Nobody has been restored yet. Every restore is listed here and can be opened again.")
