"""The preview of a restore: what would become of each person, sorted by what there is to do.

Those for whom HighLevel's own restore comes first, as a table: of them there is nothing to say but the deadline.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from hlcore.model.contact_fields import label_of
from hlcore.restore.plan import DOES, NativeRestore, Plan, PlanItem
from hlcore.ui import session
from hlcore.ui.components import merge_note
from hlcore.ui.components.contact_fields import Names, names_of
from hlcore.ui.components.formatting import Badge, duration, many, plain
from hlcore.ui.components.tables import pager, slice_of, table
from hlcore.ui.restore import decisions
from hlcore.ui.restore.tasks import PlanTask

FEW = 3
"""So many stand as cards, like everybody else."""
_TEXT = st.column_config.TextColumn
_COLUMNS: dict[str, Any] = {
    "Person": _TEXT(width=230),
    "Restore in HighLevel before": _TEXT(width=300),
    "Contact id": _TEXT(width=230),
}


def alike(one: Plan) -> list[PlanItem]:
    """The people of the table; nobody where they are few."""
    found = [item for item in one.items if item.action == "use_native" and not item.conflict and not item.compared]
    return found if len(found) > FEW else []


def people(items: Sequence[PlanItem], one: Plan) -> None:
    """The table, the most urgent first; nothing for nobody."""
    if not items:
        return
    urgent = sorted(items, key=lambda item: item.native.until if item.native else one.made_at)
    part = slice_of(f"native_{one.location_id}", len(urgent), of=len(urgent))
    rows = [
        {
            "Person": item.name or item.contact_id,
            "Restore in HighLevel before": item.native.deadline if item.native else "",
            "Contact id": item.contact_id,
        }
        for item in urgent[part.offset : part.offset + part.limit]
    ]
    alt = f"People to restore in HighLevel, {part.words}"
    table(rows, key=f"native_table_{one.location_id}", alt=alt, columns=_COLUMNS)
    pager(part, "person", "people")


ACTIONS = {
    "recreate": Badge("Create again", ":material/person_add:", "green", "+"),
    "top_up": Badge("Top up", ":material/playlist_add:", "green", "+"),
    "use_native": Badge("Restore in HighLevel first", ":material/open_in_new:", "blue", "→"),
    "skip": Badge("Leave as it is", ":material/block:", "gray", "–"),
}
NOBODY_IS_MESSAGED = (
    "**Nobody gets a message.** Each person is created with every channel closed; their own do-not-disturb settings "
    "are put back at the very end. Workflows of yours that start when a contact is created or tagged do start, while "
    "every channel is closed: pause those that must not."
)
_PER_PAGE = 10


def action_mark(action: str) -> Badge:
    """What a plan does with a person."""
    return ACTIONS.get(action) or Badge(action.capitalize(), ":material/help:", "gray")


def summary(planning: PlanTask) -> str:
    """The plan's answer in one line."""
    items = _items(planning.plans)
    counted = {action: sum(item.action == action for item in items) for action in ACTIONS}
    parts = []
    if planning.makes:
        seconds, requests = sum(one.seconds for one in planning.plans), sum(one.requests for one in planning.plans)
        parts.append(
            f"{many(planning.makes, 'person', 'people')} can be brought back now: {many(requests, 'request')}, "
            f"about {many(max(1, seconds), 'second') if seconds < 60 else duration(seconds)}."
        )
    if counted["use_native"]:
        parts.append(f"For {many(counted['use_native'], 'person', 'people')} HighLevel's own restore is still open.")
    if counted["skip"]:
        parts.append(f"{many(counted['skip'], 'person', 'people').capitalize()} cannot be restored now; see why below.")
    return " ".join(parts) or "There is nothing to do."


