"""The At risk page's parts: groups by the time that is left, the table's rows, and how the days are counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import streamlit as st

from hlcore.metrics.coverage import kind_names
from hlcore.metrics.deletions import DeletionFilter, DeletionView, list_deletions
from hlcore.model.lifecycle import Status
from hlcore.model.recovery_window import RemainingTime, urgency
from hlcore.store import Vault
from hlcore.store.contacts.search import ContactQuery
from hlcore.store.locations import Location
from hlcore.ui.components.contact_list import ContactFilters, contact_label
from hlcore.ui.components.contact_picker import ContactRef
from hlcore.ui.components.formatting import capitalized, count, escaped, moment_cell, plural, time_left, urgency_badge
from hlcore.ui.components.navigation import names_column
from hlcore.ui.components.tables import Ordering
from hlcore.ui.restore.open_jobs import PeopleInJobs, job_badges

MAX_SELECTED_AT_ONCE = 500
"""So many can be chosen with one click."""
ORDERING = Ordering(
    "risk_order",
    {
        "Least time left": ("window", False),
        "Most time left": ("window", True),
        "By name": ("name", False),
        "By name, Z to A": ("name", True),
        "Last noticed first": ("detected_at", True),
    },
    {
        "Left": ("Least time left", "Most time left"),
        "Save before": ("Least time left", "Most time left"),
        "Name": ("By name", "By name, Z to A"),
    },
)
CAUSE_LABELS = {"merge": "Merge", "bulk": "Bulk action"}


@dataclass(frozen=True, slots=True)
class WindowGroup:
    """Deleted contacts by the whole days that are left (both ends included)."""

    title: str
    status: Status = Status.DELETED
    min_days: int | None = None
    max_days: int | None = None

    def query(self, locations: Sequence[Location], filters: ContactFilters) -> DeletionFilter:
        """The contacts of this group that the filters let through."""
        return DeletionFilter(
            tuple(location.location_id for location in locations),
            (self.status,),
            owner_id=filters.owner_id,
            tag=filters.tag,
            source=filters.source,
            text=filters.text,
            min_days=self.min_days,
            max_days=self.max_days,
        )


def contact_query(locations: Sequence[Location], filters: ContactFilters) -> ContactQuery:
    """Return the deleted contacts that the filters let through, however long they have."""
    ids = tuple(location.location_id for location in locations)
    return ContactQuery(ids, filters.text, filters.tag, filters.owner_id, filters.source, (Status.DELETED,))


AT_RISK = WindowGroup("At risk")
GROUPS = {
    group.title: group
    for group in (
        AT_RISK,
        WindowGroup("Last day", max_days=0),
        WindowGroup("This week", min_days=1, max_days=7),
        WindowGroup("Later", min_days=8),
        WindowGroup("Window closed", status=Status.EXPIRED),
    )
}


def count_groups(vault: Vault, locations: Sequence[Location], filters: ContactFilters, now: datetime) -> dict[str, int]:
    """Return the number of contacts in each group, by its title."""
    return {
        title: list_deletions(vault, group.query(locations, filters), now, limit=0).total
        for title, group in GROUPS.items()
    }


def contact_ref(view: DeletionView) -> ContactRef:
    """Return the contact whose disappearance it is."""
    return ContactRef(view.row.location_id, view.row.contact_id)


def list_contacts(vault: Vault, query: DeletionFilter, now: datetime) -> list[ContactRef]:
    """Return the contacts that the filter lets through, the most urgent first, up to MAX_SELECTED_AT_ONCE."""
    return [contact_ref(view) for view in list_deletions(vault, query, now, limit=MAX_SELECTED_AT_ONCE).rows]


def table_row(view: DeletionView, in_jobs: PeopleInJobs, tz: str) -> dict[str, Any]:
    """Return one disappearance as a row, its moments in this time zone; who is in a job is marked instead of the days
    that are left."""
    row = view.row
    person = in_jobs.get(contact_ref(view))
    return {
        "Name": contact_label(row.name, row.email, row.phone),
        "Left": [person.badge.cell if person is not None else _left_cell(view.left)],
        "Save before": moment_cell(view.left.ends_at, tz),
        "Gone": _gone_text(view, tz),
        "E-mail": row.email,
        "Phone": row.phone,
        "Owner": view.owner,
        "Tags": list(row.tags),
        "Source": row.source,
        "Cause": CAUSE_LABELS.get(row.cause, "Unknown"),
        "Never captured": kind_names(row.not_captured),
        "Account": view.location.name,
    }


def columns(several_locations: bool, rows: Sequence[DeletionView]) -> dict[str, Any]:
    """Return the columns for these rows, what decides first; the account only where there are several. A name opens
    the person's record."""
    text = st.column_config.TextColumn
    colors = {_left_cell(view.left): urgency_badge(view.urgency).color for view in rows}
    colors |= {badge.cell: badge.color for badge in job_badges()}
    return {
        "Name": names_column([contact_ref(view) for view in rows], key="risk_names", width=150),
        "Left": st.column_config.MultiselectColumn(
            width=170,
            options=list(colors),
            color=list(colors.values()),
            help="Whole days until HighLevel's own restore may close, counted carefully.",
        ),
        "Save before": text(width=145),
        **({"Account": text(width=185)} if several_locations else {}),
        "Owner": text(width=115),
        "Cause": text(width=95),
        "E-mail": text(width=190),
        "Gone": text(width=200, help="The exact time where HighLevel told it; else when the person was surely there."),
        "Phone": text(width=130),
        "Tags": st.column_config.ListColumn(width=160),
        "Source": text(width=120),
        "Never captured": text(width=260, help="Kinds of records of which nobody knows what the person had."),
    }


