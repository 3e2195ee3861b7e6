"""Walking the whole location in the order in which contacts were added, in one go or in several stretches at once.

`dateAdded` never changes, so rows do not move under the walk's feet as they would sorted by `dateUpdated`; new
contacts come last. The cursor (`searchAfter`) is the last row's own, as HighLevel's search contract wants beyond 10,000
rows. A large location is cut by `dateAdded`: the first page of each stretch tells its size, and whoever is idle takes
the later half of what is left of the largest, so that the limit, not the latency, sets the pace. Asking does not wait
for the database: what came within a second is stored in one transaction, and the checkpoint behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hlcore.errors import Rejected
from hlcore.highlevel import SearchPage
from hlcore.highlevel.search_filters import ORDER, added_between, from_milliseconds, milliseconds
from hlcore.model.contact import Row
from hlcore.model.listing import Checkpoint, DateRange, ListingVerdict, judge
from hlcore.store import Tx, runs
from hlcore.sync.listing import page_import as pages
from hlcore.sync.run_context import RunContext

PATIENCE = 2
"""How often an answer that cannot be right is asked for again before the run is called incomplete."""
WORTH_CUTTING = 5
"""Pages; a smaller rest is not cut into stretches."""
MOST_WAITING = 8 * 2**20
"""Bytes; what has come is stored when it is more."""
TOGETHER = 1_000
"""Rows; so many are read and written by one statement."""
LONGEST_WAIT = timedelta(seconds=1)
"""What has come is stored after so long at the latest."""
REPEATED = ListingVerdict(False, "HighLevel sent the same page again instead of the next one.")


def read_all_pages(work: RunContext) -> ListingVerdict:
    """Every page of the location is in the vault, or the verdict says what is missing. Kept at least every second; a
    run that was killed goes on behind the last pages kept. Raises HighLevelError, Cancelled."""
    walking = _Pagination(work, Checkpoint.load(work.run.checkpoint))
    with ThreadPoolExecutor(work.rules.workers, thread_name_prefix="walk") as pool:
        try:
            return walking.run(pool)
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(slots=True)
class _PageBuffer:
    """What is to be stored: contacts by id, in the order in which they came, since `since`, of `size` bytes."""

    rows: dict[str, Row] = field(default_factory=dict)
    since: datetime | None = None
    size: int = 0

    def add(self, found: Sequence[Row], at: datetime) -> None:
        self.since = self.since or at
        self.rows |= {row.contact_id: row for row in found}
        self.size += sum(len(row.raw) for row in found)

    def is_due(self, at: datetime) -> bool:
        return self.since is not None and (self.size > MOST_WAITING or at - self.since >= LONGEST_WAIT)


@dataclass(slots=True)
class _Pagination:
    """The state of one walk. Pages are fetched by the pool's threads and stored by the one that runs this. The
    checkpoint stands behind all pages taken; it is kept only together with those of them that are `ready`."""

    work: RunContext
    checkpoint: Checkpoint
    asked: dict[Future[SearchPage], DateRange] = field(default_factory=dict)
    ready: _PageBuffer = field(default_factory=_PageBuffer)

    def run(self, pool: ThreadPoolExecutor) -> ListingVerdict:
        try:
            while not self.checkpoint.ended:
                self._ask_more(pool)
                patience = LONGEST_WAIT.total_seconds() if self.ready.since else None
                done, _ = wait(self.asked, patience, return_when=FIRST_COMPLETED)
                if not all(self._answered(future) for future in done):
                    return REPEATED
                if not done or self.ready.is_due(self.work.now()):
                    self._store()
        finally:
            self._store()
        self._finish()
        return judge(self.checkpoint)

    def _answered(self, future: Future[SearchPage]) -> bool:
        """False when HighLevel keeps sending a page that was already taken."""
        stretch = self.asked.pop(future, None)
        if stretch is None:  # asked for before the stretches were given up
            return True
        try:
            return self._take(stretch, future.result())
        except Rejected:
            if not self.checkpoint.cut:
                raise
            return self._uncut()

    def _ask_more(self, pool: ThreadPoolExecutor) -> None:
        busy = {id(stretch) for stretch in self.asked.values()}
        idle = [each for each in self.checkpoint.ranges if not each.ended and id(each) not in busy]
        while len(self.asked) < self.work.rules.workers:
            stretch = idle.pop(0) if idle else self._cut_largest()
            if stretch is None:
                return
            self.asked[pool.submit(self._ask, stretch.since, stretch.until, stretch.cursor)] = stretch

    def _cut_largest(self) -> DateRange | None:
        """A new stretch out of the largest rest; None when nothing is worth it."""
        if self.checkpoint.plain:
            return None
        largest = max(self.checkpoint.ranges, key=lambda stretch: stretch.remaining)
        if largest.remaining < WORTH_CUTTING * self.work.rules.page_size:
            return None
        later = largest.cut(milliseconds(self.work.run.started_at))
        if later is not None:
            self.checkpoint.ranges.append(later)
        return later

    def _uncut(self) -> bool:
        """HighLevel does not keep to ranges of dates: the location is walked in one go from where the first stretch
        stands. What the others took is kept."""
        self._store()
        first = self.checkpoint.ranges[0]
        first.since = first.until = first.total = None
        first.ended, first.tries = False, 0
        self.checkpoint.ranges, self.checkpoint.plain = [first], True
        wait(self.asked)
        self.asked.clear()
        self.work.counts.notes.append("HighLevel did not keep to ranges of dates; it was read in one go.")
        return True

    def _ask(self, since: int | None, until: int | None, cursor: list[Any] | None) -> SearchPage:
        return self.work.client.search_contacts(
            search_after=cursor, limit=self.work.rules.page_size, sort=ORDER, filters=added_between(since, until)
        )

    def _take(self, stretch: DateRange, answer: SearchPage) -> bool:
        """The page is ready to be stored; False when HighLevel keeps sending a page that was already taken."""
        found = pages.read(answer.rows, self.work.location_id)
        if not _within(stretch, found):
            return self._uncut()
        stretch.total = answer.total
        if not self.checkpoint.cut:
            self.checkpoint.last_total = answer.total or self.checkpoint.last_total
        if not found:
            return self._empty(stretch)
        last = milliseconds(found[-1].date_added)
        repeated = (answer.next is not None and answer.next == stretch.cursor) or stretch.is_behind(last)
        if repeated or (answer.next is None and _promises_more(stretch, answer) and stretch.tries < PATIENCE):
            stretch.tries += 1
            return stretch.tries <= PATIENCE
        self.ready.add(found, self.work.now())
        self._advance(stretch, answer, len(found), last)
        return True

    def _store(self) -> None:
        """The pages that have come meanwhile and the checkpoint behind them are stored in one transaction."""
        rows, self.ready = list(self.ready.rows.values()), _PageBuffer()
        if not rows:
            return
        with self.work.write() as tx:
            for start in range(0, len(rows), TOGETHER):
                self._keep(tx, rows[start : start + TOGETHER])
            self._save(tx)
        total = max(self.checkpoint.last_total, self.checkpoint.fetched)
        self.work.report_progress("Reading contacts", self.checkpoint.fetched, total)

    def _empty(self, stretch: DateRange) -> bool:
        """An empty page is the end, unless more was promised: then it is asked for again first."""
        self._store()
        told = self.checkpoint.fetched if not self.checkpoint.cut else stretch.fetched
        promised = (stretch.total if self.checkpoint.cut else max(stretch.total or 0, self.checkpoint.last_total)) or 0
        stretch.tries += 1
        stretch.ended = told >= promised or stretch.tries > PATIENCE
        if stretch.ended:
            with self.work.write() as tx:
                self._save(tx)
        return True

    def _keep(self, tx: Tx, found: Sequence[Row]) -> None:
        taken = pages.import_page(tx, self.work.location_id, self.work.run.run_id, found, at=self.work.now())
        self.checkpoint.fetched += taken.fresh
        self.work.counts.added += taken.added
        self.work.counts.changed += taken.changed

    def _advance(self, stretch: DateRange, answer: SearchPage, rows: int, last: int | None) -> None:
        stretch.tries = 0
        stretch.fetched += rows
        stretch.cursor = answer.next
        stretch.reached = last if last is not None else stretch.reached
        settled = milliseconds(self.work.run.started_at - self.work.rules.index_lag)
        if not self.checkpoint.cut and last is not None and settled is not None and last < settled:
            self.checkpoint.tail = answer.next
        passed = stretch.until is not None and last is not None and last > stretch.until
        short = rows < self.work.rules.page_size
        counted = self.checkpoint.cut and short and stretch.fetched >= answer.total
        stretch.ended = answer.next is None or passed or counted

    def _finish(self) -> None:
        """The newest total of the whole location is known; and where it was not reached, the end has been read once
        more: contacts created during the walk can enter HighLevel's index late, behind the cursor."""
        if self.checkpoint.cut:
            self.checkpoint.last_total = self.work.client.search_contacts(limit=1, sort=ORDER).total
        if self.checkpoint.fetched < self.checkpoint.last_total:
            self._look_again()

    def _look_again(self) -> None:
        settled = milliseconds(self.work.run.started_at - self.work.rules.index_lag)
        since = settled if self.checkpoint.cut else None
        cursor = None if self.checkpoint.cut else self.checkpoint.tail
        if since is None and cursor is None:
            return
        while (answer := self._ask(since, None, cursor)).rows:
            found = pages.read(answer.rows, self.work.location_id)
            with self.work.write() as tx:
                self._keep(tx, found)
                self._save(tx)
            if answer.next is None or answer.next == cursor:
                return
            cursor = answer.next

    def _save(self, tx: Tx) -> None:
        checkpoint = self.checkpoint
        columns: dict[str, Any] = {
            "total": checkpoint.last_total,
            "requests": self.work.requests,
            **self.work.counts.counts(),
        }
        runs.beat(
            tx,
            self.work.run.run_id,
            self.work.now(),
            checkpoint=checkpoint.dump(),
            seen=checkpoint.fetched,
            **columns,
        )


def _promises_more(stretch: DateRange, answer: SearchPage) -> bool:
    """Whether HighLevel says that more rows of the stretch follow these."""
    return stretch.fetched + len(answer.rows) < answer.total


def _within(stretch: DateRange, found: Sequence[Row]) -> bool:
    """Whether the rows keep to the stretch's beginning (its end may have been cut off while the page was asked for)."""
    if stretch.since is None:
        return True
    since = from_milliseconds(stretch.since)
    return all(row.date_added is None or row.date_added >= since for row in found)
