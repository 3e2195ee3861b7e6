"""Making one lost contact anew, safe to be killed at any line and to be called again.

Look whether it is still lost and nobody else holds its address → create with every channel closed → read back →
fill what HighLevel silently dropped → write the person's own do-not-disturb → read back and compare.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from hlcore.errors import AnswerLost, Cancelled, Duplicate, Gone, HighLevelError, Rejected
from hlcore.model.contact import parse
from hlcore.model.custom_values import is_empty
from hlcore.model.dnd import plainer
from hlcore.model.fidelity import Difference, compare, explained
from hlcore.model.lifecycle import Status
from hlcore.model.narrowing import gaps, named, narrowed
from hlcore.model.writable import UPDATE
from hlcore.restore import live
from hlcore.restore.plan import Conflict, PlanItem
from hlcore.restore.settle import NotDone, NotYet, Ours, is_ours, settle
from hlcore.restore.work import (
    CREATE,
    FILL,
    LOOKED,
    NOT_DONE,
    SETTINGS,
    UNSURE,
    Work,
    body_of,
    is_unsure,
    refusal_note,
    refused_fields,
)
from hlcore.store import contacts, register
from hlcore.store.restores import Entry

MOST_CREATES = 10
"""How many create calls one contact may cost; each was settled as not done before the next."""
ERASED = "It was erased for good at the person's request."
REFUSED = "HighLevel refused this value."
_CLOSED = frozenset({"dnd", "dndSettings"})


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one contact. `raw`: the new contact as HighLevel shows it in the end."""

    outcome: str
    new_id: str = ""
    verified: bool | None = None
    differences: tuple[Difference, ...] = ()
    error: str = ""
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing can be done about this contact before this moment."""

    until: datetime


@dataclass(frozen=True, slots=True)
class _Made:
    """The contact exists under its new id. `body` is what HighLevel took."""

    contact_id: str
    body: dict[str, Any]
    at: datetime


def recreate(work: Work, item: PlanItem) -> Done | Later:
    """The contact is made anew, verified, or it is said why not. Never made twice, however often this is called.

    Raises HighLevelError when HighLevel cannot be asked, and Cancelled; the next call goes on from there."""
    over = _over(work, item)
    if over is not None:
        return over
    with nullcontext() if {"email", "phone"} & (item.body or {}).keys() else work.lane:
        made = _make(work, item)
    return _finish(work, item, made) if isinstance(made, _Made) else made


def _make(work: Work, item: PlanItem) -> _Made | Done | Later:
    planned = item.body or {}
    while True:
        entries = work.creates(item.contact_id)
        known = _settled(work, item, entries)
        if known is not None:
            return known
        if (until := work.waits_until(item.contact_id)) is not None:
            return Later(until)
        entries = work.creates(item.contact_id)
        body = narrowed(planned, [fields for one in entries if (fields := refused_fields(one)) is not None])
        stop = _obstacle(work, item, entries, body)
        if stop is not None:
            return stop
        assert body is not None
        made = _create(work, item, body, entries)
        if made is not None:
            return made


def _settled(work: Work, item: PlanItem, entries: list[Entry]) -> _Made | Done | Later | None:
    """What earlier create calls led to; None when they surely made nothing."""
    for entry in entries:
        if entry.result_id:
            return _Made(entry.result_id, body_of(entry), entry.sent_at)
    for entry in filter(is_unsure, entries):
        if LOOKED in entry.note and work.now() < entry.sent_at + work.lag:
            return Later(entry.sent_at + work.lag)
        found = settle(work, item, entry)
        told = refused_fields(entry)
        if isinstance(found, NotYet):
            state = f"{UNSURE}, {LOOKED}"
            work.answered(entry, note=state if told is None else refusal_note(told, state=state))
            return Later(found.until)
        if isinstance(found, Ours):
            work.answered(entry, result_id=found.contact_id, note="found by looking")
            return _Made(found.contact_id, body_of(entry), entry.sent_at)
        work.answered(entry, note=NOT_DONE if told is None else refusal_note(told))
        if not isinstance(found, NotDone):
            return _conflict(found)
    return None


def _over(work: Work, item: PlanItem) -> Done | None:
    """Why there is nothing to be done any more, as the vault knows: erased, or re-created by another job."""
    with work.vault.read() as tx:
        held = contacts.get(tx, work.location_id, item.contact_id)
        rows = register.of_contact(tx, work.location_id, item.contact_id)
    if held is None or held.status == Status.ERASED:
        return Done("skipped", error=ERASED)
    if held.status == Status.RECREATED:
        new_id = max(rows, key=lambda row: row.disappearance_id).new_contact_id if rows else ""
        return Done("skipped", error=f"It was already re-created as {new_id or 'another contact'}.")
    return None


def _obstacle(work: Work, item: PlanItem, entries: list[Entry], body: dict[str, Any] | None) -> Done | None:
    """Why the contact must not be created now, by what was tried and by HighLevel."""
    if body is None or len(entries) >= MOST_CREATES:
        return _failed(entries, "HighLevel refused the contact again and again, whatever was left out.")
    if live.alive(work.client, item.contact_id) is not None:
        return Done("skipped", error="It is alive again in HighLevel under its old id.")
    conflict = live.conflict_of(work.vault, work.client, item.contact_id, body)
    return _conflict(conflict) if conflict is not None else None


def _create(work: Work, item: PlanItem, body: dict[str, Any], earlier: list[Entry]) -> _Made | Done | None:
    """One create call. None: it is to be settled by looking, or surely was not done."""
    assert body.keys() >= _CLOSED, "a create call without do-not-disturb"
    sent_at = work.now()
    entry_id = work.intend(item, CREATE, body)
    try:
        new_id = parse(work.client.create_contact(body)).contact_id
    except Duplicate as exc:
        work.answered(entry_id, status=exc.status, note=f"another contact holds the {exc.field or 'address'}")
        return _duplicate(work, item, exc, earlier)
    except Rejected as exc:
        work.answered(entry_id, status=exc.status, note=refusal_note(exc.fields, state=UNSURE))
        return None
    except (AnswerLost, ValueError) as exc:
        work.answered(entry_id, status=getattr(exc, "status", 0), note=f"{UNSURE}: no usable answer")
        return None
    except (HighLevelError, Cancelled) as exc:
        work.answered(entry_id, status=getattr(exc, "status", 0), note=f"not done: {type(exc).__name__}")
        raise
    work.answered(entry_id, status=201, result_id=new_id, note="created")
    return _Made(new_id, body, sent_at)


def _duplicate(work: Work, item: PlanItem, exc: Duplicate, earlier: list[Entry]) -> _Made | Done:
    """Somebody holds the address: perhaps what an earlier call of ours made, and a search did not show."""
    raw = live.alive(work.client, exc.contact_id)
    if raw is not None and exc.contact_id == item.contact_id:
        return Done("skipped", error="It is alive again in HighLevel under its old id.")
    for entry in earlier:
        if raw is not None and is_ours(work, item, raw, entry):
            work.answered(entry, result_id=exc.contact_id, note="found as duplicate")
            return _Made(exc.contact_id, body_of(entry), entry.sent_at)
    return _conflict(Conflict(exc.contact_id, exc.field))


def _conflict(conflict: Conflict) -> Done:
    return Done("skipped", error=f"{conflict.words} Nothing was overwritten.")


def _failed(entries: list[Entry], words: str) -> Done:
    last = entries[-1] if entries else None
    status = f" Its last answer was {last.status}." if last is not None and last.status else ""
    return Done("failed", error=words + status)


def _finish(work: Work, item: PlanItem, made: _Made) -> Done | Later:
    """The contact that exists is as planned, or the differences are told."""
    target = {**(item.body or {}), **(item.after or {})}
    try:
        found = msgspec.json.decode(work.client.contact(made.contact_id))
        refused = _fill(work, item, made, found) | _own_settings(work, item, made.contact_id)
        raw = work.client.contact(made.contact_id)
    except Gone:
        return _not_shown(work, item, made)
    differences = explained(compare(target, msgspec.json.decode(raw)), refused, REFUSED)
    return Done("recreated", made.contact_id, not differences, differences, raw=raw)


def _not_shown(work: Work, item: PlanItem, made: _Made) -> Done | Later:
    """HighLevel does not show what was made. Until the lag is over that may still come; afterwards somebody has deleted
    it, and a later restore may make it again."""
    entry = next(one for one in work.creates(item.contact_id) if one.result_id == made.contact_id)
    due = made.at + work.lag
    if work.now() < due:
        work.answered(entry, result_id=made.contact_id, note=f"created, {LOOKED}")
        return Later(due)
    work.answered(entry, note=f"created as {made.contact_id}, and deleted again by somebody else")
    return Done("failed", made.contact_id, False, error="It was created, and deleted again by somebody else.")


def _fill(work: Work, item: PlanItem, made: _Made, found: dict[str, Any]) -> frozenset[str]:
    """What was planned and is still empty is written once more; never what HighLevel shows a value for, nor what it
    refused by name. The names of what it refused, now or before."""
    planned = {key: value for key, value in (item.body or {}).items() if key not in _CLOSED}
    missing = [one.field for one in compare(planned, found) if is_empty(one.found)]
    before = frozenset[str]().union(
        *(named(body_of(one), fields) for one in work.creates(item.contact_id) if (fields := refused_fields(one)))
    )
    update = gaps(planned, missing, before, UPDATE)
    return before | _update(work, item, made.contact_id, update)


def _own_settings(work: Work, item: PlanItem, contact_id: str) -> frozenset[str]:
    """The person's own do-not-disturb is back, in one request; where HighLevel refuses, channels stay closed."""
    if item.after is None or _put(work, item, contact_id, SETTINGS, item.after):
        return frozenset()
    simple = plainer(item.after)
    if simple != item.after and _put(work, item, contact_id, SETTINGS, simple):
        return frozenset()
    return _CLOSED


