"""What of a view stands in the page's address, so that a bookmark, a reload or the browser's Back and Forward show the
same view.

    group = address.choice("left", GROUPS, lambda: st.segmented_control("…", GROUPS, key="left", required=True))

Streamlit's own way (`bind="query-params"`) replaces the entry in the browser's history, so that Back would leave the
page; what is written here adds one. Where what a widget shows is a name, or a user's own words, the address gets an id,
a number or a checksum instead, because addresses end up in logs and histories:

    asked = address.read("risk_owner")          # before the widget is drawn
    address.write("risk_owner", owner_id)       # afterwards
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

T = TypeVar("T")
UNKNOWN_CHOICE = "The address names a choice that this page does not have. The usual one is shown."
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


def choice(name: str, options: Sequence[T], draw: Callable[[], T | None], label_of: Callable[[T], str] = str) -> T:
    """Draw the widget with this key for these options, and return what is chosen: what the address names, or the first
    one. The address may name an option by its label too, as it once did."""
    texts = {label_of(option): option for option in options} | {str(option): option for option in options}
    return kept(name, texts.get, options[0], draw)


def kept(
    name: str,
    parse: Callable[[str], T | None],
    default: T,
    draw: Callable[[], T | None],
    text_of: Callable[[T], str] = str,
) -> T:
    """Draw the widget with this key and return its value: the one that the address names, unless that means nothing,
    which is said. `parse`: the value that a text of the address means, if any."""
    value = st.session_state.get(name)
    if value is None or read(name) is not None:
        asked = st.query_params.get(name, "")
        value = parse(asked) if asked else default
        if value is None:
            st.toast(UNKNOWN_CHOICE, icon=":material/help:")
    # Said each time: a browser forgets the value of a widget that it draws anew at another place of the page.
    st.session_state[name] = default if value is None else value
    drawn = draw()
    value = default if drawn is None else drawn
    write(name, "" if value == default else text_of(value))
    return value


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
