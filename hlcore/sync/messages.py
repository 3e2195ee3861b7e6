"""The export of all messages: one pass for everything but e-mail, one for e-mail, newest first.

The cursor of an export dies about two minutes after its last use. The walk then begins a new export that ends at the
oldest message it has already kept; what comes twice is recognised by its id.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hlcore.errors import BrokenAnswer, Rejected
from hlcore.model.contact import moment
from hlcore.model.parts import decode, identity
from hlcore.sync.reading import EXPORT_PASSES
from hlcore.sync.turns import Mark, Turn

PAGE = 500
RESTARTS = 50
PATIENCE = 2
_TIE = timedelta(seconds=1)


def page(client: Any, mark: Mark) -> Turn:
    """The next page of the export. Raises HighLevelError; Rejected when HighLevel refuses even the plain export,
    BrokenAnswer for one that would never end."""
    number = mark["pass"]
    try:
        rows, cursor, total = client.export_messages(
            cursor=mark.get("cursor", ""), limit=PAGE, extra={**EXPORT_PASSES[number], **_span(mark)}
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
        return Turn(rows, after)
    if total is not None and part < total:
        return _short(rows, after, total - part)
    if number + 1 < len(EXPORT_PASSES):
        clean = {"cursor": None, "edge": None, "ends": None, "part": 0, "restarts": 0, "short": 0}
        return Turn(rows, after.then(**clean, **{"pass": number + 1, "before": after["total"]}))
    return Turn(rows, after, ended=True)


def _short(rows: Sequence[bytes], mark: Mark, missing: int) -> Turn:
    """The export ended before all that it promised: the rest is asked for again, not for ever."""
    if mark["short"] >= PATIENCE:
        return Turn(rows, mark, ended=True, failed=f"{missing:,} promised messages did not come.")
    return Turn(rows, _again(mark.then(short=mark["short"] + 1)))


def _span(mark: Mark) -> dict[str, Any]:
    """What of the messages is asked for: news by when they changed, the rest of a broken export by when it stopped."""
    asked: dict[str, Any] = {}
    if mark["mode"] == "news" and mark.since and not mark["plain"]:
        asked |= {"startDate": _iso(mark.since), "sortBy": "updatedAt"}
    if mark.get("ends"):
        asked["endDate"] = mark["ends"]
    return asked


def _begin_again(mark: Mark) -> Turn:
    """The cursor died: on from the last safe place. Refused without a cursor: once more without dates."""
    if mark.get("cursor"):
        return Turn([], _again(mark))
    if mark["plain"] and not mark.get("ends"):
        raise Rejected("HighLevel refuses the export of messages", status=400)
    return Turn([], mark.then(plain=True, ends=None))


def _again(mark: Mark) -> Mark:
    """A new export from the oldest message kept so far; from the start where the order was not by date."""
    if mark["restarts"] >= RESTARTS:
        raise Rejected("HighLevel's export of messages broke off too often", status=400)
    edge = moment(mark.get("edge")) if mark["mode"] == "all" else None
    ends = _iso(edge + _TIE) if edge and not mark["plain"] else None
    return mark.then(cursor=None, part=0, ends=ends, restarts=mark["restarts"] + 1)


def _edge(mark: Mark, rows: Sequence[bytes]) -> Any:
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
