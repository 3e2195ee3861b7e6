"""What did that import change, and can it be put back?"""

import streamlit as st

from hlcore.metrics.overview import overview as load_overview
from hlcore.ui import session
from hlcore.ui.components import contact_fields
from hlcore.ui.components.contact_fields import load_names
from hlcore.ui.components.formatting import count, escaped, moment
from hlcore.ui.components.tables import empty_state, page_slice, pager, table
from hlcore.ui.contacts import changes, revert

user = session.current_user()
locations = session.selected_locations()
vault = session.app_context().vault

st.title("Changes")
if not locations:
    st.markdown("See what a stretch of time changed in your contacts, and put chosen fields back.")
    text = "Connect one; its changes are kept from then on."
    empty_state("No account is connected yet", text, icon=":material/link:")
    st.page_link("settings.py", label="Open Settings", icon=":material/tune:")
    st.stop()

headline = st.container()
query = changes.choose_period(locations)
if query is None:
    headline.markdown("Choose a stretch of time that ends after it begins.")
    st.stop()
tz = session.timezone_of(query.location_id, locations)
changed = changes.load_changes(query)
headline.markdown(changes.summary_text(changed))
with vault.read() as tx:
    names = load_names(tx, [query.location_id])

if not changed.contacts:
    doubts = load_overview(vault, [query.location_id], session.now(), session.settings()).doubts
    text = "Changes stand under the time at which Contact Vault noticed them, up to one round after they were made."
    empty_state(
        "No change is known" if doubts else "Nothing to put back",
        " ".join([*map(escaped, doubts), text]),
        icon=":material/history:",
    )
    st.stop()

counts = changes.count_by_field(changed)
labels = {
    field: f"{escaped(contact_fields.field_label(field, names))} · {count(number)}" for field, number, _ in counts
}
revertible = [field for field, _, number in counts if number]
chosen: list[str] = []
if revertible:
    chosen = changes.choose_fields(query, revertible, labels.__getitem__)
    description = f"Changes from {moment(query.start, tz)} to {moment(query.end, tz)}."
    revert.revert_button(changed.contacts, chosen, user, query.location_id, description)
else:
    st.info("None of these fields can be put back; the reasons stand below the table.", icon=":material/lock:")
if "tags" in chosen:
    st.caption(
        ":material/sell: HighLevel replaces the whole list of tags: each person gets the tags from before, and loses "
        "those that came since. Tags can start workflows."
    )

fields = chosen or [field for field, _, _ in counts]
rows = changes.change_rows(changed.contacts, fields, names, tz)
part = page_slice("changes", len(rows), query=(query, tuple(chosen)))
shown = rows[part.offset : part.offset + part.limit]
columns = changes.columns(query.location_id, shown)
table(shown, key=f"changes_table_{part.number}", alt=f"Changed fields {part.range_text}", columns=columns)
pager(part, "changed field")
if obstacles := changes.obstacle_lines(changed.contacts, fields, names):
    with st.container(border=True, gap="xsmall"):
        st.markdown("##### :material/lock: Cannot be put back", anchors=False)
        st.markdown("\n".join(f"- {line}" for line in obstacles))
st.caption("Changes stand under the time at which Contact Vault noticed them, up to one round after they were made.")
