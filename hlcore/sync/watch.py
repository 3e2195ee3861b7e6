"""The watch: whether anybody is gone, asked with counts instead of lists.

Contacts added before a moment in the past can only become fewer, unless HighLevel's own restore brings one back. So
the watch first reads what changed, then asks for the recently lost by their ids, and then compares one number:
HighLevel's total of contacts added until that moment with ours. If it differs, the range is halved where our contacts
halve, until a page shows who is missing; GET by id confirms each. Where totals cannot be right, a full listing decides
and says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hlcore.errors import Rejected, RunInProgress
from hlcore.highlevel import Client, SearchPage
from hlcore.highlevel.search_filters import (
    CHANGES,
    ORDER,
    added_between,
    any_of,
    from_milliseconds,
    milliseconds,
    updated_since,
)
from hlcore.model.progress import Listener, silent
from hlcore.store import Vault, runs
from hlcore.store.contacts import presence
from hlcore.store.deletions import register
from hlcore.sync.confirm import confirm_suspects, welcome_returned
from hlcore.sync.listing import page_import as pages
from hlcore.sync.listing.missing import last_proof
from hlcore.sync.listing.run import begin, carry_out, conclude, oddities, sync_location
from hlcore.sync.run_context import Now, RunContext, SyncReport, SyncRules, never

OVERLAP = timedelta(minutes=5)
RECENT = timedelta(days=90)
ASK_AT_ONCE = 100
"""Lost contacts asked for in one request; those lost last first."""
CHANGED_PAGES = 20


class Listing(Exception):
    """Counting does not get further; a full listing must decide. The text says why."""


@dataclass(frozen=True, slots=True)
class DateRangeCount:
    """Contacts added between two moments (milliseconds, both included; None: open): how many HighLevel says there are,
    and how many we hold."""

    since: int | None
    until: int | None
    told: int
    held: int


def watch_location(
    vault: Vault,
    client: Client,
    rules: SyncRules,
    *,
    now: Now,
    listener: Listener = silent,
    cancelled: Callable[[], bool] = never,
) -> SyncReport:
    """Deletions, returns and changes since the last look are in the vault, found with as few requests as they allow;
    three when nothing happened. Ends in a full listing where counts contradict themselves, where too much is gone, and
    before the first listing; the report is then the listing's, and its reason says so.
    Otherwise as `sync_location`."""
    began = now()
    with vault.read() as tx:
        known = runs.last_complete(tx, client.location_id)
        listing = [run for run in runs.open_runs(tx) if run.location_id == client.location_id and run.kind == "listing"]
    if known is None:
        return sync_location(vault, client, rules, now=now, listener=listener, cancelled=cancelled)
    if listing and not runs.is_gone(listing[0].holder):
        return SyncReport(client.location_id, "refused", "A full listing is under way; it sees whatever a watch would.")
    try:
        work = begin("watch", vault, client, rules, now, listener, cancelled)
    except RunInProgress as exc:
        return SyncReport(client.location_id, "refused", f"{exc} {exc.hint}")
    try:
        return carry_out(work, lambda work: ("complete", _round(work, known.started_at)), began)
    except Listing as exc:
        conclude(work, "incomplete", f"{exc} A full listing was made instead.", seconds=0.0)
        report = sync_location(vault, client, rules, now=now, listener=listener, cancelled=cancelled)
        return replace(report, reason=" ".join(filter(None, [_why(exc, report), report.reason])))


def _why(exc: Listing, report: SyncReport) -> str:
    return f"{exc} A full listing was made instead." if report.outcome == "complete" else str(exc)


def _round(work: RunContext, listed_at: datetime) -> str:
    _take_changes(work, listed_at)
    _take_returned(work)
    welcome_returned(work)
    whole = _whole(work)
    if whole.told != whole.held:
        _refuse_too_much(work, whole)
        for missing in _differences(work, whole):
            _suspect(work, missing)
        welcome_returned(work)
    confirm_suspects(work)
    return " ".join([*oddities(work), *work.counts.notes])


def _take_changes(work: RunContext, listed_at: datetime) -> None:
    """What HighLevel changed since the last look, with overlap for its lagging index."""
    with work.vault.read() as tx:
        last = runs.last_complete(tx, work.location_id, "watch")
    since = max(listed_at, last.started_at) if last else listed_at
    floor = milliseconds(since - work.rules.index_lag - OVERLAP)
    for number, answer in enumerate(_pages(work, updated_since(floor), CHANGES)):
        if number >= CHANGED_PAGES:
            raise Listing("More contacts changed than are worth reading one by one.")
        _take(work, answer)


def _take_returned(work: RunContext) -> None:
    """Those lost last, as far as HighLevel lists them again."""
    with work.vault.read() as tx:
        lost = presence.recently_lost(tx, work.location_id, work.now() - RECENT, limit=ASK_AT_ONCE)
    if not lost:
        return
    try:
        answer = work.client.search_contacts(limit=ASK_AT_ONCE, filters=any_of("id", lost), sort=ORDER)
    except Rejected:
        work.counts.notes.append("HighLevel cannot be asked for many ids at once; returns are seen by listings only.")
        return
    if answer.rows and set(answer.ids) <= set(lost):
        _take(work, answer)


def _whole(work: RunContext) -> DateRangeCount:
    until = milliseconds(work.run.started_at - work.rules.index_lag)
    return DateRangeCount(None, until, _told(work, None, until), _held(work, None, until))


def _refuse_too_much(work: RunContext, whole: DateRangeCount) -> None:
    """A listing is the better question when the search would cost more, or when so much is gone that its guards are
    needed."""
    gone = abs(whole.held - whole.told)
    if not whole.told or work.rules.is_incident(gone, whole.held):
        raise Listing(f"HighLevel says it holds {whole.told:,} of {whole.held:,} known contacts.")
    size = work.rules.page_size
    halvings = max(1, math.ceil(math.log2(max(2.0, whole.held / size))))
    if gone * (halvings + 1) > max(10, whole.held / size):
        raise Listing(f"{gone:,} contacts differ; looking for each would cost more than reading all.")


def _differences(work: RunContext, whole: DateRangeCount) -> Iterator[dict[str, datetime]]:
    """The missing contacts, a page's worth at a time, each with the moment it was last seen changing."""
    open_spans = [whole]
    while open_spans:
        span = open_spans.pop()
        if span.told == span.held:
            continue
        halves = _halves(work, span)
        if halves:
            open_spans += halves
        else:
            yield _missing_in(work, span)
        work.report_progress("Looking for the missing", len(open_spans))


