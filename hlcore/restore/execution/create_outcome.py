"""Finds out whether a create call without a certain answer created the contact.

HighLevel has no idempotency key and was seen to answer 422 for a contact that it created (API issue 64). So nothing is
created again before looking:

1. by e-mail and by phone in the duplicate search, which HighLevel itself uses before it creates;
2. among the newest contacts of the location, back to the moment of the call. That finds contacts that have neither.
   They are recognised by what the call itself wrote: every channel closed, and every field equal. No tag or source is
   misused as a mark, because neither could be removed without a trace.

The search index lags. What it does not show counts as "not created" only once the lag is over, except where HighLevel
refuses a second contact with this e-mail anyway.

Our clock may be wrong, or set between the call and the look. So the call is journalled with the newest contacts known:
whatever is newer by HighLevel's own clock, and equals what was sent, is ours. And the lag runs from a first look, not
from the call.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hlcore.errors import BrokenAnswer, Rejected
from hlcore.highlevel import SearchPage
from hlcore.highlevel.search_filters import NEWEST_FIRST, added_between
from hlcore.model.contact import Contact, fold_text, parse_contact
from hlcore.model.custom_fields import is_empty
from hlcore.model.json_codec import decode_object
from hlcore.model.moments import EPOCH, iso, milliseconds, parse_moment
from hlcore.model.restore.comparison import compare, same_phone
from hlcore.restore import live_state
from hlcore.restore.job_context import DND_FIELDS, JobContext
from hlcore.restore.journal_entries import newest_before, refused_fields, request_body
from hlcore.restore.plan import Conflict, PlanItem
from hlcore.store import locations
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.restores import journal
from hlcore.store.restores.journal import JournalEntry

MAX_CLOCK_SKEW = timedelta(minutes=5)
"""By how much HighLevel's clock and ours may differ."""
NEWEST = 10
"""How many of the newest contacts known are journalled with a create call."""
PAGE_SIZE = 100
MAX_PAGES = 50
"""Pages of the newest contacts that are read at most."""


@dataclass(frozen=True, slots=True)
class CreatedByUs:
    """The contact that the unsure call created."""

    contact_id: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """The outcome cannot be known before this moment."""

    until: datetime


@dataclass(frozen=True, slots=True)
class NotCreated:
    """The call surely created nothing."""


CreateOutcome = CreatedByUs | Conflict | Undecided | NotCreated


def resolve_create(context: JobContext, item: PlanItem, entry: JournalEntry) -> CreateOutcome:
    """Return the outcome of this create call. Reads only; may be repeated. Raises HighLevelError."""
    body, now = request_body(entry), context.now()
    conflict: Conflict | None = None
    for field, raw in live_state.find_duplicates(context.client, body):
        if is_ours(context, item, raw, entry) or equals_sent(context, item, raw, entry):
            return CreatedByUs(parse_contact(raw).contact_id)
        conflict = conflict or Conflict(parse_contact(raw).contact_id, field)
    if conflict is None and _duplicate_email_refused(context, body):
        return NotCreated()
    until = context.looked_until(entry)
    lag_is_over = until is not None and until <= now
    created = _find_among_newest(context, item, entry, lag_is_over=lag_is_over)
    if created is not None:
        return created
    if refused_fields(entry) or lag_is_over:
        return conflict or NotCreated()
    return Undecided(until or now + context.index_lag)


def newest_contacts(context: JobContext) -> tuple[str, list[str]]:
    """Return when one of the newest contacts known was added, by HighLevel's clock, and the ids of those added since
    then, for the journal of a create call. A few may have dates in the future, so it is not the very newest."""
    with context.vault.read() as tx:
        newest = contact_reads.list_newest(tx, context.location_id, limit=NEWEST)
    return iso(newest[-1][1]) if newest else iso(EPOCH), [contact_id for contact_id, _ in newest]


def is_ours(context: JobContext, item: PlanItem, raw: bytes, entry: JournalEntry) -> bool:
    """Return whether this living contact is what the call created: not there before, created since, with the same name
    and address, and not re-created from another contact."""
    contact = parse_contact(raw)
    if contact.contact_id == item.contact_id or not _is_new(contact, entry):
        return False
    if not _has_same_identity(contact, request_body(entry)):
        return False
    with context.vault.read() as tx:
        stored = contact_reads.get(tx, context.location_id, contact.contact_id)
    known_before = stored is not None and stored.first_seen_at < entry.sent_at
    return not known_before and _is_nobody_else(context, item, contact)


def _may_be_ours(context: JobContext, item: PlanItem, raw: bytes, entry: JournalEntry) -> bool:
    """Return whether the call may have created this contact whatever our clock says: HighLevel dates it later than
    contacts of before the call, and it was not among those."""
    contact = parse_contact(raw)
    moment, known = newest_before(entry)
    if moment is None or contact.date_added is None or contact.date_added < moment:
        return False
    if contact.contact_id in (item.contact_id, *known) or not _has_same_identity(contact, request_body(entry)):
        return False
    return _is_nobody_else(context, item, contact)


