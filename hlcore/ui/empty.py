"""What stands where there is nothing to show: why it is empty, and what to do."""

from __future__ import annotations

import streamlit as st


def empty(title: str, text: str, *, icon: str = ":material/inbox:") -> None:
    """A calm card instead of an empty table. Put a button or a page link after it inside the same container."""
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(f"#### {icon} {title}", text_alignment="center")
        st.caption(text, text_alignment="center")


def all_clear(title: str, text: str) -> None:
    """Nothing to do, and that is good."""
    empty(title, text, icon=":material/verified:")
