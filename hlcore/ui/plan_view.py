"""The preview of a restore: what would become of each person, sorted by what there is to do."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from hlcore.model.fields import label_of
from hlcore.restore.plan import Native, Plan, PlanItem
from hlcore.ui import deciding, merging, native_view, office
from hlcore.ui.names import Names, names_of
from hlcore.ui.restoring import DOES, Planning
from hlcore.ui.tables import pager, slice_of, table
from hlcore.ui.words import Mark, duration, many, plain

ACTIONS = {
    "recreate": Mark("Create again", ":material/person_add:", "green", "+"),
    "top_up": Mark("Top up", ":material/playlist_add:", "green", "+"),
    "use_native": Mark("Restore in HighLevel first", ":material/open_in_new:", "blue", "→"),
    "skip": Mark("Leave as it is", ":material/block:", "gray", "–"),
}
NOBODY_IS_MESSAGED = (
    "**Nobody gets a message.** Each person is created with every channel closed; their own do-not-disturb settings "
    "are put back at the very end. Workflows of yours that start when a contact is created or tagged do start, while "
    "every channel is closed: pause those that must not."
)
_PER_PAGE = 10


def action_mark(action: str) -> Mark:
    """What a plan does with a person."""
    return ACTIONS.get(action) or Mark(action.capitalize(), ":material/help:", "gray")


def summary(planning: Planning) -> str:
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


def draw(planning: Planning) -> None:
    """Every person of the plan, those who can be brought back first."""
    found = office.locations()
    with office.office().vault.read() as tx:
        names = names_of(tx, [one.location_id for one in planning.plans])
    for one in planning.plans:
        place = next((place for place in found if place.location_id == one.location_id), None)
        if len(planning.plans) > 1:
            st.markdown(f"#### {plain(office.name_of(one.location_id, found))}")
        for warning in one.warnings:
            st.markdown(f":orange-badge[:material/bolt: Automations] {plain(warning)}")
        _native(one, is_demo=place is not None and place.is_demo)
        alike = native_view.alike(one)
        native_view.people(alike, one)
        items = sorted(
            (item for item in one.items if item not in alike),
            key=lambda item: (item.action not in DOES, item.action != "skip"),
        )
        part = slice_of(f"plan_{one.location_id}", len(items), size=_PER_PAGE, of=len(items))
        for item in items[part.offset : part.offset + part.limit]:
            _item(item, one, names, office.timezone_of(place))
        if len(items) > part.size:
            pager(part, "person", "people")


def _native(one: Plan, *, is_demo: bool) -> None:
    """How to use HighLevel's own restore, once for all who can be brought back that way."""
    natives = [item.native for item in one.items if item.native is not None]
    if not natives:
        return
    first: Native = min(natives, key=lambda native: native.until)
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
        merge = merging.of(one.location_id, item.contact_id)
        if merge is not None:
            st.markdown(f":material/merge: {merging.words(merge)}")
        if item.compared:
            rows = [{"Field": label_of(name), "Last copy": then, "Living": now} for name, then, now in item.compared]
            table(rows, key=f"compared_{item.contact_id}", alt="Last copy and living contact, side by side")
            deciding.conflict(item, one.choices)
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
        deciding.field_by_field(item, one.choices, names, tz)


def _list(title: str, color: str, lines: Sequence[str]) -> None:
    with st.container(width=300, gap="xsmall"):
        st.markdown(f":{color}[{title}]")
        told = [plain(line) for line in lines if line]
        st.caption("\n".join(f"- {line}" for line in told) if len(told) > 1 else "".join(told) or "Nothing.")


def _items(plans: Sequence[Plan]) -> list[PlanItem]:
    return [item for one in plans for item in one.items]
