"""Walking a feed of the whole location, page by page: the cheap way to what belongs to contacts.

Each page and the place behind it are kept in one transaction, so that a walk that was stopped anywhere goes on there. A
feed may leave live rows out or end early (as HighLevel's users report of the opportunities' feed): a walk counts only
when it showed as many rows as were promised, and what it did not show is asked for contact by contact.

Where a walk stands, and what one page of it brought.

The export of all messages: one pass for everything but e-mail, one for e-mail, newest first.

The cursor of an export dies about two minutes after its last use. The walk then begins a new export that ends at the
oldest message it has already kept; what comes twice is recognised by its id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hlcore.errors import BrokenAnswer, Gone, HighLevelError, Rejected
from hlcore.model.contact import moment
from hlcore.model.records import decode, identity, plural
from hlcore.store import Tx, records
from hlcore.store.capture import feeds
from hlcore.store.capture import state as capture_state
from hlcore.store.capture.feeds import FeedState
from hlcore.sync.capture.contact_records import EXPORT_PASSES, want_texts
from hlcore.sync.capture.session import CLOSED, ENDS, CaptureSession

LAG = timedelta(minutes=10)
"""News are asked for from so much before the last look: clocks differ and indexes lag."""


@dataclass(frozen=True, slots=True)
class FeedCursor:
    """The checkpoint of a walk: JSON values. `mode` is all or news; `rows` counts what it showed, each once; `calls`
    its pages; `since` is the last look before it."""

    values: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name, 0)

    def get(self, name: str, default: Any = None) -> Any:
        """The value, or the default where there is none."""
        found = self.values.get(name)
        return default if found is None else found

    def then(self, **changes: Any) -> FeedCursor:
        """The mark with other values."""
        return FeedCursor({**self.values, **changes})

    def count(self, *, fresh: int) -> FeedCursor:
        """The mark after one more page with so many rows that were not seen before."""
        return self.then(rows=self["rows"] + fresh, calls=self["calls"] + 1, fresh=fresh)

    @property
    def since(self) -> datetime | None:
        """News are asked for from here."""
        text = self.get("since", "")
        return datetime.fromisoformat(text) - LAG if text else None

    @property
    def edge_ms(self) -> int:
        """What is older (milliseconds since 1970) was there before the walk, or before the last look."""
        edge = self.since or datetime.fromisoformat(self["began"]) - LAG
        return int(edge.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One page: its rows, where the walk stands behind it, and whether it was the last. `full`: so many rows must have
    been shown by the end. `failed`: why the walk cannot be ended."""

    rows: Sequence[bytes]
    cursor: FeedCursor
    ended: bool = False
    full: int = 0
    failed: str = ""

    def verdict(self, mark: FeedCursor) -> str | None:
        """None: go on. '': complete. Else why the walk cannot count."""
        if self.failed:
            return self.failed
        if self.full and mark["rows"] >= self.full:
            return ""
        if not self.ended:
            return None
        if mark["rows"] < self.full:
            return f"{self.full:,} were promised, {mark['rows']:,} came."
        return ""


MESSAGE_PAGE = 500
RESTARTS = 50
PATIENCE = 2
_TIE = timedelta(seconds=1)


def page(client: Any, mark: FeedCursor) -> FeedPage:
    """The next page of the export. Raises HighLevelError; Rejected when HighLevel refuses even the plain export,
    BrokenAnswer for one that would never end."""
    number = mark["pass"]
    try:
        rows, cursor, total = client.export_messages(
            cursor=mark.get("cursor", ""), limit=MESSAGE_PAGE, extra={**EXPORT_PASSES[number], **_span(mark)}
        )
    except Rejected:
        return _begin_again(mark)
    first = identity(rows[0])[0] if rows else ""
    if first and mark.get("cursor") and first == mark.get("first"):
        raise BrokenAnswer("HighLevel's export of messages shows the same page again.")
    part = mark["part"] + len(rows)
    after = mark.then(
        cursor=cursor, first=first, part=part, edge=_edge(mark, rows), total=mark["before"] + (total or 0)
    )
    if cursor:
        return FeedPage(rows, after)
    if total is not None and part < total:
        return _short(rows, after, total - part)
    if number + 1 < len(EXPORT_PASSES):
        clean = {"cursor": None, "edge": None, "ends": None, "part": 0, "restarts": 0, "short": 0}
        return FeedPage(rows, after.then(**clean, **{"pass": number + 1, "before": after["total"]}))
    return FeedPage(rows, after, ended=True)


