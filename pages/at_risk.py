"""Who can still be saved, and for how long?"""

import streamlit as st

from hlcore.metrics.deletions import count_known, list_deletions
from hlcore.metrics.overview import overview as load_overview
from hlcore.ui import session
from hlcore.ui.components import address, contact_list
from hlcore.ui.components.buttons import restore_button
from hlcore.ui.components.contact_picker import Selection
from hlcore.ui.components.formatting import count, escaped, plural
from hlcore.ui.components.tables import all_clear, empty_state, page_slice, pager
from hlcore.ui.deletions import at_risk
from hlcore.ui.restore import downloads, drafts, open_jobs, twin_note

user = session.current_user()
locations = session.selected_locations()
vault, now = session.app_context().vault, session.now()

st.title("At risk")
headline = st.container()
options = contact_list.load_filter_options(vault, [location.location_id for location in locations])
filters = contact_list.show_filters("risk", options, at_risk.ORDERING)
counts = at_risk.count_groups(vault, locations, filters, now)
ids = [location.location_id for location in locations]
doubts = [] if any(counts.values()) else load_overview(vault, ids, now, session.settings()).doubts
headline.markdown(escaped(" ".join(doubts)) if doubts else at_risk.summary_text(counts, filtered=filters.any))
groups = list(at_risk.GROUPS)
title = address.choice(
    "left", groups, lambda: st.segmented_control("How long is left", groups, key="left", required=True)
)
st.markdown(at_risk.group_badges(counts))
twin_note.show_twins([location.location_id for location in locations], user)
query = at_risk.GROUPS[title].query(locations, filters)
total = counts[title]
part = page_slice("risk", total, query=(query, at_risk.ORDERING.chosen))
sort, descending = at_risk.ORDERING.orders[at_risk.ORDERING.chosen]
page = list_deletions(vault, query, now, limit=part.limit, offset=part.offset, sort=sort, descending=descending)
rows = page.rows
selection = Selection("risk")
in_jobs = open_jobs.people_in_jobs(query.location_ids)
tz = session.shared_timezone(locations)

if rows:
    st.caption(at_risk.known_text(count_known(vault, query, now), total))
    actions = st.container(horizontal=True, vertical_alignment="center", gap="small", key="risk_actions")
    selection.table(
        [at_risk.table_row(row, in_jobs, tz) for row in rows],
        [at_risk.contact_ref(row) for row in rows],
        alt=f"{title}: {part.range_text} people. Tick the boxes to choose, click a header to sort by it.",
        columns=at_risk.columns(len(locations) > 1, rows),
        ordering=at_risk.ORDERING,
    )
    pager(part, "person", "people", tz=tz)
    chosen = [contact for contact in selection.contacts if contact not in in_jobs]
    with actions:
        label = f"Restore {count(len(chosen))} …" if chosen else "Restore …"
        if restore_button(label, key="restore", user=user, disabled=not chosen):
            drafts.open_draft(chosen)
        downloads.at_risk_button(chosen, query, total, user)
        if chosen:
            st.markdown(f"**{plural(len(chosen), 'person', 'people')} chosen**", width="content")
            st.button("Clear", key="clear_choice", type="tertiary", on_click=selection.clear)
        else:
            st.caption("Tick people in the table, on as many pages as you like.", width="content")
        if len(chosen) < total <= at_risk.MAX_SELECTED_AT_ONCE:
            everybody = [contact for contact in at_risk.list_contacts(vault, query, now) if contact not in in_jobs]
            label = f"Choose all {count(len(everybody))}"
            st.button(label, key="all", type="tertiary", on_click=selection.add, args=(everybody,))
    if left_out := open_jobs.left_out_text(selection.contacts, in_jobs):
        st.caption(f":material/sync: {left_out}")
elif filters.any:
    contact_list.show_no_matches(vault, "risk", at_risk.contact_query(locations, filters))
elif title == at_risk.AT_RISK.title:
    doubts = doubts or load_overview(vault, ids, now, session.settings()).doubts
    all_clear("Nobody is at risk", "Whoever is deleted in HighLevel appears here after the next round.", doubts)
else:
    empty_state("Nobody in this group", "Choose another group above.", icon=":material/timer:")

with st.expander("How the days are counted", icon=":material/schedule:"):
    st.markdown(at_risk.window_help_text(locations))
