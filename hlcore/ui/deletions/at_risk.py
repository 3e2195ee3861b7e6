"""Who can still be saved: the groups of the At risk page, its rows, and how the clock is counted, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import streamlit as st

from hlcore.metrics.deletions import DeletionFilter, DeletionView, listing
from hlcore.model.lifecycle import Status
from hlcore.model.recovery_window import RemainingTime, urgency
from hlcore.store import Vault
from hlcore.store.locations import Location
from hlcore.ui.components.contact_list import ContactFilters, person_label
from hlcore.ui.components.contact_picker import ContactRef
from hlcore.ui.components.formatting import count, many, moment, plain, time_left, urgency_mark

MOST_AT_ONCE = 500
"""So many can be chosen with one click."""
CAUSES = {"merge": "Merge", "bulk": "Bulk action"}


@dataclass(frozen=True, slots=True)
class WindowGroup:
    """Some of the lost, by the whole days that are left (both ends included)."""

    title: str
    status: Status = Status.DELETED
    least_days: int | None = None
    most_days: int | None = None

    def wanted(self, places: Sequence[Location], filters: ContactFilters) -> DeletionFilter:
        """The people of this group that the filters leave."""
        return DeletionFilter(
            tuple(place.location_id for place in places),
            (self.status,),
            owner_id=filters.owner_id,
            tag=filters.tag,
            source=filters.source,
            text=filters.text,
            least_days=self.least_days,
            most_days=self.most_days,
        )


AT_RISK = WindowGroup("At risk")
GROUPS = {
    group.title: group
    for group in (
        AT_RISK,
        WindowGroup("Last day", most_days=0),
        WindowGroup("This week", least_days=1, most_days=7),
        WindowGroup("Later", least_days=8),
        WindowGroup("Window closed", status=Status.EXPIRED),
    )
}


def counted(vault: Vault, places: Sequence[Location], filters: ContactFilters, now: datetime) -> dict[str, int]:
    """Title of the group → how many people."""
    return {title: listing(vault, group.wanted(places, filters), now, limit=0).total for title, group in GROUPS.items()}


def who_of(lost: DeletionView) -> ContactRef:
    """Whose disappearance it is."""
    return ContactRef(lost.row.location_id, lost.row.contact_id)


def everybody(vault: Vault, wanted: DeletionFilter, now: datetime) -> list[ContactRef]:
    """All people of the question, the most urgent first, up to `MOST_AT_ONCE`."""
    return [who_of(lost) for lost in listing(vault, wanted, now, limit=MOST_AT_ONCE).rows]


def table_row(lost: DeletionView) -> dict[str, Any]:
    """One person as a row."""
    row, place = lost.row, lost.place
    return {
        "Name": person_label(row.name, row.email, row.phone),
        "Left": [_left_cell(lost.left)],
        "Save before": moment(lost.left.ends_at, place.timezone),
        "Gone": _gone(lost),
        "E-mail": row.email,
        "Phone": row.phone,
        "Owner": lost.owner,
        "Tags": list(row.tags),
        "Source": row.source,
        "Cause": CAUSES.get(row.cause, "Unknown"),
        "Account": place.name,
    }


def columns(several: bool, rows: Sequence[DeletionView]) -> dict[str, Any]:
    """The columns for these rows; the account only where there are several."""
    text = st.column_config.TextColumn
    colors = {_left_cell(lost.left): urgency_mark(lost.urgency).color for lost in rows}
    return {
        "Name": text(width=170),
        "Left": st.column_config.MultiselectColumn(
            width=185,
            options=list(colors),
            color=list(colors.values()),
            help="Whole days until HighLevel's own restore may close, counted carefully.",
        ),
        "Save before": text(width=190),
        "Gone": text(width=260, help="The exact time where HighLevel told it; else when the person was surely there."),
        **({"Account": text(width=200)} if several else {}),
        "E-mail": text(width=240),
        "Phone": text(width=130),
        "Owner": text(width=130),
        "Tags": st.column_config.ListColumn(width=160),
        "Source": text(width=120),
        "Cause": text(width=100),
    }


def badges(counted_: Mapping[str, int]) -> str:
    """How many are in each group, as Markdown."""
    marks = {"Last day": "today", "This week": "soon", "Later": "later", "Window closed": "closed"}
    parts = ((title, urgency_mark(word)) for title, word in marks.items())
    return " ".join(f":{mark.color}-badge[{mark.icon} {title}: {count(counted_[title])}]" for title, mark in parts)


def answer(counted_: Mapping[str, int], *, filtered: bool = False) -> str:
    """The page's answer in one line."""
    total, today, week = (counted_[title] for title in ("At risk", "Last day", "This week"))
    if not total:
        return "Nobody who matches is at risk." if filtered else "No deleted person's recovery window is open."
    who = f"**{many(total, 'person', 'people').capitalize()}**{' who match' if filtered else ''}"
    text = f"{who} can still be saved by HighLevel's own restore"
    soon = [f"{count(today)} on the last day" if today else "", f"{count(week)} within a week" if week else ""]
    urgent = " and ".join(part for part in soon if part)
    return f"{text}; {urgent}." if urgent else f"{text}, none of them within a week."


def clock_words(places: Sequence[Location]) -> str:
    """How the days are counted, and why the window is as long as it is; one paragraph for each different window."""
    by_window: dict[tuple[int, str], list[str]] = {}
    for place in places:
        by_window.setdefault((place.window.days, place.window.reason), []).append(place.name)
    parts = []
    for (days, reason), names in by_window.items():
        whose = f"**{plain(', '.join(names))}:** " if len(by_window) > 1 else ""
        parts.append(f"{whose}The window is **{many(days, 'day')}**. {plain(reason)}")
    how = (
        "The clock starts at the time of the deletion where HighLevel told it (“deleted”), else at the last time "
        "Contact Vault surely saw the person (“last seen”): the careful end, so that a person has at least as long as "
        "shown."
    )
    return "\n\n".join([*parts, how])


def _gone(lost: DeletionView) -> str:
    if lost.row.deleted_at is not None:
        return f"deleted {moment(lost.row.deleted_at, lost.place.timezone)}"
    return f"last seen {moment(lost.row.last_seen_at, lost.place.timezone)}"


def _left_cell(left: RemainingTime) -> str:
    words = time_left(left.open, left.days_left)
    return f"{urgency_mark(urgency(left)).sign} {words[:1].upper()}{words[1:]}"