def draw(planning: PlanTask) -> None:
    """Every person of the plan, those who can be brought back first."""
    found = session.locations()
    with session.app_context().vault.read() as tx:
        names = names_of(tx, [one.location_id for one in planning.plans])
    for one in planning.plans:
        place = next((place for place in found if place.location_id == one.location_id), None)
        if len(planning.plans) > 1:
            st.markdown(f"#### {plain(session.name_of(one.location_id, found))}")
        for warning in one.warnings:
            st.markdown(f":orange-badge[:material/bolt: Automations] {plain(warning)}")
        _native(one, is_demo=place is not None and place.is_demo)
        similar = alike(one)
        people(similar, one)
        items = sorted(
            (item for item in one.items if item not in similar),
            key=lambda item: (item.action not in DOES, item.action != "skip"),
        )
        part = slice_of(f"plan_{one.location_id}", len(items), size=_PER_PAGE, of=len(items))
        for item in items[part.offset : part.offset + part.limit]:
            _item(item, one, names, session.timezone_of(place))
        if len(items) > part.size:
            pager(part, "person", "people")


def _native(one: Plan, *, is_demo: bool) -> None:
    """How to use HighLevel's own restore, once for all who can be brought back that way."""
    natives = [item.native for item in one.items if item.native is not None]
    if not natives:
        return
    first: NativeRestore = min(natives, key=lambda native: native.until)
    with st.container(border=True, gap="small", key=f"native_{one.location_id}"):
        st.markdown(
            f"##### :material/open_in_new: {many(len(natives), 'person', 'people').capitalize()}: in HighLevel, before "
            f"{plain(first.deadline)}"
        )
        st.markdown(
            "HighLevel's own restore keeps the contact's id and may bring back what no program can: conversations, "
            "history, appointments. Only you can start it, in HighLevel's pages."
        )
        st.markdown("\n".join(f"{number}. {plain(step)}" for number, step in enumerate(first.steps, 1)))
        if is_demo:
            st.caption("The demo's accounts are invented, so there is no HighLevel page to open.")
        else:
            st.link_button("Open contacts in HighLevel", first.link, icon=":material/open_in_new:")


def _item(item: PlanItem, one: Plan, names: Names, tz: str) -> None:
    mark = action_mark(item.action)
    with st.container(border=True, gap="small"):
        st.markdown(f"**{plain(item.name or item.contact_id)}** {mark.badge}")
        st.markdown(plain(item.reason))
        if item.conflict is not None:
            st.markdown(f":orange-badge[:material/group: Conflict] {plain(item.conflict.words)}")
        merge = merge_note.of(one.location_id, item.contact_id)
        if merge is not None:
            st.markdown(f":material/merge: {merge_note.words(merge)}")
        if item.compared:
            rows = [{"Field": label_of(name), "Last copy": then, "Living": now} for name, then, now in item.compared]
            table(rows, key=f"compared_{item.contact_id}", alt="Last copy and living contact, side by side")
            decisions.conflict(item, one.choices)
        if item.fidelity is not None and item.action in DOES:
            share = math.floor(item.fidelity.share * 100)
            told = ", ".join(part.words for part in item.fidelity.parts)
            st.markdown(f":blue-badge[:material/fact_check: {share} % comes back] {plain(told)}")
        if item.action in DOES:
            with st.container(horizontal=True, gap="medium"):
                _list(":material/check_circle: Comes back", "green", [", ".join(item.will_return)])
                _list(":material/change_circle: Will be different", "orange", item.will_change)
                _list(":material/cancel: Does not come back", "red", item.will_be_lost)
                if item.left_out:
                    _list(":material/remove_done: Left out, as you asked", "gray", item.left_out)
        decisions.field_by_field(item, one.choices, names, tz)


def _list(title: str, color: str, lines: Sequence[str]) -> None:
    with st.container(width=300, gap="xsmall"):
        st.markdown(f":{color}[{title}]")
        told = [plain(line) for line in lines if line]
        st.caption("\n".join(f"- {line}" for line in told) if len(told) > 1 else "".join(told) or "Nothing.")


def _items(plans: Sequence[Plan]) -> list[PlanItem]:
    return [item for one in plans for item in one.items]
