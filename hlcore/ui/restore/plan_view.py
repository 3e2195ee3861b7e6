"""The preview of a restore: what would become of each contact.

Contacts for which HighLevel's own restore comes first are listed in a table; there is nothing to decide about them but
the deadline. All others are drawn as cards, those that can be brought back first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import streamlit as st

from hlcore.model.contact_fields import ALWAYS_LOST, label_of
from hlcore.restore.plan import WRITING_ACTIONS, NativeRestore, Plan, PlanItem
from hlcore.restore.summary import Verdict, plan_verdict, summarize
from hlcore.ui import session
from hlcore.ui.components import address, merge_note
from hlcore.ui.components.contact_fields import Names, load_names
from hlcore.ui.components.contact_picker import ContactRef
from hlcore.ui.components.formatting import Badge, duration, escaped, moment_cell, plural
from hlcore.ui.components.navigation import contact_button, names_column
from hlcore.ui.components.tables import page_slice, pager, table
from hlcore.ui.restore import decisions
from hlcore.ui.restore.tasks import PlanTask

ACTIONS = {
    "recreate": Badge("Create again", ":material/person_add:", "green", "+"),
    "top_up": Badge("Top up", ":material/playlist_add:", "green", "+"),
    "use_native": Badge("Restore in HighLevel first", ":material/open_in_new:", "blue", "→"),
    "skip": Badge("Leave unchanged", ":material/block:", "gray", "–"),
}
CONFLICT = Badge("Conflict", ":material/group:", "orange")
NOBODY_IS_MESSAGED = (
    "**Nobody gets a message.** Each person is created with every channel closed; their own do-not-disturb settings "
    "are put back at the very end. Workflows of yours that start when a contact is created or tagged do start, while "
    "every channel is closed: pause those that must not."
)
Shown = Literal["All", "Problems", "Differs"]
MAX_NATIVE_CARDS = 3
"""Up to this many contacts for HighLevel's own restore are drawn as cards like all others."""
_CARDS_PER_PAGE = 10
_TEXT = st.column_config.TextColumn
_NATIVE_COLUMNS: dict[str, Any] = {"Restore in HighLevel before": _TEXT(width=200), "Contact id": _TEXT(width=230)}


def show_summary(verdicts: Sequence[Verdict]) -> None:
    """Draw how it turns out for everybody, in a sentence with the reasons; nothing for one person."""
    if len(verdicts) < 2:
        return
    summary = summarize(verdicts)
    st.markdown(f"**{escaped(summary.headline)}.**")
    for line in summary.because:
        st.caption(escaped(line))


def plan_verdicts(task: PlanTask) -> list[Verdict]:
    """Return what the plans promise for each person."""
    return [plan_verdict(item) for plan in task.plans for item in plan.items]


def choose_shown(verdicts: Sequence[Verdict]) -> Shown:
    """Draw the choice of whom to show, and return it. It holds for all pages of the list."""
    if len(verdicts) < 2:
        return "All"
    numbers: dict[Shown, int] = {
        "All": len(verdicts),
        "Problems": sum(verdict.is_problem for verdict in verdicts),
        "Differs": sum(verdict.extent == "partly" for verdict in verdicts),
    }
    help_text = "Problems: nothing comes back, or a living contact is in the way. Differs: not all of the copy is back."
    shown = address.choice(
        "extent",
        list(numbers),
        lambda: st.segmented_control("Show", list(numbers), key="extent", required=True, help=help_text),
    )
    st.caption(f"{plural(numbers[shown], 'person', 'people').capitalize()} shown.")
    return shown


def is_shown(verdict: Verdict, shown: Shown) -> bool:
    """Whether the choice lets this person through."""
    return shown == "All" or (verdict.is_problem if shown == "Problems" else verdict.extent == "partly")