def _short(rows: Sequence[bytes], mark: FeedCursor, missing: int) -> FeedPage:
    """The export ended before all that it promised: the rest is asked for again, not for ever."""
    if mark["short"] >= PATIENCE:
        return FeedPage(rows, mark, ended=True, failed=f"{missing:,} promised messages did not come.")
    return FeedPage(rows, _again(mark.then(short=mark["short"] + 1)))


def _span(mark: FeedCursor) -> dict[str, Any]:
    """What of the messages is asked for: news by when they changed, the rest of a broken export by when it stopped."""
    asked: dict[str, Any] = {}
    if mark["mode"] == "news" and mark.since and not mark["plain"]:
        asked |= {"startDate": _iso(mark.since), "sortBy": "updatedAt"}
    if mark.get("ends"):
        asked["endDate"] = mark["ends"]
    return asked


def _begin_again(mark: FeedCursor) -> FeedPage:
    """The cursor died: on from the last safe place. Refused without a cursor: once more without dates."""
    if mark.get("cursor"):
        return FeedPage([], _again(mark))
    if mark["plain"] and not mark.get("ends"):
        raise Rejected("HighLevel refuses the export of messages", status=400)
    return FeedPage([], mark.then(plain=True, ends=None))


def _again(mark: FeedCursor) -> FeedCursor:
    """A new export from the oldest message kept so far; from the start where the order was not by date."""
    if mark["restarts"] >= RESTARTS:
        raise Rejected("HighLevel's export of messages broke off too often", status=400)
    edge = moment(mark.get("edge")) if mark["mode"] == "all" else None
    ends = _iso(edge + _TIE) if edge and not mark["plain"] else None
    return mark.then(cursor=None, part=0, ends=ends, restarts=mark["restarts"] + 1)


def _edge(mark: FeedCursor, rows: Sequence[bytes]) -> Any:
    """The date of the oldest row so far; once rows were out of order, none."""
    dates = [moment(decode(raw).get("dateAdded")) for raw in rows]
    known = [each for each in dates if each is not None]
    before = moment(mark.get("edge"))
    if len(known) < len(dates) or known != sorted(known, reverse=True):
        return "none"
    if not known or mark.get("edge") == "none":
        return mark.get("edge")
    return _iso(min(known[-1], before) if before else known[-1])


def _iso(at: datetime) -> str:
    plain = at.astimezone(UTC)
    return plain.strftime("%Y-%m-%dT%H:%M:%S.") + f"{plain.microsecond // 1000:03d}Z"


PAGE = 100
SMALL_PAGE = 25
OVERLAP = 5
"""Rows that a page of tasks shares with the one before: proof that none slipped by when another was deleted."""
TOLD_OF_TASKS = ("title", "body", "assignedTo", "dueDate")
PROOFS = 3
"""So many tasks of a list are compared with what their contacts' own lists tell."""


def walk(g: CaptureSession, kind: str, calls: int, *, news: bool = False) -> None:
    """At most `calls` more pages of the feed are in the vault; at its end everybody is safe by it, and who has records
    that it did not show is wanted. Faults of HighLevel end the walk and are noted. Raises `gathering.ENDS`,
    StoreError."""
    state = _begin(g, kind, news)
    for _ in range(calls):
        g.tell(f"Reading {plural(kind)}", int((state.checkpoint or {}).get("rows", 0)), _told(state))
        try:
            turn = PAGES[kind](g.client, FeedCursor(state.checkpoint or {}))
            state = _keep(g, state, turn)
        except ENDS:
            raise
        except CLOSED as exc:
            _fail(g, state, str(exc), for_good=True)
            return
        except HighLevelError as exc:
            _fail(g, state, str(exc))
            return
        if state.began_at is None:
            return


def _told(state: FeedState) -> int:
    mark = state.checkpoint or {}
    return max(int(mark.get("total", 0)), int(mark.get("rows", 0)))


