"""The Bulk deletions page's parts: each as a card, one in full, and the way to bring everybody back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from hlcore.export import file_name
from hlcore.governance.roles import User
from hlcore.metrics import bulk_deletions
from hlcore.metrics.bulk_deletions import BulkDeletion, BulkDeletionDetails, OpenValue
from hlcore.metrics.coverage import kind_names
from hlcore.model.wording import form
from hlcore.store.deletions import bulk_deletions as deletion_bulk_deletions
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions.queries import Disappearance, RegisterQuery
from hlcore.ui import session
from hlcore.ui.components.buttons import download_button, restore_button
from hlcore.ui.components.charts import show_figure
from hlcore.ui.components.contact_list import contact_label
from hlcore.ui.components.contact_picker import ContactRef
from hlcore.ui.components.formatting import (
    Badge,
    ago,
    count,
    day,
    escaped,
    moment,
    percent,
    plural,
    record_count,
    status_badge,
    time_left,
)
from hlcore.ui.components.navigation import go_to, names_column
from hlcore.ui.components.tables import page_slice, pager, table
from hlcore.ui.restore import drafts, open_jobs
from hlcore.ui.restore.downloads import SAFE_CSV, deletions_file
from hlcore.ui.restore.open_jobs import PeopleInJobs

KEY_PARAM = "incident"
"""Query parameter that names one bulk deletion."""
STATES = {
    "waiting": Badge("Being checked", ":material/help:", "orange", "?"),
    "confirmed": Badge("Confirmed", ":material/person_remove:", "red", "✕"),
    "dismissed": Badge("False alarm", ":material/undo:", "gray", "↩"),
}
_NOTICED_BY = {"listing": "by a full listing", "watch": "by the watch", "webhook": "by webhooks"}
_RETURN_LABELS = {
    "returned": "restored in HighLevel",
    "recreated": "created again",
    "suspected": "being checked",
    "erased": "erased",
}
_TEXT = st.column_config.TextColumn
_CONTACT_COLUMNS: dict[str, Any] = {
    "Now": _TEXT(width=210),
    "E-mail": _TEXT(width=240),
    "Phone": _TEXT(width=140),
    "Tags": st.column_config.ListColumn(width=170),
}


def selected_key() -> str:
    """Return the key of the bulk deletion that the URL names; '' for none."""
    return st.query_params.get(KEY_PARAM, "")


def open_bulk_deletion(key: str) -> None:
    """Show this bulk deletion."""
    st.query_params[KEY_PARAM] = key


def close_bulk_deletion() -> None:
    """Show the list again."""
    st.query_params.pop(KEY_PARAM, None)


def summary_text(deletions: Sequence[BulkDeletion]) -> str:
    """Summarise the page in one line."""
    if not deletions:
        return "Nobody was deleted in bulk."
    gone = sum(deletion.still_missing for deletion in deletions)
    text = f"{plural(len(deletions), 'bulk deletion').capitalize()} on record"
    if not gone:
        return f"{text}; everybody is back or was a false alarm."
    return f"{text}; **{plural(gone, 'person is', 'people are')} still gone**."


def show_card(deletion: BulkDeletion, *, several_locations: bool) -> None:
    """Draw one bulk deletion of the list."""
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{headline(deletion)}** {state_badge(deletion).markdown}", width="stretch")
            st.button("Open", key=f"open_{deletion.key}", on_click=open_bulk_deletion, args=(deletion.key,))
        account = f"{escaped(deletion.location.name)} · " if several_locations else ""
        when = f"{moment(deletion.noticed_at, deletion.location.timezone)} ({ago(deletion.noticed_at, session.now())})"
        st.caption(f"{account}noticed {when} · {status_text(deletion)}")


def headline(deletion: BulkDeletion) -> str:
    """Return '912 of 3,012 contacts deleted at once'."""
    if not deletion.contacts:
        return "Contacts were missing from a listing"
    total = f" of {count(deletion.known)}" if deletion.known else ""
    return f"{count(deletion.contacts)}{total} {form(deletion.known or deletion.contacts, 'contact')} deleted at once"


def state_badge(deletion: BulkDeletion) -> Badge:
    """Return the badge of its state; "Over" where nobody is gone any more."""
    if deletion.state == "confirmed" and deletion.contacts and not deletion.still_missing:
        return Badge("Over", ":material/check_circle:", "green", "✓")
    return STATES.get(deletion.state) or Badge(deletion.state.capitalize(), ":material/help:", "gray")


def status_text(deletion: BulkDeletion) -> str:
    """Return how many are still gone, and what became of the others."""
    parts = [f"{count(deletion.still_missing)} still gone"] if deletion.still_missing else []
    counts = deletion.counts
    parts += [f"{count(counts[status])} {label}" for status, label in _RETURN_LABELS.items() if counts.get(status)]
    return ", ".join(parts) or "nobody was deleted"


def show_bulk_deletion(deletion: BulkDeletion, user: User) -> None:
    """Draw one bulk deletion in full."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.title(headline(deletion), anchor=False, width="content")
        st.markdown(state_badge(deletion).markdown, width="content")
    st.markdown(when_text(deletion))
    _show_actions(deletion, user)
    details = bulk_deletions.bulk_deletion_details(session.app_context().vault, deletion)
    _show_figures(deletion, details)
    with st.container(border=True, gap="small"):
        st.markdown("##### :material/fact_check: Evidence", anchors=False)
        for line in evidence_lines(deletion, details):
            st.markdown(line)
    _show_losses(details, deletion.contacts)
    _show_contacts(deletion)


