"""The Backups page: what can be exported, an export in progress and its file, and earlier exports.

A background task writes the file into `exports` in the data folder, so its size does not matter and the page can be
left. Only the session that started the export can fetch the file; it is removed after a day.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import streamlit as st

from hlcore.app_context import AppContext
from hlcore.errors import Cancelled, ExportError, VaultError
from hlcore.export import ExportKind, ExportMode, ExportSelection, Manifest, export_file, file_name
from hlcore.governance.roles import Action, User
from hlcore.metrics.contact_record import RECORD_KEYS
from hlcore.model.callbacks import Progress
from hlcore.model.lifecycle import Status
from hlcore.model.records import KINDS
from hlcore.private_files import make_folder
from hlcore.runtime import get_runtime
from hlcore.store import Tx, audit, records
from hlcore.store.audit import AuditEntry
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import search as contact_search
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions.queries import RegisterQuery
from hlcore.store.locations import Location
from hlcore.ui import coverage, session
from hlcore.ui.components import errors
from hlcore.ui.components.formatting import count, escaped, moment_cell, outcome_badge, plural
from hlcore.ui.session import location_name, shared_timezone

EXPORT_KEY = "backup_making"
"""Session key of the export that this session started last."""
FILE_LIFETIME = timedelta(days=1)
MAX_DOWNLOAD_BYTES = 150_000_000
"""The server holds a download in memory; a larger file is fetched from its folder."""


@dataclass(frozen=True, slots=True)
class BackupChoice:
    """Something that can be exported."""

    name: str
    kind: ExportKind
    text: str
    statuses: tuple[str, ...] = ()
    at_risk: bool = False

    def selection(self, location_ids: Sequence[str]) -> ExportSelection:
        """The rows of these locations."""
        return ExportSelection(self.kind, tuple(location_ids), statuses=self.statuses, at_risk=self.at_risk)


PRESENT, DELETED = ("present", "returned", "suspected"), ("deleted", "expired", "merged", "recreated", "undone")
CHOICES: Mapping[str, BackupChoice] = {
    "all": BackupChoice("All contacts", ExportKind.CONTACTS, "Everybody ever copied, with custom fields as columns."),
    "living": BackupChoice("Contacts in HighLevel", ExportKind.CONTACTS, "Those that HighLevel has now.", PRESENT),
    "gone": BackupChoice("Deleted contacts", ExportKind.CONTACTS, "Those that HighLevel no longer has.", DELETED),
    "risk": BackupChoice(
        "People at risk", ExportKind.CONTACTS, "Deleted, and HighLevel's own restore still open.", at_risk=True
    ),
    "register": BackupChoice(
        "Deletions register", ExportKind.DELETIONS, "Each disappearance: when, why, days left, last copy."
    ),
    "notes": BackupChoice("Notes", ExportKind.NOTES, "Every captured note."),
    "tasks": BackupChoice("Tasks", ExportKind.TASKS, "Every captured task."),
    "opportunities": BackupChoice("Opportunities", ExportKind.OPPORTUNITIES, "Every captured opportunity."),
    "appointments": BackupChoice("Appointments", ExportKind.APPOINTMENTS, "Every captured appointment."),
    "messages": BackupChoice("Messages", ExportKind.MESSAGES, "Every captured message."),
    "versions": BackupChoice(
        "Earlier versions", ExportKind.VERSIONS, "What contacts looked like before they were changed."
    ),
}
MODE_LABELS: Mapping[str, str] = {ExportMode.SAFE: "Safe for spreadsheets", ExportMode.EXACT: "Exact"}
MODE_TEXTS = (
    "Opens harmlessly in Excel and the like: text that a spreadsheet would run as a formula, and phone numbers that "
    "it would round, start with an apostrophe.",
    "For programs and for moving data: every value exactly as HighLevel sent it, with the raw answer in a column. Do "
    "not open it in a spreadsheet.",
)
PAST_EXPORT_COLUMNS: dict[str, Any] = {
    "When": st.column_config.TextColumn(width=145),
    "What": st.column_config.TextColumn(width=170),
    "Who": st.column_config.TextColumn(width=170),
    "Outcome": st.column_config.TextColumn(width=100),
    "Rows": st.column_config.NumberColumn(width=90, format="localized"),
    "Size": st.column_config.TextColumn(width=90),
    "Account": st.column_config.TextColumn(width=200),
    "SHA-256": st.column_config.TextColumn(width=520),
}


def row_counts(tx: Tx, locations: Sequence[Location], now: datetime) -> dict[str, int]:
    """Return the number of rows of each choice, by its key in CHOICES."""
    ids = [location.location_id for location in locations]
    by_status: dict[str, int] = {}
    for counts in contact_search.count_by_status(tx, ids).values():
        for status, number in counts.items():
            by_status[status] = by_status.get(status, 0) + number
    by_kind = records.count_by_kind(tx, ids)
    at_risk = RegisterQuery(ids, spans=deletion_queries.window_spans(locations, now, (Status.DELETED,)))
    register = RegisterQuery(ids, spans=deletion_queries.window_spans(locations, now))
    return {
        "all": sum(number for status, number in by_status.items() if status != Status.ERASED),
        "living": sum(by_status.get(status, 0) for status in PRESENT),
        "gone": sum(by_status.get(status, 0) for status in DELETED),
        "risk": deletion_queries.count(tx, at_risk),
        "register": deletion_queries.count(tx, register),
        **{key: by_kind.get(key.removesuffix("s"), 0) for key in ("notes", "tasks", "appointments", "messages")},
        "opportunities": by_kind.get("opportunity", 0),
        "versions": contact_reads.count_versions(tx, ids),
    }


def choice_name(key: str) -> str:
    """Return what people call a choice."""
    return CHOICES[key].name


def caption(key: str, rows: int, locations: Sequence[Location]) -> str:
    """Return what a choice holds: its rows, for records of how many contacts they are known, and what it is."""
    kind = RECORD_KEYS.get(key, "")
    known = coverage.known_text([location.location_id for location in locations], kind) if kind in KINDS else ""
    return " · ".join(filter(None, (plural(rows, "row"), known, CHOICES[key].text)))


@dataclass
class RunningExport:
    """A file being written; once `done`, it has either a manifest or the error that ended it."""

    choice: BackupChoice
    file_name: str
    path: Path
    started_at: datetime
    key: str = field(default_factory=lambda: f"export:{uuid4().hex}")
    progress: Progress = field(default_factory=lambda: Progress("Reading"))
    manifest: Manifest | None = None
    error: VaultError | None = None
    done: bool = False


def start_export(
    choice: BackupChoice, locations: Sequence[Location], mode: ExportMode, *, bom: bool, user: User
) -> None:
    """Write the file in the background; `show_running_export` draws its progress. Raises ExportError."""
    context = session.app_context()
    at = context.clock.now()
    name = file_name(choice.name.lower(), locations, at, suffix="exact" if mode is ExportMode.EXACT else "")
    running = RunningExport(choice, name, export_folder(context) / f"{uuid4().hex}.csv", at)
    selection = choice.selection([location.location_id for location in locations])
    st.session_state[EXPORT_KEY] = running
    get_runtime().tasks.start(
        running.key, lambda stop: write_export(context, running, selection, mode, bom=bom, user=user, stop=stop)
    )


def export_folder(context: AppContext) -> Path:
    """Return the folder of exported files, created if need be; removes files older than a day. Raises ExportError."""
    folder = context.settings.data_dir / "exports"
    try:
        make_folder(folder)
        for file in folder.glob("*.csv"):
            if abs(time.time() - file.stat().st_mtime) > FILE_LIFETIME.total_seconds():  # the system's clock wrote it
                file.unlink(missing_ok=True)
    except OSError as exc:
        raise ExportError("The folder for files cannot be used.", hint="Check the rights of HLCORE_DATA_DIR.") from exc
    return folder


def write_export(
    context: AppContext,
    running: RunningExport,
    selection: ExportSelection,
    mode: ExportMode,
    *,
    bom: bool,
    user: User,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Write the file to its path and set the manifest; or set the error and leave no file behind."""

    def report(progress: Progress) -> None:
        running.progress = progress
        if stop():
            raise Cancelled("Stopped. No file was left behind.")

    now = context.clock.now
    try:
        running.manifest = export_file(
            context.vault, selection, running.path, mode=mode, bom=bom, user=user, now=now, listener=report
        )
    except VaultError as error:
        running.error = error
    except BaseException:
        running.error = ExportError("The file could not be made.", hint="The server's log names the place. Try again.")
        raise
    finally:
        running.done = True


