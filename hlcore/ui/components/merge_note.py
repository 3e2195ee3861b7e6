"""The merge that a contact lost, on its record and in the preview of a restore: the winner, and what moved to it."""

from __future__ import annotations

import streamlit as st

from hlcore.metrics.contact_record import Merge, merge_of
from hlcore.ui import session
from hlcore.ui.components.contact_picker import ContactRef
from hlcore.ui.components.formatting import code, count, escaped, record_count
from hlcore.ui.components.navigation import contact_button


def load_merge(location_id: str, contact_id: str) -> Merge | None:
    """Return the merge that this contact lost; None where none is known."""
    return merge_of(session.app_context().vault, location_id, contact_id)


def merge_text(merge: Merge) -> str:
    """Describe the merge in a sentence, as Markdown."""
    where = "" if merge.winner_is_live else ", who is not in HighLevel any more"
    text = f"Merged into **{escaped(merge.winner)}** ({code(merge.winner_id)}){where}."
    moved = [record_count(number, kind) for kind, number in sorted(merge.counts.items())]
    if moved:
        return f"{text} {', '.join(moved).capitalize()} moved there."
    return f"{text} Of what belonged to this contact nothing was seen to move there."


def show_merge(merge: Merge, location_id: str, *, key: str) -> None:
    """Draw the merge with the records that moved and a button that opens the winner."""
    with st.container(border=True, gap="small", key=key):
        st.markdown(f":material/merge: {merge_text(merge)}")
        if merge.records:
            total = sum(merge.counts.values())
            with st.expander(f"What moved ({count(total)})"):
                lines = [
                    f"- {record.kind.capitalize()}: {escaped(record.title or record.record_id)}"
                    for record in merge.records
                ]
                more = [f"- … and {count(total - len(lines))} more"] if total > len(lines) else []
                st.markdown("\n".join(lines + more))
        st.caption(
            "HighLevel cannot undo a merge. The last copy of this contact is kept here and can be created again under "
            "a new id; what moved stays with the winner."
        )
        contact_button("Open the winner", ContactRef(location_id, merge.winner_id), key=f"{key}_open")
