"""Was it done? Finding out what became of a create call whose answer is unsure.

HighLevel has no idempotency key, and was seen to answer 422 for a contact that it created (API issue 64). So nothing
is created again before somebody looked:

1. by e-mail and by phone in the duplicate search, which HighLevel itself uses before it creates;
2. among the newest contacts of the location, back to the moment of the call. That finds people who have neither. Their
   mark is what the call itself wrote: every channel closed, and every field equal. No tag or source is misused as
   a mark, because neither could be removed without a trace.

The search index lags. What it does not show counts as "not created" only once the lag is over, except where HighLevel
refuses a second contact with this e-mail anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hlcore.errors import Rejected
from hlcore.highlevel import SearchPage
from hlcore.model.contact import Contact, fold, moment, parse
from hlcore.model.custom_fields import is_empty
from hlcore.model.records import decode
from hlcore.model.restore.comparison import compare, same_phone
from hlcore.restore import live_state
from hlcore.restore.job_context import JobContext, body_of, refused_fields
from hlcore.restore.plan import Conflict, PlanItem
from hlcore.store import locations
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.restores import journal
from hlcore.store.restores.journal import JournalEntry

SKEW = timedelta(minutes=5)
"""HighLevel's clock and ours may differ by so much."""
PAGE = 100
PAGES = 50
"""How many pages of the newest contacts are looked through at most."""


@dataclass(frozen=True, slots=True)
class CreatedByUs:
    """The contact that the unsure call made."""

    contact_id: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """Nobody can tell before this moment."""

    until: datetime


@dataclass(frozen=True, slots=True)
class NotCreated:
    """The call surely made nothing."""


Found = CreatedByUs | Conflict | Undecided | NotCreated


def resolve_create(work: JobContext, item: PlanItem, entry: JournalEntry) -> Found:
    """What became of this create call. Reads only; may be repeated. Raises HighLevelError."""
    body, stranger = body_of(entry), None
    for field, raw in live_state.duplicates(work.client, body):
        if is_ours(work, item, raw, entry):
            return CreatedByUs(parse(raw).contact_id)
        stranger = stranger or Conflict(parse(raw).contact_id, field)
    if stranger is None and _guarded(work, body):
        return NotCreated()
    due = entry.sent_at + work.lag
    newest = _among_newest(work, item, entry, late=work.now() >= due)
    if newest is not None:
        return newest
    if refused_fields(entry) or work.now() >= due:
        return stranger or NotCreated()
    return Undecided(due)


def is_ours(work: JobContext, item: PlanItem, raw: bytes, entry: JournalEntry) -> bool:
    """Whether this living contact is what the call made: not there before, made since, under the same name and
    address, and not the new self of another person."""
    found, body = parse(raw), body_of(entry)
    if found.contact_id == item.contact_id or not _is_new(found, entry):
        return False
    if not _same_person(body, found):
        return False
    with work.vault.read() as tx:
        held = contact_reads.get(tx, work.location_id, found.contact_id)
        source = journal.restored_from(tx, work.location_id, found.contact_id)
    known_before = held is not None and held.first_seen_at < entry.sent_at
    return not known_before and source in (None, item.contact_id)


def _is_new(found: Contact, entry: JournalEntry) -> bool:
    return found.date_added is not None and found.date_added >= entry.sent_at - SKEW


def _same_person(body: dict[str, Any], found: Contact) -> bool:
    names = (body.get("firstName"), body.get("lastName"))
    name = " ".join(str(part) for part in names if part) or str(body.get("name") or "")
    nameless = not name and found.name in ("", found.email, found.phone, found.company)
    if fold(name) != fold(found.name) and not nameless:
        return False
    if found.email and body.get("email") and found.email != str(body["email"]).strip().lower():
        return False
    return not (found.phone and body.get("phone")) or same_phone(body["phone"], found.phone)


def _guarded(work: JobContext, body: dict[str, Any]) -> bool:
    """Whether HighLevel itself refuses a second contact with this e-mail: its default, unless the location allows
    duplicates (help article "Allow Duplicate Contacts"). Phones are compared only if the account says so."""
    if "email" not in body:
        return False
    with work.vault.read() as tx:
        location = locations.get(tx, work.location_id)
    if location is None or location.raw is None:
        return False
    settings = decode(location.raw).get("settings")
    return isinstance(settings, dict) and settings.get("allowDuplicateContact") is False


def _among_newest(work: JobContext, item: PlanItem, entry: JournalEntry, *, late: bool) -> CreatedByUs | None:
    """The contact made since the call that equals what was sent. When the lag is over, one that merely lacks some of
    it will do (HighLevel drops values that it does not like), but never one that says something else."""
    partial: CreatedByUs | None = None
    for raw in _newest(work, entry.sent_at - SKEW):
        if not is_ours(work, item, raw, entry):
            continue
        whole = live_state.alive(work.client, parse(raw).contact_id)
        if whole is None:
            continue
        differences = compare(body_of(entry), decode(whole))
        if not differences:
            return CreatedByUs(parse(raw).contact_id)
        if all(is_empty(one.found) for one in differences):
            partial = partial or CreatedByUs(parse(raw).contact_id)
    return partial if late else None


def _newest(work: JobContext, since: datetime) -> Iterator[bytes]:
    """The rows of contacts that were added since, as far as HighLevel's search shows them."""
    cursor: list[Any] | None = None
    for _ in range(PAGES):
        page = _page(work, since, cursor)
        dates = [moment(decode(row).get("dateAdded")) for row in page.rows]
        fresh = [row for row, date in zip(page.rows, dates, strict=True) if date is not None and date >= since]
        yield from fresh
        known = [date for date in dates if date is not None]
        descending = all(one >= other for one, other in pairwise(known))
        if not page.rows or page.next is None or page.next == cursor or (descending and not fresh):
            return
        cursor = page.next


def _page(work: JobContext, since: datetime, cursor: list[Any] | None) -> SearchPage:
    """Newest first, and only the new ones; a HighLevel that refuses the filter is asked without it."""
    sort = [{"field": "dateAdded", "direction": "desc"}]
    filters = [{"field": "dateAdded", "operator": "range", "value": {"gte": since.isoformat()}}]
    try:
        return work.client.search_contacts(search_after=cursor, limit=PAGE, filters=filters, sort=sort)
    except Rejected:
        return work.client.search_contacts(search_after=cursor, limit=PAGE, sort=sort)
