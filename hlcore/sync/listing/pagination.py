"""Reading all contacts of a location in the order in which they were added, in one date range or several at once.

`dateAdded` never changes, so contacts do not move between pages as they would sorted by `dateUpdated`; new ones come
last. The cursor (`searchAfter`) is the last row's own, as HighLevel's search contract demands beyond 10,000 rows. The
listing ends behind the moment at which it began: contacts that keep coming are the next listing's. A large location is
split by `dateAdded`: the first page of each range tells its size, and an idle thread takes the later half of what
remains of the largest range, so that the rate limit, not the latency, sets the pace. Fetching does not wait for the
database: the pages that came within a second are stored in one transaction with the checkpoint after them.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hlcore.errors import Rejected, WrongLocation
from hlcore.highlevel import SearchPage
from hlcore.highlevel.search_filters import BY_DATE_ADDED, added_between
from hlcore.model.contact import ContactHead
from hlcore.model.json_codec import decode_object
from hlcore.model.listing_verdict import FOREIGN, Checkpoint, DateRange, ListingVerdict, judge_listing
from hlcore.model.moments import from_milliseconds, milliseconds
from hlcore.store import Tx, runs
from hlcore.store.contacts import presence
from hlcore.sync.listing.page_import import OddRow, PageRows, import_page, parse_rows, set_rows_aside
from hlcore.sync.run_context import RunContext

MAX_RETRIES = 2
"""How often an implausible answer is asked for again before the listing counts as incomplete."""
MIN_PAGES_TO_SPLIT = 5
MAX_DATE = 250_000_000_000_000
"""The end of the calendar, about the year 9892, in milliseconds."""
MAX_BUFFERED_BYTES = 8 * 2**20
MAX_BUFFERED_TIME = timedelta(seconds=1)
ROWS_PER_STATEMENT = 1_000
REPEATED = ListingVerdict(False, "HighLevel sent the same page again instead of the next one.")


def read_all_pages(context: RunContext) -> ListingVerdict:
    """Store every page of the location; return whether the listing is complete, and if not, what is missing. Pages are
    stored at least every second, and an interrupted run resumes behind the last one stored. Raises HighLevelError,
    Cancelled."""
    pagination = _Pagination(context, Checkpoint.load(context.run.checkpoint))
    with ThreadPoolExecutor(context.rules.workers, thread_name_prefix="listing") as pool:
        try:
            return pagination.run(pool)
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(slots=True)
class _PageBuffer:
    """Contacts waiting to be stored, by id in the order of arrival, and odd rows. `since`: when the first came; `size`:
    bytes."""

    rows: dict[str, ContactHead] = field(default_factory=dict)
    odd: list[OddRow] = field(default_factory=list)
    since: datetime | None = None
    size: int = 0

    def add(self, rows: PageRows, at: datetime) -> None:
        self.since = self.since or at
        self.rows |= {row.contact_id: row for row in rows.contacts}
        self.odd += rows.odd
        self.size += sum(len(row.raw) for row in rows.contacts) + sum(len(row.raw) for row in rows.odd)

    def is_due(self, at: datetime) -> bool:
        return self.since is not None and (self.size > MAX_BUFFERED_BYTES or at - self.since >= MAX_BUFFERED_TIME)


@dataclass(slots=True)
class _Pagination:
    """The state of one listing. The pool's threads fetch pages; the thread in `run` handles and stores them. The
    checkpoint is ahead of the stored pages by those in `buffer`, and is stored only together with them."""

    context: RunContext
    checkpoint: Checkpoint
    pending: dict[Future[SearchPage], DateRange] = field(default_factory=dict)
    buffer: _PageBuffer = field(default_factory=_PageBuffer)

    def run(self, pool: ThreadPoolExecutor) -> ListingVerdict:
        try:
            while not self.checkpoint.ended:
                self._submit(pool)
                timeout = MAX_BUFFERED_TIME.total_seconds() if self.buffer.since else None
                done, _ = wait(self.pending, timeout, return_when=FIRST_COMPLETED)
                if not all(self._handle(future) for future in done):
                    return REPEATED
                if not done or self.buffer.is_due(self.context.now()):
                    self._flush()
        finally:
            self._flush()
        self._finish()
        return judge_listing(self.checkpoint)

    def _submit(self, pool: ThreadPoolExecutor) -> None:
        """Keep every worker busy with the next page of a range of its own."""
        busy = {id(part) for part in self.pending.values()}
        idle = [part for part in self.checkpoint.ranges if not part.ended and id(part) not in busy]
        while len(self.pending) < self.context.rules.workers:
            part = idle.pop(0) if idle else self._split_largest()
            if part is None:
                return
            self.pending[pool.submit(self._fetch, part.since, part.until, part.cursor)] = part

    def _split_largest(self) -> DateRange | None:
        """Split off the later half of what remains of the largest range; None when no range is worth it."""
        if self.checkpoint.plain:
            return None
        largest = max(self.checkpoint.ranges, key=lambda part: part.remaining)
        if largest.remaining < MIN_PAGES_TO_SPLIT * self.context.rules.page_size:
            return None
        later = largest.split(milliseconds(self.context.run.started_at))
        if later is not None:
            self.checkpoint.ranges.append(later)
        return later

    def _fetch(self, since: int | None, until: int | None, cursor: list[Any] | None) -> SearchPage:
        return self.context.client.search_contacts(
            search_after=cursor,
            limit=self.context.rules.page_size,
            sort=BY_DATE_ADDED,
            filters=added_between(since, until),
        )

    def _handle(self, future: Future[SearchPage]) -> bool:
        """Handle an answer. Returns False when HighLevel keeps sending a page that was already read."""
        part = self.pending.pop(future, None)
        if part is None:  # requested before the ranges were given up
            return True
        try:
            return self._handle_page(part, future.result())
        except Rejected:
            if not self.checkpoint.is_split:
                raise
            return self._give_up_ranges()

    def _handle_page(self, part: DateRange, page: SearchPage) -> bool:
        rows = parse_rows(page, self.context.location_id)
        if not _starts_within(part, rows.contacts):
            return self._give_up_ranges()
        part.total = page.total
        part.first_total = page.total if part.first_total is None else part.first_total
        if not self.checkpoint.is_split:
            self.checkpoint.last_total = page.total or self.checkpoint.last_total
        if not rows.count:
            return self._handle_empty(part)
        last = _last_date(page, rows)
        repeated = (page.next is not None and page.next == part.cursor) or part.is_behind(last)
        if repeated or (page.next is None and _promises_more(part, page) and part.tries < MAX_RETRIES):
            part.tries += 1
            return part.tries <= MAX_RETRIES
        self.buffer.add(rows, self.context.now())
        self._advance(part, page, rows, last)
        return True

    def _handle_empty(self, part: DateRange) -> bool:
        """End the range at an empty page; ask again first where HighLevel's total promised more contacts."""
        self._flush()
        split = self.checkpoint.is_split
        fetched = part.fetched if split else self.checkpoint.read
        promised = (part.total if split else max(part.total or 0, self.checkpoint.last_total)) or 0
        part.tries += 1
        part.ended = fetched >= promised or part.tries > MAX_RETRIES
        if part.ended:
            with self.context.write() as tx:
                self._save(tx)
        return True

    def _give_up_ranges(self) -> bool:
        """Read the rest without date ranges, which HighLevel does not respect, from where the first range stands. The
        contacts already read from the others are kept."""
        self._flush()
        first = self.checkpoint.ranges[0]
        first.since = first.until = first.total = None
        first.ended, first.tries = False, 0
        self.checkpoint.ranges, self.checkpoint.plain = [first], True
        wait(self.pending)
        self.pending.clear()
        self.context.counts.notes.append("HighLevel did not keep to ranges of dates; it was read in one go.")
        return True

    def _advance(self, part: DateRange, page: SearchPage, rows: PageRows, last: int | None) -> None:
        """Move the range past this page, the last row of which was added at `last`."""
        part.tries = 0
        part.fetched += rows.count
        part.odd += [_date_of(row.raw, last) for row in rows.odd] + [last or 0] * rows.doubles
        part.cursor = page.next
        part.reached = last if last is not None else part.reached
        if not self.checkpoint.is_split and last is not None and last < self._indexed_until():
            self.checkpoint.tail = page.next
        passed = part.until is not None and last is not None and last > part.until
        short = page.size < self.context.rules.page_size
        counted = self.checkpoint.is_split and short and part.fetched >= page.total
        part.ended = page.next is None or passed or counted or self._is_past_the_beginning(part, last)

    def _is_past_the_beginning(self, part: DateRange, last: int | None) -> bool:
        """Return whether the range reached the contacts that came since the listing began, which are the next one's:
        everything that HighLevel counted at first was read (there may be contacts with a date in the future)."""
        if last is None or part.until is not None or part.first_total is None or part.fetched < part.first_total:
            return False
        if self.checkpoint.is_split:
            return last > milliseconds(self.context.run.started_at)
        if last < self._indexed_until():
            return False
        self.checkpoint.last_total = min(self.checkpoint.last_total, part.first_total)
        return True

    def _finish(self) -> None:
        """Learn how many contacts the location has, of those added before the listing began; where fewer were read,
        read the end once more: contacts created during the listing can enter HighLevel's index late, behind the
        cursor. Raises WrongLocation when every row was of another location."""
        context, checkpoint = self.context, self.checkpoint
        if checkpoint.is_split:
            began = context.run.started_at
            filters = added_between(None, milliseconds(began))
            checkpoint.last_total = context.client.search_contacts(limit=1, sort=BY_DATE_ADDED, filters=filters).total
            with context.vault.read() as tx:
                checkpoint.later = presence.count_sighted_after(tx, context.location_id, context.run.run_id, began)
        if checkpoint.read < checkpoint.last_total:
            self._read_end_again()
        odd = context.counts.odd
        if not checkpoint.fetched and odd[FOREIGN] and odd[FOREIGN] == odd.total():
            raise WrongLocation("HighLevel answered with contacts of another location.")

    def _read_end_again(self) -> None:
        """Read what was added since the moment until which HighLevel's index was surely complete, up to the beginning
        of this listing."""
        began = milliseconds(self.context.run.started_at)
        since, until = (self._indexed_until(), began) if self.checkpoint.is_split else (None, None)
        cursor = None if self.checkpoint.is_split else self.checkpoint.tail
        if since is None and cursor is None:
            return
        while (page := self._fetch(since, until, cursor)).size:
            rows = parse_rows(page, self.context.location_id)
            with self.context.write() as tx:
                self._import(tx, rows.contacts)
                self._save(tx)
            last = _last_date(page, rows)
            is_done = self.checkpoint.read >= self.checkpoint.last_total and last is not None and last >= began
            if page.next is None or page.next == cursor or is_done:
                return
            cursor = page.next

    def _indexed_until(self) -> int:
        """Return the moment until which HighLevel's index was surely complete when the run began."""
        return milliseconds(self.context.run.started_at - self.context.rules.index_lag)

    def _flush(self) -> None:
        """Store the buffered pages and the checkpoint in one transaction."""
        rows, odd, self.buffer = list(self.buffer.rows.values()), self.buffer.odd, _PageBuffer()
        if not rows and not odd:
            return
        self.context.counts.odd.update(row.trouble for row in odd)
        with self.context.write() as tx:
            for start in range(0, len(rows), ROWS_PER_STATEMENT):
                self._import(tx, rows[start : start + ROWS_PER_STATEMENT])
            set_rows_aside(tx, self.context, odd)
            self._save(tx)
        total = max(self.checkpoint.last_total, self.checkpoint.fetched)
        self.context.report_progress("Reading contacts", self.checkpoint.fetched, total)

    def _import(self, tx: Tx, rows: Sequence[ContactHead]) -> None:
        context = self.context
        page = import_page(tx, context.location_id, context.run.run_id, rows, at=context.now())
        self.checkpoint.fetched += page.fresh
        context.counts.add_page(page.added, page.changed, page.unreadable_dates)

    def _save(self, tx: Tx) -> None:
        context, checkpoint = self.context, self.checkpoint
        columns: dict[str, Any] = {
            "seen": checkpoint.fetched,
            "total": checkpoint.last_total,
            "requests": context.requests,
            **context.counts.counts(),
        }
        runs.record_heartbeat(tx, context.run.run_id, context.now(), checkpoint=checkpoint.dump(), **columns)


