"""Small downloads: a restore's receipt and plan, and deleted contacts.

Each is made when its button is pressed, in another thread; safe in a spreadsheet, checked, and recorded in the audit
log.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from hlcore.app_context import AppContext
from hlcore.export import ExportKind, ExportSelection, export_csv, export_table, file_name
from hlcore.governance.audit import audited
from hlcore.governance.roles import Action, User
from hlcore.metrics.deletions import DeletionFilter, iterate_deletions
from hlcore.restore.plan import Plan
from hlcore.restore.planning.plan_table import COLUMNS, plan_rows
from hlcore.restore.receipt import to_csv
from hlcore.store.restores.jobs import RestoreJob
from hlcore.ui import session
from hlcore.ui.components.buttons import download_button
from hlcore.ui.components.contact_picker import ContactRef
from hlcore.ui.components.formatting import count
from hlcore.ui.restore import receipt_page

SAFE_CSV = "CSV, safe to open in a spreadsheet; recorded."


def receipt_button(jobs: Sequence[RestoreJob], user: User) -> None:
    """Draw a button that downloads the result of each contact of these jobs, as one CSV file."""
    context, numbers = session.app_context(), "-".join(str(job.job_id) for job in jobs)
    download_button(
        "Download receipt",
        lambda: receipt_file(context, jobs, user),
        _job_file_name(jobs),
        key=f"receipt_{numbers}",
        user=user,
        icon=":material/receipt_long:",
    )


def receipt_file(context: AppContext, jobs: Sequence[RestoreJob], user: User) -> bytes:
    """Return the receipt as CSV in UTF-8 with a byte order mark, one header for all jobs. Raises NotAllowed,
    NotFound."""
    now, location_id = context.clock.now, _single_location([job.location_id for job in jobs])
    subject = f"receipt of job {', '.join(str(job.job_id) for job in jobs)}"
    with audited(context.vault, user, Action.EXPORT, now=now, location_id=location_id, subject=subject) as entry:
        parts = [list(to_csv(context.vault, job.job_id)) for job in jobs]
        body = "".join([*parts[0], *(line for part in parts[1:] for line in part[1:])]).encode("utf-8-sig")
        entry.add(rows=sum(job.total for job in jobs), bytes=len(body))
    return body


def printed_button(jobs: Sequence[RestoreJob], title: str, outcome_labels: dict[str, str], user: User) -> None:
    """Draw a button that downloads the receipt as a page to print."""
    context, numbers = session.app_context(), "-".join(str(job.job_id) for job in jobs)
    locations = session.locations()
    parts = [
        (job, session.location_name(job.location_id, locations), session.timezone_of(job.location_id, locations))
        for job in jobs
    ]
    download_button(
        "Printable receipt",
        lambda: printed_file(context, parts, title, outcome_labels, user),
        _job_file_name(jobs, extension="html"),
        key=f"printed_{numbers}",
        user=user,
        mime="text/html",
        icon=":material/print:",
        help_text="A page to open, print, or keep as PDF; recorded.",
    )


def printed_file(
    context: AppContext,
    parts: Sequence[tuple[RestoreJob, str, str]],
    title: str,
    outcome_labels: dict[str, str],
    user: User,
) -> bytes:
    """Return the receipt of these jobs, each with its location's name and time zone, as HTML. Raises NotAllowed,
    NotFound."""
    jobs = [job for job, _, _ in parts]
    now, location_id = context.clock.now, _single_location([job.location_id for job in jobs])
    subject = f"printable receipt of job {', '.join(str(job.job_id) for job in jobs)}"
    with audited(context.vault, user, Action.EXPORT, now=now, location_id=location_id, subject=subject) as entry:
        html = receipt_page.render_receipt(context.vault, parts, title=title, outcome_labels=outcome_labels)
        body = html.encode()
        entry.add(rows=sum(job.total for job in jobs), bytes=len(body))
    return body


def plan_button(plans: Sequence[Plan], user: User) -> None:
    """Draw a button that downloads what would happen to each field of each contact, as one CSV file."""
    context, plans = session.app_context(), tuple(plans)
    download_button(
        "Download plan",
        lambda: plan_file(context, plans, user),
        _file_name("restore plan", [plan.location_id for plan in plans]),
        key="plan_csv",
        user=user,
        help_text="CSV, field by field, safe to open in a spreadsheet; recorded.",
    )


def plan_file(context: AppContext, plans: Sequence[Plan], user: User) -> bytes:
    """Return the plans as one CSV in UTF-8 with a byte order mark. Raises NotAllowed, StoreError."""
    now, location_id = context.clock.now, _single_location([plan.location_id for plan in plans])
    return export_table(
        context.vault, COLUMNS, plan_rows(plans), subject="restore plan", user=user, now=now, location_id=location_id
    )


def at_risk_button(chosen: Sequence[ContactRef], query: DeletionFilter, total: int, user: User) -> None:
    """Draw a button that downloads the chosen contacts, or all that the query finds, with the days that are left."""
    context, contacts = session.app_context(), tuple(chosen)
    download_button(
        f"Export {count(len(contacts) or total)}",
        lambda: at_risk_file(context, contacts, query, user),
        _file_name("at risk", query.location_ids),
        key="export",
        user=user,
        help_text=SAFE_CSV,
    )


def at_risk_file(context: AppContext, contacts: Sequence[ContactRef], query: DeletionFilter, user: User) -> bytes:
    """Return these deleted contacts as CSV, or all that the query finds. Raises NotAllowed, StoreError."""
    if contacts:
        location_ids = sorted({contact.location_id for contact in contacts})
        contact_ids = [contact.contact_id for contact in contacts]
    else:
        location_ids = list(query.location_ids)
        with context.vault.read() as tx:
            contact_ids = [view.row.contact_id for view in iterate_deletions(tx, query, context.clock.now())]
    return deletions_file(context, location_ids, contact_ids, user, statuses=("deleted", "expired"))


def deletions_file(
    context: AppContext,
    location_ids: Sequence[str],
    contact_ids: Sequence[str],
    user: User,
    *,
    statuses: tuple[str, ...] = (),
) -> bytes:
    """Return the deletions of these contacts as CSV, with the last copy of each. Raises NotAllowed, StoreError."""
    out = io.BytesIO()
    selection = ExportSelection(ExportKind.DELETIONS, location_ids, statuses=statuses, contact_ids=contact_ids)
    export_csv(context.vault, selection, out, bom=True, user=user, now=context.clock.now)
    return out.getvalue()


def _job_file_name(jobs: Sequence[RestoreJob], *, extension: str = "csv") -> str:
    numbers = "-".join(str(job.job_id) for job in jobs)
    return _file_name(f"restore {numbers}", [job.location_id for job in jobs], extension=extension)


def _file_name(subject: str, location_ids: Sequence[str], *, extension: str = "csv") -> str:
    """Return the name of a file about these locations, made now."""
    locations = [location for location in session.locations() if location.location_id in location_ids]
    return file_name(subject, locations, session.now(), extension=extension)


def _single_location(location_ids: Sequence[str]) -> str:
    """Return the id that all of these are; '' where they differ."""
    different = set(location_ids)
    return different.pop() if len(different) == 1 else ""
