"""One person's record on the Contacts page: what HighLevel held, what changed, when it disappeared, what came back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import streamlit as st

from hlcore.governance.roles import Action, User
from hlcore.metrics.contact_record import value_of
from hlcore.metrics.deletions import DeletionView
from hlcore.model.contact import moment as parse_moment
from hlcore.model.contact_diff import Change
from hlcore.model.lifecycle import Status
from hlcore.store.records import Record
from hlcore.ui import coverage, session
from hlcore.ui.components import contact_fields, formatting, merge_note
from hlcore.ui.components.contact_list import close_person
from hlcore.ui.components.contact_picker import ContactRef, fill_restore_selection
from hlcore.ui.components.errors import errors_shown
from hlcore.ui.components.tables import empty, pager, slice_of
from hlcore.ui.contacts import revert
from hlcore.ui.contacts.contact_data import KINDS, ContactData, load_contact_data, steps_of, window_words
from hlcore.ui.deletions.at_risk import CAUSES
from hlcore.ui.restore import job_labels

_PLURALS = {"opportunity": "opportunities"}
_TITLES = ("title", "name", "subject")
_BODIES = ("bodyText", "body", "message", "notes", "description")
_MOMENTS = ("dateAdded", "dateUpdated", "dueDate", "startTime", "createdAt", "updatedAt")


def show(who: User, contact_id: str, location_id: str) -> None:
    """The whole record, with the way back to the list."""
    st.button("All contacts", key="back", icon=":material/arrow_back:", type="tertiary", on_click=close_person)
    with errors_shown():
        sheet = load_contact_data(who, contact_id, location_id)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.title(formatting.plain(sheet.title), anchor=False, width="content")
            st.markdown(formatting.status_mark(sheet.status).badge, width="content")
        st.markdown(answer(sheet))
        _ways(sheet, who)
        mine = (sheet.stored.location_id, sheet.stored.contact_id)
        merge = merge_note.of(*mine) if sheet.stored.status == Status.MERGED else None
        if merge is not None:
            merge_note.draw(merge, mine[0], key="merge")
        # Read from the address but not bound to it: a bound widget that goes away writes the address it knew, and
        # would bring the closed record back.
        asked = st.query_params.get("part", "")
        part = st.segmented_control(
            "Part of the record",
            list(SECTIONS),
            key="part",
            default=asked if asked in SECTIONS else "Details",
            required=True,
            label_visibility="collapsed",
        )
        SECTIONS[part](sheet)


def answer(sheet: ContactData) -> str:
    """The record's answer in one line: is this person safe, and for how long can they be saved?"""
    last = sheet.last
    if sheet.live or last is None:
        return "In HighLevel, and copied here." if sheet.live else "Missing from the last listing; being checked."
    if not sheet.lost:
        return f"{_since(last, sheet.tz)}."
    return f"{_since(last, sheet.tz)}. {window_words(last.left, sheet.tz)}"


def _since(lost: DeletionView, tz: str) -> str:
    if lost.row.deleted_at is not None:
        return f"Deleted on {formatting.moment(lost.row.deleted_at, tz)}"
    return f"Last surely in HighLevel on {formatting.moment(lost.row.last_seen_at, tz)}"


def _ways(sheet: ContactData, who: User) -> None:
    """What can be done about this person."""
    may = who.may(Action.RESTORE)
    if sheet.lost and st.button(
        "Restore …",
        key="restore_person",
        type="primary",
        icon=":material/settings_backup_restore:",
        disabled=not may,
        help=None if may else "Your role may look, not restore.",
    ):
        fill_restore_selection([ContactRef(sheet.stored.location_id, sheet.stored.contact_id)])
        st.switch_page("restore.py")
    if sheet.live and not sheet.is_demo:
        st.link_button("Open in HighLevel", sheet.link, icon=":material/open_in_new:")