def _begin(g: CaptureSession, kind: str, news: bool) -> FeedState:
    """The walk under way, or a new one."""
    with g.vault.read() as tx:
        state = feeds.get(tx, g.location_id, kind)
    mode = "news" if news else "all"
    if state.began_at is not None and (state.checkpoint or {}).get("mode") == mode:
        return state
    since = state.covered_at if news else None
    began = g.now()
    mark = {"mode": mode, "began": began.isoformat(), "since": since.isoformat() if since else ""}
    with g.lock, g.vault.write(of=g.location_id) as tx:
        return feeds.save(tx, g.location_id, kind, began_at=began, checkpoint=mark, refused_at=None)


def _keep(g: CaptureSession, state: FeedState, turn: FeedPage) -> FeedState:
    """The rows of a page and where the walk stands behind them are stored together."""
    rows = [_identified(raw, state.kind) for raw in turn.rows]
    began = state.began_at or g.now()
    with g.lock, g.vault.write(of=g.location_id) as tx:
        seen = records.seen_since(tx, g.location_id, state.kind, [row[0] for row in rows], at=began)
        counts = records.put(tx, g.location_id, state.kind, rows, at=g.now())
        if state.kind == "message":
            want_texts(tx, g.location_id, [(row[0], row[2]) for row in rows], at=g.now())
        mark = turn.cursor.count(fresh=len({row[0] for row in rows} - seen))
        state = _advance(tx, g, state, turn, mark)
    g.taken[state.kind] += counts.added + counts.changed
    return state


def _identified(raw: bytes, kind: str) -> tuple[str, str, bytes]:
    record_id, contact_id = identity(raw)
    if not record_id or not contact_id:
        raise BrokenAnswer(f"HighLevel's list of {plural(kind)} holds one that does not say whose it is.")
    return record_id, contact_id, raw


def _advance(tx: Tx, g: CaptureSession, state: FeedState, turn: FeedPage, mark: FeedCursor) -> FeedState:
    verdict = turn.verdict(mark)
    if verdict is None:
        return feeds.save(tx, g.location_id, state.kind, checkpoint=mark.values)
    if verdict:
        return _failed(tx, g, state, verdict)
    began = state.began_at or g.now()
    if mark["mode"] == "news":
        ended = {"covered_at": began, "began_at": None, "checkpoint": None, "fails": 0, "note": ""}
        return feeds.save(tx, g.location_id, state.kind, **ended)
    capture_state.mark_settled(tx, g.location_id, state.kind, at=began)
    doubted = capture_state.doubt(tx, g.location_id, state.kind, walked_at=began, at=g.now())
    if doubted:
        g.tell(f"Asking {doubted:,} contacts for the {plural(state.kind)} that the list does not show any more")
    whole = {"covered_at": began, "walked_at": began, "rows": mark["rows"], "fails": 0, "note": ""}
    return feeds.save(tx, g.location_id, state.kind, began_at=None, checkpoint=None, **whole)


def _fail(g: CaptureSession, state: FeedState, reason: str, *, for_good: bool = False) -> None:
    with g.lock, g.vault.write(of=g.location_id) as tx:
        _failed(tx, g, state, reason, for_good=for_good)


def _failed(tx: Tx, g: CaptureSession, state: FeedState, reason: str, *, for_good: bool = False) -> FeedState:
    """The walk ended without a conclusion; after some the feed is left alone for a while."""
    g.note(f"The list of {plural(state.kind)} could not be read to its end: {reason}")
    fails = state.fails + 1
    closed = for_good or fails >= PATIENCE
    columns: dict[str, Any] = {"fails": 0 if closed else fails, "note": reason}
    columns |= {"refused_at": g.now() if closed else None}
    return feeds.save(tx, g.location_id, state.kind, began_at=None, checkpoint=None, **columns)


