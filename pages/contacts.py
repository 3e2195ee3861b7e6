"""Who is in the copy, and what is known of each person?"""

import streamlit as st

from hlcore.store.contacts import search as contact_search
from hlcore.store.contacts.search import ContactQuery
from hlcore.ui import session
from hlcore.ui.components import address, contact_list
from hlcore.ui.components.contact_list import ORDERING, STATUS_FILTERS
from hlcore.ui.components.contact_picker import ContactRef
from hlcore.ui.components.formatting import count
from hlcore.ui.components.tables import empty_state, page_slice, pager, table
from hlcore.ui.contacts import contact_record
from hlcore.ui.restore import open_jobs

COUNT_LIMIT = 10_000  # counting more would cost more than the figure is worth

user = session.current_user()
locations = session.selected_locations()
ids = tuple(location.location_id for location in locations)
vault = session.app_context().vault

if contact_id := st.query_params.get("contact", ""):
    contact_record.show_contact_record(user, contact_id, st.query_params.get("in", ""))
    st.stop()

st.title("Contacts")
with vault.read() as tx:
    counts = contact_search.count_by_status(tx, ids)
st.markdown(contact_list.contacts_summary_text(counts))
options = contact_list.load_filter_options(vault, ids)
shown = list(STATUS_FILTERS)
status = address.choice("show", shown, lambda: st.segmented_control("Show", shown, key="show", required=True))
filters = contact_list.show_filters("contacts", options, ORDERING)

sort, descending = ORDERING.orders[ORDERING.chosen]
statuses = STATUS_FILTERS[status]
query = ContactQuery(ids, filters.text, filters.tag, filters.owner_id, filters.source, statuses, sort, descending)
with vault.read() as tx:
    total = contact_search.count_matching(tx, query, cap=COUNT_LIMIT)
    part = page_slice("contacts", total, query=query)
    contacts = contact_search.search(tx, query, limit=part.limit, offset=part.offset)

if contacts:
    in_jobs = open_jobs.people_in_jobs(ids)
    refs = [ContactRef(contact.location_id, contact.contact_id) for contact in contacts]
    table(
        [
            contact_list.contact_row(contact, options.names, locations, person.badge if person is not None else None)
            for contact, person in zip(contacts, map(in_jobs.get, refs), strict=True)
        ],
        key=f"contacts_table_{part.number}_{abs(hash(query))}",
        alt=f"Contacts {part.range_text}. A name opens the record, a click on a header sorts.",
        columns=ORDERING.marked(
            contact_list.contact_columns(refs, several_locations=len(locations) > 1, badges=open_jobs.job_badges())
        ),
        on_header=ORDERING.step,
    )
    pager(part, "contact", tz=session.shared_timezone(locations))
    more = (
        f" More than {count(COUNT_LIMIT)} match: search or filter to narrow them down." if total >= COUNT_LIMIT else ""
    )
    st.caption(f"Click a name to open the full record and its history, a header to sort by it.{more}")
elif filters.any or status != "Everybody":
    contact_list.show_no_matches(vault, "contacts", query)
else:
    empty_state(
        "No contacts yet",
        "The first copy begins as soon as an account is connected. Activity shows how far it has come.",
        icon=":material/group:",
    )
    st.page_link("settings.py", label="Open Settings", icon=":material/tune:")
