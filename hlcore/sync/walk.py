"""Walking the whole location, page by page, in the order in which contacts were added.

`dateAdded` never changes, so rows do not move under the walk's feet as they would sorted by `dateUpdated`;
new contacts come last. The cursor (`searchAfter`) is the last row's own, as HighLevel's search contract wants beyond
10,000 rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hlcore.highlevel import SearchPage
from hlcore.model.contact import Contact
from hlcore.model.listing import Checkpoint, Verdict, judge
from hlcore.store import Tx, runs
from hlcore.sync import page as pages
from hlcore.sync.report import Work

ORDER = [{"field": "dateAdded", "direction": "asc"}]
PATIENCE = 2
"""How often a page that cannot be right is asked for again before the run is called incomplete."""


def walk(work: Work) -> Verdict:
    """Every page of the location is in the vault, or the verdict says what is missing. Kept after each page; a
    run that was killed goes on behind its last page. Raises HighLevelError, Cancelled."""
    checkpoint = Checkpoint.load(work.run.checkpoint)
    while not checkpoint.ended:
        if not _next_page(work, checkpoint):
            return Verdict(False, "HighLevel sent the same page again instead of the next one.")
    if checkpoint.fetched < checkpoint.last_total and checkpoint.tail is not None:
        _look_again(work, checkpoint)
    return judge(checkpoint)


def _next_page(work: Work, checkpoint: Checkpoint) -> bool:
    """One step forward, or the end; False when HighLevel keeps sending a page that was already taken.

    An empty page before the told total is reached, and a page without news, are asked for again first.
    """
    for _ in range(PATIENCE + 1):
        answer = _ask(work, checkpoint.cursor)
        if answer.rows:
            if _keep(work, checkpoint, answer):
                return True
        elif checkpoint.fetched >= max(checkpoint.last_total, answer.total):
            break
    if answer.rows:
        return False
    checkpoint.ended = True
    checkpoint.last_total = answer.total or checkpoint.last_total
    with work.vault.write() as tx:
        _save(tx, work, checkpoint)
    return True


def _ask(work: Work, cursor: list[Any] | None) -> SearchPage:
    return work.client.search_contacts(search_after=cursor, limit=work.rules.page_size, sort=ORDER)


def _keep(work: Work, checkpoint: Checkpoint, answer: SearchPage) -> bool:
    """The page and the checkpoint behind it are stored in one transaction; False for a page without news."""
    found = pages.read(answer.rows, work.location_id)
    with work.vault.write() as tx:
        fresh = _take(tx, work, checkpoint, found)
        if fresh:
            _advance(work, checkpoint, answer, found)
            _save(tx, work, checkpoint)
    work.tell("Reading contacts", checkpoint.fetched, max(checkpoint.last_total, checkpoint.fetched))
    return fresh > 0


def _take(tx: Tx, work: Work, checkpoint: Checkpoint, found: Sequence[Contact]) -> int:
    taken = pages.take(tx, work.location_id, work.run.run_id, found, at=work.now())
    checkpoint.fetched += taken.fresh
    work.tally.added += taken.added
    work.tally.changed += taken.changed
    return taken.fresh


def _advance(work: Work, checkpoint: Checkpoint, answer: SearchPage, found: Sequence[Contact]) -> None:
    checkpoint.first_total = checkpoint.first_total if checkpoint.pages else answer.total
    checkpoint.pages += 1
    checkpoint.last_total = answer.total
    newest = found[-1].date_added
    if newest is not None and newest < work.run.started_at - work.rules.index_lag:
        checkpoint.tail = answer.next
    checkpoint.cursor = answer.next
    checkpoint.ended = answer.next is None


def _look_again(work: Work, checkpoint: Checkpoint) -> None:
    """Contacts created during the walk can enter HighLevel's index late, behind the cursor: the end is read once
    more."""
    cursor = checkpoint.tail
    while cursor is not None and (answer := _ask(work, cursor)).rows:
        found = pages.read(answer.rows, work.location_id)
        checkpoint.last_total = answer.total
        with work.vault.write() as tx:
            _take(tx, work, checkpoint, found)
            _save(tx, work, checkpoint)
        cursor = answer.next if answer.next != cursor else None


def _save(tx: Tx, work: Work, checkpoint: Checkpoint) -> None:
    columns: dict[str, Any] = {"total": checkpoint.last_total, "requests": work.requests, **work.tally.counts()}
    runs.beat(
        tx, work.run.run_id, work.now(), checkpoint=checkpoint.dump(), seen=checkpoint.fetched, **columns
    )
