"""What of a view stands in the page's address beside the widgets that are bound to it, so that a bookmark, a reload or
the browser's Back shows the same view.

A bound widget writes the texts that it shows. Where those are names, or a user's own words, the address gets an id, a
number or a checksum instead: addresses end up in logs and histories.

    asked = address.read("risk_owner")          # before the widget is drawn
    address.write("risk_owner", owner_id)       # afterwards
"""

from __future__ import annotations

import zlib

import streamlit as st

PAGE_KEY = "page_on_show"
"""Session key: the path of the page on show."""
_WRITTEN_KEY = "address_written"
"""Session key: the page, and what this session wrote to its address, by name."""


def read(name: str) -> str | None:
    """Return what the address asks for under this name; None while it says what this session wrote itself, or the page
    was just entered without it. '' where the name is gone from the address."""
    present, written = st.query_params.get(name), _written().get(name)
    if present is None:
        return "" if written else None
    return None if present == written else present


def write(name: str, value: str) -> None:
    """Let the address say this; '' takes the name out of it. Neither a name nor what somebody typed may be written."""
    _written()[name] = value
    if st.query_params.get(name, "") == value:
        return
    if value:
        st.query_params[name] = value
    else:
        del st.query_params[name]


def mark_of(text: str) -> str:
    """Return what stands for a text of the account's own, such as a tag, in an address."""
    return f"{zlib.crc32(text.encode('utf-8', 'ignore')):08x}" if text else ""


def _written() -> dict[str, str]:
    page = st.session_state.get(PAGE_KEY, "")
    known = st.session_state.get(_WRITTEN_KEY)
    if known is None or known[0] != page:
        known = st.session_state[_WRITTEN_KEY] = (page, {})
    written: dict[str, str] = known[1]
    return written
