"""What the person decides about a whole restore: tags, a marker, conflicts, appointments that are over."""

from __future__ import annotations

from typing import Any

import streamlit as st

from hlcore.restore.plan import Choices

TAGS: dict[str, Any] = {"Last": "last", "At once": "first", "Not at all": "none"}
CONFLICTS: dict[str, Any] = {
    "Leave them out": "skip",
    "Fill only the blanks of the living one": "fill",
    "Create beside it (where the account allows duplicates)": "create",
}


def choose() -> Choices:
    """The choices on the page; folded away, because the defaults are the careful ones."""
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
    return Choices(
        tags=TAGS[str(tags)],
        marker=marker.strip(),
        on_conflict=CONFLICTS[str(conflict)],
        past_appointments=past,
    )
