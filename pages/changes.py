"""What did that import change, and can it be put back?"""

import streamlit as st

from hlcore.ui import session
from hlcore.ui.components import contact_fields
from hlcore.ui.components.contact_fields import names_of
from hlcore.ui.components.formatting import count, moment
from hlcore.ui.components.tables import empty, pager, slice_of, table
from hlcore.ui.contacts import changes, revert

user = session.current_user()
places = session.selected_locations()
vault = session.app_context().vault

st.title("Changes")
if not places:
    st.markdown("See what a stretch of time changed in your contacts, and put chosen fields back.")
    empty("No account is connected yet", "Connect one; its changes are kept from then on.", icon=":material/link:")
    st.page_link("settings.py", label="Open Settings", icon=":material/tune:")
    st.stop()

headline = st.container()
asked = changes.question(places)
if asked is None:
    headline.markdown("Choose a stretch of time that ends after it begins.")
    st.stop()
place = next(one for one in places if one.location_id == asked.location_id)
found = changes.found_for(asked)
headline.markdown(changes.answer(found))
with vault.read() as tx:
    names = names_of(tx, [asked.location_id])

if not found.pasts:
    empty(
        "Nothing to put back",
        "Changes stand under the time at which Contact Vault noticed them, up to one round after they were made.",
        icon=":material/history:",
    )
    st.stop()

counted = changes.by_field(found)
labels = {field: f"{contact_fields.label(field, names)} · {count(number)}" for field, number, _ in counted}
able = {field: number for field, _, number in counted if number}
chosen: list[str] = []
if able:
    chosen = st.pills(
        "Fields to put back",
        list(able),
        selection_mode="multi",
        key=f"changes_fields_{asked.location_id}_{asked.start:%Y%m%d%H%M}_{asked.end:%Y%m%d%H%M}",
        format_func=labels.__getitem__,
        help="Only the fields that you choose are written. The number says in how many people each one changed.",
    )
    said = f"Changes from {moment(asked.start, place.timezone)} to {moment(asked.end, place.timezone)}."
    revert.button(found.pasts, chosen, user, asked.location_id, said)
else:
    st.info("None of these fields can be put back; the reasons stand below the table.", icon=":material/lock:")
if "tags" in chosen:
    st.caption(
        ":material/sell: HighLevel replaces the whole list of tags: each person gets the tags from before, and loses "
        "those that came since. Tags can start workflows."
    )

wanted = chosen or [field for field, _, _ in counted]
lines = changes.rows(found.pasts, wanted, names, place.timezone)
part = slice_of("changes", len(lines), of=(asked, tuple(chosen)))
shown = lines[part.offset : part.offset + part.limit]
table(shown, key=f"changes_table_{part.number}", alt=f"Changed fields {part.words}", columns=changes.COLUMNS)
pager(part, "changed field")
if why := changes.obstacles(found.pasts, wanted, names):
    with st.container(border=True, gap="xsmall"):
        st.markdown("##### :material/lock: Cannot be put back")
        st.markdown("\n".join(f"- {line}" for line in why))
st.caption("Changes stand under the time at which Contact Vault noticed them, up to one round after they were made.")
