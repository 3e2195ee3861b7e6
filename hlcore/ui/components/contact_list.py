"""Lists of people: the choices of the filters, and rows for the tables of Contacts and At risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from hlcore.store import Vault
from hlcore.store.contacts import search as contact_search
from hlcore.store.contacts.search import ContactSummary, Sort
from hlcore.store.locations import Location
from hlcore.ui.components.contact_fields import Names, names_of
from hlcore.ui.components.contact_picker import ContactRef
from hlcore.ui.components.formatting import day, many, status_mark
from hlcore.ui.components.tables import MOST_HEIGHT, ROW_PIXELS, height_of
from hlcore.ui.session import name_of, timezone_of

STANDING: Mapping[str, tuple[str, ...]] = {
    "Everybody": (),
    "In HighLevel": ("present", "returned"),
    "Deleted": ("deleted", "merged", "suspected"),
    "Restored": ("returned", "recreated"),
}
"""What the Contacts page can narrow to, and the statuses it means."""
ORDERS: Mapping[str, tuple[Sort, bool]] = {
    "By name": ("name", False),
    "Newest first": ("date_added", True),
    "Oldest first": ("date_added", False),
    "Last changed first": ("changed_at", True),
}
STATUSES = ("present", "suspected", "deleted", "merged", "returned", "recreated", "undone", "erased")
ANY = ""


@dataclass(frozen=True, slots=True)
class FilterOptions:
    """What the filters offer, and the names behind the ids."""

    owners: Sequence[str]
    tags: Sequence[str]
    sources: Sequence[str]
    names: Names


@dataclass(frozen=True, slots=True)
class ContactFilters:
    """What somebody wants to see; empty parts do not restrict."""

    text: str = ""
    owner_id: str = ""
    tag: str = ""
    source: str = ""
    order: str = ""

    @property
    def any(self) -> bool:
        """Whether anything restricts."""
        return bool(self.text.strip() or self.owner_id or self.tag or self.source)


def choices_of(vault: Vault, location_ids: Sequence[str]) -> FilterOptions:
    """The owners, tags and sources of these accounts."""
    with vault.read() as tx:
        return FilterOptions(
            contact_search.distinct(tx, location_ids, "owner_id"),
            contact_search.distinct(tx, location_ids, "tag"),
            contact_search.distinct(tx, location_ids, "source"),
            names_of(tx, location_ids),
        )


def filters(key: str, choices: FilterOptions, *, orders: Sequence[str] = ()) -> ContactFilters:
    """The search box, the filters and the choice of an order, in one row that wraps on a phone. What is typed stays in
    the session, out of the URL: names and addresses are personal."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key=f"{key}_filters"):
        text = st.text_input(
            "Search",
            key=f"{key}_search",
            type="search",
            placeholder="Name, e-mail, phone or tag",
            icon=":material/search:",
            live=True,
            persist_state="session",
            width=270,
        )
        owners = sorted(choices.owners, key=lambda one: choices.names.user(one).casefold())
        owner = _select(key, "Owner", owners, choices.names.user)
        tag = _select(key, "Tag", choices.tags, str)
        source = _select(key, "Source", choices.sources, str)
        order = st.selectbox("Order", orders, key="order", bind="query-params", width=155) if orders else ""
    return ContactFilters(text or "", owner, tag, source, order)


def clear_filters(key: str) -> None:
    """Nothing restricts any more."""
    for name in ("search", "owner", "tag", "source"):
        st.session_state[f"{key}_{name}"] = ""


def _select(key: str, label: str, options: Sequence[str], words: Any) -> str:
    held = st.session_state.get(f"{key}_{label.lower()}", ANY)
    kept = [*options, *([held] if held and held not in options else [])]
    found = st.selectbox(
        label,
        [ANY, *kept],
        key=f"{key}_{label.lower()}",
        format_func=lambda one: words(one) if one else "Any",
        persist_state="session",
        width=155,
    )
    return found or ANY


def person_label(name: str, email: str, phone: str) -> str:
    """What to call somebody in a table."""
    return name or email or phone or "No name"


def contact_row(one: ContactSummary, names: Names, found: Sequence[Location]) -> dict[str, Any]:
    """A contact as a row of the Contacts page."""
    where = next((location for location in found if location.location_id == one.location_id), None)
    return {
        "Name": person_label(one.name, one.email, one.phone),
        "E-mail": one.email,
        "Phone": one.phone,
        "Status": [status_mark(one.status).cell],
        "Company": one.company,
        "Owner": names.user(one.owner_id),
        "Tags": list(one.tags),
        "Added": day(one.date_added, timezone_of(where)),
        "Account": name_of(one.location_id, found),
    }


def contact_columns(several: bool) -> dict[str, Any]:
    """The columns of the Contacts page; the account only where there are several."""
    text = st.column_config.TextColumn
    marks = {status_mark(status).cell: status_mark(status).color for status in STATUSES}
    return {
        "Name": text(width=190),
        "E-mail": text(width=250),
        "Phone": text(width=140),
        "Status": st.column_config.MultiselectColumn(width=190, options=list(marks), color=list(marks.values())),
        "Company": text(width=140),
        "Owner": text(width=140),
        "Tags": st.column_config.ListColumn(width=170),
        "Added": text(width=110),
        **({"Account": text(width=190)} if several else {}),
    }


def contacts_answer(counted: Mapping[str, Mapping[str, int]]) -> str:
    """The Contacts page's answer in one line. `counted`: account → status → how many."""
    here = _sum(counted, STANDING["In HighLevel"])
    gone = _sum(counted, ("deleted", "merged", "suspected", "recreated"))
    text = f"{many(here, 'contact')} in HighLevel, each copied here"
    return f"{text}; {many(gone, 'more', 'more')} that HighLevel no longer has are kept." if gone else f"{text}."


def clickable(
    rows: Sequence[Mapping[str, Any]], whos: Sequence[ContactRef], *, key: str, alt: str, columns: Mapping[str, Any]
) -> None:
    """The table; a click anywhere in a row opens that person's record (`?contact=<id>&in=<account>`)."""
    event = st.dataframe(
        pd.DataFrame([dict(row) for row in rows], columns=list(columns)),
        key=f"{key}_{st.session_state.get('persons_opened', 0)}",  # a table that was left remembers its click
        hide_index=True,
        column_config=dict(columns),
        height=height_of(len(rows), MOST_HEIGHT),
        row_height=ROW_PIXELS,
        on_select="rerun",
        selection_mode="single-cell",
        alt=alt,
    )
    clicked = event.selection.cells
    if clicked and 0 <= int(clicked[0][0]) < len(whos):
        open_person(whos[int(clicked[0][0])])
        st.rerun()


def open_person(who: ContactRef) -> None:
    """The Contacts page shows this person's record; the next table is a new one, which remembers no click."""
    st.session_state["persons_opened"] = st.session_state.get("persons_opened", 0) + 1
    st.query_params.update({"contact": who.contact_id, "in": who.location_id})


def close_person() -> None:
    """The Contacts page shows the list again."""
    for name in ("contact", "in", "before", "part"):
        st.query_params.pop(name, None)


def _sum(counted: Mapping[str, Mapping[str, int]], statuses: Sequence[str]) -> int:
    return sum(numbers.get(status, 0) for numbers in counted.values() for status in statuses)
