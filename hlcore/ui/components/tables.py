"""Tables that hold one page of rows, and the card that stands where there are none.

The database counts and cuts, the page shows:

    part = page_slice("runs", total)                       # before reading: which rows?
    rows = runs.list_recent(tx, ids, limit=part.limit, offset=part.offset)
    table(rows_as_dicts, key="runs", alt="…", columns={…})
    pager(part, "run")                                     # below the table: back and forth
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from functools import partial
from typing import Any, Literal

import pandas as pd
import streamlit as st

from hlcore.ui.components import address
from hlcore.ui.components.formatting import count, displayable, escaped, plural, zone_note

SIZES = (25, 50, 100)
ROW_PIXELS = 35
OnHeader = Callable[[str], None]
HEADERS: Literal["single-column"] = "single-column"
"""The selection of every table: st.dataframe sorts by what a header is clicked for, the texts of one page, unless
columns are selected that way."""
MAX_HEIGHT = 26 * ROW_PIXELS + 3
"""In pixels: a page of 25 rows is shown whole, a longer one scrolls."""


@dataclass(frozen=True, slots=True)
class PageSlice:
    """One page of `total` rows; `number` counts from 0."""

    key: str
    total: int
    size: int
    number: int

    @property
    def limit(self) -> int:
        """How many rows to read."""
        return self.size

    @property
    def offset(self) -> int:
        """How many rows to skip."""
        return self.number * self.size

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // self.size))

    @property
    def range_text(self) -> str:
        """'1–25 of 3,012'."""
        if not self.total:
            return "0"
        return f"{count(self.offset + 1)}–{count(min(self.total, self.offset + self.size))} of {count(self.total)}"


def page_slice(key: str, total: int, *, size: int = SIZES[0], query: object = None) -> PageSlice:
    """Return the page of rows to read now, as the address (`KEY_page`, `KEY_rows`) or this session knows it. When
    `query` (filters, order, …) changes, it is the first page again."""
    asked_size, asked_page = address.read(f"{key}_rows"), address.read(f"{key}_page")
    if asked_size and asked_size in map(str, SIZES):
        st.session_state[f"{key}_rows"] = int(asked_size)
    chosen_size = st.session_state.get(f"{key}_size") or st.session_state.get(f"{key}_rows") or size
    number = int(st.session_state.get(f"{key}_page", 0))
    if st.session_state.setdefault(f"{key}_of", repr(query)) != repr(query):
        number = 0
    elif asked_page is not None:
        number = int(asked_page) - 1 if asked_page.isdecimal() and len(asked_page) < 9 else 0
    last = max(1, -(-total // chosen_size)) - 1
    part = PageSlice(key, total, chosen_size, min(max(0, number), last))
    for name, value in (("of", repr(query)), ("page", part.number), ("rows", part.size)):
        st.session_state[f"{key}_{name}"] = value
    address.write(f"{key}_page", str(part.number + 1) if part.number else "")
    address.write(f"{key}_rows", str(part.size) if part.size != size else "")
    return part


def pager(part: PageSlice, noun: str, plural_noun: str = "", *, tz: str = "") -> None:
    """Draw the way between the pages and the choice of their size; where one page is enough, only the number. `tz`: the
    time zone of every moment in the table, said here; '' for a table without moments."""
    zone = f" · {zone_note(tz)}" if tz else ""
    if part.total <= SIZES[0]:
        st.caption(plural(part.total, noun, plural_noun) + zone)
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(f"{part.range_text} {plural_noun or noun + 's'}{zone}", width="content")
        with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small"):
            _step_button(part, -1, "Previous", ":material/chevron_left:", disabled=part.number == 0)
            _step_button(part, 1, "Next", ":material/chevron_right:", disabled=part.number >= part.pages - 1)
            sizes = sorted({*SIZES, part.size})
            st.selectbox(
                "Rows on a page",
                sizes,
                index=sizes.index(part.size),
                key=f"{part.key}_size",
                label_visibility="collapsed",
                width=90,
            )


def _step_button(part: PageSlice, step: int, label: str, icon: str, *, disabled: bool) -> None:
    key = f"{part.key}_{label.lower()}"
    st.button(label, key=key, icon=icon, disabled=disabled, on_click=_turn_page, args=(part.key, step))


def _turn_page(key: str, step: int) -> None:
    st.session_state[f"{key}_page"] = int(st.session_state.get(f"{key}_page", 0)) + step


@dataclass(frozen=True, slots=True)
class Ordering:
    """The orders in which the database can list all rows of a table, and how people choose one: in a box, which the
    address remembers under `key`, or by a click on a header. A browser would sort the texts of one page only.

    `orders`: label → what to sort by and whether descending, the usual order first. `headers`: column → the labels
    that clicks on its header go through.
    """

    key: str
    orders: Mapping[str, tuple[str, bool]]
    headers: Mapping[str, Sequence[str]]

    @property
    def chosen(self) -> str:
        """The label of the order to read the rows in."""
        label: str = st.session_state.get(self.key, "")
        return label if label in self.orders else next(iter(self.orders))

    def show_choice(self) -> None:
        """Draw the box."""
        orders = list(self.orders)
        address.choice(self.key, orders, lambda: st.selectbox("Sort by", orders, key=self.key, width=165))

    def step(self, header: str) -> None:
        """Choose the next order of a column, if it has any."""
        if labels := self.headers.get(header):
            following = labels.index(self.chosen) + 1 if self.chosen in labels else 0
            st.session_state[self.key] = labels[following % len(labels)]

    def marked(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Return these columns, that by which the rows are sorted with an arrow behind its name."""
        arrow = "↓" if self.orders[self.chosen][1] else "↑"
        sorted_by = {header for header, labels in self.headers.items() if self.chosen in labels}
        return {
            name: _labelled(config, f"{name} {arrow}") if name in sorted_by else config
            for name, config in columns.items()
        }