def details(sheet: ContactData) -> None:
    """The newest copy, field by field, and on which channels the person may be reached."""
    captured, since = (formatting.moment(at, sheet.tz) for at in (sheet.stored.changed_at, sheet.stored.first_seen_at))
    st.caption(f"Copy from {captured}; first seen by Contact Vault on {since}. Contact id `{sheet.stored.contact_id}`.")
    for group in contact_fields.groups(sheet.contact, sheet.names, sheet.tz):
        with st.container(border=True, gap="small"):
            st.markdown(f"##### {group.title}")
            _pairs(group.rows)
    _channels(sheet)


def _pairs(rows: tuple[tuple[str, str], ...]) -> None:
    """Labels above their values, as many beside each other as there is room."""
    with st.container(horizontal=True, gap="small"):
        for label, text in rows:
            with st.container(width=285, gap=None):
                st.caption(formatting.plain(label))
                st.text(text)


def _channels(sheet: ContactData) -> None:
    with st.container(border=True, gap="small"):
        st.markdown("##### Do not disturb")
        with st.container(horizontal=True, gap="small"):
            for channel in contact_fields.channels(
                sheet.contact, known=sheet.copy is not None and sheet.copy.settings_known
            ):
                st.markdown(_badge(channel), width="content")
        if sheet.copy is not None and not sheet.copy.settings_known:
            st.caption("The copy does not tell every channel: after a restore all of them would stay closed.")


def _badge(channel: contact_fields.ChannelState) -> str:
    icon, color = {True: ("check_circle", "green"), False: ("do_not_disturb_on", "red"), None: ("help", "gray")}[
        channel.open
    ]
    return f":{color}-badge[:material/{icon}: {formatting.plain(channel.name)}: {channel.state}]"


def history(sheet: ContactData) -> None:
    """Every change that Contact Vault noticed, newest first, field by field."""
    steps = steps_of(sheet)
    if not steps:
        since = formatting.day(sheet.stored.first_seen_at, sheet.tz)
        empty("Nothing has changed", f"Every copy since {since} says the same.", icon=":material/history:")
        return
    revert.draw(sheet, session.current_user())
    part = slice_of("history", len(steps), of=sheet.stored.contact_id)
    for number, (at, found) in enumerate(steps[part.offset : part.offset + part.limit]):
        with st.container(border=True, gap="small"):
            changed = f"{formatting.many(len(found), 'field')} changed"
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"**{formatting.moment(at, sheet.tz)}** :gray[· {changed}]", width="stretch")
                if sheet.live:
                    key, look = f"look_back_{number}", revert.look_back
                    st.button("Put back …", key=key, icon=":material/history:", on_click=look, args=(at,))
            for change in found:
                st.markdown(_change(change, sheet))
    pager(part, "change")


def _change(change: Change, sheet: ContactData) -> str:
    label = formatting.plain(contact_fields.label(change.field, sheet.names))
    if change.field == "tags":
        return f"{label}: {_tags(change.before, change.after)}"
    before, after = (
        formatting.plain(contact_fields.text(change.field, value, sheet.names, sheet.tz))
        for value in (change.before, change.after)
    )
    if change.before is None:
        return f"{label}: :green[+ {after}]"
    if change.after is None:
        return f"{label}: :red[− {before}] *removed*"
    return f"{label}: :gray[{before}] → **{after}**"


def _tags(before: object, after: object) -> str:
    old, new = (list(map(str, tags)) if isinstance(tags, list) else [] for tags in (before, after))
    added = [f":green[+ {formatting.plain(tag)}]" for tag in new if tag not in old]
    gone = [f":red[− {formatting.plain(tag)}]" for tag in old if tag not in new]
    return "  ".join(added + gone)


def disappearances(sheet: ContactData) -> None:
    """Each time the person was missing: when, how it was noticed, why, and what became of it."""
    if not sheet.times:
        empty("Never missing", "Contact Vault has never missed this person.", icon=":material/verified:")
    for lost in reversed(sheet.times):
        with st.container(border=True, gap="small"):
            _disappearance(lost, sheet.tz)


