"""Lists of contacts: the search box and filters of Contacts and At risk, the table of Contacts, the way to a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from hlcore.store import Vault
from hlcore.store.contacts import search as contact_search
from hlcore.store.contacts.search import ContactQuery, ContactSummary
from hlcore.store.contacts.suggestions import nearest_names
from hlcore.store.locations import Location
from hlcore.ui.components import address
from hlcore.ui.components.contact_fields import Names, load_names
from hlcore.ui.components.contact_picker import ContactRef
from hlcore.ui.components.formatting import Badge, day, escaped, plural, status_badge
from hlcore.ui.components.navigation import names_column
from hlcore.ui.components.tables import Ordering, empty_state
from hlcore.ui.session import location_name, shared_timezone

STATUS_FILTERS: Mapping[str, tuple[str, ...]] = {
    "Everybody": (),
    "In HighLevel": ("present", "returned"),
    "Deleted": ("deleted", "merged", "suspected"),
    "Restored": ("returned", "recreated"),
}
"""What the Contacts page can be narrowed to → the statuses."""
ORDERING = Ordering(
    "order",
    {
        "By name": ("name", False),
        "By name, Z to A": ("name", True),
        "Newest first": ("date_added", True),
        "Oldest first": ("date_added", False),
        "Last changed first": ("changed_at", True),
        "By e-mail": ("email", False),
        "By company": ("company", False),
        "By status": ("status", False),
    },
    {
        "Name": ("By name", "By name, Z to A"),
        "Added": ("Newest first", "Oldest first"),
        "E-mail": ("By e-mail",),
        "Company": ("By company",),
        "Status": ("By status",),
    },
)
"""The orders of the Contacts page."""
STATUSES = ("present", "suspected", "deleted", "merged", "returned", "recreated", "undone", "erased")
ANY = ""


@dataclass(frozen=True, slots=True)
class FilterOptions:
    """What the filters offer: owners by id, with `names` to show them by."""

    owners: Sequence[str]
    tags: Sequence[str]
    sources: Sequence[str]
    names: Names


@dataclass(frozen=True, slots=True)
class ContactFilters:
    """What the user set; an empty part does not restrict."""

    text: str = ""
    owner_id: str = ""
    tag: str = ""
    source: str = ""

    @property
    def any(self) -> bool:
        """Whether anything restricts."""
        return bool(self.text.strip() or self.owner_id or self.tag or self.source)


def load_filter_options(vault: Vault, location_ids: Sequence[str]) -> FilterOptions:
    """Return the owners, tags and sources that occur in these locations."""
    with vault.read() as tx:
        return FilterOptions(
            contact_search.filter_choices(tx, location_ids, "owner_id"),
            contact_search.filter_choices(tx, location_ids, "tag"),
            contact_search.filter_choices(tx, location_ids, "source"),
            load_names(tx, location_ids),
        )


def show_filters(key: str, options: FilterOptions, ordering: Ordering) -> ContactFilters:
    """Draw the search box, the filters and the choice of an order in one row, and return what is set.

    What is typed stays in the session, out of the address: names and e-mails are personal. The filters stand in it as
    an owner's id and as checksums.
    """
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
        owners = sorted(options.owners, key=lambda owner_id: options.names.user(owner_id).casefold())
        owner = _filter_box(key, "Owner", owners, options.names.user, str)
        tag = _filter_box(key, "Tag", options.tags, str, address.mark_of)
        source = _filter_box(key, "Source", options.sources, str, address.mark_of)
        ordering.show_choice()
    return ContactFilters(text or "", owner, tag, source)


def _filter_box(
    key: str, label: str, options: Sequence[str], text_of: Callable[[str], str], mark_of: Callable[[str], str]
) -> str:
    name = f"{key}_{label.lower()}"
    if (asked := address.read(name)) is not None:
        st.session_state[name] = next((option for option in options if mark_of(option) == asked), ANY)
    current = st.session_state.get(name, ANY)
    offered = [*options, *([current] if current and current not in options else [])]
    selected = st.selectbox(
        label,
        [ANY, *offered],
        key=name,
        format_func=lambda option: text_of(option) if option else "Any",
        persist_state="session",
        width=155,
    )
    address.write(name, mark_of(selected) if selected else "")
    return selected or ANY


def clear_filters(key: str) -> None:
    """Empty the search box and the filters."""
    for name in ("search", "owner", "tag", "source"):
        st.session_state[f"{key}_{name}"] = ""


def show_no_matches(vault: Vault, key: str, query: ContactQuery) -> None:
    """Draw the card for a search or filter that nobody matches, the names nearest to what was typed, each of which is
    searched for on a click, and the button that clears the filters."""
    text = "Try fewer letters, another spelling, or clear the filters."
    empty_state("Nobody matches", text, icon=":material/search_off:")
    with vault.read() as tx:
        names = nearest_names(tx, query)
    with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center", gap="small"):
        if names:
            st.markdown("Did you mean", width="content")
        for position, name in enumerate(names):
            st.button(escaped(name), key=f"nearest_{position}", on_click=_search_for, args=(key, name))
        st.button("Clear the filters", key="clear", type="tertiary", on_click=clear_filters, args=(key,))


def _search_for(key: str, name: str) -> None:
    st.session_state[f"{key}_search"] = name


def contact_label(name: str, email: str, phone: str) -> str:
    """Return what to call a contact in a table."""
    return name or email or phone or "No name"


def contact_row(
    contact: ContactSummary, names: Names, locations: Sequence[Location], badge: Badge | None = None
) -> dict[str, Any]:
    """Return a contact as a row of the Contacts page. `badge`: what to show instead of the status."""
    return {
        "Name": contact_label(contact.name, contact.email, contact.phone),
        "E-mail": contact.email,
        "Phone": contact.phone,
        "Status": [(badge or status_badge(contact.status)).cell],
        "Company": contact.company,
        "Owner": names.user(contact.owner_id),
        "Tags": list(contact.tags),
        "Added": day(contact.date_added, shared_timezone(locations)),
        "Account": location_name(contact.location_id, locations),
    }


def contact_columns(
    contacts: Sequence[ContactRef], *, several_locations: bool, badges: Sequence[Badge] = ()
) -> dict[str, Any]:
    """Return the columns of the Contacts page, `contacts[n]` being that of row n: a name opens the record. The account
    only where there are several. `badges`: what may stand for the status."""
    text = st.column_config.TextColumn
    colors = {badge.cell: badge.color for badge in (*map(status_badge, STATUSES), *badges)}
    return {
        "Name": names_column(contacts, key="contacts_names", width=170),
        "Status": st.column_config.MultiselectColumn(width=180, options=list(colors), color=list(colors.values())),
        "E-mail": text(width=235),
        "Phone": text(width=130),
        "Company": text(width=140),
        "Owner": text(width=140),
        "Tags": st.column_config.ListColumn(width=170),
        "Added": text(width=110),
        **({"Account": text(width=190)} if several_locations else {}),
    }


def contacts_summary_text(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Summarise the Contacts page in one line. `counts`: location id → status → number of contacts."""
    present = _sum(counts, STATUS_FILTERS["In HighLevel"])
    deleted = _sum(counts, ("deleted", "merged", "suspected", "recreated"))
    text = f"{plural(present, 'contact')} in HighLevel, each copied here"
    kept = plural(deleted, "more is", "more are")
    return f"{text}; {kept} kept that HighLevel no longer has." if deleted else f"{text}."


def close_contact() -> None:
    """Show the list again."""
    for name in ("contact", "in", "before", "part"):
        st.query_params.pop(name, None)


def _sum(counts: Mapping[str, Mapping[str, int]], statuses: Sequence[str]) -> int:
    return sum(numbers.get(status, 0) for numbers in counts.values() for status in statuses)
