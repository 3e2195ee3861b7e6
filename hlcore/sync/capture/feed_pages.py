"""Fetching the next page of each feed: the lists of all tasks, opportunities, conversations and messages of a location.

The place in a feed is a `FeedCursor`, stored after every page. The export of messages has one pass for everything but
e-mails and one for e-mails, newest first. Its own cursor expires about two minutes after its last use; a new export
then begins at the oldest message already read, and messages that come twice are recognised by their ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hlcore.errors import BrokenAnswer, Gone, Rejected
from hlcore.highlevel import Client
from hlcore.model.json_codec import decode_object
from hlcore.model.moments import iso, parse_moment
from hlcore.model.records import record_ids
from hlcore.model.wording import plural
from hlcore.sync.capture.contact_records import EXPORT_PASSES

NEWS_OVERLAP = timedelta(minutes=10)
"""News are asked for from this long before the last reading: clocks differ and indexes lag."""
PAGE_SIZE = 100
SMALL_PAGE_SIZE = 25
MESSAGES_PER_PAGE = 500
MAX_RESTARTS = 50
MAX_SHORT_EXPORTS = 2
SAME_MOMENT = timedelta(seconds=1)
TASK_OVERLAP = 5
"""Tasks that a page shares with the one before: proof that none was skipped when another was deleted."""
MAX_STEPS_BACK = 5
TASK_FIELDS = ("title", "body", "assignedTo", "dueDate")
TASKS_COMPARED = 3
"""Incomplete tasks of the list that are compared with the lists of their contacts."""


@dataclass(frozen=True, slots=True)
class FeedCursor:
    """How far a feed was read: JSON values, stored as its checkpoint. `mode` is all or news, `began` when this reading
    began, `since` the one before it, `rows` the different rows so far, `odd` those set aside, `expected` how many there
    may be, `calls` the pages; the others are the feed's."""

    values: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name, 0)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value, or the default where it is missing or None."""
        value = self.values.get(name)
        return default if value is None else value

    def then(self, **changes: Any) -> FeedCursor:
        """Return a cursor with these values changed."""
        return FeedCursor({**self.values, **changes})

    def count(self, *, fresh: int, odd: int = 0) -> FeedCursor:
        """Return the cursor after one more page with this number of rows not seen before, and of odd ones."""
        return self.then(rows=self["rows"] + fresh, odd=self["odd"] + odd, calls=self["calls"] + 1, fresh=fresh)

    @property
    def since(self) -> datetime | None:
        """Return the moment from which news are read."""
        text = self.get("since", "")
        return datetime.fromisoformat(text) - NEWS_OVERLAP if text else None

    @property
    def edge_ms(self) -> int:
        """Return the moment (milliseconds since 1970) before which rows are known from an earlier reading, or were
        there when this one began."""
        return int((self.since or datetime.fromisoformat(self["began"]) - NEWS_OVERLAP).timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One page and the cursor after it. `ended`: it was the last; `promised`: rows that must have been shown by the
    end; `failed`: why the feed cannot be read to its end."""

    rows: Sequence[bytes]
    cursor: FeedCursor
    ended: bool = False
    promised: int = 0
    failed: str = ""

    def verdict(self, cursor: FeedCursor) -> str | None:
        """Return None to read on, '' when the feed is complete, or why it is incomplete. `cursor` has counted this
        page."""
        if self.failed:
            return self.failed
        if self.promised and cursor["rows"] >= self.promised:
            return ""
        if not self.ended:
            return None
        if cursor["rows"] + cursor["odd"] < self.promised:
            return f"{self.promised:,} were promised, {cursor['rows']:,} came."
        return ""


def fetch_page(client: Client, kind: str, cursor: FeedCursor) -> FeedPage:
    """Fetch the page at the cursor. Raises HighLevelError; BrokenAnswer for a feed that would never end or leaves out
    data."""
    return _FETCH[kind](client, cursor)