def table(
    rows: Sequence[Mapping[str, Any]],
    *,
    key: str,
    alt: str,
    columns: Mapping[str, Any] | None = None,
    max_height: int = MAX_HEIGHT,
    on_header: OnHeader | None = None,
) -> None:
    """Draw the rows, read-only and in their order. `columns`: the names to show, in order, each with its
    st.column_config or None. `on_header` is called, before the page is drawn again, with the column whose header was
    clicked."""
    drawn = f"{key}_{_clicks()}"
    st.dataframe(
        _data_frame(rows, columns),
        key=drawn,
        hide_index=True,
        column_config=dict(columns or {}),
        height=_table_height(len(rows), max_height),
        row_height=ROW_PIXELS,
        on_select=partial(_header_clicked, drawn, on_header),
        selection_mode=HEADERS,
        alt=alt,
    )


def selectable_table(
    rows: Sequence[Mapping[str, Any]],
    ids: Sequence[str],
    *,
    key: str,
    alt: str,
    columns: Mapping[str, Any] | None = None,
    max_height: int = MAX_HEIGHT,
    ticked: Sequence[int] = (),
    on_header: OnHeader | None = None,
) -> list[str]:
    """Draw the rows with a box before each, and return the ids of the ticked ones; `ids[n]` belongs to `rows[n]`.

    Whoever acts on the ids reads the rows again from the database. `ticked` are the positions of the rows that are
    ticked when a table with this key is drawn for the first time. `on_header` is called, before the page is drawn
    again, with the column whose header was clicked.
    """
    event = st.dataframe(
        _data_frame(rows, columns),
        key=key,
        hide_index=True,
        column_config=dict(columns or {}),
        height=_table_height(len(rows), max_height),
        row_height=ROW_PIXELS,
        on_select=partial(_header_clicked, key, on_header),
        selection_mode=["multi-row", HEADERS],
        selection_default={"selection": {"rows": list(ticked), "columns": [], "cells": []}},
        alt=alt,
    )
    return [ids[position] for position in event.selection.rows if position < len(ids)]


def _header_clicked(key: str, on_header: OnHeader | None) -> None:
    """Pass a click on a header of the table with this key on, and forget it: a table keeps what was clicked, even after
    it was left, and is drawn without under another key."""
    columns = st.session_state[key].selection.columns
    if columns:
        st.session_state["clicks"] = _clicks() + 1
        if on_header is not None:
            on_header(columns[0])


def _clicks() -> int:
    return int(st.session_state.get("clicks", 0))


def _labelled(config: Any, label: str) -> Any:
    if is_dataclass(config) and not isinstance(config, type):  # a column of buttons
        return replace(config, config=_labelled(config.config, label))  # type: ignore[attr-defined]
    return {**(config or {}), "label": label}


def _data_frame(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Any] | None) -> pd.DataFrame:
    """Return the rows as Streamlit draws them: every text of a kind that a browser can show."""
    shown = [{name: _cell(value) for name, value in row.items()} for row in rows]
    return pd.DataFrame(shown, columns=list(columns) if columns else None)


def _cell(value: object) -> object:
    if isinstance(value, str):
        return displayable(value)
    return [_cell(part) for part in value] if isinstance(value, list) else value


def _table_height(rows: int, max_height: int = MAX_HEIGHT) -> int:
    """Return the height in pixels of a table with this number of rows."""
    return min(max_height, (max(rows, 1) + 1) * ROW_PIXELS + 3)


def empty_state(title: str, text: str, *, icon: str = ":material/inbox:") -> None:
    """Draw a calm card instead of an empty table: why there is nothing, and what to do."""
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(f"#### {icon} {title}", text_alignment="center", anchors=False)
        st.caption(text, text_alignment="center")


def all_clear(title: str, text: str, doubts: Sequence[str] = ()) -> None:
    """Draw a card for "nothing to do, and that is good". `doubts`: why that is not surely so; with them it reassures
    nobody."""
    if doubts:
        empty_state(f"{title}, as far as is known", escaped(" ".join(doubts)), icon=":material/help:")
    else:
        empty_state(title, text, icon=":material/verified:")
