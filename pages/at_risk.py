"""Who can still be saved, and for how long?"""

import streamlit as st

from hlcore.governance.roles import Act
from hlcore.metrics.register import listing
from hlcore.ui import office, people, receipts, risk
from hlcore.ui.choosing import Choice, fill_basket
from hlcore.ui.empty import all_clear, empty
from hlcore.ui.tables import pager, slice_of
from hlcore.ui.words import count, many

person = office.person()
places = office.chosen_locations()
vault, now = office.office().vault, office.now()

st.title("At risk")
headline = st.container()
filters = people.filters("risk", people.choices_of(vault, [place.location_id for place in places]))
counted = risk.counted(vault, places, filters, now)
headline.markdown(risk.answer(counted, filtered=filters.any))
title = st.segmented_control(
    "How long is left",
    list(risk.GROUPS),
    key="left",
    default=risk.AT_RISK.title,
    required=True,
    bind="query-params",
)
st.markdown(risk.badges(counted))
wanted = risk.GROUPS[title].wanted(places, filters)
total = counted[title]
part = slice_of("risk", total, of=wanted)
rows = listing(vault, wanted, now, limit=part.limit, offset=part.offset).rows
choice = Choice("risk")

if rows:
    actions = st.container(horizontal=True, vertical_alignment="center", gap="small", key="risk_actions")
    choice.table(
        [risk.table_row(lost) for lost in rows],
        [risk.who_of(lost) for lost in rows],
        alt=f"{title}: {part.words} people, the most urgent first. Tick the boxes to choose.",
        columns=risk.columns(len(places) > 1, rows),
    )
    pager(part, "person", "people")
    chosen = choice.whos
    with actions:
        may = person.may(Act.RESTORE)
        if st.button(
            f"Restore {count(len(chosen))} …" if chosen else "Restore …",
            key="restore",
            type="primary",
            icon=":material/settings_backup_restore:",
            disabled=not chosen or not may,
            help=None if may else "Your role may look, not restore.",
        ):
            fill_basket(chosen)
            st.switch_page("restore.py")
        receipts.people_button(chosen, wanted, total, person)
        if chosen:
            st.markdown(f"**{many(len(chosen), 'person', 'people')} chosen**", width="content")
            st.button("Clear", key="clear_choice", type="tertiary", on_click=choice.clear)
        else:
            st.caption("Tick people in the table, on as many pages as you like.", width="content")
        if len(chosen) < total <= risk.MOST_AT_ONCE:
            add = risk.everybody(vault, wanted, now)
            st.button(f"Choose all {count(total)}", key="all", type="tertiary", on_click=choice.add, args=(add,))
elif filters.any:
    empty("Nobody matches", "Try fewer letters, or clear the filters.", icon=":material/search_off:")
    st.button("Clear the filters", key="clear", on_click=people.clear_filters, args=("risk",))
elif title == risk.AT_RISK.title:
    all_clear("Nobody is at risk", "Whoever is deleted in HighLevel appears here after the next round.")
else:
    empty("Nobody in this group", "Choose another group above.", icon=":material/timer:")

with st.expander("How the days are counted", icon=":material/schedule:"):
    st.markdown(risk.clock_words(places))