def group_badges(counts: Mapping[str, int]) -> str:
    """Return how many are in each group, as Markdown."""
    urgencies = {"Last day": "today", "This week": "soon", "Later": "later", "Window closed": "closed"}
    parts = ((title, urgency_badge(urgency)) for title, urgency in urgencies.items())
    return " ".join(f":{badge.color}-badge[{badge.icon} {title}: {count(counts[title])}]" for title, badge in parts)


def summary_text(counts: Mapping[str, int], *, filtered: bool = False) -> str:
    """Summarise the page in one line."""
    total, today, week = (counts[title] for title in ("At risk", "Last day", "This week"))
    if not total:
        return "Nobody who matches is at risk." if filtered else "No deleted person's recovery window is open."
    people = f"**{plural(total, 'person').capitalize()}**{' among those who match' if filtered else ''}"
    text = f"{people} can still be saved by HighLevel's own restore"
    soon = [f"{count(today)} on the last day" if today else "", f"{count(week)} within a week" if week else ""]
    urgent = " and ".join(part for part in soon if part)
    return f"{text}; {urgent}." if urgent else f"{text}, none of them within a week."


def known_text(known: int, total: int) -> str:
    """Return of how many of these people everything that belonged to them had been captured."""
    if known >= total:
        return "What belonged to them (notes, tasks, opportunities, messages …) had been captured of everybody."
    return (
        f"What belonged to them is known in full for **{count(known)} of {count(total)}**. Of the others some kinds of "
        "records were never captured (last column), so nobody knows what there was; HighLevel's own restore may bring "
        "back more than the copy holds."
    )


def window_help_text(locations: Sequence[Location]) -> str:
    """Return how the days are counted and why the window is as long as it is; a paragraph for each different window."""
    by_window: dict[tuple[int, str], list[str]] = {}
    for location in locations:
        by_window.setdefault((location.window.days, location.window.reason), []).append(location.name)
    parts = []
    for (days, reason), names in by_window.items():
        prefix = f"**{escaped(', '.join(names))}:** " if len(by_window) > 1 else ""
        parts.append(f"{prefix}The window is **{plural(days, 'day')}**. {escaped(reason)}")
    how = (
        "The clock starts at the time of the deletion where HighLevel told it (“deleted”), else at the last time "
        "Contact Vault surely saw the person (“last seen”): the careful end, so that a person has at least as long as "
        "shown."
    )
    return "\n\n".join([*parts, how])


def _gone_text(view: DeletionView, tz: str) -> str:
    if view.row.deleted_at is not None:
        return f"deleted {moment_cell(view.row.deleted_at, tz)}"
    return f"last seen {moment_cell(view.row.last_seen_at, tz)}"


def _left_cell(left: RemainingTime) -> str:
    return f"{urgency_badge(urgency(left)).symbol} {capitalized(time_left(left.open, left.days_left))}"
