"""Tables that never hold more than one page of rows: the database counts and cuts, the page shows.

part = slice_of("runs", total)                        # before reading: which rows?
rows = runs.recent(tx, ids, limit=part.limit, offset=part.offset)
table(rows_as_dicts, key="runs", alt="…", columns={…})
pager(part, "run")                                    # after the table: back and forth

What stands where there is nothing to show: why it is empty, and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from hlcore.ui.components.formatting import count, many

SIZES = (25, 50, 100)
ROW_PIXELS = 35
MOST_HEIGHT = 26 * ROW_PIXELS + 3
"""A page of 25 rows stands whole; longer ones scroll inside."""


@dataclass(frozen=True, slots=True)
class Slice:
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
        """How many rows stand before them."""
        return self.number * self.size

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // self.size))

    @property
    def words(self) -> str:
        """'1–25 of 3,012'."""
        if not self.total:
            return "0"
        return f"{count(self.offset + 1)}–{count(min(self.total, self.offset + self.size))} of {count(self.total)}"


def slice_of(key: str, total: int, *, size: int = SIZES[0], of: object = None) -> Slice:
    """The rows to read now. `of`: what the rows are (filters, sort); when it changes, the first page comes back."""
    if st.session_state.get(f"{key}_of") != repr(of):
        st.session_state[f"{key}_of"] = repr(of)
        st.session_state[f"{key}_page"] = 0
    wanted = st.session_state.get(f"{key}_size") or size
    last = max(1, -(-total // wanted)) - 1
    number = min(max(0, int(st.session_state.get(f"{key}_page", 0))), last)
    st.session_state[f"{key}_page"] = number
    return Slice(key, total, wanted, number)


def pager(part: Slice, noun: str, plural: str = "") -> None:
    """Back and forth between the pages, and how many rows one has. Nothing but the number where one page is enough."""
    if part.total <= SIZES[0]:
        st.caption(many(part.total, noun, plural))
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(f"{part.words} {plural or noun + 's'}", width="content")
        with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small"):
            _step(part, -1, "Previous", ":material/chevron_left:", disabled=part.number == 0)
            _step(part, 1, "Next", ":material/chevron_right:", disabled=part.number >= part.pages - 1)
            sizes = sorted({*SIZES, part.size})
            st.selectbox(
                "Rows on a page",
                sizes,
                index=sizes.index(part.size),
                key=f"{part.key}_size",
                label_visibility="collapsed",
                width=90,
            )


def _step(part: Slice, by: int, label: str, icon: str, *, disabled: bool) -> None:
    st.button(
        label, key=f"{part.key}_{label.lower()}", icon=icon, disabled=disabled, on_click=_turn, args=(part.key, by)
    )


def _turn(key: str, by: int) -> None:
    st.session_state[f"{key}_page"] = int(st.session_state.get(f"{key}_page", 0)) + by


def table(
    rows: Sequence[Mapping[str, Any]],
    *,
    key: str,
    alt: str,
    columns: Mapping[str, Any] | None = None,
    max_height: int = MOST_HEIGHT,
) -> None:
    """The rows, read-only. `columns`: the shown names with their st.column_config (None for a plain one), in order."""
    st.dataframe(
        _frame(rows, columns),
        key=key,
        hide_index=True,
        column_config=dict(columns or {}),
        height=height_of(len(rows), max_height),
        row_height=ROW_PIXELS,
        alt=alt,
    )


def choose(
    rows: Sequence[Mapping[str, Any]],
    ids: Sequence[str],
    *,
    key: str,
    alt: str,
    columns: Mapping[str, Any] | None = None,
    max_height: int = MOST_HEIGHT,
    ticked: Sequence[int] = (),
) -> list[str]:
    """The rows with a box before each; the ids (one for each row, in order) of those that are ticked. Ids are what
    later steps work with: they read the rows again from the database. `ticked`: the rows that are ticked when the
    table of this key is drawn for the first time."""
    event = st.dataframe(
        _frame(rows, columns),
        key=key,
        hide_index=True,
        column_config=dict(columns or {}),
        height=height_of(len(rows), max_height),
        row_height=ROW_PIXELS,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": list(ticked), "columns": [], "cells": []}},
        alt=alt,
    )
    return [ids[at] for at in event.selection.rows if at < len(ids)]


def _frame(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Any] | None) -> pd.DataFrame:
    shown = list(columns) if columns else None
    return pd.DataFrame([dict(row) for row in rows], columns=shown)


def height_of(rows: int, most: int) -> int:
    """The height of a table with so many rows, in pixels."""
    return min(most, (max(rows, 1) + 1) * ROW_PIXELS + 3)


def empty(title: str, text: str, *, icon: str = ":material/inbox:") -> None:
    """A calm card instead of an empty table. Put a button or a page link after it inside the same container."""
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(f"#### {icon} {title}", text_alignment="center")
        st.caption(text, text_alignment="center")


def all_clear(title: str, text: str) -> None:
    """Nothing to do, and that is good."""
    empty(title, text, icon=":material/verified:")
