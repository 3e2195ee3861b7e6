"""Planning a restore: what would happen to each contact, and why. Reads the vault and HighLevel, writes nothing.

A planned contact with all that people want to read about it: its lines, what is left out, what is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from hlcore.errors import Cancelled, NotFound
from hlcore.highlevel import Client
from hlcore.model.lifecycle import LIVE, Status
from hlcore.model.progress import Listener, Progress, silent
from hlcore.model.records import decode
from hlcore.model.recovery_window import HIPAA_POLICY, RemainingTime, Window, remaining, window_of
from hlcore.model.restore.child_requests import OPPORTUNITY
from hlcore.model.restore.record_matching import SHELF
from hlcore.model.restore.restore_payload import RestorePayload
from hlcore.restore import live_state
from hlcore.restore.fidelity import without
from hlcore.restore.job_context import ERASED
from hlcore.restore.plan import (
    DOES,
    Conflict,
    FieldSources,
    Path,
    Plan,
    PlanChoices,
    PlanItem,
    lines_of,
    places,
    questions,
    skip_duplicates,
)
from hlcore.restore.planning.lookups import LookupCache, PlanLookups
from hlcore.restore.planning.native_restore import local, native_path
from hlcore.restore.planning.prepare import PrepareContext, PreparedContact, missing, prepare, side_by_side
from hlcore.restore.planning.vault_copy import VaultContact
from hlcore.settings import Settings
from hlcore.store import Vault, locations
from hlcore.store.contacts import search as contact_search
from hlcore.store.locations import Location

NATIVE = "HighLevel's own restore may bring it back; what it did not is added afterwards by a top-up"
NOBODY: Mapping[str, Any] = {}


def with_details(
    bench: PrepareContext, item: PlanItem, made: PreparedContact, living: Mapping[str, Any] = NOBODY
) -> PlanItem:
    """The item with its lines; questions and what is left out only where something is done. `living`: the contact that
    is topped up or stands in the way. Pure."""
    does = item.action in DOES
    known = bench.catalogue.fields or {}
    sides = FieldSources(
        copy=made.copy,
        living=living,
        written=_written(item) if does else {},
        reasons=made.wanted.reasons if does else {},
        labels={key: one.name for key, one in known.items()},
        why="" if does else NATIVE if item.action == "use_native" else item.reason,
        children=item.children,
        kin=made.children.children,
        left=made.rest.left if does else (),
        lost=made.children.lost if does else (),
    )
    return msgspec.structs.replace(
        item,
        lines=lines_of(sides),
        left_out=made.left_out if does else (),
        questions=questions(made.unplaced) if does else (),
    )


def _written(item: PlanItem) -> dict[str, Any]:
    """The contact's properties in all requests together."""
    tags = [*(item.body or {}).get("tags", ()), *item.tags]
    return {**(item.body or {}), **(item.after or {}), **({"tags": tags} if tags else {})}


WORKERS = 12
DEFAULT = PlanChoices()
CHUNK = 100


def never() -> bool:
    """Nobody asks to stop."""
    return False


@dataclass(frozen=True, slots=True)
class PlanContext:
    """What planning needs beside the contact."""

    look: PlanLookups
    location: Location
    path: Path
    app_url: str
    window: Window
    bench: PrepareContext
    now: datetime


def plan(
    vault: Vault,
    client: Client,
    location_id: str,
    contact_ids: Sequence[str],
    *,
    path: Path = "auto",
    now: Callable[[], datetime],
    settings: Settings,
    choices: PlanChoices = DEFAULT,
    listener: Listener = silent,
    cancelled: Callable[[], bool] = never,
    found: LookupCache | None = None,
) -> Plan:
    """What restoring these contacts would do, in their order, each once. Nothing is written anywhere.

    Each contact that is surely lost is asked for by its id, and its e-mail and phone are looked for among the living.
    `found`: what an earlier plan asked already and still holds; what this one asks beyond that is added, also when it
    is stopped. Raises NotFound for an unknown location, HighLevelError when HighLevel cannot be asked, Cancelled."""
    found = LookupCache(now()) if found is None else found
    found.hold(vault, location_id, now())
    desk = _desk(PlanLookups(vault, client, location_id, found), path, settings, choices, now())
    items: list[PlanItem] = []
    wanted = list(dict.fromkeys(contact_ids))
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="plan") as pool:
        for chunk in _chunks(wanted):
            if cancelled():
                raise Cancelled("Stopped while planning. Nothing was written.")
            items += pool.map(lambda one: _item(desk, one), desk.look.known(chunk))
            listener(Progress("Planning", len(items), len(wanted)))
    made = tuple(skip_duplicates(items))
    asked, does = any(one.questions for one in made), any(one.action in DOES for one in made)
    warnings = desk.look.warnings() if does else ()
    found.completed(now())
    return Plan(
        location_id=location_id,
        made_at=desk.now,
        path=path,
        items=made,
        rate=settings.requests_per_10s / 10,
        index_lag=settings.index_lag.total_seconds(),
        choices=choices,
        warnings=warnings,
        places=places(desk.bench.account) if asked else (),
    )


