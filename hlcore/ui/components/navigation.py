"""The way from one page to another, and from a name to the person's record.

names_column(contacts, key="risk_names")     # a column of names; a press opens the record of `contacts[row]`
contact_button("Open the new record", contact, key="new")
go_to(RESTORE, {"job": "12"})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import streamlit as st

from hlcore.ui.components.contact_picker import ContactRef

CONTACTS, RESTORE = "contacts.py", "restore.py"


def go_to(page: str, query: Mapping[str, str] | None = None) -> NoReturn:
    """Open the page (a file in `pages/`) with this query and nothing of the current page's.

    Every switch passes a query, even an empty one: without one Streamlit 1.67 raises as soon as a filter of the current
    page is bound to the address (`QueryParams.clear`), that is, from every page that is filtered.
    """
    st.switch_page(page, query_params=dict(query or {}))


def contact_query(contact: ContactRef) -> dict[str, str]:
    """Return the query under which the Contacts page shows this contact's record: ids only."""
    return {"contact": contact.contact_id, "in": contact.location_id}


def contact_button(label: str, contact: ContactRef, *, key: str) -> None:
    """Draw a button that opens this contact's record, from whichever page it stands on."""
    st.button(
        label,
        key=key,
        type="tertiary",
        icon=":material/person:",
        on_click=go_to,
        args=(CONTACTS, contact_query(contact)),
    )


def names_column(contacts: Sequence[ContactRef | None], *, key: str, width: int = 190) -> Any:
    """Return the configuration of a table's column of names that open the record: `contacts[n]` is that of row n; None
    for a row whose contact has no record."""
    return st.column_config.ButtonColumn(
        width=width, type="tertiary", alignment="left", pinned=True, on_click=_open_row, args=(contacts, key), key=key
    )


def _open_row(contacts: Sequence[ContactRef | None], key: str) -> None:
    click = st.session_state.get(key)
    contact = contacts[click.row] if click is not None and 0 <= click.row < len(contacts) else None
    if contact is not None:
        go_to(CONTACTS, contact_query(contact))