def _promises_more(part: DateRange, page: SearchPage) -> bool:
    """Return whether HighLevel's total says that more contacts of the range follow this page."""
    return part.fetched + page.size < page.total


def _starts_within(part: DateRange, rows: Sequence[ContactHead]) -> bool:
    """Return whether the contacts respect the range's start (its end may have moved while the page was fetched). A date
    that stands alone before it is odd."""
    if part.since is None:
        return True
    since = from_milliseconds(part.since)
    dates = [row.date_added for row in rows if row.date_added is not None]
    return not dates or 2 * sum(date >= since for date in dates) > len(dates)


def _last_date(page: SearchPage, rows: PageRows) -> int | None:
    """Return when the last row of the page was added, by which HighLevel sorted it: its cursor tells, whatever the row
    itself says."""
    if page.next and (sorted_by := _as_date(page.next[0])) is not None:
        return sorted_by
    return milliseconds(rows.contacts[-1].date_added) if rows.contacts else None


def _date_of(raw: bytes, otherwise: int | None) -> int:
    """Return near which date this row stands: its own cursor tells, else that of the page's end."""
    cursor = decode_object(raw).get("searchAfter")
    found = _as_date(cursor[0]) if isinstance(cursor, list) and cursor else None
    return found if found is not None else otherwise or 0


def _as_date(value: object) -> int | None:
    """Return a member of a cursor as milliseconds since 1970 if it is a number that can be."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_DATE else None
