"""Backups: what there is to take away, and files in the making.

A file is written by a thread of this process into `exports` beside the vault, so that its size never matters and the
page can be left. Only the session that made it can fetch it; it is removed after a day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import streamlit as st

from hlcore.app_context import AppContext
from hlcore.errors import Cancelled, ExportError, VaultError
from hlcore.export import ExportKind, ExportMode, ExportSelection, Manifest, to_file
from hlcore.governance.roles import Action, User
from hlcore.model.lifecycle import Status
from hlcore.model.progress import Progress
from hlcore.runtime import get_runtime
from hlcore.store import Tx, audit, records
from hlcore.store.audit import AuditEntry
from hlcore.store.contacts import search as contact_search
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions.queries import RegisterQuery
from hlcore.store.locations import Location
from hlcore.ui import session
from hlcore.ui.components import errors
from hlcore.ui.components.formatting import count, many, moment, outcome_mark
from hlcore.ui.restore.downloads import LOOK_ONLY
from hlcore.ui.session import name_of, timezone_of

MAKING = "backup_making"
KEPT_FOR = timedelta(days=1)
HELD_IN_MEMORY = 150_000_000
"""Bytes that the server may hold in memory for one download; a larger file is fetched from its folder."""


@dataclass(frozen=True, slots=True)
class BackupChoice:
    """One thing that can be taken away."""

    name: str
    kind: ExportKind
    text: str
    statuses: tuple[str, ...] = ()
    at_risk: bool = False

    def selection(self, location_ids: Sequence[str]) -> ExportSelection:
        """Its rows."""
        return ExportSelection(self.kind, tuple(location_ids), statuses=self.statuses, at_risk=self.at_risk)


LIVING, GONE = ("present", "returned", "suspected"), ("deleted", "expired", "merged", "recreated", "undone")
WHATS: Mapping[str, BackupChoice] = {
    "all": BackupChoice("All contacts", ExportKind.CONTACTS, "Everybody ever copied, with custom fields as columns."),
    "living": BackupChoice("Contacts in HighLevel", ExportKind.CONTACTS, "Those that HighLevel has now.", LIVING),
    "gone": BackupChoice("Deleted contacts", ExportKind.CONTACTS, "Those that HighLevel no longer has.", GONE),
    "risk": BackupChoice(
        "People at risk", ExportKind.CONTACTS, "Deleted, and HighLevel's own restore still open.", at_risk=True
    ),
    "register": BackupChoice(
        "Deletions register", ExportKind.DELETIONS, "Each disappearance: when, why, days left, last copy."
    ),
    "notes": BackupChoice("Notes", ExportKind.NOTES, "Every captured note."),
    "tasks": BackupChoice("Tasks", ExportKind.TASKS, "Every captured task."),
    "opportunities": BackupChoice("Opportunities", ExportKind.OPPORTUNITIES, "Every captured opportunity."),
    "messages": BackupChoice("Messages", ExportKind.MESSAGES, "Every captured message."),
    "versions": BackupChoice(
        "Earlier versions", ExportKind.VERSIONS, "What contacts looked like before they were changed."
    ),
}
MODES: Mapping[str, str] = {
    ExportMode.SAFE: "Safe for spreadsheets",
    ExportMode.EXACT: "Exact",
}
MODE_TEXTS = (
    "Opens harmlessly in Excel and the like: text that a spreadsheet would run as a formula, and phone numbers that "
    "it would round, start with an apostrophe.",
    "For programs and for moving data: every value exactly as HighLevel sent it, with the raw answer in a column. Do "
    "not open it in a spreadsheet.",
)


def row_counts(tx: Tx, places: Sequence[Location], now: datetime) -> dict[str, int]:
    """How many rows each thing has, by its key in `WHATS`."""
    ids = [place.location_id for place in places]
    by_status: dict[str, int] = {}
    for numbers in contact_search.counts(tx, ids).values():
        for status, number in numbers.items():
            by_status[status] = by_status.get(status, 0) + number
    kinds = records.records_by_kind(tx, ids)
    at_risk = RegisterQuery(ids, spans=deletion_queries.spans(places, now, (Status.DELETED,)))
    return {
        "all": sum(number for status, number in by_status.items() if status != Status.ERASED),
        "living": sum(by_status.get(status, 0) for status in LIVING),
        "gone": sum(by_status.get(status, 0) for status in GONE),
        "risk": deletion_queries.count(tx, at_risk),
        "register": deletion_queries.count(tx, RegisterQuery(ids, spans=deletion_queries.spans(places, now))),
        **{key: kinds.get(key.removesuffix("s"), 0) for key in ("notes", "tasks", "messages")},
        "opportunities": kinds.get("opportunity", 0),
        "versions": records.old_copies(tx, ids),
    }


@dataclass
class RunningExport:
    """A file in the making, and once `done` either its manifest or the error that ended it."""

    what: BackupChoice
    file_name: str
    path: Path
    started_at: datetime
    key: str = field(default_factory=lambda: f"export:{uuid4().hex}")
    progress: Progress = field(default_factory=lambda: Progress("Reading"))
    manifest: Manifest | None = None
    error: VaultError | None = None
    done: bool = False


def start(what: BackupChoice, places: Sequence[Location], mode: ExportMode, *, bom: bool, user: User) -> None:
    """The file is being made; the page shows how far it has come."""
    here = session.app_context()
    at = here.clock.now()
    named, exact = what.name.lower().replace(" ", "-"), "-exact" if mode is ExportMode.EXACT else ""
    name = f"contact-vault-{named}-{at:%Y-%m-%d}{exact}.csv"
    made = RunningExport(what, name, folder(here) / f"{uuid4().hex}.csv", at)
    chosen = what.selection([place.location_id for place in places])
    st.session_state[MAKING] = made
    get_runtime().tasks.start(made.key, lambda stop: make(here, made, chosen, mode, bom=bom, user=user, stop=stop))


def folder(here: AppContext) -> Path:
    """Where files wait to be fetched. It exists; what is older than a day is gone. Raises ExportError."""
    found = here.settings.data_dir / "exports"
    try:
        found.mkdir(parents=True, exist_ok=True, mode=0o700)
        for old in found.glob("*.csv"):
            if here.clock.now().timestamp() - old.stat().st_mtime > KEPT_FOR.total_seconds():
                old.unlink(missing_ok=True)
    except OSError as exc:
        raise ExportError("The folder for files cannot be used.", hint="Check the rights of HLCORE_DATA_DIR.") from exc
    return found


def make(
    here: AppContext,
    made: RunningExport,
    selection: ExportSelection,
    mode: ExportMode,
    *,
    bom: bool,
    user: User,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """The file stands at its path with its manifest, or the error says why not and nothing is left behind."""

    def tell(progress: Progress) -> None:
        made.progress = progress
        if stop():
            raise Cancelled("Stopped. No file was left behind.")

    try:
        made.manifest = to_file(
            here.vault, selection, made.path, mode=mode, bom=bom, user=user, now=here.clock.now, listener=tell
        )
    except VaultError as error:
        made.error = error
    except BaseException:
        made.error = ExportError("The file could not be made.", hint="The server's log names the place. Try again.")
        raise
    finally:
        made.done = True


def draw_making() -> None:
    """The file of this session: its progress, or what it holds and how to fetch it. Nothing when there is none."""
    made: RunningExport | None = st.session_state.get(MAKING)
    if made is None:
        return
    with st.container(border=True, key="backup_file"):
        if not made.done:
            _watch(made)
        elif made.manifest is None:
            errors.show(made.error or ExportError("The file could not be made."))
        else:
            _offer(made, made.manifest)


@st.fragment(run_every="0.5s")
def _watch(made: RunningExport) -> None:
    if made.done:
        st.rerun()
    now = made.progress
    of = f" of {count(now.total)}" if now.total else ""
    rows = f": {count(now.done)}{of} rows" if now.done else ""
    st.progress(now.share or 0.0, text=f"Making {made.what.name.lower()}{rows}")
    st.button("Stop", key="stop_backup", icon=":material/stop:", on_click=lambda: get_runtime().tasks.cancel(made.key))


def _offer(made: RunningExport, manifest: Manifest) -> None:
    st.markdown(f"##### :material/check_circle: {made.what.name}: ready")
    with st.container(horizontal=True, gap="large"):
        st.metric("Rows", count(manifest.rows), width="content")
        st.metric("Size", size_words(manifest.bytes), width="content")
    st.caption("SHA-256, to prove later that the file is unchanged:")
    st.code(manifest.sha256, language=None, wrap_lines=True)
    if not made.path.exists():
        st.caption("The file was removed after a day. Make it again.")
    elif manifest.bytes <= HELD_IN_MEMORY:
        st.download_button(
            f"Download {made.file_name}",
            data=made.path.read_bytes,
            file_name=made.file_name,
            mime="text/csv",
            key="download_backup",
            type="primary",
            icon=":material/download:",
            on_click="ignore",
        )
    else:
        st.markdown("This file is too large to pass through the browser. Fetch it within a day on the server itself:")
        st.code(str(made.path.resolve()), language=None, wrap_lines=True)
        st.caption(f"Or make one anywhere: `python -m hlcore export {made.what.kind} --out FILE`")


def size_words(size: int) -> str:
    """'812 bytes', '3.4 MB'."""
    if size < 1000:
        return many(size, "byte")
    for unit, scale in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if size < scale * 1000 or unit == "GB":
            return f"{size / scale:.1f} {unit}"
    return str(size)


AUDIT_COLUMNS: dict[str, Any] = {
    "When": st.column_config.TextColumn(width=190),
    "What": st.column_config.TextColumn(width=170),
    "Who": st.column_config.TextColumn(width=170),
    "Outcome": st.column_config.TextColumn(width=100),
    "Rows": st.column_config.NumberColumn(width=90, format="localized"),
    "Size": st.column_config.TextColumn(width=90),
    "Account": st.column_config.TextColumn(width=200),
    "SHA-256": st.column_config.TextColumn(width=520),
}


def earlier(limit: int, offset: int, only: Sequence[str] | None) -> list[AuditEntry]:
    """Earlier downloads from the audit log, newest first."""
    with session.app_context().vault.read() as tx:
        return audit.listing(tx, limit=limit, offset=offset, location_ids=only, act=str(Action.EXPORT))


def earlier_row(line: AuditEntry, found: Sequence[Location]) -> dict[str, Any]:
    """One earlier download as a row."""
    detail = line.detail or {}
    place = next((one for one in found if one.location_id == line.location_id), None)
    return {
        "When": moment(line.at, timezone_of(place)),
        "What": line.subject,
        "Who": line.actor,
        "Outcome": outcome_mark(line.outcome).cell,
        "Rows": detail.get("rows"),
        "Size": size_words(detail["bytes"]) if isinstance(detail.get("bytes"), int) else "",
        "Account": name_of(line.location_id, found) if line.location_id else "All",
        "SHA-256": str(detail.get("sha256") or ""),
    }


def why_not(user: User) -> str | None:
    """Why this person may not make a file; None when they may."""
    return None if user.may(Action.EXPORT) else LOOK_ONLY