def summary_text(task: PlanTask) -> str:
    """Summarise in one line what can be done now."""
    items = [item for plan in task.plans for item in plan.items]
    counts = {action: sum(item.action == action for item in items) for action in ACTIONS}
    parts = []
    if task.restorable_count:
        seconds, requests = sum(plan.seconds for plan in task.plans), sum(plan.requests for plan in task.plans)
        parts.append(
            f"{plural(task.restorable_count, 'person', 'people')} can be brought back now: "
            f"{plural(requests, 'request')}, "
            f"about {plural(max(1, seconds), 'second') if seconds < 60 else duration(seconds)}."
        )
    if counts["use_native"]:
        parts.append(f"For {plural(counts['use_native'], 'person', 'people')} HighLevel's own restore is still open.")
    if counts["skip"]:
        people = plural(counts["skip"], "person", "people").capitalize()
        parts.append(f"{people} cannot be restored now; see why below.")
    return " ".join(parts) or "There is nothing to do."


def show_plans(task: PlanTask) -> None:
    """Draw every contact of the plans, or those that the user wants to see, with what can be decided about it."""
    shown = choose_shown(plan_verdicts(task))
    locations = session.locations()
    with session.app_context().vault.read() as tx:
        names = load_names(tx, [plan.location_id for plan in task.plans])
    for plan in task.plans:
        if len(task.plans) > 1:
            st.markdown(f"#### {escaped(session.location_name(plan.location_id, locations))}", anchors=False)
        for warning in plan.warnings:
            st.markdown(f":orange-badge[:material/bolt: Automations] {escaped(warning)}")
        location = session.find_location(plan.location_id, locations)
        _show_native_steps(plan, is_demo=location is not None and location.is_demo)
        in_table = table_items(plan)
        tz = session.timezone_of(plan.location_id, locations)
        _show_native_table(in_table if shown == "All" else [], plan, tz)
        items = sorted(
            (item for item in plan.items if item not in in_table and is_shown(plan_verdict(item), shown)),
            key=lambda item: (item.action not in WRITING_ACTIONS, item.action != "skip"),
        )
        part = page_slice(f"plan_{plan.location_id}", len(items), size=_CARDS_PER_PAGE, query=(shown, len(items)))
        for item in items[part.offset : part.offset + part.limit]:
            _show_card(item, plan, names, tz)
        if len(items) > part.size:
            pager(part, "person", "people")


def table_items(plan: Plan) -> list[PlanItem]:
    """Return the contacts that are listed in the table; none where they are few."""
    items = [item for item in plan.items if item.action == "use_native" and not item.conflict and not item.compared]
    return items if len(items) > MAX_NATIVE_CARDS else []


def _show_native_table(items: Sequence[PlanItem], plan: Plan, tz: str) -> None:
    """Draw the table, the most urgent first."""
    if not items:
        return
    urgent = sorted(items, key=lambda item: item.native.until if item.native else plan.made_at)
    part = page_slice(f"native_{plan.location_id}", len(urgent), query=len(urgent))
    rows = [
        {
            "Person": item.name or item.contact_id,
            "Restore in HighLevel before": moment_cell(item.native.until if item.native else None, tz),
            "Contact id": item.contact_id,
        }
        for item in urgent[part.offset : part.offset + part.limit]
    ]
    alt = f"People to restore in HighLevel, {part.range_text}"
    contacts = [ContactRef(plan.location_id, str(row["Contact id"])) for row in rows]
    columns = {"Person": names_column(contacts, key=f"native_names_{plan.location_id}", width=230), **_NATIVE_COLUMNS}
    table(rows, key=f"native_table_{plan.location_id}", alt=alt, columns=columns)
    pager(part, "person", "people", tz=tz)


