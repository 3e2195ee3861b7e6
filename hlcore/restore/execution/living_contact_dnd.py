"""Closes every channel of a living contact while something is added to it, and reopens them as they were.

The settings from before are in the journal together with the closing, so that the next run restores them if this one
dies in between. What could not be read, and channels that no update can name, might be opened by writing the rest back:
such a contact stays closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hlcore.errors import Cancelled, HighLevelError, Rejected
from hlcore.model.dnd import CHANNELS, FOREVER, all_closed, dnd_settings, simplified_update, without_closed_since
from hlcore.model.json_codec import decode_object
from hlcore.restore.job_context import JobContext
from hlcore.restore.journal_entries import CLOSE, REOPEN, UNSURE, WRITTEN
from hlcore.restore.plan import PlanItem
from hlcore.store.restores.journal import JournalEntry


def close_channels(context: JobContext, item: PlanItem, contact_id: str, before: Mapping[str, Any]) -> None:
    """Close every channel; the journal holds how they were. `before`: the contact as HighLevel shows it."""
    closing = _unreverted_closing(context, item, contact_id)
    if closing is not None:
        _send_update(context, item, contact_id, CLOSE, all_closed(), own=(closing.request or {}).get("own"))
        return
    own = dnd_settings(before)
    if before.get("dnd") is True:
        return
    if own.everywhere or own.others:
        _send_update(context, item, contact_id, CLOSE, all_closed(), own=all_closed())
        return
    channels = {channel: {**own.channels.get(channel, {}), "status": own.state(channel)} for channel in CHANNELS}
    body = all_closed()
    for channel, value in channels.items():
        if value["status"] == FOREVER:
            body["dndSettings"][channel] = value
    _send_update(context, item, contact_id, CLOSE, body, own={"dnd": False, "dndSettings": channels})


def reopen_channels(context: JobContext, item: PlanItem, contact_id: str) -> bool:
    """Restore the settings from before; a channel that the contact closed meanwhile stays closed. Return False when
    HighLevel refuses, and where all of them have to stay closed although not all were."""
    closing = _unreverted_closing(context, item, contact_id)
    if closing is None:
        return True
    own: dict[str, Any] = dict((closing.request or {}).get("own") or all_closed())
    body = without_closed_since(own, decode_object(context.client.contact(contact_id)))
    written = _send_update(context, item, contact_id, REOPEN, body) or _send_update(
        context, item, contact_id, REOPEN, simplified_update(body)
    )
    return written and own["dnd"] is False


def _unreverted_closing(context: JobContext, item: PlanItem, contact_id: str) -> JournalEntry | None:
    """Return the newest closing of the channels that was not taken back yet."""
    entries = context.entries_about(item.contact_id, contact_id)
    effective = (entry for entry in reversed(entries) if entry.step in (CLOSE, REOPEN) and not _had_no_effect(entry))
    last = next(effective, None)
    return last if last is not None and last.step == CLOSE else None


def _had_no_effect(entry: JournalEntry) -> bool:
    """Return whether the call surely changed nothing. A reopening without an answer counts as such: it is repeated."""
    return entry.note.startswith("not done") or (entry.step == REOPEN and entry.note != WRITTEN)


def _send_update(
    context: JobContext,
    item: PlanItem,
    contact_id: str,
    step: str,
    body: dict[str, Any],
    own: Mapping[str, Any] | None = None,
) -> bool:
    entry = context.log_request(item, step, body, target_id=contact_id, own=own)
    try:
        context.client.update_contact(contact_id, body)
    except Rejected as exc:
        context.log_response(entry, status=exc.status, note="not done: refused")
        return False
    except (HighLevelError, Cancelled) as exc:
        context.log_response(entry, status=getattr(exc, "status", 0), note=f"{UNSURE}: {type(exc).__name__}")
        raise
    context.log_response(entry, status=200, note=WRITTEN)
    return True
