"""The watch: notice deletions, returns and changes with counts instead of lists.

The number of contacts added before a moment in the past can only shrink, unless HighLevel's own restore brings one
back. The watch therefore reads what changed, asks for the recently lost by their ids, and then compares one number:
HighLevel's total of contacts added until that moment with the vault's. Where they differ, the range of dates is halved
at the median of the vault's contacts until one page shows which are missing; GET by id confirms each. Where the totals
cannot be right, a full listing decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hlcore.errors import Rejected, RunInProgress, VaultError
from hlcore.highlevel import SearchPage
from hlcore.highlevel.search_filters import BY_DATE_ADDED, BY_DATE_UPDATED, added_between, any_of, updated_since
from hlcore.location_context import LocationContext
from hlcore.model.listing_verdict import Checkpoint
from hlcore.model.moments import from_milliseconds, milliseconds
from hlcore.model.wording import plural
from hlcore.store import leases, runs
from hlcore.store.contacts import presence
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.runs import Run
from hlcore.sync.confirm import confirm_suspects, mark_returned, recheck_causes
from hlcore.sync.listing.missing import suspect
from hlcore.sync.listing.page_import import import_page, parse_rows, set_rows_aside
from hlcore.sync.listing.run import sync_location
from hlcore.sync.run_context import (
    RunContext,
    SyncReport,
    SyncRules,
    begin_run,
    describe_anomalies,
    finish_run,
    perform_run,
)

OVERLAP = timedelta(minutes=5)
RECENT = timedelta(days=90)
MAX_IDS_PER_SEARCH = 100
"""Lost contacts asked for in one request; the most recent losses come first."""
MAX_CHANGED_PAGES = 20
MAX_EXTRA_PAGES = 3
"""Pages of a range read beyond those that its count asks for, before they are believed not to end."""


class NeedsListing(VaultError):
    """Counting cannot decide; a full listing must. The message says why."""


@dataclass(frozen=True, slots=True)
class DateRangeCount:
    """Contacts added between two moments (milliseconds, both inclusive; None: open) according to HighLevel (`theirs`)
    and to the vault (`ours`)."""

    since: int | None
    until: int | None
    theirs: int
    ours: int


def watch_location(context: LocationContext, rules: SyncRules) -> SyncReport:
    """Record the deletions, returns and changes since the last run; three requests when nothing happened.

    Makes a full listing instead before the first one, where counts contradict each other, and where too much is
    missing; the report is then the listing's, and its reason says so. Raises like `sync_location`."""
    began = context.now()
    with context.vault.read() as tx:
        last_listing = runs.last_complete(tx, context.location_id, at=began)
        open_listings = [
            run for run in runs.open_runs(tx) if run.location_id == context.location_id and run.kind == "listing"
        ]
    if last_listing is None:
        return sync_location(context, rules)
    if open_listings and not leases.is_gone(open_listings[0].holder):
        return SyncReport(
            context.location_id, "refused", "A full listing is under way; it sees whatever a watch would."
        )
    try:
        run = begin_run("watch", context, rules)
    except RunInProgress as exc:
        return SyncReport(context.location_id, "refused", f"{exc} {exc.hint}")
    try:
        return perform_run(run, lambda run: ("complete", _watch(run, last_listing)), began)
    except NeedsListing as exc:
        finish_run(run, "incomplete", _listing_made(exc), seconds=0.0)
        report = sync_location(context, rules)
        reason = _listing_made(exc) if report.outcome == "complete" else str(exc)
        return replace(report, reason=" ".join(filter(None, [reason, report.reason])))


def _listing_made(exc: NeedsListing) -> str:
    return f"{exc} A full listing was made instead."


def _watch(context: RunContext, listing: Run) -> str:
    """Do the run's work and return the reason for its report."""
    _import_changed(context, listing.started_at)
    _import_recently_lost(context)
    mark_returned(context)
    context.uncounted.extend(Checkpoint.load(listing.checkpoint).uncounted)
    everything = _count_everything(context)
    if everything.theirs != everything.ours:
        _refuse_costly_search(context, everything)
        for missing in _search_differences(context, everything):
            suspect(context, missing, at=context.run.started_at, detected_by="watch")
        mark_returned(context)
    confirm_suspects(context)
    recheck_causes(context)
    return " ".join([*describe_anomalies(context), *context.counts.notes])


def _import_changed(context: RunContext, listed_at: datetime) -> None:
    """Import what changed in HighLevel since the last run, with overlap because its index lags."""
    with context.vault.read() as tx:
        last = runs.last_complete(tx, context.location_id, "watch", at=context.now())
    since = max(listed_at, last.started_at) if last else listed_at
    floor = milliseconds(since - context.rules.index_lag - OVERLAP)
    for number, page in enumerate(_search(context, updated_since(floor), BY_DATE_UPDATED)):
        if number >= MAX_CHANGED_PAGES:
            raise NeedsListing("More contacts changed than are worth reading one by one.")
        _import_page(context, page)


def _import_recently_lost(context: RunContext) -> None:
    """Import those of the most recently lost contacts that HighLevel lists again."""
    with context.vault.read() as tx:
        lost = deletion_queries.list_recently_lost(
            tx, context.location_id, context.now() - RECENT, limit=MAX_IDS_PER_SEARCH
        )
    if not lost:
        return
    try:
        page = context.client.search_contacts(limit=MAX_IDS_PER_SEARCH, filters=any_of("id", lost), sort=BY_DATE_ADDED)
    except Rejected:
        context.counts.notes.append(
            "HighLevel cannot be asked for many ids at once; returns are seen by listings only."
        )
        return
    if page.rows and set(page.ids) <= set(lost):
        _import_page(context, page)


