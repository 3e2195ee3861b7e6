"""Who is in the copy, and what is known of each person?"""

import streamlit as st

from hlcore.store.contacts import search as contact_search
from hlcore.store.contacts.search import ContactQuery
from hlcore.ui import session
from hlcore.ui.components import contact_list
from hlcore.ui.components.contact_list import ORDERS, STANDING
from hlcore.ui.components.contact_picker import ContactRef
from hlcore.ui.components.formatting import count
from hlcore.ui.components.tables import empty, pager, slice_of
from hlcore.ui.contacts import contact_record

CAP = 10_000  # counting more would cost more than the figure is worth

who = session.current_user()
found = session.selected_locations()
ids = tuple(location.location_id for location in found)
vault = session.app_context().vault

if asked := st.query_params.get("contact", ""):
    contact_record.show(who, asked, st.query_params.get("in", ""))
    st.stop()

st.title("Contacts")
with vault.read() as tx:
    counted = contact_search.counts(tx, ids)
st.markdown(contact_list.contacts_answer(counted))
choices = contact_list.choices_of(vault, ids)
standing = st.segmented_control(
    "Show", list(STANDING), key="show", default="Everybody", required=True, bind="query-params"
)
wanted = contact_list.filters("contacts", choices, orders=list(ORDERS))

sort, descending = ORDERS[wanted.order]
query = ContactQuery(ids, wanted.text, wanted.tag, wanted.owner_id, wanted.source, STANDING[standing], sort, descending)
with vault.read() as tx:
    total = contact_search.count_matching(tx, query, cap=CAP)
    part = slice_of("contacts", total, of=query)
    rows = contact_search.search(tx, query, limit=part.limit, offset=part.offset)

if rows:
    contact_list.clickable(
        [contact_list.contact_row(one, choices.names, found) for one in rows],
        [ContactRef(one.location_id, one.contact_id) for one in rows],
        key=f"contacts_table_{part.number}_{abs(hash(query))}",
        alt=f"Contacts {part.words}. A click opens the record.",
        columns=contact_list.contact_columns(len(found) > 1),
    )
    pager(part, "contact")
    more = f" More than {count(CAP)} match: search or filter to narrow them down." if total >= CAP else ""
    st.caption(f"Click a person to open the full record and its history.{more}")
elif wanted.any or standing != "Everybody":
    empty("Nobody matches", "Try fewer letters, another spelling, or clear the filters.", icon=":material/search_off:")
    st.button("Clear the filters", key="clear", on_click=contact_list.clear_filters, args=("contacts",))
else:
    empty(
        "No contacts yet",
        "The first copy begins as soon as an account is connected. Activity shows how far it has come.",
        icon=":material/group:",
    )
    st.page_link("settings.py", label="Open Settings", icon=":material/tune:")