def when_text(deletion: BulkDeletion) -> str:
    """Return when it happened and when it was noticed, in a sentence."""
    tz, times = deletion.location.timezone, deletion.times
    account = f"In **{escaped(deletion.location.name)}**"
    if times is None:
        return f"{account}, noticed on {moment(deletion.noticed_at, tz)}."
    noticed = moment(times.noticed_first, tz)
    if times.exact_first is None:
        return f"{account}: between {moment(times.clock_first, tz)}, when they were surely there, and {noticed}."
    last = times.exact_last if times.exact_last and times.exact_last != times.exact_first else None
    until = f" to {moment(last, tz)}" if last else ""
    return f"{account}: deleted {moment(times.exact_first, tz)}{until} (HighLevel's own times), noticed on {noticed}."


def _show_actions(deletion: BulkDeletion, user: User) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _show_restore_button(deletion, user)
        if deletion.contacts:
            _show_export_button(deletion, user)
        if deletion.left is not None and deletion.still_missing:
            left = time_left(deletion.left.open, deletion.left.days_left)
            until = f", until {moment(deletion.left.ends_at, deletion.location.timezone)}" if deletion.left.open else ""
            st.markdown(f"HighLevel's own restore: **{left}**{until}", width="content")


def _show_restore_button(deletion: BulkDeletion, user: User) -> None:
    """Draw the button that restores everybody who is gone and in no job yet, and the way to the jobs."""
    if not deletion.still_missing:
        return
    location_id = deletion.location.location_id
    in_jobs = open_jobs.people_in_jobs([location_id])
    missing = bulk_deletions.missing_contact_ids(session.app_context().vault, deletion)
    people = [ContactRef(location_id, contact_id) for contact_id in missing]
    free = [contact for contact in people if contact not in in_jobs]
    label = (
        f"Restore all {count(len(free))} …" if len(free) == len(people) else f"Restore the other {count(len(free))} …"
    )
    preview = "First a preview; nothing is written until you confirm."
    if free and restore_button(label, key="restore_all", user=user, help_text=preview):
        drafts.open_draft(free)
    for job_id in sorted({in_jobs[contact].job_id for contact in people if contact in in_jobs}):
        open_jobs.job_link(job_id, label=f"Watch job {job_id}")


