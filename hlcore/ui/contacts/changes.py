"""What a period changed: the question, the fields that changed, the people, and the way to put it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import streamlit as st

from hlcore.restore.revert import MOST, ChangedContacts, ContactAt, changed
from hlcore.store import Tx, runs
from hlcore.store.locations import Location
from hlcore.store.restores import jobs as restore_jobs
from hlcore.ui import session
from hlcore.ui.components import contact_fields
from hlcore.ui.components.contact_fields import Names
from hlcore.ui.components.formatting import count, many, plain, zone, zone_label

HELD = "changes_found"
_TEXT = st.column_config.TextColumn
COLUMNS: dict[str, Any] = {
    "Person": _TEXT(width=180),
    "Field": _TEXT(width=180),
    "Before": _TEXT(width=245),
    "Today": _TEXT(width=245),
    "Can be put back": _TEXT(width=135),
}


@dataclass(frozen=True, slots=True)
class ChangesQuery:
    """A period of an account, aware."""

    location_id: str
    start: datetime
    end: datetime


def question(places: Sequence[Location]) -> ChangesQuery | None:
    """The account and the period that somebody asks about; None while the period is empty. The times are those of the
    account's own clock; the last minute belongs to the period."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="changes_question"):
        place = places[0]
        if len(places) > 1:
            names = {one.location_id: one.name for one in places}
            wanted = st.selectbox(
                "Account", list(names), key="changes_account", format_func=names.__getitem__, width=240
            )
            place = next(one for one in places if one.location_id == wanted)
        tz = zone(place.timezone)
        now = session.now().astimezone(tz)
        clock = zone_label(now)
        day: date = st.date_input("Day", value=now.date(), max_value=now.date(), key="changes_day", width=150)
        first: time = st.time_input(f"From ({clock})", value=time(0, 0), key="changes_from", step=900, width=130)
        last: time = st.time_input(f"Until ({clock})", value=time(23, 59), key="changes_until", step=900, width=130)
    start, end = datetime.combine(day, first, tz), datetime.combine(day, last, tz) + timedelta(minutes=1)
    return ChangesQuery(place.location_id, start, end) if start < end else None


def found_for(asked: ChangesQuery) -> ChangedContacts:
    """What the period changed; looked up once for each question and each new round."""
    with session.app_context().vault.read() as tx:
        newest = runs_of(tx, asked.location_id)
    key = (asked, newest)
    held = st.session_state.get(HELD)
    if held is None or held[0] != key:
        with st.spinner("Comparing copies …"):
            held = (key, changed(session.app_context().vault, asked.location_id, asked.start, asked.end))
        st.session_state[HELD] = held
    found: ChangedContacts = held[1]
    return found


def runs_of(tx: Tx, location_id: str) -> tuple[int, int]:
    """What tells whether the vault may know more than before: the newest run and the newest job."""
    run = next(iter(runs.recent(tx, [location_id], limit=1, kinds=runs.LOOKS)), None)
    job = next(iter(restore_jobs.list_jobs(tx, [location_id], limit=1)), None)
    return (run.run_id if run else 0, (job.job_id * 100_000 + job.finished) if job else 0)


def answer(found: ChangedContacts) -> str:
    """The page's answer in one line."""
    if not found.pasts:
        return "Nobody was changed in that time, or all is as it was before."
    text = f"**{many(len(found.pasts), 'person', 'people').capitalize()}** still differ from how they were before."
    if found.gone:
        text += f" {count(found.gone)} more are not in HighLevel any more."
    if found.cut:
        text += f" Only the first {count(MOST)} were compared; choose a shorter time."
    return text


def by_field(found: ChangedContacts) -> list[tuple[str, int, int]]:
    """(field, in how many people it changed, in how many it can be put back), the commonest first."""
    every = Counter(one.field for past in found.pasts for one in past.aspects)
    able = Counter(one.field for past in found.pasts for one in past.aspects if not one.obstacle)
    return [(field, number, able[field]) for field, number in every.most_common()]


def rows(pasts: Sequence[ContactAt], shown: Collection[str], names: Names, tz: str) -> list[dict[str, Any]]:
    """One line for each field of each person."""
    return [
        {
            "Person": past.name,
            "Field": contact_fields.label(one.field, names),
            "Before": contact_fields.text(one.field, one.then, names, tz),
            "Today": contact_fields.text(one.field, one.now, names, tz),
            "Can be put back": "✕ no, see below" if one.obstacle else "✓ yes",
        }
        for past in pasts
        for one in past.aspects
        if one.field in shown
    ]


def obstacles(pasts: Sequence[ContactAt], shown: Collection[str], names: Names) -> list[str]:
    """Why some of these fields cannot be put back: '**Company**: HighLevel takes this only …', each reason once."""
    why: dict[str, list[str]] = {}
    for past in pasts:
        for one in past.aspects:
            if one.obstacle and one.field in shown and one.field not in why.setdefault(one.obstacle, []):
                why[one.obstacle].append(one.field)
    return [
        f"**{', '.join(plain(contact_fields.label(field, names)) for field in found)}**: {plain(obstacle)}"
        for obstacle, found in why.items()
    ]
