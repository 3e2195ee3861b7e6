"""Who can still be saved, and for how long?"""

import streamlit as st

from hlcore.governance.roles import Action
from hlcore.metrics.deletions import listing
from hlcore.ui import session
from hlcore.ui.components import contact_list
from hlcore.ui.components.contact_picker import Selection, fill_restore_selection
from hlcore.ui.components.formatting import count, many
from hlcore.ui.components.tables import all_clear, empty, pager, slice_of
from hlcore.ui.deletions import at_risk
from hlcore.ui.restore import downloads

user = session.current_user()
places = session.selected_locations()
vault, now = session.app_context().vault, session.now()

st.title("At risk")
headline = st.container()
filters = contact_list.filters("risk", contact_list.choices_of(vault, [place.location_id for place in places]))
counted = at_risk.counted(vault, places, filters, now)
headline.markdown(at_risk.answer(counted, filtered=filters.any))
title = st.segmented_control(
    "How long is left",
    list(at_risk.GROUPS),
    key="left",
    default=at_risk.AT_RISK.title,
    required=True,
    bind="query-params",
)
st.markdown(at_risk.badges(counted))
wanted = at_risk.GROUPS[title].wanted(places, filters)
total = counted[title]
part = slice_of("risk", total, of=wanted)
rows = listing(vault, wanted, now, limit=part.limit, offset=part.offset).rows
choice = Selection("risk")

if rows:
    actions = st.container(horizontal=True, vertical_alignment="center", gap="small", key="risk_actions")
    choice.table(
        [at_risk.table_row(lost) for lost in rows],
        [at_risk.who_of(lost) for lost in rows],
        alt=f"{title}: {part.words} people, the most urgent first. Tick the boxes to choose.",
        columns=at_risk.columns(len(places) > 1, rows),
    )
    pager(part, "person", "people")
    chosen = choice.whos
    with actions:
        may = user.may(Action.RESTORE)
        if st.button(
            f"Restore {count(len(chosen))} …" if chosen else "Restore …",
            key="restore",
            type="primary",
            icon=":material/settings_backup_restore:",
            disabled=not chosen or not may,
            help=None if may else "Your role may look, not restore.",
        ):
            fill_restore_selection(chosen)
            st.switch_page("restore.py")
        downloads.people_button(chosen, wanted, total, user)
        if chosen:
            st.markdown(f"**{many(len(chosen), 'person', 'people')} chosen**", width="content")
            st.button("Clear", key="clear_choice", type="tertiary", on_click=choice.clear)
        else:
            st.caption("Tick people in the table, on as many pages as you like.", width="content")
        if len(chosen) < total <= at_risk.MOST_AT_ONCE:
            add = at_risk.everybody(vault, wanted, now)
            st.button(f"Choose all {count(total)}", key="all", type="tertiary", on_click=choice.add, args=(add,))
elif filters.any:
    empty("Nobody matches", "Try fewer letters, or clear the filters.", icon=":material/search_off:")
    st.button("Clear the filters", key="clear", on_click=contact_list.clear_filters, args=("risk",))
elif title == at_risk.AT_RISK.title:
    all_clear("Nobody is at risk", "Whoever is deleted in HighLevel appears here after the next round.")
else:
    empty("Nobody in this group", "Choose another group above.", icon=":material/timer:")

with st.expander("How the days are counted", icon=":material/schedule:"):
    st.markdown(at_risk.clock_words(places))
