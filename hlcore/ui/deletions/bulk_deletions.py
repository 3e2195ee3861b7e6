"""Bulk deletions on their page: each as a card, one in full, and the way to bring everybody back."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import streamlit as st

from hlcore.app_context import AppContext
from hlcore.export import ExportKind, ExportSelection, export
from hlcore.governance.roles import Action, User
from hlcore.metrics import bulk_deletions
from hlcore.metrics.bulk_deletions import BulkDeletion, BulkDeletionDetails
from hlcore.store.deletions import bulk_deletions as deletion_bulk_deletions
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions.queries import Disappearance, RegisterQuery
from hlcore.ui import session
from hlcore.ui.components.contact_list import person_label
from hlcore.ui.components.contact_picker import ContactRef, fill_restore_selection
from hlcore.ui.components.formatting import Badge, ago, count, day, many, moment, percent, plain, status_mark, time_left
from hlcore.ui.components.tables import pager, slice_of, table
from hlcore.ui.restore.downloads import LOOK_ONLY

ASKED = "incident"
"""URL parameter that names one bulk deletion."""
STATES = {
    "waiting": Badge("Being checked", ":material/help:", "orange", "?"),
    "confirmed": Badge("Confirmed", ":material/person_remove:", "red", "✕"),
    "dismissed": Badge("False alarm", ":material/undo:", "gray", "↩"),
}
_NOTICED = {"listing": "by a full listing", "watch": "by the watch", "webhook": "by webhooks"}
_PLURALS = {"opportunity": "opportunities"}
_TEXT = st.column_config.TextColumn
_PEOPLE: dict[str, Any] = {
    "Name": _TEXT(width=190),
    "Now": _TEXT(width=210),
    "E-mail": _TEXT(width=240),
    "Phone": _TEXT(width=140),
    "Tags": st.column_config.ListColumn(width=170),
    "New id": _TEXT(width=210),
}


def asked_for() -> str:
    """The bulk deletion that the URL names, '' for none."""
    return st.query_params.get(ASKED, "")


def open_event(key: str) -> None:
    """The page shows this one."""
    st.query_params[ASKED] = key


def leave() -> None:
    """The page shows all again."""
    st.query_params.pop(ASKED, None)


def answer(found: Sequence[BulkDeletion]) -> str:
    """The page's answer in one line."""
    if not found:
        return "Nobody was deleted in bulk."
    gone = sum(event.gone for event in found)
    text = f"{many(len(found), 'bulk deletion').capitalize()} on record"
    if not gone:
        return f"{text}; everybody is back or was a false alarm."
    return f"{text}; **{many(gone, 'person is', 'people are')} still gone**."


def card(event: BulkDeletion, *, several: bool) -> None:
    """One bulk deletion in the list."""
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{headline(event)}** {mark(event).badge}", width="stretch")
            st.button("Open", key=f"open_{event.key}", on_click=open_event, args=(event.key,))
        where = f"{plain(event.place.name)} · " if several else ""
        noticed = f"{moment(event.noticed_at, event.place.timezone)} ({ago(event.noticed_at, session.now())})"
        st.caption(f"{where}noticed {noticed} · {standing(event)}")


def headline(event: BulkDeletion) -> str:
    """'912 of 3,012 contacts deleted at once'."""
    if not event.contacts:
        return "Contacts were missing from a listing"
    of = f" of {count(event.known)}" if event.known else ""
    return f"{count(event.contacts)}{of} {'contact' if event.contacts == 1 else 'contacts'} deleted at once"


def mark(event: BulkDeletion) -> Badge:
    """Its state; one that is over says so."""
    if event.state == "confirmed" and event.contacts and not event.gone:
        return Badge("Over", ":material/check_circle:", "green", "✓")
    return STATES.get(event.state) or Badge(event.state.capitalize(), ":material/help:", "gray")


def standing(event: BulkDeletion) -> str:
    """What has become of them, in words."""
    words = {"returned": "restored in HighLevel", "recreated": "created again", "suspected": "being checked",
             "erased": "erased"}  # fmt: skip
    parts = [f"{count(event.gone)} still gone"] if event.gone else []
    parts += [f"{count(event.counts[name])} {word}" for name, word in words.items() if event.counts.get(name)]
    return ", ".join(parts) or "nobody was deleted"


