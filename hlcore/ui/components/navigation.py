"""The way from one page to another, with the query of the page that is opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import streamlit as st

CONTACTS, RESTORE = "contacts.py", "restore.py"


def go_to(page: str, query: Mapping[str, str] | None = None) -> NoReturn:
    """Open the page (a file in `pages/`) with this query and nothing of the current page's.

    Every switch passes a query, even an empty one: without one Streamlit 1.67 raises as soon as a filter of the current
    page is bound to the address (`QueryParams.clear`), that is, from every page that is filtered.
    """
    st.switch_page(page, query_params=dict(query or {}))