def _show_export_button(deletion: BulkDeletion, user: User) -> None:
    context, location_id = session.app_context(), deletion.location.location_id
    download_button(
        f"Export {count(deletion.contacts)}",
        lambda: deletions_file(context, [location_id], bulk_deletions.contact_ids(context.vault, deletion), user),
        file_name("bulk deletion", [deletion.location], deletion.noticed_at),
        key="export_event",
        user=user,
        help_text=SAFE_CSV,
    )


def _show_figures(deletion: BulkDeletion, details: BulkDeletionDetails) -> None:
    money, left = details.open_value, deletion.left
    with st.grid(4, min_column_width=150, gap="small"):
        share = f"{percent(deletion.contacts / deletion.known)} of {count(deletion.known)}" if deletion.known else ""
        show_figure("Deleted", count(deletion.contacts), share or "at once", ":material/person_remove:")
        is_open = left is not None and left.open
        window = f"until {day(left.ends_at, deletion.location.timezone)}" if left and is_open else "window closed"
        show_figure(
            "Still gone",
            count(deletion.still_missing),
            window if deletion.still_missing else "nobody",
            ":material/timer:",
        )
        recreated = f"{count(deletion.counts.get('recreated', 0))} created again"
        show_figure("Back", count(deletion.came_back), recreated, ":material/settings_backup_restore:")
        value, text = open_value_text(money, deletion.contacts)
        show_figure("Open value", value, text, ":material/payments:")


def open_value_text(money: OpenValue, contacts: int) -> tuple[str, str]:
    """Return the open value and what it stands on; a value that is not known is never called 0."""
    if money.known >= contacts or not contacts:
        return amount_text(money.total), record_count(money.opportunities, "opportunity")
    known = f"known for {count(money.known)} of {count(contacts)}"
    return f"≥ {amount_text(money.total)}" if money.opportunities else "Not known", known


def amount_text(total: float) -> str:
    """Return '12,500' or '99.50'."""
    return f"{total:,.0f}" if float(total).is_integer() else f"{total:,.2f}"


def evidence_lines(deletion: BulkDeletion, details: BulkDeletionDetails) -> list[str]:
    """Return what is known of how it came about, line by line."""
    lines = [escaped(deletion.evidence)] if deletion.evidence and deletion.register_key.incident_id is not None else []
    lines += [
        f"{count(number)} × {escaped(text)}" if number > 1 else escaped(text) for text, number in details.evidence
    ]
    noticed = [f"{count(number)} {_NOTICED_BY.get(how, escaped(how))}" for how, number in details.noticed_by]
    if noticed:
        lines.append(f"Noticed: {', '.join(noticed)}.")
    lines.append(
        "**Who did it** no program can read. In HighLevel, Contacts → Bulk Actions lists bulk operations with the "
        "person who started them; Settings → Audit Logs keeps deletions for 60 days."
    )
    return lines


def records_text(details: BulkDeletionDetails, contacts: int) -> str:
    """Return the records that were on these contacts, and of how many of them each kind had been captured."""
    counts = [record_count(number, kind) for kind, number in details.records.items() if number]
    gaps: dict[int, list[str]] = {}
    for kind, known in details.known.items():
        if known < contacts:
            gaps.setdefault(known, []).append(kind)
    known_text = ", ".join(counts).capitalize() + "." if counts else ""
    if not gaps:
        return known_text or "No notes, tasks or other records."
    parts = [f"{kind_names(kinds)} of {count(known)} of {count(contacts)}" for known, kinds in sorted(gaps.items())]
    return (
        f"{known_text} Known only for some people: {'; '.join(parts)}. What the others had was never captured.".strip()
    )


def _show_losses(details: BulkDeletionDetails, contacts: int) -> None:
    with st.container(border=True, gap="small"):
        st.markdown("##### :material/inventory_2: What was on them", anchors=False)
        st.markdown(records_text(details, contacts))
        if details.open_value.valued:
            stated = f"{count(details.open_value.valued)} of {count(details.open_value.opportunities)}"
            value = f"**{amount_text(details.open_value.total)}** in the account's currency"
            st.markdown(f"Open opportunities: {value}; {stated} state a value.")
        with st.container(horizontal=True, gap="medium"):
            _show_ranking("Owners", details.owners, "nobody")
            _show_ranking("Tags", details.tags, "")
            _show_ranking("Sources", details.sources, "no source")