def _fetch_messages(client: Client, cursor: FeedCursor) -> FeedPage:
    number = cursor["pass"]
    extra = {**EXPORT_PASSES[number], **_export_filter(cursor)}
    try:
        rows, following, total = client.export_messages(
            cursor=cursor.get("cursor", ""), limit=MESSAGES_PER_PAGE, extra=extra
        )
    except Rejected:
        return _after_rejection(cursor)
    first = record_ids(rows[0])[0] if rows else ""
    if first and cursor.get("cursor") and first == cursor.get("first"):
        raise BrokenAnswer("HighLevel's export of messages shows the same page again.")
    part = cursor["part"] + len(rows)
    after = cursor.then(
        cursor=following, first=first, part=part, edge=_edge(cursor, rows), total=cursor["before"] + (total or 0)
    )
    if following:
        return FeedPage(rows, after)
    if total is not None and part < total:
        return _after_short_export(rows, after, total - part)
    if number + 1 < len(EXPORT_PASSES):
        clean = {"cursor": None, "edge": None, "ends": None, "part": 0, "restarts": 0, "short": 0}
        return FeedPage(rows, after.then(**clean, **{"pass": number + 1, "before": after["total"]}))
    return FeedPage(rows, after, ended=True)


def _export_filter(cursor: FeedCursor) -> dict[str, Any]:
    """Return the range of messages to export: news by when they changed, the rest of a broken export by its edge."""
    extra: dict[str, Any] = {}
    if cursor["mode"] == "news" and cursor.since and not cursor["plain"]:
        extra |= {"startDate": iso(cursor.since), "sortBy": "updatedAt"}
    if cursor.get("ends"):
        extra["endDate"] = cursor["ends"]
    return extra


def _after_rejection(cursor: FeedCursor) -> FeedPage:
    """Begin a new export when the cursor has expired, and one without dates when HighLevel rejects even a new one.
    Raises Rejected when it rejects that too."""
    if cursor.get("cursor"):
        return FeedPage([], _restart_export(cursor))
    if cursor["plain"] and not cursor.get("ends"):
        raise Rejected("HighLevel refuses the export of messages", status=400)
    return FeedPage([], cursor.then(plain=True, ends=None))


def _after_short_export(rows: Sequence[bytes], cursor: FeedCursor, missing: int) -> FeedPage:
    """Ask for the rest of an export that ended before everything promised had come; give up after a few times."""
    if cursor["short"] >= MAX_SHORT_EXPORTS:
        return FeedPage(rows, cursor, ended=True, failed=f"{plural(missing, 'promised message')} did not come.")
    return FeedPage(rows, _restart_export(cursor.then(short=cursor["short"] + 1)))


def _restart_export(cursor: FeedCursor) -> FeedCursor:
    """Return the cursor of a new export from the oldest message read so far; from the start where the order was not by
    date."""
    if cursor["restarts"] >= MAX_RESTARTS:
        raise Rejected("HighLevel's export of messages broke off too often", status=400)
    edge = parse_moment(cursor.get("edge")) if cursor["mode"] == "all" else None
    ends = iso(edge + SAME_MOMENT) if edge and not cursor["plain"] else None
    return cursor.then(cursor=None, part=0, ends=ends, restarts=cursor["restarts"] + 1)


def _edge(cursor: FeedCursor, rows: Sequence[bytes]) -> Any:
    """Return the date of the oldest message so far; 'none' once rows were out of order."""
    dates = [parse_moment(decode_object(raw).get("dateAdded")) for raw in rows]
    known = [date for date in dates if date is not None]
    before = parse_moment(cursor.get("edge"))
    if len(known) < len(dates) or known != sorted(known, reverse=True):
        return "none"
    if not known or cursor.get("edge") == "none":
        return cursor.get("edge")
    return iso(min(known[-1], before) if before else known[-1])


def _fetch_tasks(client: Client, cursor: FeedCursor) -> FeedPage:
    """Fetch by `skip`, with which rows move when one is deleted meanwhile: pages overlap, and a page that does not
    contain the end of the one before is read again from further up. The list ends with a page without new tasks, or
    with the second thin one in a row: others may be added all the time."""
    skip, limit, tail = cursor.get("skip", 0), cursor.get("limit", PAGE_SIZE), cursor.get("tail", [])
    try:
        rows = client.search_tasks(limit=limit, skip=skip)
    except Rejected:
        if limit == SMALL_PAGE_SIZE:
            raise
        return FeedPage([], cursor.then(limit=SMALL_PAGE_SIZE))
    ids = _usable_ids(rows)
    if ids and ids[-1] == cursor.get("last") and len(ids) >= cursor["size"] and not cursor["back"]:
        raise BrokenAnswer("HighLevel's list of tasks shows the same page again.")
    if not skip:
        _check_task_fields(client, rows)
    steps_back = cursor.get("back", 0)
    if tail and ids and not set(ids) & set(tail) and steps_back < MAX_STEPS_BACK:
        return FeedPage([], cursor.then(skip=max(0, skip - limit), back=steps_back + 1))
    fresh = [task_id for task_id in ids if task_id not in tail]
    forward = len(rows) - TASK_OVERLAP if len(rows) > 2 * TASK_OVERLAP else len(rows)
    after = cursor.then(skip=skip + forward, tail=ids[-TASK_OVERLAP:] if forward < len(rows) else [], back=0)
    largest, thin = max(cursor["largest"], len(rows)), len(rows) < cursor["largest"]
    after = after.then(last=ids[-1] if ids else "", size=len(ids), largest=largest, thin=thin)
    return FeedPage(rows, after, ended=not fresh or (thin and bool(cursor["thin"])))


