"""The Changes page's parts: the period to ask about, the fields that changed in it, and which cannot be put back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import streamlit as st

from hlcore.model.moments import in_zone, zone_label
from hlcore.model.wording import form
from hlcore.restore.revert import MAX_CONTACTS, ChangedContacts, ContactAt, changed_contacts
from hlcore.store import Tx, runs
from hlcore.store.locations import Location
from hlcore.store.restores import jobs as restore_jobs
from hlcore.ui import session
from hlcore.ui.components import address, contact_fields
from hlcore.ui.components.contact_fields import Names
from hlcore.ui.components.contact_picker import ContactRef
from hlcore.ui.components.formatting import count, escaped, plural
from hlcore.ui.components.navigation import names_column

CACHE_KEY = "changes_found"
LAST = time(23, 59)
_TEXT = st.column_config.TextColumn
COLUMNS: dict[str, Any] = {
    "Field": _TEXT(width=180),
    "Before": _TEXT(width=245),
    "Today": _TEXT(width=245),
    "Can be put back": _TEXT(width=135),
}


@dataclass(frozen=True, slots=True)
class ChangesQuery:
    """A period of a location; `start` and `end` are aware."""

    location_id: str
    start: datetime
    end: datetime


def choose_period(locations: Sequence[Location]) -> ChangesQuery | None:
    """Draw the choice of the location and the period, and return it; None while the period is empty. Times are those of
    the location's own clock, and the last minute belongs to the period."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="changes_question"):
        location = _choose_location(locations)
        now = in_zone(session.now(), location.timezone)
        clock = zone_label(now)
        day = address.kept("changes_day", _day_until(now.date()), now.date(), lambda: _choose_day(now.date()))
        first = _choose_time(f"From ({clock})", "changes_from", time(0, 0))
        last = _choose_time(f"Until ({clock})", "changes_until", LAST)
    start, end = (datetime.combine(day, at, now.tzinfo) for at in (first, last))
    end += timedelta(minutes=1)
    return ChangesQuery(location.location_id, start, end) if start < end else None


def _choose_location(locations: Sequence[Location]) -> Location:
    if len(locations) == 1:
        return locations[0]
    by_id, key = {location.location_id: location for location in locations}, "changes_account"

    def draw() -> str:
        return st.selectbox("Account", list(by_id), key=key, format_func=lambda one: by_id[one].name, width=240)

    return by_id[address.choice(key, list(by_id), draw)]


def _day_until(latest: date) -> Callable[[str], date | None]:
    def parse(text: str) -> date | None:
        try:
            found = date.fromisoformat(text)
        except ValueError:
            return None
        return min(found, latest)

    return parse


def _choose_day(latest: date) -> date:
    day: date = st.date_input("Day", max_value=latest, key="changes_day", format="YYYY-MM-DD", width=150)
    return day


def _choose_time(label: str, key: str, default: time) -> time:
    def parse(text: str) -> time | None:
        try:
            return time.fromisoformat(text).replace(tzinfo=None)
        except ValueError:
            return None

    def draw() -> time:
        chosen: time = st.time_input(label, key=key, step=900, width=130)
        return chosen

    return address.kept(key, parse, default, draw, lambda at: f"{at:%H:%M}")


def choose_fields(query: ChangesQuery, revertible: Sequence[str], label_of: Callable[[str], str]) -> list[str]:
    """Draw the choice of the fields to put back, and return them; the address has HighLevel's names or ids for them."""
    key = f"changes_fields_{query.location_id}_{query.start:%Y%m%d%H%M}_{query.end:%Y%m%d%H%M}"
    if address.read("changes_fields") is not None or key not in st.session_state:
        asked = st.query_params.get("changes_fields", "").split(",")
        st.session_state[key] = [field for field in revertible if field in asked]
    chosen: list[str] = st.pills(
        "Fields to put back",
        revertible,
        selection_mode="multi",
        key=key,
        format_func=label_of,
        help="Only the fields that you choose are written. The number says in how many people each one changed.",
    )
    address.write("changes_fields", ",".join(chosen))
    return chosen