def _disappearance(lost: DeletionView, tz: str) -> None:
    row = lost.row
    moments: list[tuple[str, datetime | None]] = [
        ("Deleted" if row.deleted_at else "Last surely there", row.deleted_at or row.last_seen_at),
        ("Missed", row.detected_at),
        ("Confirmed", row.confirmed_at),
        ("Ended", row.ended_at),
    ]
    cause = CAUSES.get(row.cause, "unknown").lower()
    st.markdown(f"{formatting.status_mark(lost.status).badge} :gray[Cause: {cause}]")
    _pairs(tuple((label, formatting.moment(at, tz)) for label, at in moments if at is not None))
    if row.evidence:
        st.markdown(formatting.plain(row.evidence))
    if row.ended_at is None and lost.status != Status.SUSPECTED:
        st.caption(f"{window_words(lost.left, tz)} The clock runs from the {lost.left.clock}.")
    for label, other in (("New contact id", row.new_contact_id), ("Merged into", row.winner_id)):
        if other:
            st.markdown(f"{label}: `{other}`")


def belongings(sheet: ContactData) -> None:
    """Notes, tasks and whatever else is held of the person, and what is not yet."""
    if sheet.not_safe and sheet.live:
        st.caption(f":material/hourglass_top: {coverage.unsafe_words(sheet.not_safe)}")
    if not sheet.records:
        empty(
            "Nothing captured",
            "Contact Vault holds no notes, tasks, opportunities, appointments or messages of this person.",
            icon=":material/sticky_note_2:",
        )
    for kind in KINDS:
        mine = [record for record in sheet.records if record.kind == kind]
        if mine:
            st.markdown(f"##### {formatting.many(len(mine), kind, _PLURALS.get(kind, f'{kind}s')).capitalize()}")
        for record in mine:
            _record(sheet, record)


def _record(sheet: ContactData, record: Record) -> None:
    value = value_of(record.raw)
    entry = value if isinstance(value, dict) else {}
    title, body = (next((str(entry[key]) for key in keys if entry.get(key)), "") for keys in (_TITLES, _BODIES))
    when = [
        f"{contact_fields.label(key, sheet.names)} {formatting.moment(at, sheet.tz)}"
        for key in _MOMENTS
        if (at := parse_moment(entry.get(key))) is not None
    ]
    if record.vanished_at is not None:
        when.append(f"no longer in HighLevel since {formatting.moment(record.vanished_at, sheet.tz)}")
    with st.container(border=True, gap="xsmall"):
        if title:
            st.markdown(f"**{formatting.plain(title)}**")
        if body:
            st.markdown(formatting.plain(body))
        st.caption(" · ".join(when) or f"Captured {formatting.moment(record.captured_at, sheet.tz)}")


def restores(sheet: ContactData) -> None:
    """Every restore in which this person took part."""
    if not sheet.restores:
        empty("Never restored", "Contact Vault has not been asked to restore this person.", icon=":material/restore:")
    for one in sheet.restores:
        with st.container(border=True, gap="xsmall"):
            mark = job_labels.OUTCOMES.get(one["outcome"], job_labels.OUTCOMES[""])
            asked = formatting.moment(parse_moment(one["asked_at"]), sheet.tz)
            st.markdown(f"**Restore {one['job_id']}** {mark.badge} :gray[{asked}]")
            if one["new_id"]:
                other = one["contact_id"] if one["new_id"] == sheet.stored.contact_id else one["new_id"]
                st.markdown(f"{'Earlier' if other == one['contact_id'] else 'New'} contact id: `{other}`")
            if one["error"]:
                st.markdown(formatting.plain(one["error"]))


SECTIONS: Mapping[str, Callable[[ContactData], None]] = {
    "Details": details,
    "History": history,
    "Disappearances": disappearances,
    "Notes and more": belongings,
    "Restores": restores,
}
