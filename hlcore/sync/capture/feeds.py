"""Reading a feed of the whole location, page by page: the cheap way to capture records.

Each page and the cursor after it are stored in one transaction, so that an interrupted reading resumes there. A feed
may leave out live records or end early (users of HighLevel report it of opportunities): a reading counts only when it
showed as many rows as were promised, and contacts whose records it did not show are captured one by one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hlcore.errors import BrokenAnswer, BudgetSpent, Cancelled, Gone, HighLevelError
from hlcore.model.records import ROWS_PER_CALL, record_ids
from hlcore.model.wording import kind_plural, plural
from hlcore.store import Tx, quarantine, records
from hlcore.store.capture import feeds
from hlcore.store.capture import state as capture_state
from hlcore.store.capture.feeds import FeedState
from hlcore.sync.capture.contact_records import fetch_records, mark_texts_due, note_odd_records
from hlcore.sync.capture.feed_pages import FeedCursor, FeedPage, fetch_page
from hlcore.sync.capture.session import CLOSED, CaptureSession
from hlcore.sync.contact_lookup import REFUSALS, raise_if_refused_everywhere

SAMPLE = 3
"""Contacts asked for their own records before an empty feed is believed."""
MIN_MOST_CALLS = 100
MAX_FAILS = 2
"""Failed readings in a row after which a feed is left alone for a while."""


def read_feed(session: CaptureSession, kind: str, calls: int, *, news: bool = False) -> None:
    """Store at most `calls` more pages of the feed. At its end every contact is covered by it, and contacts with
    records that it did not show are due for capture. Other faults of HighLevel end the reading and are noted. Raises
    FATAL_ERRORS, StoreError."""
    state = _begin(session, kind, news)
    for _ in range(calls):
        done, total = _progress(state)
        session.report_progress(f"Reading {kind_plural(kind)}", done, total)
        try:
            page = fetch_page(session.client, kind, FeedCursor(state.checkpoint or {}))
            _check_empty(session, state, page)
            state = _store(session, state, page)
        except (BudgetSpent, Cancelled):
            raise
        except HighLevelError as exc:
            is_closed = isinstance(exc, (*REFUSALS, *CLOSED))
            if is_closed:
                raise_if_refused_everywhere(session.client, exc)
            with session.write() as tx:
                _fail(tx, session, state, str(exc), closed=is_closed)
            return
        if state.began_at is None:
            return


def _check_empty(session: CaptureSession, state: FeedState, page: FeedPage) -> None:
    """Raise BrokenAnswer when a feed shows nothing at all, but some contacts have records of its kind."""
    cursor = page.cursor.count(fresh=0)
    if page.rows or cursor["rows"] or cursor["odd"] or cursor["mode"] != "all" or page.verdict(cursor) != "":
        return
    with session.vault.read() as tx:
        asked = capture_state.list_never_captured(tx, session.location_id, state.kind, at=session.now(), limit=SAMPLE)
    for _, contact_id in asked:
        try:
            shown, odd = fetch_records(session.client, contact_id, state.kind)
        except Gone:
            continue
        if shown or odd:
            raise BrokenAnswer(f"It is empty, although contacts have {kind_plural(state.kind)}.")


def _progress(state: FeedState) -> tuple[int, int]:
    checkpoint = state.checkpoint or {}
    rows = int(checkpoint.get("rows", 0))
    return rows, max(rows, int(checkpoint.get("total", 0)))


def _begin(session: CaptureSession, kind: str, news: bool) -> FeedState:
    """Return the reading under way, or begin a new one."""
    with session.vault.read() as tx:
        state = feeds.get(tx, session.location_id, kind)
    mode = "news" if news else "all"
    if state.began_at is not None and (state.checkpoint or {}).get("mode") == mode:
        return state
    since = state.covered_at if news else None
    began = session.now()
    checkpoint = {"mode": mode, "began": began.isoformat(), "since": since.isoformat() if since else ""}
    with session.write() as tx:
        return feeds.save(tx, session.location_id, kind, began_at=began, checkpoint=checkpoint, refused_at=None)


def _store(session: CaptureSession, state: FeedState, page: FeedPage) -> FeedState:
    """Store the rows of a page and the cursor after it in one transaction."""
    found = [(*record_ids(raw), raw) for raw in page.rows]
    rows = [row for row in found if row[0] and row[1]]
    odd = len(found) - len(rows)
    ids = {record_id for record_id, _, _ in rows}
    location_id, began = session.location_id, state.began_at or session.now()
    with session.write() as tx:
        seen = records.ids_seen_since(tx, location_id, state.kind, [row[0] for row in rows], at=began)
        counts = records.save(tx, location_id, state.kind, rows, at=session.now())
        if state.kind == "message":
            mark_texts_due(tx, location_id, [(row[0], row[2]) for row in rows], at=session.now())
        cursor = page.cursor.count(fresh=len(ids - seen), odd=odd)
        if "expected" not in cursor.values:
            expected = max(int(cursor["total"]), state.rows, capture_state.count_live(tx, location_id))
            cursor = cursor.then(expected=expected)
        state = _advance(tx, session, state, cursor, page.verdict(cursor))
    session.captured[state.kind] += counts.added + counts.changed
    if odd:
        session.count_odd(state.kind, odd)
    return state


def _advance(tx: Tx, session: CaptureSession, state: FeedState, cursor: FeedCursor, verdict: str | None) -> FeedState:
    if verdict is None and cursor["calls"] > _most_calls(state.kind, cursor["expected"]):
        verdict = "It does not end."
    if verdict is None:
        return feeds.save(tx, session.location_id, state.kind, checkpoint=cursor.values)
    if verdict:
        return _fail(tx, session, state, verdict)
    began = state.began_at or session.now()
    if cursor["mode"] == "all" or cursor["odd"]:  # what is new says nothing about the odd ones before
        note_odd_records(tx, session, f"{state.kind}:list", cursor["odd"])
    if cursor["mode"] == "all" and not cursor["odd"]:
        for mark in (":", " "):  # earlier versions wrote a blank
            prefix = f"{state.kind}{mark}"
            quarantine.forget_unseen(tx, session.location_id, quarantine.RECORD, began, prefix=prefix)
    columns: dict[str, Any] = {"covered_at": began, "began_at": None, "checkpoint": None, "fails": 0, "note": ""}
    if cursor["mode"] == "all":
        columns |= {"walked_at": began, "rows": cursor["rows"]}
        _mark_contacts(tx, session, state.kind, began)
    return feeds.save(tx, session.location_id, state.kind, **columns)


def _most_calls(kind: str, expected: int) -> int:
    """Return how many pages a feed may have before it is believed not to end: twice those of the `expected` rows."""
    return 2 * expected // ROWS_PER_CALL[kind] + MIN_MOST_CALLS


def _mark_contacts(tx: Tx, session: CaptureSession, kind: str, began: datetime) -> None:
    """Mark all contacts as covered by the feed, and those with records that it did not show as due."""
    capture_state.mark_settled(tx, session.location_id, kind, at=began)
    due = capture_state.mark_missed_due(tx, session.location_id, kind, walked_at=began, at=session.now())
    if due:
        session.report_progress(f"Asking {plural(due, 'contact')} for {kind_plural(kind)} that the list lacks now")


def _fail(tx: Tx, session: CaptureSession, state: FeedState, reason: str, *, closed: bool = False) -> FeedState:
    """End the reading without a conclusion. A closed feed, and one that failed repeatedly, is left alone for a
    while."""
    session.note(f"The list of {kind_plural(state.kind)} could not be read to its end: {reason}")
    fails = state.fails + 1
    closed = closed or fails >= MAX_FAILS
    columns: dict[str, Any] = {"fails": 0 if closed else fails, "note": reason}
    columns |= {"refused_at": session.now() if closed else None}
    return feeds.save(tx, session.location_id, state.kind, began_at=None, checkpoint=None, **columns)
