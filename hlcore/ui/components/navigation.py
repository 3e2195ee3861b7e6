"""The way from one page to another, and from a name to the person's record.

names_column(contacts, key="risk_names")     # a column of names; a press opens the record of `contacts[row]`
contact_button("Open the new record", contact, key="new")
go_to(RESTORE, {"job": "12"})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import streamlit as st
from streamlit.web.server.starlette.starlette_app_utils import decode_xsrf_token_string
from streamlit.web.server.starlette.starlette_server_config import XSRF_COOKIE_NAME

from hlcore.ui.components.address import PAGE_KEY
from hlcore.ui.components.contact_picker import ContactRef

CONTACTS, RESTORE = "contacts.py", "restore.py"
_MAX_LEFT = 10_000
Query = Mapping[str, str]
LeftKey = tuple[bytes, str, frozenset[tuple[str, str]]]


def go_to(page: str, query: Mapping[str, str] | None = None) -> NoReturn:
    """Open the page (a file in `pages/`) with this query and nothing of the current page's.

    Every switch passes a query, even an empty one: without one Streamlit 1.67 raises as soon as a widget of the current
    page is bound to the address (`QueryParams.clear`).
    """
    current = st.session_state.get(PAGE_KEY, "")
    if query and page.removesuffix(".py") != current:
        left = _queries_left()
        left[_left_key(current, query)] = st.query_params.to_dict()
        while len(left) > _MAX_LEFT:
            left.pop(next(iter(left)), None)
    st.switch_page(page, query_params=dict(query or {}))


def keep_address(page: st.Page) -> None:
    """Note that this page is on show, and give it its own query again where the browser's Back led to it.

    A switch of pages leaves an entry in the browser's history with this page's path and the next page's query, so that
    Back would show this page without its filters.
    """
    st.session_state[PAGE_KEY] = page.url_path
    shown = st.query_params.to_dict()
    own_query = _queries_left().get(_left_key(page.url_path, shown))
    if own_query is not None and own_query != shown:
        st.switch_page(page, query_params=dict(own_query))


@st.cache_resource
def _queries_left() -> dict[LeftKey, Query]:
    """Return the query with which a browser left a page, by browser, path and the next page's query. A reload is a new
    session, so it is the process that remembers."""
    return {}


def _left_key(path: str, query: Query) -> LeftKey:
    token, _ = decode_xsrf_token_string(st.context.cookies.get(XSRF_COOKIE_NAME, ""))  # masked anew by every load
    return token or b"", path, frozenset(query.items())


def contact_query(contact: ContactRef) -> dict[str, str]:
    """Return the query under which the Contacts page shows this contact's record: ids only."""
    return {"contact": contact.contact_id, "in": contact.location_id}


def contact_button(label: str, contact: ContactRef, *, key: str) -> None:
    """Draw a button that opens this contact's record, from whichever page it stands on."""
    if st.button(label, key=key, type="tertiary", icon=":material/person:"):
        go_to(CONTACTS, contact_query(contact))


def names_column(contacts: Sequence[ContactRef | None], *, key: str, width: int = 190) -> Any:
    """Return the configuration of a table's column of names that open the record: `contacts[n]` is that of row n; None
    for a row whose contact has no record."""
    return st.column_config.ButtonColumn(
        width=width, type="tertiary", alignment="left", pinned=True, on_click=_open_row, args=(contacts, key), key=key
    )


def _open_row(contacts: Sequence[ContactRef | None], key: str) -> None:
    click = st.session_state.get(key)
    contact = contacts[click.row] if click is not None and 0 <= click.row < len(contacts) else None
    if contact is None:
        return
    if st.session_state.get(PAGE_KEY) == CONTACTS.removesuffix(".py"):
        st.query_params.update(contact_query(contact))  # the filters stay, for the way back to the list
    else:
        go_to(CONTACTS, contact_query(contact))