def show(event: BulkDeletion, user: User) -> None:
    """One bulk deletion in full."""
    here = session.app_context()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.title(headline(event), anchor=False, width="content")
        st.markdown(mark(event).badge, width="content")
    st.markdown(when(event))
    _actions(event, user)
    found = bulk_deletions.bulk_deletion_details(here.vault, event)
    _figures(event, found)
    with st.container(border=True, gap="small"):
        st.markdown("##### :material/fact_check: Evidence")
        for line in evidence(event, found):
            st.markdown(line)
    _what_was_on_them(found)
    _people(event)


def when(event: BulkDeletion) -> str:
    """When it was and when it was noticed, in a sentence."""
    tz, times = event.place.timezone, event.times
    place = f"In **{plain(event.place.name)}**"
    if times is None:
        return f"{place}, noticed on {moment(event.noticed_at, tz)}."
    noticed = moment(times.noticed_first, tz)
    if times.exact_first is not None:
        last = times.exact_last if times.exact_last and times.exact_last != times.exact_first else None
        until = f" to {moment(last, tz)}" if last else ""
        return f"{place}: deleted {moment(times.exact_first, tz)}{until} (HighLevel's own times), noticed on {noticed}."
    return f"{place}: between {moment(times.clock_first, tz)}, when they were surely there, and {noticed}."


def _actions(event: BulkDeletion, user: User) -> None:
    may = user.may(Action.RESTORE)
    why = "First a preview; nothing is written until you confirm." if may else "Your role may look, not restore."
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if event.gone and st.button(
            f"Restore all {count(event.gone)} …",
            key="restore_all",
            type="primary",
            icon=":material/settings_backup_restore:",
            disabled=not may,
            help=why,
        ):
            ids = bulk_deletions.still_gone(session.app_context().vault, event)
            fill_restore_selection([ContactRef(event.place.location_id, contact_id) for contact_id in ids])
            st.switch_page("restore.py")
        if event.contacts:
            _export(event, user)
        if event.left is not None and event.gone:
            left = time_left(event.left.open, event.left.days_left)
            until = f", until {moment(event.left.ends_at, event.place.timezone)}" if event.left.open else ""
            st.markdown(f"HighLevel's own restore: **{left}**{until}", width="content")


def _export(event: BulkDeletion, user: User) -> None:
    here, may = session.app_context(), user.may(Action.EXPORT)
    st.download_button(
        f"Export {count(event.contacts)}",
        data=lambda: people_file(here, event, user),
        file_name=f"contact-vault-bulk-deletion-{event.noticed_at:%Y-%m-%d}.csv",
        mime="text/csv",
        key="export_event",
        icon=":material/download:",
        on_click="ignore",
        disabled=not may,
        help="CSV, safe to open in a spreadsheet; recorded." if may else LOOK_ONLY,
    )


def people_file(here: AppContext, event: BulkDeletion, user: User) -> bytes:
    """All who belong to it as CSV, with what became of each and the whole copy. Raises NotAllowed, StoreError."""
    out, ids = io.BytesIO(), bulk_deletions.everybody(here.vault, event)
    selection = ExportSelection(ExportKind.DELETIONS, [event.place.location_id], contact_ids=ids)
    export(here.vault, selection, out, bom=True, user=user, now=here.clock.now)
    return out.getvalue()


def _figures(event: BulkDeletion, found: BulkDeletionDetails) -> None:
    share = f"{percent(event.contacts / event.known)} of {count(event.known)}" if event.known else "at once"
    money, left = found.money, event.left
    with st.grid(4, min_column_width=150, gap="small"):
        _figure("Deleted", count(event.contacts), share, ":material/person_remove:")
        gone = f"until {day(left.ends_at, event.place.timezone)}" if left is not None and left.open else "window closed"
        _figure("Still gone", count(event.gone), gone if event.gone else "nobody", ":material/timer:")
        back = f"{count(event.counts.get('recreated', 0))} created again"
        _figure("Back", count(event.back), back, ":material/settings_backup_restore:")
        valued = many(money.opportunities, "opportunity", "opportunities")
        _figure("Open value", amount(money.total), valued, ":material/payments:")


def amount(total: float) -> str:
    """'12,500', '99.50'."""
    return f"{total:,.0f}" if float(total).is_integer() else f"{total:,.2f}"


