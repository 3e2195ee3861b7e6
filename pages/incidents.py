"""Were many people deleted at once, what was lost with them, and are they back?"""

import streamlit as st

from hlcore.metrics import incidents
from hlcore.ui import bulk, office
from hlcore.ui.empty import all_clear
from hlcore.ui.errors import shown
from hlcore.ui.tables import pager, slice_of

person = office.person()
ids = office.chosen_ids()
vault = office.office().vault

if asked := bulk.asked_for():
    st.button("All bulk deletions", key="back", icon=":material/arrow_back:", type="tertiary", on_click=bulk.leave)
    with shown():
        event = incidents.event(vault, ids, asked, office.now())
        if event is None:
            st.info("This bulk deletion is not among the accounts on show.", icon=":material/search_off:")
        else:
            bulk.show(event, person)
    st.stop()

st.title("Bulk deletions")
found = incidents.events(vault, ids, office.now())
st.markdown(bulk.answer(found))
if not found:
    all_clear("Nobody was deleted in bulk", "When many people vanish at once, they appear here as one event.")
    st.stop()
part = slice_of("events", len(found), of=tuple(ids))
for each in found[part.offset : part.offset + part.limit]:
    bulk.card(each, several=len(ids) > 1)
pager(part, "bulk deletion")
with st.expander("What counts as a bulk deletion", icon=":material/help:"):
    st.markdown(
        "Ten or more people who went within an hour, and every time that more people were missing than the account's "
        "threshold allows (Settings). Above the threshold Contact Vault first asks HighLevel for some of them by id, "
        "so that a wrong listing is never taken for a deletion."
    )
