"""Choosing people in a table that shows one page at a time: the choice is kept by id, not by place.

    chosen = Choice("at_risk")
    chosen.table(rows, whos, part=part, alt="…", columns={…})
    chosen.whos                                         # everybody chosen, on whatever page

A click arrives as the place of a row. It counts only while the table still shows the very people it was drawn with:
the table's key names them, so that a table that meanwhile shows others starts from the kept choice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from hlcore.ui.components.tables import choose

BASKET = "restore_people"
"""Session key of those whom the Restore page is about."""


@dataclass(frozen=True, slots=True, order=True)
class ContactRef:
    """A person: account and contact id."""

    location_id: str
    contact_id: str


class Selection:
    """Who is chosen in this session under this key."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._kept: dict[ContactRef, None] = st.session_state.setdefault(f"{key}_chosen", {})

    @property
    def whos(self) -> list[ContactRef]:
        """Everybody chosen, in the order of choosing."""
        return list(self._kept)

    def add(self, whos: Sequence[ContactRef]) -> None:
        """These are chosen too."""
        self._kept.update(dict.fromkeys(whos))
        self._redraw()

    def clear(self) -> None:
        """Nobody is chosen."""
        self._kept.clear()
        self._redraw()

    def keep_only(self, whos: Sequence[ContactRef]) -> None:
        """Of the chosen, only these stay chosen: the others are no longer to be had."""
        gone = self._kept.keys() - set(whos)
        for who in gone:
            del self._kept[who]

    def table(
        self, rows: Sequence[Mapping[str, Any]], whos: Sequence[ContactRef], *, alt: str, columns: Mapping[str, Any]
    ) -> None:
        """The rows, `whos[n]` being the person of `rows[n]`; the chosen ones are ticked, ticking changes the choice."""
        ticked = [at for at, who in enumerate(whos) if who in self._kept]
        found = choose(
            rows,
            [str(at) for at in range(len(whos))],
            key=f"{self.key}_{_digest(whos)}_{self._drawn}",
            alt=alt,
            columns=columns,
            ticked=ticked,
        )
        now = {whos[int(at)] for at in found}
        for who in whos:
            if who in now:
                self._kept.setdefault(who)
            else:
                self._kept.pop(who, None)

    @property
    def _drawn(self) -> int:
        return int(st.session_state.get(f"{self.key}_drawn", 0))

    def _redraw(self) -> None:
        st.session_state[f"{self.key}_drawn"] = self._drawn + 1


def fill_restore_selection(whos: Sequence[ContactRef]) -> None:
    """The Restore page is about these people."""
    st.session_state[BASKET] = list(whos)


def restore_selection() -> list[ContactRef]:
    """Whom the Restore page is about."""
    found: list[ContactRef] = st.session_state.get(BASKET, [])
    return found


def _digest(whos: Sequence[ContactRef]) -> str:
    told = "\n".join(f"{who.location_id}/{who.contact_id}" for who in whos)
    return hashlib.sha256(told.encode()).hexdigest()[:12]
