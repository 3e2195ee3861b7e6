"""Rounds and the audit trail as the Activity page shows and exports them.

The download button under a table: the whole table as CSV, safe in a spreadsheet, recorded in the audit log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from hlcore.export.small_tables import export_table
from hlcore.governance.roles import Action, User
from hlcore.store import Vault, audit, runs
from hlcore.store.audit import AuditEntry
from hlcore.store.locations import Location
from hlcore.store.runs import Run
from hlcore.ui import session
from hlcore.ui.components.formatting import ago, count, duration, many, moment, outcome_mark
from hlcore.ui.run_progress import kind_words
from hlcore.ui.session import name_of, timezone_of

CHUNK = 1000
OUTCOMES: dict[str, tuple[str, ...]] = {
    "All": (),
    "Complete": ("complete",),
    "Needs a look": ("incomplete", "refused"),
}
ACTS = {
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
}
NUMBERS = {
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
    "When": st.column_config.TextColumn(width=190),
    "Who": st.column_config.TextColumn(width="medium"),
    "Did": st.column_config.TextColumn(width="medium"),
    "Outcome": st.column_config.TextColumn(width="small"),
    "Account": st.column_config.TextColumn(width="medium"),
    "What": st.column_config.TextColumn(width="large"),
}


def last_words(last: Run | None, every: int, now: datetime) -> str:
    """The page's answer in one line."""
    if last is None:
        return "Nothing has been done yet."
    when = "is running now" if last.finished_at is None else f"began {ago(last.started_at, now)}"
    return f"{many(every, 'round')} so far; the newest {when}."


def act_words(act: str) -> str:
    """'Changed settings' for an act; 'Everything' for none."""
    return ACTS.get(Action(act), act) if act in set(Action) else act.replace("_", " ").capitalize() or "Everything"


def run_row(run: Run, found: Sequence[Location]) -> dict[str, Any]:
    """A run as a row of the table."""
    where = next((location for location in found if location.location_id == run.location_id), None)
    return {
        "Started": moment(run.started_at, timezone_of(where)),
        "Account": name_of(run.location_id, found),
        "What": kind_words(run.kind),
        "Outcome": outcome_mark(run.outcome).cell,
        "Read": run.seen,
        "New": run.added,
        "Changed": run.changed,
        "Deleted": run.deleted,
        "Checking": run.suspected,
        "Back": run.returned,
        "Requests": run.requests,
        "Took": duration(_took(run).total_seconds()),
        "Why": run.reason or ("" if run.outcome else "still running"),
    }


def run_columns(found: Sequence[Location]) -> dict[str, Any]:
    """The columns of the runs; the account only where there are several."""
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    numbers = {name: number(format="localized", width=84, help=help_) for name, help_ in NUMBERS.items()}
    return {
        "Started": text(width=180),
        **({"Account": text(width=172)} if len(found) > 1 else {}),
        "What": text(width=125),
        "Outcome": text(width=108),
        **numbers,
        "Took": text(width=90),
        "Why": text(width=520),
    }


def runs_alt(words: str) -> str:
    """The table in a sentence."""
    return f"Rounds {words}, newest first: when, outcome, contacts read, new, changed, deleted, requests, and why"


def run_lines(
    vault: Vault, ids: Sequence[str], outcomes: Sequence[str], found: Sequence[Location]
) -> Iterator[Sequence[object]]:
    """Every run, newest first, as lines under RUN_HEADER; read page by page."""
    offset = 0
    while True:
        with vault.read() as tx:
            page = runs.recent(tx, ids, limit=CHUNK, offset=offset, outcomes=outcomes)
        for run in page:
            yield (
                run.run_id, _iso(run.started_at), _iso(run.finished_at), name_of(run.location_id, found),
                run.location_id, run.kind, run.outcome, run.seen, run.added, run.changed, run.suspected, run.deleted,
                run.returned, run.requests, round(_took(run).total_seconds(), 1), run.reason,
            )  # fmt: skip
        if len(page) < CHUNK:
            return
        offset += CHUNK


def audit_row(line: AuditEntry, found: Sequence[Location]) -> dict[str, Any]:
    """A line of the audit trail as a row of the table."""
    where = next((location for location in found if location.location_id == line.location_id), None)
    return {
        "When": moment(line.at, timezone_of(where)),
        "Who": who_words(line.actor),
        "Did": act_words(line.act),
        "Outcome": outcome_mark(line.outcome).cell,
        "Account": name_of(line.location_id, found) if line.location_id else "",
        "What": what_words(line),
    }


def audit_lines(
    vault: Vault, ids: Sequence[str] | None, act: str | None, found: Sequence[Location]
) -> Iterator[Sequence[object]]:
    """Every line, newest first, under AUDIT_HEADER; read page by page."""
    offset = 0
    while True:
        with vault.read() as tx:
            page = audit.listing(tx, limit=CHUNK, offset=offset, location_ids=ids, act=act)
        for line in page:
            account = name_of(line.location_id, found) if line.location_id else ""
            yield (
                line.audit_id, _iso(line.at), line.actor, line.role, line.act, line.outcome, account,
                line.location_id, line.subject, line.detail,
            )  # fmt: skip
        if len(page) < CHUNK:
            return
        offset += CHUNK


def who_words(actor: str) -> str:
    """The actor for people."""
    names = {"local": "Local user", "worker": "Background worker", "cli": "Command line", "nobody": "Nobody signed in"}
    return names.get(actor) or (f"{actor.removeprefix('cli:')} (command line)" if actor.startswith("cli:") else actor)


def what_words(line: AuditEntry) -> str:
    """Subject and details in one line: 'rounds; rows 120'."""
    detail = line.detail if isinstance(line.detail, dict) else {}
    facts = [f"{key.replace('_', ' ')} {_fact(value)}" for key, value in detail.items() if key != "how"]
    return "; ".join(part for part in (line.subject, *facts) if part)


def _fact(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value)
    return "standard" if value is None else str(value)


def _took(run: Run) -> timedelta:
    return (run.finished_at or run.heartbeat_at) - run.started_at


def _iso(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""


Lines = Callable[[], Iterable[Sequence[object]]]


def export_button(name: str, header: Sequence[str], lines: Lines, *, user: User, label: str = "Download CSV") -> None:
    """A button that downloads `lines()` under this header. They are read when it is pressed, in another thread: the
    callable opens its own transaction and asks nothing of Streamlit. Not for contacts: those are exported by
    `export.contacts`, which streams."""
    here, at = session.app_context(), session.now()
    st.download_button(
        label,
        data=lambda: export_table(here.vault, header, lines(), subject=name, user=user, now=here.clock.now),
        file_name=f"contact-vault-{name}-{at:%Y-%m-%d}.csv",
        mime="text/csv",
        key=f"export_{name}",
        icon=":material/download:",
        on_click="ignore",
        disabled=not user.may(Action.EXPORT),
        help=None if user.may(Action.EXPORT) else "Your role may look, not download.",
    )