def _show_native_steps(plan: Plan, *, is_demo: bool) -> None:
    """Draw how to use HighLevel's own restore, once for all contacts that can be brought back that way."""
    natives = [item.native for item in plan.items if item.native is not None]
    if not natives:
        return
    first: NativeRestore = min(natives, key=lambda native: native.until)
    people = plural(len(natives), "person", "people").capitalize()
    with st.container(border=True, gap="small", key=f"native_{plan.location_id}"):
        st.markdown(
            f"##### :material/open_in_new: {people}: in HighLevel, before {escaped(first.deadline)}", anchors=False
        )
        st.markdown(
            "HighLevel's own restore keeps the contact's id and may bring back what no program can: conversations, "
            "history, appointments. Only you can start it, in HighLevel's pages."
        )
        st.markdown("\n".join(f"{number}. {escaped(step)}" for number, step in enumerate(first.steps, 1)))
        if is_demo:
            st.caption("The demo's accounts are invented, so there is no HighLevel page to open.")
        else:
            st.link_button("Open contacts in HighLevel", first.link, icon=":material/open_in_new:")


def _show_card(item: PlanItem, plan: Plan, names: Names, tz: str) -> None:
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            badges = action_badge(item.action).markdown + (f" {CONFLICT.markdown}" if item.conflict is not None else "")
            st.markdown(f"**{escaped(item.name or item.contact_id)}** {badges}")
            contact = ContactRef(plan.location_id, item.contact_id)
            contact_button("Open the record", contact, key=f"record_{item.contact_id}")
            if item.conflict is not None:
                living = ContactRef(plan.location_id, item.conflict.contact_id)
                contact_button("Open the living contact", living, key=f"living_{item.contact_id}")
        st.markdown(escaped(item.reason))
        merge = merge_note.load_merge(plan.location_id, item.contact_id)
        if merge is not None:
            st.markdown(f":material/merge: {merge_note.merge_text(merge)}")
        if item.compared:
            rows = [{"Field": label_of(name), "Last copy": then, "Living": now} for name, then, now in item.compared]
            table(rows, key=f"compared_{item.contact_id}", alt="Last copy and living contact, side by side")
            decisions.choose_on_conflict(item, plan.choices)
        if item.action in WRITING_ACTIONS:
            _show_effects(item)
        decisions.choose_fields(item, plan.choices, names, tz)


def action_badge(action: str) -> Badge:
    """Return the badge of what a plan does with a contact."""
    return ACTIONS.get(action) or Badge(action.capitalize(), ":material/help:", "gray")


def _show_effects(item: PlanItem) -> None:
    """Draw how much of the contact comes back, and what does and does not. What no program can read stands apart: it is
    in no percentage."""
    lost = [line for line in item.will_be_lost if line not in ALWAYS_LOST]
    if item.fidelity is not None:
        share = math.floor(item.fidelity.share * 100)
        amount = f"{share} % comes back" if share < 100 or not lost else "Not all of it comes back"
        parts = ", ".join(part.text for part in item.fidelity.parts)
        known = " (of what is known)" if item.fidelity.not_captured else ""
        st.markdown(f":blue-badge[:material/fact_check: {amount}{known}] {escaped(parts)}")
    with st.container(horizontal=True, gap="medium"):
        _show_list(":material/check_circle: Comes back", "green", [", ".join(item.will_return)])
        _show_list(":material/change_circle: Will be different", "orange", item.will_change)
        if lost:
            _show_list(":material/cancel: Does not come back", "red", lost)
        if beyond := [line for line in item.will_be_lost if line in ALWAYS_LOST]:
            reason = "HighLevel shows it to no program, so no copy holds it; it is not counted above."
            _show_list(":material/visibility_off: Beyond any program", "gray", [*beyond, reason])
        if item.left_out:
            _show_list(":material/remove_done: Left out, as you asked", "gray", item.left_out)


def _show_list(title: str, color: str, lines: Sequence[str]) -> None:
    shown = [escaped(line) for line in lines if line]
    with st.container(width=300, gap="xsmall"):
        st.markdown(f":{color}[{title}]")
        st.caption("\n".join(f"- {line}" for line in shown) if len(shown) > 1 else "".join(shown) or "Nothing.")