def load_changes(query: ChangesQuery) -> ChangedContacts:
    """Return what the period changed, looked up once for each query and each new run or job."""
    with session.app_context().vault.read() as tx:
        version = _data_version(tx, query.location_id)
    key = (query, version)
    cached = st.session_state.get(CACHE_KEY)
    if cached is None or cached[0] != key:
        with st.spinner("Comparing copies …"):
            cached = (key, changed_contacts(session.app_context().vault, query.location_id, query.start, query.end))
        st.session_state[CACHE_KEY] = cached
    changes: ChangedContacts = cached[1]
    return changes


def _data_version(tx: Tx, location_id: str) -> tuple[int, int]:
    """Return the newest run and job: while they stay the same, the vault knows nothing new."""
    run = next(iter(runs.list_recent(tx, [location_id], limit=1, kinds=runs.DETECTION_KINDS)), None)
    job = next(iter(restore_jobs.list_jobs(tx, [location_id], limit=1)), None)
    return (run.run_id if run else 0, (job.job_id * 100_000 + job.finished) if job else 0)


def summary_text(changes: ChangedContacts) -> str:
    """Summarise the page in one line."""
    if not changes.contacts:
        return "Nobody was changed in that time, or all is as it was before."
    differ = form(len(changes.contacts), "differs", "differ")
    text = f"**{plural(len(changes.contacts), 'person').capitalize()}** still {differ} from the state before."
    if changes.missing:
        text += f" {plural(changes.missing, 'more is', 'more are')} not in HighLevel any more."
    if changes.truncated:
        text += f" Only the first {count(MAX_CONTACTS)} were compared; choose a shorter time."
    return text


def count_by_field(changes: ChangedContacts) -> list[tuple[str, int, int]]:
    """Return (field, in how many contacts it changed, in how many it can be put back), the commonest first."""
    changed = Counter(history.field for contact in changes.contacts for history in contact.histories)
    revertible = Counter(
        history.field for contact in changes.contacts for history in contact.histories if not history.obstacle
    )
    return [(field, number, revertible[field]) for field, number in changed.most_common()]


def change_rows(contacts: Sequence[ContactAt], fields: Collection[str], names: Names, tz: str) -> list[dict[str, Any]]:
    """Return a row for each of these fields of each contact, with the contact's id."""
    return [
        {
            "contact_id": contact.contact_id,
            "Person": contact.name,
            "Field": contact_fields.field_label(history.field, names),
            "Before": contact_fields.value_text(history.field, history.then, names, tz),
            "Today": contact_fields.value_text(history.field, history.now, names, tz),
            "Can be put back": "✕ no, see below" if history.obstacle else "✓ yes",
        }
        for contact in contacts
        for history in contact.histories
        if history.field in fields
    ]


def columns(location_id: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the columns of these rows. A name opens the person's record."""
    contacts = [ContactRef(location_id, str(row["contact_id"])) for row in rows]
    return {"Person": names_column(contacts, key="changes_names", width=180), **COLUMNS}


def obstacle_lines(contacts: Sequence[ContactAt], fields: Collection[str], names: Names) -> list[str]:
    """Return why some of these fields cannot be put back, each reason once: '**Company**: HighLevel takes this only
    …'."""
    by_reason: dict[str, list[str]] = {}
    for contact in contacts:
        for history in contact.histories:
            if (
                history.obstacle
                and history.field in fields
                and history.field not in by_reason.setdefault(history.obstacle, [])
            ):
                by_reason[history.obstacle].append(history.field)
    return [
        f"**{', '.join(escaped(contact_fields.field_label(field, names)) for field in blocked)}**: {escaped(obstacle)}"
        for obstacle, blocked in by_reason.items()
    ]
