"""Adding to a living contact what it lacks of its last copy: blanks of the contact, tags, and records. Nothing that it
has is overwritten.

It is as quiet as a restore: where something is added, every channel is closed first and the settings that the person
has now are written back at the end, also by the next run if this one dies in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hlcore.errors import Cancelled, Gone, HighLevelError, Rejected
from hlcore.model.custom_values import is_empty, values_of
from hlcore.model.dnd import CHANNELS, CLOSED, FOREVER, all_closed, own_settings, plainer
from hlcore.model.fidelity import Difference, compare, explained
from hlcore.model.parts import decode
from hlcore.restore import live
from hlcore.restore.attach import attach
from hlcore.restore.finish import write
from hlcore.restore.outcome import REFUSED, Done, Later
from hlcore.restore.plan import PlanItem
from hlcore.restore.verify import verify
from hlcore.restore.work import CLOSE, REOPEN, UNSURE, WRITTEN, Work
from hlcore.store.restores import Entry

AWAY = "It is not in HighLevel any more, so there is nothing to top up."


def blanks(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, Any]:
    """What of these properties the living contact has no value for; custom fields one by one."""
    body = {
        key: value for key, value in wanted.items() if key not in ("customFields", "tags") and is_empty(there.get(key))
    }
    held = values_of(there.get("customFields"))
    values = [item for item in wanted.get("customFields", ()) if is_empty(held.get(item["id"]))]
    return {**body, "customFields": values} if values else body


def top_up(work: Work, item: PlanItem) -> Done | Later:
    """What the living contact lacked is there, verified, or it is said what is not. Never overwrites a value, never
    makes a record twice. Raises HighLevelError when HighLevel cannot be asked, and Cancelled; may be repeated."""
    target = item.target_id or item.contact_id
    raw = live.alive(work.client, target)
    if raw is None:
        return Done("skipped", error=AWAY)
    try:
        return _add(work, item, target, decode(raw))
    except Gone:
        return Done("skipped", error=AWAY)


def _add(work: Work, item: PlanItem, target: str, before: dict[str, Any]) -> Done | Later:
    _close(work, item, target, before)
    refused = write(work, item, target, blanks(item.body or {}, before))
    waits = attach(work, item, target, look_first=True)
    reopened = waits is not None or _reopen(work, item, target)
    if waits is not None:
        return waits
    raw = work.client.contact(target)
    after = decode(raw)
    differences = [one for one in compare(item.body or {}, after) if is_empty(one.found)]
    told = (*explained(differences, refused, REFUSED), *_tags(item, after), *verify(work, item, target, after))
    if not reopened:
        told = (*told, Difference("dndSettings", "as it was", "closed", REFUSED))
    return Done("topped_up", target, not told, told, raw=raw)


def _tags(item: PlanItem, after: Mapping[str, Any]) -> tuple[Difference, ...]:
    there = {str(tag).strip().casefold() for tag in after.get("tags") or ()}
    missing = [tag for tag in item.tags if tag.strip().casefold() not in there]
    told = Difference("tags", list(item.tags), after.get("tags"), f"missing: {', '.join(missing)}")
    return (told,) if missing else ()


def _closed_by_us(work: Work, item: PlanItem, target: str) -> Entry | None:
    """The newest closing of the channels that nobody has taken back yet."""
    entries = work.about(item.contact_id, target)
    last = next((one for one in reversed(entries) if one.step in (CLOSE, REOPEN) and not _void(one)), None)
    return last if last is not None and last.step == CLOSE else None


def _void(entry: Entry) -> bool:
    """A call that surely changed nothing; a reopening without an answer is to be repeated."""
    return entry.note.startswith("not done") or (entry.step == REOPEN and entry.note != WRITTEN)


def _close(work: Work, item: PlanItem, target: str, before: Mapping[str, Any]) -> None:
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
    entry = work.intend(item, CLOSE, body, of=target, own={"dnd": False, "dndSettings": channels})
    _send(work, target, body, entry)


def _put(work: Work, item: PlanItem, target: str, step: str, body: dict[str, Any], known: Entry | None) -> bool:
    own = (known.request or {}).get("own") if known is not None else None
    entry = work.intend(item, step, body, of=target, own=own if step == CLOSE else None)
    return _send(work, target, body, entry)


def _send(work: Work, target: str, body: dict[str, Any], entry: int) -> bool:
    try:
        work.client.update_contact(target, body)
    except Rejected as exc:
        work.answered(entry, status=exc.status, note="not done: refused")
        return False
    except (HighLevelError, Cancelled) as exc:
        work.answered(entry, status=getattr(exc, "status", 0), note=f"{UNSURE}: {type(exc).__name__}")
        raise
    work.answered(entry, status=200, note=WRITTEN)
    return True


def _reopen(work: Work, item: PlanItem, target: str) -> bool:
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
