"""Were many people deleted at once, what was lost with them, and are they back?"""

import streamlit as st

from hlcore.metrics.bulk_deletions import get_bulk_deletion, list_bulk_deletions
from hlcore.metrics.overview import overview as load_overview
from hlcore.ui import session
from hlcore.ui.components.errors import errors_shown
from hlcore.ui.components.formatting import escaped
from hlcore.ui.components.tables import all_clear, page_slice, pager
from hlcore.ui.deletions import bulk_deletions

user = session.current_user()
ids = session.selected_location_ids()
vault = session.app_context().vault

if key := bulk_deletions.selected_key():
    close, icon = bulk_deletions.close_bulk_deletion, ":material/arrow_back:"
    st.button("All bulk deletions", key="back", icon=icon, type="tertiary", on_click=close)
    with errors_shown():
        selected = get_bulk_deletion(vault, ids, key, session.now())
        if selected is None:
            st.info("This bulk deletion is not among the accounts on show.", icon=":material/search_off:")
        else:
            bulk_deletions.show_bulk_deletion(selected, user)
    st.stop()

st.title("Bulk deletions")
deletions = list_bulk_deletions(vault, ids, session.now())
doubts = [] if deletions else load_overview(vault, ids, session.now(), session.settings()).doubts
st.markdown(escaped(" ".join(doubts)) or bulk_deletions.summary_text(deletions))
if not deletions:
    all_clear("Nobody was deleted in bulk", "When many people vanish at once, they appear here as one event.", doubts)
    st.stop()
part = page_slice("events", len(deletions), query=tuple(ids))
for deletion in deletions[part.offset : part.offset + part.limit]:
    bulk_deletions.show_card(deletion, several_locations=len(ids) > 1)
pager(part, "bulk deletion")
with st.expander("What counts as a bulk deletion", icon=":material/help:"):
    st.markdown(
        "Ten or more people who went within an hour, and every time that more people were missing than the account's "
        "threshold allows (Settings). Above the threshold Contact Vault first asks HighLevel for some of them by id, "
        "so that a wrong listing is never taken for a deletion."
    )
