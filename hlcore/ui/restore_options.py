"""What the person decides about a whole restore: tags, a marker, conflicts, appointments that are over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from hlcore.restore.plan import Choices
from hlcore.ui import deciding, office
from hlcore.ui.names import names_of

TAGS: dict[str, Any] = {"Last": "last", "At once": "first", "Not at all": "none"}
CONFLICTS: dict[str, Any] = {
    "Leave them out": "skip",
    "Fill only the blanks of the living one": "fill",
    "Create beside it (where the account allows duplicates)": "create",
}


def choose(location_ids: Sequence[str] = ()) -> Choices:
    """The choices on the page, with what was decided for single people; folded away, because the defaults are the
    careful ones. `location_ids`: whose custom fields can be left out."""
    with st.expander("Options", icon=":material/tune:"):
        tags = st.segmented_control(
            "Tags",
            list(TAGS),
            default="Last",
            key="tags_when",
            required=True,
            help="Adding a tag may start workflows. Last: when everything else is there and every channel is closed.",
        )
        marker = st.text_input(
            "Marker tag",
            key="marker",
            placeholder="none",
            max_chars=60,
            help="A tag that people have from their first moment on, so that your workflows can leave them out.",
        )
        conflict = st.selectbox(
            "If a living contact has the same e-mail or phone",
            list(CONFLICTS),
            key="on_conflict",
            help="No value of a living contact is ever overwritten.",
        )
        past = st.checkbox("Bring back appointments that are over, too", key="past_appointments")
        left = _leave_out(location_ids)
    return Choices(
        tags=TAGS[str(tags)],
        marker=marker.strip(),
        on_conflict=CONFLICTS[str(conflict)],
        past_appointments=past,
        leave_out=left,
        **deciding.decided(),
    )


def _leave_out(location_ids: Sequence[str]) -> tuple[str, ...]:
    with office.office().vault.read() as tx:
        offered = deciding.names_to_leave(names_of(tx, location_ids))
    offered = {name: name for name in st.session_state.get("leave_out", ())} | offered
    return tuple(
        st.multiselect(
            "Leave out for everybody",
            list(offered),
            key="leave_out",
            format_func=lambda name: offered.get(name, name),
            placeholder="Nothing: all of it comes back",
            help="What is left out is not written, and does not count as lost.",
        )
    )