def _desk(look: PlanLookups, path: Path, settings: Settings, choices: PlanChoices, now: datetime) -> PlanContext:
    with look.vault.read() as tx:
        location = locations.get(tx, look.location_id)
        told = contact_search.any_dnd_settings(tx, look.location_id)
    if location is None:
        raise NotFound("This location is not connected to Contact Vault.", hint="Connect it on the Settings page.")
    window = window_of(location.window_days, hipaa=location.hipaa, reason=location.window_reason)
    account = look.account(location.timezone, choices.places)
    bench = PrepareContext(look.location_id, look.catalogue(), account, told, choices, now)
    return PlanContext(look, location, path, settings.app_url, window, bench, now)


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def _item(desk: PlanContext, known: VaultContact) -> PlanItem:
    if desk.path == "top_up" or known.status is Status.RETURNED:
        return _top_up(desk, known)
    reason = _why_not(desk, known)
    if reason:
        return _skip(known, reason)
    if desk.look.alive(known.contact_id) is not None:
        return _skip(known, "It is alive: HighLevel shows it under its old id. The next sync will notice.")
    left = _left(desk, known)
    if desk.path == "auto" and left.open and known.status is not Status.MERGED and not known.begun:
        native = native_path(desk.app_url, desk.location.location_id, left, desk.location.timezone)
        reason = (
            f"HighLevel's own restore may be open until {native.deadline} and keeps the contact's id. "
            "Try it first; what it brings back is not promised."
        )
        item = PlanItem(contact_id=known.contact_id, name=known.name, action="use_native", reason=reason, native=native)
        return with_details(desk.bench, item, prepare(desk.bench, known))
    return _recreate(desk, known, left)


_NOT_NOW = {
    Status.ERASED: ERASED,
    Status.UNDONE: "A restore made it and was undone. Restore the contact that it was made for.",
    Status.SUSPECTED: "It is missing from HighLevel's list, but not confirmed as deleted. Sync first.",
    **dict.fromkeys(LIVE, "It is alive, as far as Contact Vault knows. If it was just deleted, sync first."),
}


def _why_not(desk: PlanContext, known: VaultContact) -> str:
    """Why nothing is done about this contact, as far as the vault alone can tell; '' when there is no reason."""
    if known.contact is None:
        return "Contact Vault holds no copy of this contact."
    if known.status is Status.RECREATED:
        return f"It already lives on as {known.new_id or 'another contact'}."
    if known.status in _NOT_NOW:
        return _NOT_NOW[known.status]
    if desk.location.hipaa and not desk.location.hipaa_recreate:
        return HIPAA_POLICY
    return ""


def _top_up(desk: PlanContext, known: VaultContact) -> PlanItem:
    """What a contact that came back with its id lacks of its last copy."""
    if known.contact is None or known.status is Status.ERASED:
        return _skip(known, _why_not(desk, known))
    raw = desk.look.alive(known.contact_id)
    if raw is None:
        return _skip(known, "It is not in HighLevel, so there is nothing to top up. Choose re-create.")
    if known.row is None:
        return _skip(known, "It is alive and was never lost, as far as Contact Vault knows.")
    return _filled(desk, known, decode(raw), "It came back with its id. What its last copy holds beyond that is added.")


def _filled(
    desk: PlanContext, known: VaultContact, living: dict[str, Any], reason: str, conflict: Conflict | None = None
) -> PlanItem:
    made = prepare(desk.bench, known)
    lacking = missing(desk.look, made, living, {record_id for record_id, _ in known.rows.get("message", ())})
    if not lacking and conflict is None:
        told_of = f" Not writable: {', '.join(lacking.unwritable)}." if lacking.unwritable else ""
        nothing = "Nothing can be added." if told_of else "Nothing is missing: all that the last copy holds is there."
        return _skip(known, nothing + told_of)
    if not lacking:
        reason = f"{reason} Nothing is missing there, so nothing is written; it only counts as living on there."
    item = PlanItem(
        contact_id=known.contact_id,
        name=known.name,
        action="top_up",
        reason=reason,
        will_return=lacking.words,
        will_change=tuple(made.children.changes) if lacking.makes else (),
        will_be_lost=(*lacking.unwritable, *made.children.lost),
        conflict=conflict,
        requests=lacking.requests(living),
        body=lacking.body,
        children=lacking.children,
        tags=lacking.tags,
        fidelity=without(made.fidelity, lacking.unwritable),
        target_id=str(living["id"]),
        there=lacking.there,
    )
    return with_details(desk.bench, item, made, living)


