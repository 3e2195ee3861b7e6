"""Choosing contacts in a table that shows one page at a time: the choice is kept by id, not by position.

    selection = Selection("risk")
    selection.table(rows, contacts, alt="…", columns={…})
    selection.contacts                                     # all that are chosen, on whatever page

A click arrives as the position of a row. It counts only while the table still shows the contacts it was drawn with:
the table's key is made from their ids, so a table that shows others starts from the kept choice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from hlcore.ui.components.tables import Ordering, selectable_table

SELECTION_KEY = "restore_people"
"""Session key of the contacts that the Restore page is about."""


@dataclass(frozen=True, slots=True, order=True)
class ContactRef:
    """The ids that name a contact: its location's and its own."""

    location_id: str
    contact_id: str


class Selection:
    """The contacts that are chosen in this session under this key."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._chosen: dict[ContactRef, None] = st.session_state.setdefault(f"{key}_chosen", {})

    @property
    def contacts(self) -> list[ContactRef]:
        """The chosen contacts, in the order of choosing."""
        return list(self._chosen)

    def add(self, contacts: Sequence[ContactRef]) -> None:
        """Choose these contacts too."""
        self._chosen.update(dict.fromkeys(contacts))
        self._reset_table()

    def clear(self) -> None:
        """Choose nobody."""
        self._chosen.clear()
        self._reset_table()

    def table(
        self,
        rows: Sequence[Mapping[str, Any]],
        contacts: Sequence[ContactRef],
        *,
        alt: str,
        columns: Mapping[str, Any],
        ordering: Ordering,
    ) -> None:
        """Draw the rows, `contacts[n]` being that of `rows[n]`, with the chosen ones ticked; a tick changes the
        choice, a click on a header the order."""

        def sort_by(header: str) -> None:
            ordering.step(header)
            self._reset_table()

        positions = [str(position) for position in range(len(contacts))]
        ticked = selectable_table(
            rows,
            positions,
            key=f"{self.key}_{_digest(contacts)}_{self._resets}",
            alt=alt,
            columns=ordering.marked(columns),
            on_header=sort_by,
            ticked=[position for position, contact in enumerate(contacts) if contact in self._chosen],
        )
        chosen_here = {contacts[int(position)] for position in ticked}
        for contact in contacts:
            if contact in chosen_here:
                self._chosen.setdefault(contact)
            else:
                self._chosen.pop(contact, None)

    @property
    def _resets(self) -> int:
        return int(st.session_state.get(f"{self.key}_drawn", 0))

    def _reset_table(self) -> None:
        """Give the table a new key, so that it is drawn from the kept choice."""
        st.session_state[f"{self.key}_drawn"] = self._resets + 1


def fill_restore_selection(contacts: Sequence[ContactRef]) -> None:
    """Make the Restore page be about these contacts."""
    st.session_state[SELECTION_KEY] = list(contacts)


def restore_selection() -> list[ContactRef]:
    """Return the contacts that the Restore page is about."""
    contacts: list[ContactRef] = st.session_state.get(SELECTION_KEY, [])
    return contacts


def _digest(contacts: Sequence[ContactRef]) -> str:
    ids = "\n".join(f"{contact.location_id}/{contact.contact_id}" for contact in contacts)
    return hashlib.sha256(ids.encode()).hexdigest()[:12]