def equals_sent(context: JobContext, item: PlanItem, raw: bytes, entry: JournalEntry) -> bool:
    """Return whether this holder of the e-mail or phone, which nobody held before the call, is all that the call sent,
    with every channel closed. Then no clock need say that it is new."""
    contact = parse_contact(raw)
    if item.beside or contact.contact_id == item.contact_id or not _is_nobody_else(context, item, contact):
        return False
    detail = live_state.fetch_contact(context.client, contact.contact_id)
    return detail is not None and not compare(request_body(entry), decode_object(detail))


def _is_nobody_else(context: JobContext, item: PlanItem, contact: Contact) -> bool:
    """Return whether this contact was not re-created from another lost one."""
    with context.vault.read() as tx:
        return journal.original_contact_id(tx, context.location_id, contact.contact_id) in (None, item.contact_id)


def _is_new(contact: Contact, entry: JournalEntry) -> bool:
    return contact.date_added is not None and contact.date_added >= entry.sent_at - MAX_CLOCK_SKEW


def _since(entry: JournalEntry) -> datetime:
    """Return the moment, by HighLevel's clock, before which the call surely created nothing."""
    by_our_clock = entry.sent_at - MAX_CLOCK_SKEW
    return min(by_our_clock, newest_before(entry)[0] or by_our_clock)


def _has_same_identity(contact: Contact, body: dict[str, Any]) -> bool:
    names = (body.get("firstName"), body.get("lastName"))
    name = " ".join(str(part) for part in names if part) or str(body.get("name") or "")
    nameless = not name and contact.name in ("", contact.email, contact.phone, contact.company)
    if fold_text(name) != fold_text(contact.name) and not nameless:
        return False
    if contact.email and body.get("email") and contact.email != str(body["email"]).strip().lower():
        return False
    return not (contact.phone and body.get("phone")) or same_phone(body["phone"], contact.phone)


def _duplicate_email_refused(context: JobContext, body: dict[str, Any]) -> bool:
    """Return whether HighLevel itself refuses a second contact with this e-mail: its default, unless the location
    allows duplicates (help article "Allow Duplicate Contacts"). Phones are compared only if the account says so."""
    if "email" not in body:
        return False
    with context.vault.read() as tx:
        location = locations.get(tx, context.location_id)
    if location is None or location.raw is None:
        return False
    settings = decode_object(location.raw).get("settings")
    return isinstance(settings, dict) and settings.get("allowDuplicateContact") is False


def _find_among_newest(
    context: JobContext, item: PlanItem, entry: JournalEntry, *, lag_is_over: bool
) -> CreatedByUs | None:
    """Return the contact created since the call that equals what was sent. Once the lag is over, one that merely lacks
    some of it will do (HighLevel drops values that it does not accept), but never one with another value."""
    partial: CreatedByUs | None = None
    for row in _contacts_added_since(context, _since(entry)):
        is_new = is_ours(context, item, row, entry)
        if not is_new and not _may_be_ours(context, item, row, entry):
            continue
        contact_id = parse_contact(row).contact_id
        detail = live_state.fetch_contact(context.client, contact_id)
        if detail is None:
            continue
        differences = compare(request_body(entry), decode_object(detail))
        if not differences:
            return CreatedByUs(contact_id)
        is_closed = DND_FIELDS.isdisjoint(difference.field.partition(".")[0] for difference in differences)
        if (is_new or is_closed) and all(is_empty(difference.found) for difference in differences):
            partial = partial or CreatedByUs(contact_id)
    return partial if lag_is_over else None


def _contacts_added_since(context: JobContext, since: datetime) -> Iterator[bytes]:
    """Yield the search rows of contacts added since then, as far as HighLevel's search shows them."""
    cursor: list[Any] | None = None
    for _ in range(MAX_PAGES):
        page = _newest_page(context, since, cursor)
        if page.odd:  # one of them may be the contact that the call created
            raise BrokenAnswer("HighLevel's list of new contacts holds a row without a usable id.")
        dates = [parse_moment(decode_object(row).get("dateAdded")) for row in page.rows]
        fresh = [row for row, date in zip(page.rows, dates, strict=True) if date is not None and date >= since]
        yield from fresh
        known = [date for date in dates if date is not None]
        descending = all(newer >= older for newer, older in pairwise(known))
        if not page.rows or page.next is None or page.next == cursor or (descending and not fresh):
            return
        cursor = page.next


def _newest_page(context: JobContext, since: datetime, cursor: list[Any] | None) -> SearchPage:
    """Return a page of new contacts, newest first; without the filter where HighLevel refuses it."""
    filters = added_between(milliseconds(since), None)
    try:
        return context.client.search_contacts(search_after=cursor, limit=PAGE_SIZE, filters=filters, sort=NEWEST_FIRST)
    except Rejected:
        return context.client.search_contacts(search_after=cursor, limit=PAGE_SIZE, sort=NEWEST_FIRST)