def _recreate(desk: PlanContext, known: VaultContact, left: RemainingTime) -> PlanItem:
    made = prepare(desk.bench, known)
    conflict = None if known.begun else desk.look.conflict_of(known.contact_id, made.body)
    if conflict is None:
        return with_details(desk.bench, _made_anew(known, made, _why_recreate(desk, known, left)), made)
    return _conflicting(desk, known, made, conflict)


def _conflicting(desk: PlanContext, known: VaultContact, made: PreparedContact, conflict: Conflict) -> PlanItem:
    """What the person chose for contacts whose address a living one holds; both are shown side by side."""
    raw = desk.look.alive(conflict.contact_id)
    living = decode(raw) if raw is not None else {}
    choice, item = desk.bench.choices.conflict_of(known.contact_id), None
    if choice == "fill" and living:
        reason = f"{conflict.words} You chose to fill what that one lacks; no value of it is overwritten."
        item = _filled(desk, known, living, reason, conflict)
    elif choice == "create" and live_state.allows_duplicates(desk.location.raw):
        reason = f"{conflict.words} You chose to create it beside that one."
        item = msgspec.structs.replace(_made_anew(known, made, reason), conflict=conflict, beside=True)
    elif choice == "create":
        item = _skip(known, f"{conflict.words} This account does not allow duplicates.", conflict, made.wanted)
    item = item or _skip(known, f"{conflict.words} Nothing is overwritten.", conflict, made.wanted)
    item = item if item.lines else with_details(desk.bench, item, made, living)
    return msgspec.structs.replace(item, compared=side_by_side(made.body, living))


def _made_anew(known: VaultContact, made: PreparedContact, reason: str) -> PlanItem:
    return PlanItem(
        contact_id=known.contact_id,
        name=known.name,
        action="recreate",
        reason=reason,
        will_return=made.returns,
        will_change=made.changes,
        will_be_lost=made.lost,
        requests=_cost(made),
        body=made.body,
        after=made.after,
        children=tuple(made.children.children),
        tags=made.tags,
        fidelity=made.fidelity,
    )


def _why_recreate(desk: PlanContext, known: VaultContact, left: RemainingTime) -> str:
    if known.begun:
        return "An earlier restore of it was interrupted. It goes on from there; nothing is made twice."
    if desk.path == "recreate" and left.open:
        return "You chose to re-create it. It gets a new id."
    if known.status is Status.MERGED:
        return "It was merged into another contact, which HighLevel cannot undo. It is made anew and gets a new id."
    if desk.window.days == 0:
        return f"{desk.window.reason} It is made anew and gets a new id."
    ended = local(left.ends_at, desk.location.timezone)
    return f"HighLevel's own restore closed on {ended}. It is made anew and gets a new id."


def _cost(made: PreparedContact) -> int:
    """Requests: is it back, does anybody hold its e-mail and phone, create, read; all that belongs to it; settings;
    read everything back."""
    looks = 1 + sum(name in made.body for name in ("email", "phone"))
    deals = sum(child.kind == OPPORTUNITY for child in made.children.children)
    lists = {SHELF[child.kind] for child in made.children.children if child.kind in SHELF} - {OPPORTUNITY}
    return (
        looks
        + 3
        + sum(child.requests for child in made.children.children)
        + bool(made.tags)
        + (made.after is not None)
        + len(lists)
        + deals
    )


def _left(desk: PlanContext, known: VaultContact) -> RemainingTime:
    return remaining(
        desk.window, deleted_at=known.deleted_at, last_seen_at=known.last_seen_at or desk.now, now=desk.now
    )


def _skip(
    known: VaultContact, reason: str, conflict: Conflict | None = None, wanted: RestorePayload | None = None
) -> PlanItem:
    return PlanItem(
        contact_id=known.contact_id,
        name=known.name,
        action="skip",
        reason=reason,
        conflict=conflict,
        will_be_lost=wanted.lost if wanted else (),
    )
