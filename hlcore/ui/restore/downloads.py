"""Small downloads: the receipt of a restore, and the people of the At risk page. Made when the button is pressed, in
another thread, safe in a spreadsheet, checked and recorded in the audit log.

The plan of a restore as a download: field by field, safe in a spreadsheet, checked and recorded in the audit log.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import streamlit as st

from hlcore.app_context import AppContext
from hlcore.export import ExportKind, ExportSelection, export
from hlcore.export.small_tables import export_table
from hlcore.governance.audit import recorded
from hlcore.governance.roles import Action, User
from hlcore.metrics.deletions import DeletionFilter, iterate
from hlcore.restore.plan import Plan
from hlcore.restore.planning.plan_table import COLUMNS, rows
from hlcore.restore.receipt import to_csv
from hlcore.store.restores.jobs import RestoreJob
from hlcore.ui import session
from hlcore.ui.components.contact_picker import ContactRef
from hlcore.ui.components.formatting import count
from hlcore.ui.restore import receipt_page

LOOK_ONLY = "Your role may look, not download."


def receipt_button(jobs: Sequence[RestoreJob], user: User) -> None:
    """Downloads what became of each person of these jobs, as one file."""
    here, numbers = session.app_context(), "-".join(str(job.job_id) for job in jobs)
    may = user.may(Action.EXPORT)
    st.download_button(
        "Download receipt",
        data=lambda: receipt_file(here, jobs, user),
        file_name=f"contact-vault-restore-{numbers}.csv",
        mime="text/csv",
        key=f"receipt_{numbers}",
        icon=":material/receipt_long:",
        on_click="ignore",
        disabled=not may,
        help=None if may else LOOK_ONLY,
    )


def receipt_file(here: AppContext, jobs: Sequence[RestoreJob], user: User) -> bytes:
    """The receipt as CSV in UTF-8 with a byte order mark, one header for all jobs. Raises NotAllowed, NotFound."""
    places = {job.location_id for job in jobs}
    only = places.pop() if len(places) == 1 else ""
    subject = f"receipt of job {', '.join(str(job.job_id) for job in jobs)}"
    with recorded(here.vault, user, Action.EXPORT, now=here.clock.now, location_id=only, subject=subject) as entry:
        parts = [list(to_csv(here.vault, job.job_id)) for job in jobs]
        body = "".join([*parts[0], *(line for part in parts[1:] for line in part[1:])]).encode("utf-8-sig")
        entry.note(rows=sum(job.total for job in jobs), bytes=len(body))
    return body


def printed_button(jobs: Sequence[RestoreJob], title: str, words: dict[str, str], user: User) -> None:
    """Downloads the receipt as a page to print. `words`: how people call the outcomes."""
    here, numbers = session.app_context(), "-".join(str(job.job_id) for job in jobs)
    places = {place.location_id: place for place in session.locations()}
    parts = [
        (job, session.name_of(job.location_id, list(places.values())), places[job.location_id].timezone)
        if job.location_id in places
        else (job, job.location_id, "UTC")
        for job in jobs
    ]
    may = user.may(Action.EXPORT)
    st.download_button(
        "Printable receipt",
        data=lambda: printed_file(here, parts, title, words, user),
        file_name=f"contact-vault-restore-{numbers}.html",
        mime="text/html",
        key=f"printed_{numbers}",
        icon=":material/print:",
        on_click="ignore",
        disabled=not may,
        help="A page to open, print, or keep as PDF; recorded." if may else LOOK_ONLY,
    )


def printed_file(
    here: AppContext, parts: Sequence[tuple[RestoreJob, str, str]], title: str, words: dict[str, str], user: User
) -> bytes:
    """The receipt of these jobs (each with its account's name and time zone) as HTML. Raises NotAllowed, NotFound."""
    jobs = [job for job, _, _ in parts]
    only = jobs[0].location_id if len({job.location_id for job in jobs}) == 1 else ""
    subject = f"printable receipt of job {', '.join(str(job.job_id) for job in jobs)}"
    with recorded(here.vault, user, Action.EXPORT, now=here.clock.now, location_id=only, subject=subject) as entry:
        body = receipt_page.page(here.vault, parts, title=title, words=words).encode()
        entry.note(rows=sum(job.total for job in jobs), bytes=len(body))
    return body


def people_button(chosen: Sequence[ContactRef], wanted: DeletionFilter, total: int, user: User) -> None:
    """Downloads the chosen people, or all that the page shows, with the days that are left and the whole copy."""
    here, at = session.app_context(), session.now()
    may, whos = user.may(Action.EXPORT), tuple(chosen)
    st.download_button(
        f"Export {count(len(whos) or total)}",
        data=lambda: people_file(here, whos, wanted, user),
        file_name=f"contact-vault-at-risk-{at:%Y-%m-%d}.csv",
        mime="text/csv",
        key="export",
        icon=":material/download:",
        on_click="ignore",
        disabled=not may,
        help="CSV, safe to open in a spreadsheet; recorded." if may else LOOK_ONLY,
    )


def people_file(here: AppContext, whos: Sequence[ContactRef], wanted: DeletionFilter, user: User) -> bytes:
    """The lost people as CSV: these, or all of the question. Raises NotAllowed, StoreError."""
    locations, ids = _asked(here, whos, wanted)
    out = io.BytesIO()
    selection = ExportSelection(ExportKind.DELETIONS, locations, statuses=("deleted", "expired"), contact_ids=ids)
    export(here.vault, selection, out, bom=True, user=user, now=here.clock.now)
    return out.getvalue()


def _asked(here: AppContext, whos: Sequence[ContactRef], wanted: DeletionFilter) -> tuple[list[str], list[str]]:
    if whos:
        return sorted({who.location_id for who in whos}), [who.contact_id for who in whos]
    with here.vault.read() as tx:
        ids = [lost.row.contact_id for lost in iterate(tx, wanted, here.clock.now())]
    return list(wanted.location_ids), ids


def plan_button(plans: Sequence[Plan], user: User) -> None:
    """Downloads what would happen to each field of each person, as one file. Made when the button is pressed."""
    here, at, held = session.app_context(), session.now(), tuple(plans)
    may = user.may(Action.EXPORT)
    st.download_button(
        "Download plan",
        data=lambda: plan_file(here, held, user),
        file_name=f"contact-vault-restore-plan-{at:%Y-%m-%d}.csv",
        mime="text/csv",
        key="plan_csv",
        icon=":material/download:",
        on_click="ignore",
        disabled=not may,
        help="CSV, field by field, safe to open in a spreadsheet; recorded." if may else LOOK_ONLY,
    )


def plan_file(here: AppContext, plans: Sequence[Plan], user: User) -> bytes:
    """The plans as one CSV in UTF-8 with a byte order mark. Raises NotAllowed, StoreError."""
    only = plans[0].location_id if len(plans) == 1 else ""
    return export_table(
        here.vault, COLUMNS, rows(plans), subject="restore plan", user=user, now=here.clock.now, location_id=only
    )
