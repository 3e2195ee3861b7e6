"""Closing every channel of a living contact while something is added to it, and opening them again as they were.

The settings from before are in the journal together with the closing, so that the next run puts them back if this one
dies in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hlcore.errors import Cancelled, HighLevelError, Rejected
from hlcore.model.dnd import CHANNELS, CLOSED, FOREVER, all_closed, own_settings, plainer
from hlcore.model.records import decode
from hlcore.restore.job_context import CLOSE, REOPEN, UNSURE, WRITTEN, JobContext
from hlcore.restore.plan import PlanItem
from hlcore.store.restores.journal import JournalEntry


def _closed_by_us(work: JobContext, item: PlanItem, target: str) -> JournalEntry | None:
    """The newest closing of the channels that nobody has taken back yet."""
    entries = work.entries_about(item.contact_id, target)
    last = next((one for one in reversed(entries) if one.step in (CLOSE, REOPEN) and not _void(one)), None)
    return last if last is not None and last.step == CLOSE else None


def _void(entry: JournalEntry) -> bool:
    """A call that surely changed nothing; a reopening without an answer is to be repeated."""
    return entry.note.startswith("not done") or (entry.step == REOPEN and entry.note != WRITTEN)


def close(work: JobContext, item: PlanItem, target: str, before: Mapping[str, Any]) -> None:
    """Every channel is closed, and the journal knows how they were."""
    if _closed_by_us(work, item, target) is not None:
        _put(work, item, target, CLOSE, all_closed(), _closed_by_us(work, item, target))
        return
    own = own_settings(before)
    if own.everywhere:
        return
    channels = {one: {**own.channels.get(one, {}), "status": own.state(one)} for one in CHANNELS}
    body = all_closed()
    for one, value in channels.items():
        if value["status"] == FOREVER:
            body["dndSettings"][one] = value
    entry = work.log_request(item, CLOSE, body, of=target, own={"dnd": False, "dndSettings": channels})
    _send(work, target, body, entry)


def _put(
    work: JobContext, item: PlanItem, target: str, step: str, body: dict[str, Any], known: JournalEntry | None
) -> bool:
    own = (known.request or {}).get("own") if known is not None else None
    entry = work.log_request(item, step, body, of=target, own=own if step == CLOSE else None)
    return _send(work, target, body, entry)


def _send(work: JobContext, target: str, body: dict[str, Any], entry: int) -> bool:
    try:
        work.client.update_contact(target, body)
    except Rejected as exc:
        work.log_response(entry, status=exc.status, note="not done: refused")
        return False
    except (HighLevelError, Cancelled) as exc:
        work.log_response(entry, status=getattr(exc, "status", 0), note=f"{UNSURE}: {type(exc).__name__}")
        raise
    work.log_response(entry, status=200, note=WRITTEN)
    return True


def reopen(work: JobContext, item: PlanItem, target: str) -> bool:
    """The settings from before are back; a channel that the person closed meanwhile stays closed."""
    closing = _closed_by_us(work, item, target)
    if closing is None:
        return True
    own: dict[str, Any] = dict((closing.request or {}).get("own") or all_closed())
    now = own_settings(decode(work.client.contact(target)))
    channels = {one: _stricter(own["dndSettings"][one], now.channels.get(one, {})) for one in CHANNELS}
    body = {"dnd": own["dnd"], "dndSettings": channels}
    return _put(work, item, target, REOPEN, body, None) or _put(work, item, target, REOPEN, plainer(body), None)


def _stricter(before: dict[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """As before, unless it was closed in words or for good since: that was not us."""
    told = bool(now.get("message") or now.get("code")) and now.get("status") == CLOSED
    return dict(now) if now.get("status") == FOREVER or told else dict(before)
