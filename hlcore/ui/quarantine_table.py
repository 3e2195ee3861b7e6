"""Items in quarantine on the page: what, when, where in the code, and what is to become of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from hlcore.governance import quarantine_decisions
from hlcore.governance.roles import Action, User
from hlcore.model.callbacks import Now
from hlcore.store import Vault, quarantine
from hlcore.store.locations import Location
from hlcore.store.quarantine import QuarantinedItem
from hlcore.ui import session
from hlcore.ui.components import address
from hlcore.ui.components.errors import errors_shown
from hlcore.ui.components.formatting import moment_cell, plural
from hlcore.ui.components.tables import all_clear, empty_state, page_slice, pager, selectable_table
from hlcore.ui.session import location_name, shared_timezone

STATES = {
    "Waiting": (quarantine.WAITING,),
    "To be tried again": (quarantine.RETRY, quarantine.FAILING),
    "Ignored": (quarantine.IGNORED,),
}
KIND_LABELS = {
    quarantine.DELIVERY: "Webhook",
    quarantine.LISTING_ROW: "Row of a listing",
    quarantine.CONTACT: "Contact",
    quarantine.RECORD: "Record",
    quarantine.ACCOUNT: "Account's turn",
    quarantine.FILE: "File",
}
ERROR_LABELS = {"NoId": "It has no id", "UnusableId": "Its id is none of HighLevel's"}
COLUMNS: dict[str, Any] = {
    "What": st.column_config.TextColumn(width=130),
    "Id or digest": st.column_config.TextColumn(width=230),
    "Account": st.column_config.TextColumn(width=185),
    "Fault": st.column_config.TextColumn(width=170),
    "Where in the code": st.column_config.TextColumn(width=230),
    "Attempts": st.column_config.NumberColumn(width=80),
    "First": st.column_config.TextColumn(width=145),
    "Last": st.column_config.TextColumn(width=145),
}
Decide = Callable[..., int]


def count_waiting(vault: Vault, location_ids: Sequence[str], *, kinds: Sequence[str] = ()) -> int:
    """Return how many items of these locations, and of none, wait for a decision; only of these kinds, where given."""
    with vault.read() as tx:
        return quarantine.count_items(tx, location_ids, kinds=kinds)


def show_quarantine(user: User, locations: Sequence[Location], *, key: str, kinds: Sequence[str] = ()) -> None:
    """Draw the items that were set aside, and the buttons that decide about the ticked ones."""
    if done := st.session_state.pop(f"{key}_done", ""):
        st.toast(done, icon=":material/check_circle:")
    vault, ids = session.app_context().vault, [location.location_id for location in locations]
    state_key, choices = f"{key}_state", list(STATES)
    state = address.choice(
        state_key, choices, lambda: st.segmented_control("State", choices, key=state_key, required=True)
    )
    states = STATES[state]
    with vault.read() as tx:
        total = quarantine.count_items(tx, ids, states=states, kinds=kinds)
        part = page_slice(key, total, query=(ids, states))
        items = quarantine.list_items(tx, ids, states=states, kinds=kinds, limit=part.limit, offset=part.offset)
    if not items:
        _show_empty(state)
        return
    st.caption(
        "Contact Vault could not handle these and went on with everything else. What they say is not shown here. Tick "
        "those to decide about: *Try again* after a fault has been mended, *Ignore* what may be left out."
    )
    ticked = selectable_table(
        [_row(item, locations) for item in items],
        [str(item.item_id) for item in items],
        key=f"{key}_table_{state}_{part.number}",
        alt=f"Items set aside, {part.range_text}, the last first: what, id, account, fault, place in the code, when",
        columns=COLUMNS,
    )
    _show_buttons(vault, user, [int(item_id) for item_id in ticked], state, key=key)
    pager(part, "item", tz=shared_timezone(locations))


def _row(item: QuarantinedItem, locations: Sequence[Location]) -> dict[str, Any]:
    tz = shared_timezone(locations)
    return {
        "What": KIND_LABELS.get(item.kind, item.kind),
        "Id or digest": item.reference,
        "Account": location_name(item.location_id, locations) if item.location_id else "",
        "Fault": ERROR_LABELS.get(item.error, item.error),
        "Where in the code": item.place,
        "Attempts": item.attempts,
        "First": moment_cell(item.first_seen_at, tz),
        "Last": moment_cell(item.last_seen_at, tz),
    }


def _show_buttons(vault: Vault, user: User, item_ids: Sequence[int], state: str, *, key: str) -> None:
    may = user.may(Action.QUARANTINE)
    refusal = None if may else "Your role may look, not decide."
    now = session.app_context().clock.now
    with st.container(horizontal=True, vertical_alignment="center"):
        buttons: list[tuple[str, str, Decide, str]] = [
            ("Try again", ":material/replay:", quarantine_decisions.try_again, "will be tried again"),
            ("Ignore", ":material/visibility_off:", quarantine_decisions.ignore, "ignored from now on"),
        ]
        for label, icon, decide, outcome in buttons[: 1 if state == "Ignored" else 2]:
            pressed = st.button(
                label,
                key=f"{key}_{label.lower().replace(' ', '_')}",
                icon=icon,
                disabled=not (may and item_ids),
                help=refusal or (None if item_ids else "Tick at least one item first."),
            )
            if pressed:
                _decide(vault, user, item_ids, now, decide, outcome, key=key)


def _decide(
    vault: Vault, user: User, item_ids: Sequence[int], now: Now, decide: Decide, outcome: str, *, key: str
) -> None:
    with errors_shown():
        number = decide(vault, user, item_ids, now=now)
        st.session_state[f"{key}_done"] = f"{plural(number, 'item')} {outcome}."
        st.rerun()


def _show_empty(state: str) -> None:
    if state == "Waiting":
        all_clear("Nothing was set aside", "Everything that HighLevel sent could be handled.")
    else:
        empty_state("Nothing here", "No item that was set aside is in this state.")