def _tasks(client: Any, mark: FeedCursor) -> FeedPage:
    """Tasks come by `skip`, so that rows move when one is deleted meanwhile: pages overlap, and a page that does not
    know the end of the one before is read again from further up. Raises BrokenAnswer for a list that would never end,
    or that is not the whole of it."""
    skip, limit, tail = mark.get("skip", 0), mark.get("limit", PAGE), mark.get("tail", [])
    try:
        rows = client.search_tasks(limit=limit, skip=skip)
    except Rejected:
        if limit == SMALL_PAGE:
            raise
        return FeedPage([], mark.then(limit=SMALL_PAGE))
    ids = [identity(raw)[0] for raw in rows]
    if ids and ids[-1] == mark.get("last") and len(ids) >= mark["size"] and not mark["back"]:
        raise BrokenAnswer("HighLevel's list of tasks shows the same page again.")
    if not skip:
        _prove_whole(client, rows)
    if tail and ids and not set(ids) & set(tail) and mark.get("back", 0) < 5:
        return FeedPage([], mark.then(skip=max(0, skip - limit), back=mark.get("back", 0) + 1))
    fresh = [each for each in ids if each not in tail]
    forward = len(rows) - OVERLAP if len(rows) > 2 * OVERLAP else len(rows)
    after = mark.then(skip=skip + forward, tail=ids[-OVERLAP:] if forward < len(rows) else [], back=0)
    return FeedPage(rows, after.then(last=ids[-1] if ids else "", size=len(ids)), ended=not fresh)


def _prove_whole(client: Any, rows: Sequence[bytes]) -> None:
    """What some of these tasks do not say, they do not say in their contacts' own lists either; else BrokenAnswer."""
    doubtful = {identity(raw)[1]: raw for raw in rows if not all(decode(raw).get(name) for name in TOLD_OF_TASKS)}
    for contact_id, raw in list(doubtful.items())[:PROOFS]:
        try:
            own = {identity(each)[0]: decode(each) for each in client.tasks(contact_id)}
        except Gone:
            continue
        here, there = decode(raw), own.get(identity(raw)[0], {})
        if any(there.get(name) and name not in here for name in TOLD_OF_TASKS):
            raise BrokenAnswer("HighLevel's list of tasks leaves out what the contacts' own lists tell.")


def _opportunities(client: Any, mark: FeedCursor) -> FeedPage:
    """By cursor; where the cursor ends before the promised total is reached, by page number from there on."""
    page = client.search_opportunities(cursor=mark.get("cursor"), limit=PAGE)
    total = page.total or 0
    numbered = "page" in (mark.get("cursor") or {})
    if page.rows and page.next is not None and page.next != mark.get("cursor") and not numbered:
        return FeedPage(page.rows, mark.then(cursor=page.next, total=total))
    number = mark["cursor"]["page"] + 1 if numbered else (mark["rows"] + len(page.rows)) // PAGE + 1
    done = not page.rows or (numbered and (number - 1) * PAGE >= total)
    return FeedPage(page.rows, mark.then(cursor={"page": number}, total=total), ended=done, full=total)


def _conversations(client: Any, mark: FeedCursor) -> FeedPage:
    """Newest first. A conversation that gets a message meanwhile jumps to the top: the head is read again at the end.
    Several may share one moment: the cursor steps back by one so that none of them falls between two pages."""
    page = client.search_conversations(start_after=mark.get("after"), limit=PAGE)
    ids = [identity(raw)[0] for raw in page.rows]
    tail = mark.get("tail", [])
    fresh = [each for each in ids if each not in tail]
    last, total = page.next, page.total or 0
    if mark["mode"] == "news" or mark.get("head"):
        return _head(page.rows, fresh, mark.then(total=total), last)
    if total and mark["rows"] + len(fresh) >= total:
        return FeedPage(page.rows, mark.then(after=None, head=True, tail=[], total=total))
    if not fresh and mark.get("near") and last is not None:
        return FeedPage(page.rows, mark.then(after=last, near=False, tail=ids, total=total))
    if fresh and last is not None:
        return FeedPage(page.rows, mark.then(after=last + 1, near=True, tail=ids, total=total))
    return FeedPage(page.rows, mark.then(after=None, head=True, tail=[], total=total))


def _head(rows: Sequence[bytes], fresh: Sequence[str], mark: FeedCursor, last: int | None) -> FeedPage:
    """One page of the newest ones, until those that were there when the walk (or the last look) began."""
    full = mark["total"] if mark["mode"] == "all" else 0
    if not fresh or last is None or last < mark.edge_ms:
        return FeedPage(list(rows), mark, ended=True, full=full)
    return FeedPage(list(rows), mark.then(after=last + 1, tail=[identity(raw)[0] for raw in rows]), full=full)


PAGES: dict[str, Callable[[Any, FeedCursor], FeedPage]] = {
    "task": _tasks,
    "opportunity": _opportunities,
    "conversation": _conversations,
    "message": page,
}