def _usable_ids(rows: Sequence[bytes]) -> list[str]:
    return [record_id for record_id in (record_ids(raw)[0] for raw in rows) if record_id]


def _check_task_fields(client: Client, rows: Sequence[bytes]) -> None:
    """Raise BrokenAnswer when some of these tasks leave out fields that the lists of their contacts have."""
    incomplete = {
        record_ids(raw)[1]: raw
        for raw in rows
        if all(record_ids(raw)) and not all(decode_object(raw).get(name) for name in TASK_FIELDS)
    }
    for contact_id, raw in list(incomplete.items())[:TASKS_COMPARED]:
        try:
            tasks = {record_ids(task)[0]: decode_object(task) for task in client.tasks(contact_id)}
        except Gone:
            continue
        listed, own = decode_object(raw), tasks.get(record_ids(raw)[0], {})
        if any(own.get(name) and name not in listed for name in TASK_FIELDS):
            raise BrokenAnswer("HighLevel's list of tasks leaves out what the contacts' own lists tell.")


def _fetch_opportunities(client: Client, cursor: FeedCursor) -> FeedPage:
    """Fetch by cursor; where it ends before the promised total is reached, by page number from there on."""
    page = client.search_opportunities(cursor=cursor.get("cursor"), limit=PAGE_SIZE)
    total = page.total or 0
    numbered = "page" in (cursor.get("cursor") or {})
    if page.rows and page.next is not None and page.next != cursor.get("cursor") and not numbered:
        return FeedPage(page.rows, cursor.then(cursor=page.next, total=total))
    number = cursor["cursor"]["page"] + 1 if numbered else (cursor["rows"] + len(page.rows)) // PAGE_SIZE + 1
    done = not page.rows or (numbered and (number - 1) * PAGE_SIZE >= total)
    return FeedPage(page.rows, cursor.then(cursor={"page": number}, total=total), ended=done, promised=total)


def _fetch_conversations(client: Client, cursor: FeedCursor) -> FeedPage:
    """Fetch the newest first. A conversation with a new message jumps to the top, so the head is read again at the end.
    Several may share one moment: the cursor steps back by a millisecond so that none falls between two pages."""
    page = client.search_conversations(start_after=cursor.get("after"), limit=PAGE_SIZE)
    ids = _usable_ids(page.rows)
    tail = cursor.get("tail", [])
    fresh = [conversation_id for conversation_id in ids if conversation_id not in tail]
    last, total = page.next, page.total or 0
    if cursor["mode"] == "news" or cursor.get("head"):
        return _conversations_head(page.rows, fresh, cursor.then(total=total), last)
    if total and cursor["rows"] + len(fresh) >= total:
        return FeedPage(page.rows, cursor.then(after=None, head=True, tail=[], total=total))
    if not fresh and cursor.get("near") and last is not None:
        return FeedPage(page.rows, cursor.then(after=last, near=False, tail=ids, total=total))
    if fresh and last is not None:
        return FeedPage(page.rows, cursor.then(after=last + 1, near=True, tail=ids, total=total))
    return FeedPage(page.rows, cursor.then(after=None, head=True, tail=[], total=total))


def _conversations_head(rows: Sequence[bytes], fresh: Sequence[str], cursor: FeedCursor, last: int | None) -> FeedPage:
    """Return one page of the newest conversations, down to those that are known from before."""
    promised = cursor["total"] if cursor["mode"] == "all" else 0
    if not fresh or last is None or last < cursor.edge_ms:
        return FeedPage(list(rows), cursor, ended=True, promised=promised)
    tail = _usable_ids(rows)
    return FeedPage(list(rows), cursor.then(after=last + 1, tail=tail), promised=promised)


_FETCH: dict[str, Callable[[Client, FeedCursor], FeedPage]] = {
    "task": _fetch_tasks,
    "opportunity": _fetch_opportunities,
    "conversation": _fetch_conversations,
    "message": _fetch_messages,
}
