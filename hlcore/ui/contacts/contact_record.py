"""One contact's record on the Contacts page: the copy, what changed, disappearances, records, restores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import streamlit as st

from hlcore.governance.roles import User
from hlcore.metrics.coverage import kind_names
from hlcore.metrics.deletions import DeletionView
from hlcore.model.contact_diff import FieldChange
from hlcore.model.json_codec import decode_lossy_object
from hlcore.model.lifecycle import Status
from hlcore.model.moments import parse_moment
from hlcore.model.restore.transcript import plain_text
from hlcore.store.records import Record
from hlcore.ui import coverage, session
from hlcore.ui.components import address, contact_fields, formatting, merge_note
from hlcore.ui.components.buttons import restore_button
from hlcore.ui.components.contact_list import close_contact
from hlcore.ui.components.contact_picker import ContactRef
from hlcore.ui.components.errors import errors_shown
from hlcore.ui.components.navigation import contact_button
from hlcore.ui.components.tables import empty_state, page_slice, pager
from hlcore.ui.contacts import revert
from hlcore.ui.contacts.contact_data import KINDS, ContactData, change_steps, load_contact_data, window_text
from hlcore.ui.deletions.at_risk import CAUSE_LABELS
from hlcore.ui.restore import drafts, job_labels, open_jobs, twin_note

_TITLES = ("title", "name", "subject")
_BODIES = ("bodyText", "body", "message", "notes", "description")
_USERS = {"assignedTo": "Owner", "assignedUserId": "Owner", "userId": "By"}
_MOMENTS = ("dateAdded", "dateUpdated", "dueDate", "startTime", "createdAt", "updatedAt")


def show_contact_record(user: User, contact_id: str, location_id: str) -> None:
    """Draw the whole record, with the way back to the list."""
    st.button("All contacts", key="back", icon=":material/arrow_back:", type="tertiary", on_click=close_contact)
    with errors_shown():
        data = load_contact_data(user, contact_id, location_id)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.title(formatting.escaped(data.title), anchor=False, width="content")
            st.markdown(formatting.status_badge(data.status).markdown, width="content")
        several, account = len(session.locations()) > 1, formatting.escaped(data.account)
        st.markdown(f"**{account}** · {summary_text(data)}" if several else summary_text(data))
        _show_actions(data, user)
        ids = (data.stored.location_id, data.stored.contact_id)
        twin_note.show_twins(ids[:1], user, contact_id=ids[1])
        _show_other_records(data)
        merge = merge_note.load_merge(*ids) if data.stored.status == Status.MERGED else None
        if merge is not None:
            merge_note.show_merge(merge, ids[0], key="merge")
        part = address.choice("part", list(SECTIONS), _choose_part)
        SECTIONS[part](data)


def _choose_part() -> str | None:
    label = "Part of the record"
    return st.segmented_control(label, list(SECTIONS), key="part", required=True, label_visibility="collapsed")


def summary_text(data: ContactData) -> str:
    """Summarise the record in one line: is this contact safe, and for how long can it be saved?"""
    disappearance = data.last_disappearance
    if data.is_live or disappearance is None:
        return "In HighLevel, and copied here." if data.is_live else "Missing from the last listing; being checked."
    if not data.is_lost:
        return f"{_since_text(disappearance, data.tz)}."
    return f"{_since_text(disappearance, data.tz)}. {window_text(disappearance.left, data.tz)}"


def _since_text(disappearance: DeletionView, tz: str) -> str:
    if disappearance.row.deleted_at is not None:
        return f"Deleted on {formatting.moment(disappearance.row.deleted_at, tz)}"
    return f"Last surely in HighLevel on {formatting.moment(disappearance.row.last_seen_at, tz)}"


def _show_actions(data: ContactData, user: User) -> None:
    """Draw what can be done about this contact."""
    contact = ContactRef(data.stored.location_id, data.stored.contact_id)
    person = open_jobs.people_in_jobs([contact.location_id]).get(contact)
    if person is not None:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(person.badge.markdown, width="content")
            open_jobs.job_link(person.job_id, label=f"Watch job {person.job_id}")
    elif data.is_lost and restore_button("Restore …", key="restore_person", user=user):
        drafts.open_draft([contact])
    if data.is_live and not data.is_demo:
        st.link_button("Open in HighLevel", data.link, icon=":material/open_in_new:")


def _show_other_records(data: ContactData) -> None:
    """Draw the way between the old record of a person who was created again and the new one."""
    for contact_id, relation in data.other_ids.items():
        label = "Open the record of the new contact" if relation == "new" else "Open the record from before the restore"
        contact_button(label, ContactRef(data.stored.location_id, contact_id), key=f"{relation}_{contact_id}")


def _show_details(data: ContactData) -> None:
    """Draw the newest copy, field by field, and the channels on which the contact may be reached."""
    captured, since = (formatting.moment(at, data.tz) for at in (data.stored.changed_at, data.stored.first_seen_at))
    contact_id = formatting.code(data.stored.contact_id)
    st.caption(f"Copy from {captured}; first seen by Contact Vault on {since}. Contact id {contact_id}.")
    for group in contact_fields.field_groups(data.contact, data.names, data.tz):
        with st.container(border=True, gap="small"):
            st.markdown(f"##### {group.title}", anchors=False)
            _show_pairs(group.rows)
    _show_channels(data)


def _show_pairs(rows: tuple[tuple[str, str], ...]) -> None:
    """Draw labels above their values, as many beside each other as there is room."""
    with st.container(horizontal=True, gap="small"):
        for label, text in rows:
            with st.container(width=285, gap=None):
                st.caption(formatting.escaped(label))
                st.text(text)


def _show_channels(data: ContactData) -> None:
    with st.container(border=True, gap="small"):
        st.markdown("##### Do not disturb", anchors=False)
        with st.container(horizontal=True, gap="small"):
            for channel in contact_fields.channel_states(data.consent):
                st.markdown(_channel_badge(channel), width="content")
        if not data.consent.known:
            st.caption("The copy does not tell every channel: after a restore all of them would stay closed.")
        for note in data.consent.notes:
            st.caption(formatting.escaped(f"After a restore {note}."))


def _channel_badge(channel: contact_fields.ChannelState) -> str:
    icon, color = {True: ("check_circle", "green"), False: ("do_not_disturb_on", "red"), None: ("help", "gray")}[
        channel.open
    ]
    return f":{color}-badge[:material/{icon}: {formatting.escaped(channel.name)}: {channel.state}]"


def _show_history(data: ContactData) -> None:
    """Draw every change that Contact Vault noticed, newest first, field by field."""
    steps = change_steps(data)
    if not steps:
        since = formatting.day(data.stored.first_seen_at, data.tz)
        empty_state("Nothing has changed", f"Every copy since {since} says the same.", icon=":material/history:")
        return
    revert.show_past_state(data, session.current_user())
    part = page_slice("history", len(steps), query=data.stored.contact_id)
    for number, (at, changes) in enumerate(steps[part.offset : part.offset + part.limit]):
        with st.container(border=True, gap="small"):
            summary = f"{formatting.plural(len(changes), 'field')} changed"
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"**{formatting.moment(at, data.tz)}** :gray[· {summary}]", width="stretch")
                if data.is_live:
                    key, show = f"look_back_{number}", revert.open_past_state
                    st.button("Put back …", key=key, icon=":material/history:", on_click=show, args=(at,))
            for change in changes:
                st.markdown(_change_text(change, data))
    pager(part, "change")


def _change_text(change: FieldChange, data: ContactData) -> str:
    label = formatting.escaped(contact_fields.field_label(change.field, data.names))
    if change.field == "tags":
        return f"{label}: {_tags_text(change.before, change.after)}"
    before, after = (
        formatting.escaped(contact_fields.value_text(change.field, value, data.names, data.tz))
        for value in (change.before, change.after)
    )
    if change.before is None:
        return f"{label}: :green[+ {after}]"
    if change.after is None:
        return f"{label}: :red[− {before}] *removed*"
    return f"{label}: :gray[{before}] → **{after}**"


def _tags_text(before: object, after: object) -> str:
    old, new = (list(map(str, tags)) if isinstance(tags, list) else [] for tags in (before, after))
    added = [f":green[+ {formatting.escaped(tag)}]" for tag in new if tag not in old]
    removed = [f":red[− {formatting.escaped(tag)}]" for tag in old if tag not in new]
    return "  ".join(added + removed)


def _show_disappearances(data: ContactData) -> None:
    """Draw each time the contact was missing: when, how it was noticed, why, and how it ended."""
    if not data.disappearances:
        empty_state("Never missing", "Contact Vault has never missed this person.", icon=":material/verified:")
    for disappearance in reversed(data.disappearances):
        with st.container(border=True, gap="small"):
            _show_disappearance(disappearance, data.tz)


def _show_disappearance(disappearance: DeletionView, tz: str) -> None:
    row = disappearance.row
    moments: list[tuple[str, datetime | None]] = [
        ("Deleted" if row.deleted_at else "Last surely there", row.deleted_at or row.last_seen_at),
        ("Missed", row.detected_at),
        ("Confirmed", row.confirmed_at),
        ("Ended", row.ended_at),
    ]
    cause = CAUSE_LABELS.get(row.cause, "unknown").lower()
    st.markdown(f"{formatting.status_badge(disappearance.status).markdown} :gray[Cause: {cause}]")
    _show_pairs(tuple((label, formatting.moment(at, tz)) for label, at in moments if at is not None))
    if row.evidence:
        st.markdown(formatting.escaped(row.evidence))
    if row.ended_at is None and disappearance.status != Status.SUSPECTED:
        st.caption(f"{window_text(disappearance.left, tz)} The clock runs from the {disappearance.left.clock}.")
    for label, other in (("New contact id", row.new_contact_id), ("Merged into", row.winner_id)):
        if other:
            st.markdown(f"{label}: {formatting.code(other)}")


def _show_records(data: ContactData) -> None:
    """Draw notes, tasks and the other records of the contact, and what is not yet safe."""
    if data.not_safe and data.is_live:
        st.caption(f":material/hourglass_top: {coverage.unsafe_text(data.not_safe)}")
    if data.never_captured:
        st.markdown(f":material/help: {coverage.never_captured_text(data.never_captured)}")
    if not data.records:
        unknown = data.never_captured or data.not_safe
        empty_state(
            "Nothing is known yet" if unknown else "There is nothing",
            f"Never captured or not safe yet: {kind_names(unknown)}. This person may have any of these."
            if unknown
            else "This person had no notes, tasks, opportunities, appointments or messages when they were captured.",
            icon=":material/sticky_note_2:",
        )
    for kind in KINDS:
        of_kind = [record for record in data.records if record.kind == kind]
        if of_kind:
            st.markdown(f"##### {formatting.record_count(len(of_kind), kind).capitalize()}", anchors=False)
        for record in of_kind:
            _show_record(data, record)


def _show_record(data: ContactData, record: Record) -> None:
    fields = decode_lossy_object(record.raw)
    title, body = (next((str(fields[key]) for key in keys if fields.get(key)), "") for keys in (_TITLES, _BODIES))
    times = [
        f"{contact_fields.field_label(key, data.names)} {formatting.moment(at, data.tz)}"
        for key in _MOMENTS
        if (at := parse_moment(fields.get(key))) is not None
    ]
    users = [
        f"{label} {formatting.escaped(data.names.user(user_id))}"
        for key, label in _USERS.items()
        if isinstance(user_id := fields.get(key), str) and user_id
    ]
    if record.vanished_at is not None:
        times.append(f"no longer in HighLevel since {formatting.moment(record.vanished_at, data.tz)}")
    with st.container(border=True, gap="xsmall"):
        if title:
            st.markdown(f"**{formatting.escaped(title)}**")
        if body:
            st.markdown(formatting.escaped_lines(plain_text(body) if record.kind == "message" else body))
        st.caption(" · ".join(users + times) or f"Captured {formatting.moment(record.captured_at, data.tz)}")


def _show_restores(data: ContactData) -> None:
    """Draw every restore in which this contact took part."""
    if not data.restores:
        empty_state(
            "Never restored", "Contact Vault has not been asked to restore this person.", icon=":material/restore:"
        )
    for restore in data.restores:
        with st.container(border=True, gap="xsmall"):
            badge = job_labels.OUTCOMES.get(restore["outcome"], job_labels.OUTCOMES[""])
            requested_at = formatting.moment(parse_moment(restore["asked_at"]), data.tz)
            st.markdown(f"**Restore {restore['job_id']}** {badge.markdown} :gray[{requested_at}]")
            if restore["new_id"]:
                other = restore["contact_id"] if restore["new_id"] == data.stored.contact_id else restore["new_id"]
                st.markdown(
                    f"{'Earlier' if other == restore['contact_id'] else 'New'} contact id: {formatting.code(other)}"
                )
            if restore["error"]:
                st.markdown(formatting.escaped(restore["error"]))


SECTIONS: Mapping[str, Callable[[ContactData], None]] = {
    "Details": _show_details,
    "History": _show_history,
    "Disappearances": _show_disappearances,
    "Notes and more": _show_records,
    "Restores": _show_restores,
}
