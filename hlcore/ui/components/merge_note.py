"""A merge's loser on its record and in the preview of a restore: who won, what moved, and that it can be made anew."""

from __future__ import annotations

import streamlit as st

from hlcore.metrics.contact_record import Merge, merge_of
from hlcore.ui import session
from hlcore.ui.components.contact_list import open_person
from hlcore.ui.components.contact_picker import ContactRef
from hlcore.ui.components.formatting import count, many, plain

_PLURALS = {"opportunity": "opportunities"}


def of(location_id: str, contact_id: str) -> Merge | None:
    """The merge that this contact lost, None where none is known."""
    return merge_of(session.app_context().vault, location_id, contact_id)


def words(merge: Merge) -> str:
    """The merge in a sentence, as Markdown."""
    there = "" if merge.still_there else ", which is not in HighLevel any more"
    text = f"Merged into **{plain(merge.winner)}** (`{merge.winner_id}`){there}."
    told = [many(number, kind, _PLURALS.get(kind, f"{kind}s")) for kind, number in sorted(merge.counts.items())]
    if told:
        return f"{text} {', '.join(told).capitalize()} moved there."
    return f"{text} Of what belonged to this contact nothing was seen to move there."


def draw(merge: Merge, location_id: str, *, key: str, link: bool = True) -> None:
    """The merge with what moved, and the way to the winner."""
    with st.container(border=True, gap="small", key=key):
        st.markdown(f":material/merge: {words(merge)}")
        if merge.records:
            total = sum(merge.counts.values())
            with st.expander(f"What moved ({count(total)})"):
                lines = [f"- {one.kind.capitalize()}: {plain(one.title or one.record_id)}" for one in merge.records]
                more = [f"- … and {count(total - len(lines))} more"] if total > len(lines) else []
                st.markdown("\n".join(lines + more))
        st.caption(
            "HighLevel cannot undo a merge. The last copy of this contact is kept here and can be created again under "
            "a new id; what moved stays with the winner."
        )
        if link:
            whom = (ContactRef(location_id, merge.winner_id),)
            st.button("Open the winner", key=f"{key}_open", type="tertiary", on_click=open_person, args=whom)