def show_running_export() -> None:
    """Draw this session's export, if there is one: its progress, or what the file holds and how to fetch it."""
    running: RunningExport | None = st.session_state.get(EXPORT_KEY)
    if running is None:
        return
    with st.container(border=True, key="backup_file"):
        if not running.done:
            _watch_progress(running)
        elif running.manifest is None:
            errors.show_error(running.error or ExportError("The file could not be made."))
        else:
            _show_file(running, running.manifest)


@st.fragment(run_every="0.5s")
def _watch_progress(running: RunningExport) -> None:
    if running.done:
        st.rerun()
    progress = running.progress
    total = f" of {count(progress.total)}" if progress.total else ""
    rows = f": {count(progress.done)}{total} rows" if progress.done else ""
    st.progress(progress.share or 0.0, text=f"Making {running.choice.name.lower()}{rows}")
    st.button(
        "Stop", key="stop_backup", icon=":material/stop:", on_click=lambda: get_runtime().tasks.cancel(running.key)
    )


def _show_file(running: RunningExport, manifest: Manifest) -> None:
    st.markdown(f"##### :material/check_circle: {running.choice.name}: ready", anchors=False)
    with st.container(horizontal=True, gap="large"):
        st.metric("Rows", count(manifest.rows), width="content")
        st.metric("Size", size_text(manifest.bytes), width="content")
    if manifest.note:
        st.caption(f":material/warning: {escaped(manifest.note)}")
    st.caption("SHA-256, to prove later that the file is unchanged:")
    st.code(manifest.sha256, language=None, wrap_lines=True)
    if not running.path.exists():
        st.caption("The file was removed after a day. Make it again.")
    elif manifest.bytes <= MAX_DOWNLOAD_BYTES:
        st.download_button(
            f"Download {escaped(running.file_name)}",
            data=running.path.read_bytes,
            file_name=running.file_name,
            mime="text/csv",
            key="download_backup",
            type="primary",
            icon=":material/download:",
            on_click="ignore",
        )
    else:
        st.markdown("This file is too large to pass through the browser. Fetch it within a day on the server itself:")
        st.code(str(running.path.resolve()), language=None, wrap_lines=True)
        st.caption(f"Or make one anywhere: `python -m hlcore export {running.choice.kind} --out FILE`")


