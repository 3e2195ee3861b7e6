"""Were many people deleted at once, what was lost with them, and are they back?"""

import streamlit as st

from hlcore.metrics import bulk_deletions as metric_bulk_deletions
from hlcore.ui import session
from hlcore.ui.components.errors import errors_shown
from hlcore.ui.components.tables import all_clear, pager, slice_of
from hlcore.ui.deletions import bulk_deletions

user = session.current_user()
ids = session.selected_location_ids()
vault = session.app_context().vault

if asked := bulk_deletions.asked_for():
    st.button(
        "All bulk deletions", key="back", icon=":material/arrow_back:", type="tertiary", on_click=bulk_deletions.leave
    )
    with errors_shown():
        event = metric_bulk_deletions.get_bulk_deletion(vault, ids, asked, session.now())
        if event is None:
            st.info("This bulk deletion is not among the accounts on show.", icon=":material/search_off:")
        else:
            bulk_deletions.show(event, user)
    st.stop()

st.title("Bulk deletions")
found = metric_bulk_deletions.list_bulk_deletions(vault, ids, session.now())
st.markdown(bulk_deletions.answer(found))
if not found:
    all_clear("Nobody was deleted in bulk", "When many people vanish at once, they appear here as one event.")
    st.stop()
part = slice_of("events", len(found), of=tuple(ids))
for each in found[part.offset : part.offset + part.limit]:
    bulk_deletions.card(each, several=len(ids) > 1)
pager(part, "bulk deletion")
with st.expander("What counts as a bulk deletion", icon=":material/help:"):
    st.markdown(
        "Ten or more people who went within an hour, and every time that more people were missing than the account's "
        "threshold allows (Settings). Above the threshold Contact Vault first asks HighLevel for some of them by id, "
        "so that a wrong listing is never taken for a deletion."
    )
