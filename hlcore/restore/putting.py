"""Putting the planned fields of one living contact back, safe to be killed at any line and to be called again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from hlcore.errors import Cancelled, Duplicate, HighLevelError, NotFound, Rejected
from hlcore.model.fidelity import Difference, compare
from hlcore.model.fields import label_of
from hlcore.model.parts import decode
from hlcore.model.rewind import freshened, meanwhile, rest
from hlcore.restore import live
from hlcore.restore.plan import PlanItem
from hlcore.restore.recreate import Done, Later
from hlcore.restore.work import UNSURE, Work, body_of
from hlcore.store import contacts, restores
from hlcore.store.restores import Entry, Item

STEP = "put_back"
PUT_BACK = "put_back"
NOT_ASKED = "This was not asked for."


def put(work: Work, item: Item) -> Done | Later:
    """The contact's chosen fields are as they were, or it is said why not. Nothing newer is overwritten.

    Raises HighLevelError when HighLevel cannot be asked, and Cancelled; the next call goes on from there."""
    plan = PlanItem.load(item.plan)
    given = plan.body or {}
    expected: dict[str, Any] = given["expected"]
    raw = live.alive(work.client, item.contact_id)
    if raw is None:
        return Done("skipped", error="It is not in HighLevel any more.")
    found = decode(raw)
    sent = _sent(work, item.contact_id)
    if sent is not None and not compare(body_of(sent), found):
        work.answered(sent, note="written, found by looking")
        return _read_back(work, item.contact_id, body_of(sent), expected, _before(work, item.contact_id, found), raw)
    newer = meanwhile(expected, found)
    if newer:
        names = ", ".join(dict.fromkeys(label_of(one.partition(".")[0]) for one in newer))
        return Done("skipped", error=f"Changed in HighLevel since the last copy: {names}. The newer value stays.")
    _keep(work, item.contact_id, raw)
    return _write(work, plan, freshened(given["put"], found, expected), expected, found)


def _write(
    work: Work, plan: PlanItem, body: dict[str, Any], expected: Mapping[str, Any], before: Mapping[str, Any]
) -> Done:
    entry = work.intend(plan, STEP, body, of=plan.contact_id)
    try:
        work.client.update_contact(plan.contact_id, body)
    except Duplicate as exc:
        work.answered(entry, status=exc.status, note="refused: duplicate")
        return Done("skipped", error="Another contact holds this e-mail or phone now. Nothing was changed.")
    except Rejected as exc:
        work.answered(entry, status=exc.status, note="refused")
        told = ", ".join(exc.fields)
        return Done("failed", error=f"HighLevel refused the update{f': {told}' if told else ''}. Nothing was changed.")
    except (HighLevelError, Cancelled) as exc:
        work.answered(entry, status=getattr(exc, "status", 0), note=f"{UNSURE}: {type(exc).__name__}")
        raise
    work.answered(entry, status=200, note="written")
    return _read_back(work, plan.contact_id, body, expected, before, work.client.contact(plan.contact_id))


def _read_back(
    work: Work,
    contact_id: str,
    body: Mapping[str, Any],
    chosen: Collection[str],
    before: Mapping[str, Any],
    raw: bytes,
) -> Done:
    """The chosen fields must be as planned, and everything else as it was."""
    after = decode(raw)
    differences = (*compare(body, after), *_others(before, after, chosen))
    _keep(work, contact_id, raw)
    return Done(PUT_BACK, verified=not differences, differences=differences)


def _others(before: Mapping[str, Any], after: Mapping[str, Any], chosen: Collection[str]) -> list[Difference]:
    was, now = rest(before, chosen), rest(after, chosen)
    names = [*was, *(name for name in now if name not in was)]
    return [Difference(one, was.get(one), now.get(one), NOT_ASKED) for one in names if was.get(one) != now.get(one)]


def _sent(work: Work, contact_id: str) -> Entry | None:
    """What this job has sent for the contact before, unless HighLevel refused it."""
    with work.vault.read() as tx:
        found = restores.entries(tx, work.job_id, contact_id=contact_id)
    mine = [one for one in found if one.step == STEP and not one.note.startswith("refused")]
    return mine[-1] if mine else None


def _before(work: Work, contact_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The contact as it was before the earlier call; that was kept before anything was sent."""
    with work.vault.read() as tx:
        held = contacts.get(tx, work.location_id, contact_id)
    return decode(held.detail) if held is not None and held.detail is not None else found


def _keep(work: Work, contact_id: str, raw: bytes) -> None:
    """What HighLevel shows is the contact's copy; the copy before it is a version."""
    try:
        with work.vault.write() as tx:
            contacts.store_detail(tx, work.location_id, contact_id, raw, work.now())
    except NotFound:
        return