def size_text(size: int) -> str:
    """Return '812 bytes' or '3.4 MB'."""
    if size < 1000:
        return plural(size, "byte")
    for unit, scale in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if size < scale * 1000 or unit == "GB":
            return f"{size / scale:.1f} {unit}"
    return str(size)


def past_exports(limit: int, offset: int, location_ids: Sequence[str] | None) -> list[AuditEntry]:
    """Return earlier exports from the audit log, newest first; None means those of all locations."""
    with session.app_context().vault.read() as tx:
        return audit.list_entries(tx, limit=limit, offset=offset, location_ids=location_ids, act=str(Action.EXPORT))


def past_export_row(entry: AuditEntry, locations: Sequence[Location]) -> dict[str, Any]:
    """Return an earlier export as a row of the table."""
    detail = entry.detail or {}
    return {
        "When": moment_cell(entry.at, shared_timezone(locations)),
        "What": entry.subject,
        "Who": entry.actor,
        "Outcome": outcome_badge(entry.outcome).cell,
        "Rows": detail.get("rows"),
        "Size": size_text(detail["bytes"]) if isinstance(detail.get("bytes"), int) else "",
        "Account": location_name(entry.location_id, locations) if entry.location_id else "All",
        "SHA-256": str(detail.get("sha256") or ""),
    }