def _figure(label: str, value: str, context: str, icon: str) -> None:
    arrow = {"delta_color": "off", "delta_arrow": "off"}
    st.metric(label, value, context, icon=icon, border=True, height="stretch", **arrow)  # type: ignore[arg-type]


def evidence(event: BulkDeletion, found: BulkDeletionDetails) -> list[str]:
    """What is known of how it came about, line by line."""
    lines = [plain(event.evidence)] if event.evidence and event.bulk.incident_id is not None else []
    lines += [f"{count(number)} × {plain(text)}" if number > 1 else plain(text) for text, number in found.evidence]
    noticed = [f"{count(number)} {_NOTICED.get(how, plain(how))}" for how, number in found.noticed_by]
    if noticed:
        lines.append(f"Noticed: {', '.join(noticed)}.")
    lines.append(
        "**Who did it** no program can read. In HighLevel, Contacts → Bulk Actions lists bulk operations with the "
        "person who started them; Settings → Audit Logs keeps deletions for 60 days."
    )
    return lines


def _what_was_on_them(found: BulkDeletionDetails) -> None:
    with st.container(border=True, gap="small"):
        st.markdown("##### :material/inventory_2: What was on them")
        told = [many(number, kind, _PLURALS.get(kind, f"{kind}s")) for kind, number in found.records.items() if number]
        st.markdown(", ".join(told).capitalize() + "." if told else "No notes, tasks or other records were captured.")
        if found.money.valued:
            stated = f"{count(found.money.valued)} of {count(found.money.opportunities)}"
            value = f"**{amount(found.money.total)}** in the account's currency"
            st.markdown(f"Open opportunities: {value}; {stated} state a value.")
        with st.container(horizontal=True, gap="medium"):
            _ranking("Owners", found.owners, "nobody")
            _ranking("Tags", found.tags, "")
            _ranking("Sources", found.sources, "no source")


def _ranking(title: str, found: Sequence[tuple[str, int]], none: str) -> None:
    told = [f"{plain(name or none)} :gray[{count(number)}]" for name, number in found if name or none]
    if told:
        with st.container(width=285, gap="xsmall"):
            st.caption(title)
            st.markdown("\n".join(f"- {line}" for line in told))


def _people(event: BulkDeletion) -> None:
    st.subheader("People", anchor=False)
    part = slice_of("event_people", event.contacts, of=event.key)
    query = query_of(event)
    with session.app_context().vault.read() as tx:
        found = deletion_queries.listing(tx, query, limit=part.limit, offset=part.offset, sort="name")
    table([_person(row) for row in found], key=f"people_{event.key}", alt=f"People {part.words}", columns=_PEOPLE)
    pager(part, "person", "people")


def query_of(event: BulkDeletion) -> RegisterQuery:
    """The people of this event as a question to the register."""
    if event.bulk.incident_id is not None:
        return RegisterQuery(
            [event.place.location_id], deletion_bulk_deletions.COUNTED, incident_id=event.bulk.incident_id
        )
    ids = bulk_deletions.everybody(session.app_context().vault, event)
    return RegisterQuery(
        [event.place.location_id],
        deletion_bulk_deletions.COUNTED,
        cause="bulk",
        detected_since=event.bulk.first,
        contact_ids=ids,
    )


def _person(row: Disappearance) -> dict[str, Any]:
    return {
        "Name": person_label(row.name, row.email, row.phone),
        "Now": status_mark(row.status).cell,
        "E-mail": row.email,
        "Phone": row.phone,
        "Tags": list(row.tags),
        "New id": row.new_contact_id,
    }


def notice(ids: Sequence[str]) -> None:
    """On the overview: a bulk deletion of the last days of which somebody is still gone, with the way there."""
    found = bulk_deletions.recent(session.app_context().vault, ids, session.now())
    if not found:
        return
    event = found[0]
    more = f" {count(len(found) - 1)} more this week." if len(found) > 1 else ""
    where = f" in {plain(event.place.name)}" if len(ids) > 1 else ""
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small", key="incident_notice"):
        when_ = ago(event.noticed_at, session.now())
        st.markdown(
            f":red[:material/person_remove:] **{headline(event)}**{where}, noticed {when_}; {standing(event)}.{more}",
            width="stretch",
        )
        if st.button("See what happened", key="see_incident", icon=":material/arrow_forward:"):
            st.switch_page("bulk_deletions.py", query_params={ASKED: event.key})