def _show_ranking(title: str, ranking: Sequence[tuple[str, int]], unnamed: str) -> None:
    """Draw the names with their counts. `unnamed` stands for the name ''; if it is '' too, that line is left out."""
    lines = [f"- {escaped(name or unnamed)} :gray[{count(number)}]" for name, number in ranking if name or unnamed]
    if lines:
        with st.container(width=285, gap="xsmall"):
            st.caption(title)
            st.markdown("\n".join(lines))


def _show_contacts(deletion: BulkDeletion) -> None:
    st.subheader("People", anchor=False)
    part = page_slice("event_people", deletion.contacts, query=deletion.key)
    query = register_query(deletion)
    with session.app_context().vault.read() as tx:
        page = deletion_queries.list_page(tx, query, limit=part.limit, offset=part.offset, sort="name")
    in_jobs = open_jobs.people_in_jobs([deletion.location.location_id])
    rows, alt = [_contact_row(row, in_jobs) for row in page], f"People {part.range_text}"
    table(rows, key=f"people_{deletion.key}", alt=alt, columns=_people_columns(page))
    pager(part, "person", "people")


def _people_columns(page: Sequence[Disappearance]) -> dict[str, Any]:
    """Return the columns of these people. A name opens the record of the deleted person, a new id that of the person
    created again."""
    old = [ContactRef(row.location_id, row.contact_id) for row in page]
    new = [ContactRef(row.location_id, row.new_contact_id) if row.new_contact_id else None for row in page]
    new_id = names_column(new, key="event_new_ids", width=230) if any(new) else _TEXT(width=70)
    return {"Name": names_column(old, key="event_names"), **_CONTACT_COLUMNS, "New id": new_id}


def register_query(deletion: BulkDeletion) -> RegisterQuery:
    """Return the query for its contacts in the register of deletions."""
    location_ids, statuses = [deletion.location.location_id], deletion_bulk_deletions.COUNTED
    if deletion.register_key.incident_id is not None:
        return RegisterQuery(location_ids, statuses, incident_id=deletion.register_key.incident_id)
    contact_ids = bulk_deletions.contact_ids(session.app_context().vault, deletion)
    since = deletion.register_key.first
    return RegisterQuery(location_ids, statuses, cause="bulk", detected_since=since, contact_ids=contact_ids)


def _contact_row(row: Disappearance, in_jobs: PeopleInJobs) -> dict[str, Any]:
    person = in_jobs.get(ContactRef(row.location_id, row.contact_id))
    return {
        "Name": contact_label(row.name, row.email, row.phone),
        "Now": person.badge.cell if person is not None else status_badge(row.status).cell,
        "E-mail": row.email,
        "Phone": row.phone,
        "Tags": list(row.tags),
        "New id": row.new_contact_id,
    }


def show_notice(location_ids: Sequence[str]) -> None:
    """Draw, on the Overview, the newest recent bulk deletion with somebody still gone, and the way to its page."""
    recent = bulk_deletions.recent_bulk_deletions(session.app_context().vault, location_ids, session.now())
    if not recent:
        return
    deletion = recent[0]
    more = f" {count(len(recent) - 1)} more this week." if len(recent) > 1 else ""
    where = f" in {escaped(deletion.location.name)}" if len(location_ids) > 1 else ""
    when = ago(deletion.noticed_at, session.now())
    text = f"**{headline(deletion)}**{where}, noticed {when}; {status_text(deletion)}.{more}"
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small", key="incident_notice"):
        st.markdown(f":red[:material/person_remove:] {text}", width="stretch")
        if st.button("See what happened", key="see_incident", icon=":material/arrow_forward:"):
            go_to("bulk_deletions.py", {KEY_PARAM: deletion.key})