def _update(work: Work, item: PlanItem, contact_id: str, body: dict[str, Any]) -> frozenset[str]:
    """This update is done as far as HighLevel takes it: what it refuses is halved until the culprit is alone. The
    names of the culprits."""
    if not body or _put(work, item, contact_id, FILL, body):
        return frozenset()
    parts = _halves(body)
    if not parts:
        return frozenset({_name(body)})
    return frozenset[str]().union(*(_update(work, item, contact_id, part) for part in parts))


def _put(work: Work, item: PlanItem, contact_id: str, step: str, body: dict[str, Any]) -> bool:
    """Whether HighLevel took the update. Raises HighLevelError for everything but a refusal."""
    entry_id = work.intend(item, step, body, of=contact_id)
    try:
        work.client.update_contact(contact_id, body)
    except (Rejected, Duplicate) as exc:
        work.answered(entry_id, status=exc.status, note="refused")
        return False
    except (HighLevelError, Cancelled) as exc:
        work.answered(entry_id, status=getattr(exc, "status", 0), note=f"{UNSURE}: {type(exc).__name__}")
        raise
    work.answered(entry_id, status=200, result_id=contact_id, note="written")
    return True


def _halves(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The update in two parts; none when it is one value."""
    values = body.get("customFields", [])
    if len(body) > 1:
        keys = list(body)
        half = len(keys) // 2
        return [{key: body[key] for key in keys[:half]}, {key: body[key] for key in keys[half:]}]
    if len(values) > 1:
        half = len(values) // 2
        return [{"customFields": values[:half]}, {"customFields": values[half:]}]
    return []


def _name(body: dict[str, Any]) -> str:
    key = next(iter(body))
    return f"customFields.{body[key][0]['id']}" if key == "customFields" else key