def _halves(work: RunContext, span: DateRangeCount) -> list[DateRangeCount]:
    """The two halves of a span that is larger than a page; [] where it is not, or cannot be halved."""
    if max(span.told, span.held) <= work.rules.page_size:
        return []
    with work.vault.read() as tx:
        middle = presence.middle_added(tx, work.location_id, *_moments(span.since, span.until))
    at = milliseconds(middle) if middle is not None else None
    if at is None or at in (span.since, span.until):
        return []
    left = DateRangeCount(span.since, at, _told(work, span.since, at), _held(work, span.since, at))
    right = DateRangeCount(at + 1, span.until, span.told - left.told, span.held - left.held)
    if right.told < 0:
        raise Listing("HighLevel's counts contradict each other.")
    return [left, right]


def _missing_in(work: RunContext, span: DateRangeCount) -> dict[str, datetime]:
    """Who of ours HighLevel's pages of this span do not show. What they show is taken in."""
    shown: set[str] = set()
    total = 0
    for answer in _pages(work, added_between(span.since, span.until), ORDER):
        shown.update(answer.ids)
        total = answer.total
        _take(work, answer)
    if len(shown) < total:
        raise Listing("HighLevel's pages hold fewer contacts than it counts.")
    with work.vault.read() as tx:
        ours = presence.ids_added(tx, work.location_id, *_moments(span.since, span.until))
    return {contact_id: seen_at for contact_id, seen_at in ours.items() if contact_id not in shown}


def _pages(work: RunContext, filters: list[dict[str, Any]], sort: list[dict[str, Any]]) -> Iterator[SearchPage]:
    cursor: list[Any] | None = None
    while True:
        answer = work.client.search_contacts(
            search_after=cursor, limit=work.rules.page_size, filters=filters, sort=sort
        )
        if answer.rows:
            yield answer
        if len(answer.rows) < work.rules.page_size or answer.next in (None, cursor):
            return
        cursor = answer.next


def _take(work: RunContext, answer: SearchPage) -> None:
    found = pages.read(answer.rows, work.location_id)
    with work.write() as tx:
        taken = pages.import_page(tx, work.location_id, work.run.run_id, found, at=work.now())
        work.counts.added += taken.added
        work.counts.changed += taken.changed
        runs.beat(tx, work.run.run_id, work.now(), requests=work.requests)


def _suspect(work: RunContext, missing: dict[str, datetime]) -> None:
    proof = last_proof(work)
    last_seen = [(contact_id, max(seen_at, proof)) for contact_id, seen_at in missing.items()]
    with work.write() as tx:
        register.suspect(tx, work.location_id, last_seen, at=work.run.started_at, detected_by="watch")


def _told(work: RunContext, since: int | None, until: int | None) -> int:
    return work.client.search_contacts(limit=1, filters=added_between(since, until), sort=ORDER).total


def _held(work: RunContext, since: int | None, until: int | None) -> int:
    with work.vault.read() as tx:
        return presence.count_added(tx, work.location_id, *_moments(since, until))


def _moments(since: int | None, until: int | None) -> tuple[datetime | None, datetime | None]:
    return (
        None if since is None else from_milliseconds(since),
        None if until is None else from_milliseconds(until) + timedelta(microseconds=999),
    )