def _count_everything(context: RunContext) -> DateRangeCount:
    until = milliseconds(_indexed_at(context))
    return DateRangeCount(None, until, _count_theirs(context, None, until), _count_ours(context, None, until))


def _indexed_at(context: RunContext) -> datetime:
    """Return the moment whose state HighLevel's search surely shows."""
    return context.run.started_at - context.rules.index_lag


def _refuse_costly_search(context: RunContext, everything: DateRangeCount) -> None:
    """Raise NeedsListing when a listing is cheaper than the search, or its guards are needed for what is missing."""
    theirs, ours = everything.theirs, everything.ours
    missing = abs(ours - theirs)
    if not theirs or context.rules.is_incident(missing, ours):
        raise NeedsListing(f"HighLevel says it holds {theirs:,} of {ours:,} known contacts.")
    pages = ours / context.rules.page_size
    halvings = max(1, math.ceil(math.log2(max(2.0, pages))))
    if missing * (halvings + 1) > max(10, pages):
        differ = plural(missing, "contact differs", "contacts differ")
        raise NeedsListing(f"{differ}; looking for each would cost more than reading all.")


def _search_differences(context: RunContext, everything: DateRangeCount) -> Iterator[list[str]]:
    """Yield the ids of the missing contacts, at most a page at a time."""
    open_ranges = [everything]
    while open_ranges:
        counted = open_ranges.pop()
        if counted.theirs == counted.ours:
            continue
        halves = _halve(context, counted)
        if halves:
            open_ranges += halves
        else:
            yield _list_missing(context, counted)
        context.report_progress("Looking for the missing", len(open_ranges))


def _halve(context: RunContext, counted: DateRangeCount) -> list[DateRangeCount]:
    """Return the two halves of a range larger than a page; [] if it is not, or cannot be halved."""
    if max(counted.theirs, counted.ours) <= context.rules.page_size:
        return []
    with context.vault.read() as tx:
        median = presence.median_added(tx, context.location_id, *_moments(counted.since, counted.until))
    at = milliseconds(median) if median is not None else None
    if at is None or at in (counted.since, counted.until):
        return []
    theirs, ours = _count_theirs(context, counted.since, at), _count_ours(context, counted.since, at)
    earlier = DateRangeCount(counted.since, at, theirs, ours)
    later = DateRangeCount(at + 1, counted.until, counted.theirs - theirs, counted.ours - ours)
    if later.theirs < 0:
        raise NeedsListing("HighLevel's counts contradict each other.")
    return [earlier, later]


def _list_missing(context: RunContext, counted: DateRangeCount) -> list[str]:
    """Import HighLevel's pages of this range; return the ids of the vault's contacts that they leave out."""
    shown: set[str] = set()
    odd = total = 0
    limit = math.ceil(max(counted.theirs, counted.ours) / context.rules.page_size) + MAX_EXTRA_PAGES
    for number, page in enumerate(_search(context, added_between(counted.since, counted.until), BY_DATE_ADDED)):
        if number >= limit:
            raise NeedsListing("HighLevel's pages do not end.")
        shown.update(page.ids)
        odd, total = odd + len(page.odd), page.total
        _import_page(context, page)
    if len(shown) + odd < total:
        raise NeedsListing("HighLevel's pages hold fewer contacts than it counts.")
    with context.vault.read() as tx:
        ours = presence.ids_added(tx, context.location_id, *_moments(counted.since, counted.until))
    return [contact_id for contact_id in ours if contact_id not in shown]


def _search(context: RunContext, filters: list[dict[str, Any]], sort: list[dict[str, Any]]) -> Iterator[SearchPage]:
    cursor: list[Any] | None = None
    while True:
        page = context.client.search_contacts(
            search_after=cursor, limit=context.rules.page_size, filters=filters, sort=sort
        )
        if page.size:
            yield page
        if page.size < context.rules.page_size or page.next in (None, cursor):
            return
        cursor = page.next


def _import_page(context: RunContext, page: SearchPage) -> None:
    rows = parse_rows(page, context.location_id)
    context.counts.odd.update(row.trouble for row in rows.odd)
    with context.write() as tx:
        set_rows_aside(tx, context, rows.odd)
        imported = import_page(tx, context.location_id, context.run.run_id, rows.contacts, at=context.now())
        presence.record_seen(
            tx, context.location_id, [row.contact_id for row in rows.contacts], at=_indexed_at(context)
        )
        context.counts.add_page(imported.added, imported.changed, imported.unreadable_dates)
        runs.record_heartbeat(tx, context.run.run_id, context.now(), requests=context.requests)


def _count_theirs(context: RunContext, since: int | None, until: int | None) -> int:
    return context.client.search_contacts(limit=1, filters=added_between(since, until), sort=BY_DATE_ADDED).total


def _count_ours(context: RunContext, since: int | None, until: int | None) -> int:
    """Return how many contacts the vault holds, and odd rows that HighLevel counts beside them."""
    odd = sum((since is None or at >= since) and (until is None or at <= until) for at in context.uncounted)
    with context.vault.read() as tx:
        return odd + presence.count_added(tx, context.location_id, *_moments(since, until))


def _moments(since: int | None, until: int | None) -> tuple[datetime | None, datetime | None]:
    return (
        None if since is None else from_milliseconds(since),
        None if until is None else from_milliseconds(until) + timedelta(microseconds=999),
    )
