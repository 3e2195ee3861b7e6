"""The Activity page's tables: sync runs and the audit trail, on the page and as CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import streamlit as st

from hlcore.export import export_table, file_name
from hlcore.governance.roles import Action, User
from hlcore.store import Vault, audit, runs
from hlcore.store.audit import AuditEntry
from hlcore.store.locations import Location
from hlcore.store.runs import Run
from hlcore.ui import session
from hlcore.ui.components import address
from hlcore.ui.components.buttons import download_button
from hlcore.ui.components.formatting import ago, count, duration, moment_cell, outcome_badge, plural
from hlcore.ui.run_progress import run_kind_label
from hlcore.ui.session import location_name, shared_timezone

READ_ROWS = 1000
VIEWS = ("Rounds", "Who did what", "Set aside")
OUTCOMES: dict[str, tuple[str, ...]] = {"All": (), "Complete": ("complete",), "Needs a look": ("incomplete", "refused")}
ACTION_LABELS = {
    Action.SIGN_IN: "Signed in",
    Action.VIEW: "Looked at",
    Action.SEARCH: "Searched",
    Action.RESTORE: "Restored",
    Action.EXPORT: "Downloaded",
    Action.CONNECT: "Connected an account",
    Action.DISCONNECT: "Disconnected an account",
    Action.SETTINGS: "Changed settings",
    Action.SYNC: "Started a round",
    Action.VERIFY: "Verified the vault",
    Action.QUARANTINE: "Decided about items set aside",
}
COUNT_COLUMNS = {
    "Read": "Contacts that HighLevel listed",
    "New": "Contacts seen for the first time",
    "Changed": "Contacts that changed; the earlier copy is kept",
    "Deleted": "Contacts that do not exist any more, confirmed by their id",
    "Checking": "Missing contacts that still wait for confirmation",
    "Back": "Deleted contacts that came back with their old id",
    "Requests": "Requests sent to HighLevel",
}
RUN_HEADER = (
    "run", "started", "finished", "account", "location_id", "kind", "outcome", "read", "new", "changed",
    "being_checked", "deleted", "returned", "requests", "seconds", "reason",
)  # fmt: skip
AUDIT_HEADER = ("line", "at", "who", "role", "act", "outcome", "account", "location_id", "what", "detail")
AUDIT_COLUMNS: dict[str, Any] = {
    "When": st.column_config.TextColumn(width=145),
    "Who": st.column_config.TextColumn(width=160),
    "Did": st.column_config.TextColumn(width=170),
    "Outcome": st.column_config.TextColumn(width=100),
    "Account": st.column_config.TextColumn(width=185),
    "What": st.column_config.TextColumn(width="large"),
}

CsvRow = Sequence[object]
Row = TypeVar("Row")


def show_tabs() -> Sequence[Any]:
    """Draw the tabs of the page, and return them; the open one stands in the address."""
    tabs: list[Any] = []

    def draw() -> str:
        tabs.extend(st.tabs(VIEWS, key="view", on_change="rerun"))
        return str(st.session_state["view"])

    address.choice("view", VIEWS, draw)
    return tabs


def summary_text(newest: Run | None, total: int, now: datetime) -> str:
    """Summarise the page in one line: how many runs there were, and the newest."""
    if newest is None:
        return "Nothing has been done yet."
    when = "is running now" if newest.finished_at is None else f"began {ago(newest.started_at, now)}"
    return f"{plural(total, 'round')} so far; the newest {when}."


def run_row(run: Run, locations: Sequence[Location]) -> dict[str, Any]:
    """Return a run as a row of the table."""
    return {
        "Started": moment_cell(run.started_at, shared_timezone(locations)),
        "Account": location_name(run.location_id, locations),
        "What": run_kind_label(run.kind),
        "Outcome": outcome_badge(run.outcome).cell,
        "Read": run.seen,
        "New": run.added,
        "Changed": run.changed,
        "Deleted": run.deleted,
        "Checking": run.suspected,
        "Back": run.returned,
        "Requests": run.requests,
        "Took": duration(_elapsed(run).total_seconds()),
        "Why": run.reason,
    }


def run_columns(shown: Sequence[Run], locations: Sequence[Location]) -> dict[str, Any]:
    """Return the columns of these runs, what decides first: the reasons before the figures where a run is not complete,
    the account only where there are several."""
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    counts = {name: number(format="localized", width=84, help=meaning) for name, meaning in COUNT_COLUMNS.items()}
    return {
        "Started": text(width=145),
        "Outcome": text(width=108),
        "What": text(width=125),
        **({"Account": text(width=185)} if len(locations) > 1 else {}),
        **({"Why": text(width=420)} if any(run.outcome in OUTCOMES["Needs a look"] for run in shown) else {}),
        **counts,
        "Took": text(width=90),
        "Why": text(width=420),
    }


def runs_alt(range_text: str) -> str:
    """Describe the table of runs in a sentence."""
    return f"Rounds {range_text}, newest first: when, outcome, contacts read, new, changed, deleted, requests, and why"


def run_csv_rows(
    vault: Vault, location_ids: Sequence[str], outcomes: Sequence[str], locations: Sequence[Location]
) -> Iterator[CsvRow]:
    """Yield every run, newest first, as a row under RUN_HEADER."""

    def read(offset: int) -> Sequence[Run]:
        with vault.read() as tx:
            return runs.list_recent(tx, location_ids, limit=READ_ROWS, offset=offset, outcomes=outcomes)

    for run in _read_all(read):
        yield (
            run.run_id, _iso(run.started_at), _iso(run.finished_at), location_name(run.location_id, locations),
            run.location_id, run.kind, run.outcome, run.seen, run.added, run.changed, run.suspected, run.deleted,
            run.returned, run.requests, round(_elapsed(run).total_seconds(), 1), run.reason,
        )  # fmt: skip


def audit_row(entry: AuditEntry, locations: Sequence[Location]) -> dict[str, Any]:
    """Return an entry of the audit log as a row of the table."""
    return {
        "When": moment_cell(entry.at, shared_timezone(locations)),
        "Who": actor_label(entry.actor),
        "Did": action_label(entry.act),
        "Outcome": outcome_badge(entry.outcome).cell,
        "Account": location_name(entry.location_id, locations) if entry.location_id else "",
        "What": subject_text(entry),
    }


def audit_csv_rows(
    vault: Vault, location_ids: Sequence[str] | None, act: str | None, locations: Sequence[Location]
) -> Iterator[CsvRow]:
    """Yield every entry of the audit log, newest first, as a row under AUDIT_HEADER."""

    def read(offset: int) -> Sequence[AuditEntry]:
        with vault.read() as tx:
            return audit.list_entries(tx, limit=READ_ROWS, offset=offset, location_ids=location_ids, act=act)

    for entry in _read_all(read):
        account = location_name(entry.location_id, locations) if entry.location_id else ""
        yield (
            entry.audit_id, _iso(entry.at), entry.actor, entry.role, entry.act, entry.outcome, account,
            entry.location_id, entry.subject, entry.detail,
        )  # fmt: skip


def _read_all(read: Callable[[int], Sequence[Row]]) -> Iterator[Row]:
    """Yield all rows of a table, READ_ROWS at a time. `read` returns those from an offset on."""
    offset = 0
    while True:
        rows = read(offset)
        yield from rows
        if len(rows) < READ_ROWS:
            return
        offset += READ_ROWS


def action_label(act: str) -> str:
    """Return 'Changed settings' for an action; 'Everything' for ''."""
    if act in set(Action):
        return ACTION_LABELS.get(Action(act), act)
    return act.replace("_", " ").capitalize() or "Everything"


def actor_label(actor: str) -> str:
    """Return what people call an actor of the audit log."""
    names = {"local": "Local user", "worker": "Background worker", "cli": "Command line", "nobody": "Nobody signed in"}
    return names.get(actor) or (f"{actor.removeprefix('cli:')} (command line)" if actor.startswith("cli:") else actor)


def subject_text(entry: AuditEntry) -> str:
    """Return subject and details in one line: 'rounds; rows 120'."""
    detail = entry.detail if isinstance(entry.detail, dict) else {}
    facts = [f"{key.replace('_', ' ')} {_detail_text(value)}" for key, value in detail.items() if key != "how"]
    return "; ".join(part for part in (entry.subject, *facts) if part)


def _detail_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value)
    return "standard" if value is None else str(value)


def _elapsed(run: Run) -> timedelta:
    return max(timedelta(0), (run.finished_at or run.heartbeat_at) - run.started_at)


def _iso(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""


def export_button(name: str, header: Sequence[str], rows: Callable[[], Iterable[CsvRow]], user: User) -> None:
    """Draw a button that downloads the whole table as CSV, safe in a spreadsheet and recorded in the audit log.

    `rows` is called in another thread when the button is pressed: it opens its own transaction and uses no `st.*`.
    """
    context = session.app_context()
    download_button(
        "Download CSV",
        lambda: export_table(context.vault, header, rows(), subject=name, user=user, now=context.clock.now),
        file_name(name, session.selected_locations(), session.now()),
        key=f"export_{name}",
        user=user,
    )
