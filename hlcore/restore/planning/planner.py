"""Plans a restore: what would happen to each contact, and why. Reads the vault and HighLevel, writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec

from hlcore.errors import Cancelled, NotFound
from hlcore.location_context import LocationContext
from hlcore.model.callbacks import Progress
from hlcore.model.json_codec import decode_object
from hlcore.model.lifecycle import LIVE, Status
from hlcore.model.moments import time_text
from hlcore.model.recovery_window import HIPAA_POLICY, RecoveryWindow, RemainingTime, recovery_window, remaining_time
from hlcore.model.reference_data import ReferenceData
from hlcore.model.restore.restore_payload import RestorePayload
from hlcore.restore import live_state
from hlcore.restore.fidelity import without_fields
from hlcore.restore.job_context import ERASED
from hlcore.restore.job_control import in_another_job
from hlcore.restore.plan import (
    WRITING_ACTIONS,
    Conflict,
    NativeRestore,
    PlacementOption,
    Plan,
    PlanChoices,
    PlanItem,
    RestorePath,
    skip_duplicates,
)
from hlcore.restore.planning.field_lines import describe_item
from hlcore.restore.planning.lookups import LookupCache, PlanLookups
from hlcore.restore.planning.prepare import PrepareContext, PreparedContact, compare_texts, find_missing, prepare
from hlcore.restore.planning.vault_copy import VaultContact
from hlcore.settings import Settings
from hlcore.store import locations
from hlcore.store.locations import Location
from hlcore.store.restores import jobs as restore_jobs

WORKERS = 12
CHUNK = 100
DEFAULT_CHOICES = PlanChoices()


@dataclass(frozen=True, slots=True)
class PlanContext:
    """What planning needs beside the contact."""

    lookups: PlanLookups
    prepare: PrepareContext
    location: Location
    window: RecoveryWindow
    path: RestorePath
    app_url: str

    def remaining_time(self, contact: VaultContact) -> RemainingTime:
        """Return how long HighLevel's own restore of this contact may still be open."""
        now = self.prepare.now
        last_seen_at = contact.last_seen_at or now
        return remaining_time(self.window, deleted_at=contact.deleted_at, last_seen_at=last_seen_at, now=now)


def plan(
    context: LocationContext,
    contact_ids: Sequence[str],
    settings: Settings,
    *,
    path: RestorePath = "auto",
    choices: PlanChoices = DEFAULT_CHOICES,
    cache: LookupCache | None = None,
) -> Plan:
    """Return what restoring these contacts would do, in their order, each once. Nothing is written anywhere.

    Each contact that is surely lost is looked up by its id, and its e-mail and phone among the living contacts.
    `cache`: answers of an earlier plan, reused as far as they are still true; new ones are added, also when planning is
    stopped. Raises NotFound for an unknown location, HighLevelError when HighLevel cannot be asked, Cancelled."""
    cache = LookupCache(context.now()) if cache is None else cache
    cache.revalidate(context.vault, context.location_id, context.now())
    plan_context = _plan_context(PlanLookups(context, cache), settings, path, choices)
    items = tuple(skip_duplicates(_plan_contacts(plan_context, list(dict.fromkeys(contact_ids)))))
    has_questions = any(item.questions for item in items)
    writes = any(item.action in WRITING_ACTIONS for item in items)
    warnings = plan_context.lookups.warnings() if writes else ()
    cache.mark_complete(context.now())
    return Plan(
        location_id=context.location_id,
        made_at=plan_context.prepare.now,
        path=path,
        items=items,
        rate=settings.requests_per_10s / 10,
        index_lag=settings.index_lag.total_seconds(),
        choices=choices,
        warnings=warnings,
        places=placement_options(plan_context.prepare.reference_data) if has_questions else (),
    )


def placement_options(reference_data: ReferenceData) -> tuple[PlacementOption, ...]:
    """Return every stage that an opportunity can be put into."""
    pipelines: Mapping[str, tuple[str, Mapping[str, str]]] = reference_data.pipelines or {}
    return tuple(
        PlacementOption(f"{pipeline}/{stage}", f"{name or pipeline} → {label or stage}")
        for pipeline, (name, stages) in pipelines.items()
        for stage, label in stages.items()
    )


def _plan_context(lookups: PlanLookups, settings: Settings, path: RestorePath, choices: PlanChoices) -> PlanContext:
    context = lookups.context
    now = context.now()
    with context.vault.read() as tx:
        location = locations.get(tx, context.location_id)
    if location is None:
        raise NotFound("This location is not connected to Contact Vault.", hint="Connect it on the Settings page.")
    window = recovery_window(location.window_days, hipaa=location.hipaa, reason=location.window_reason)
    reference_data = lookups.reference_data(location.timezone, choices.places)
    catalogue = replace(lookups.field_catalogue(), names=reference_data.names, timezone=location.timezone)
    prepare_context = PrepareContext(context.location_id, catalogue, reference_data, choices, now)
    return PlanContext(lookups, prepare_context, location, window, path, settings.app_url)


def _plan_contacts(context: PlanContext, contact_ids: Sequence[str]) -> list[PlanItem]:
    location = context.lookups.context
    items: list[PlanItem] = []
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="plan") as pool:
        for start in range(0, len(contact_ids), CHUNK):
            if location.cancelled():
                raise Cancelled("Stopped while planning. Nothing was written.")
            contacts = context.lookups.contacts(contact_ids[start : start + CHUNK])
            with location.vault.read() as tx:
                taken = restore_jobs.jobs_of_waiting_contacts(tx, [location.location_id])
            items += pool.map(partial(_plan_unless_taken, context, taken), contacts)
            location.listener(Progress("Planning", len(items), len(contact_ids)))
    return items


def _plan_unless_taken(context: PlanContext, taken: Mapping[tuple[str, str], int], contact: VaultContact) -> PlanItem:
    """Plan the contact, unless it waits in a job: it is not offered again."""
    job_id = taken.get((context.location.location_id, contact.contact_id))
    return _plan_contact(context, contact) if job_id is None else _skip(contact, in_another_job(job_id))


def _plan_contact(context: PlanContext, contact: VaultContact) -> PlanItem:
    if context.path == "top_up" or contact.status is Status.RETURNED:
        return _plan_top_up(context, contact)
    reason = _skip_reason(context, contact)
    if reason:
        return _skip(contact, reason)
    if context.lookups.fetch_contact(contact.contact_id) is not None:
        return _skip(contact, "This person is alive: HighLevel shows the old id. The next sync will notice.")
    left = context.remaining_time(contact)
    if context.path == "auto" and left.open and contact.status is not Status.MERGED and not contact.restore_started:
        return _plan_native(context, contact, left)
    return _plan_recreate(context, contact, left)


CREATED_AGAIN = "This person is created again, with a new id."
_SKIP_REASONS = {
    Status.ERASED: ERASED,
    Status.UNDONE: "A restore created this contact and was undone. Restore the contact that was lost.",
    Status.SUSPECTED: "Missing from HighLevel's list, but not confirmed as deleted. Sync first.",
    **dict.fromkeys(LIVE, "This person is alive, as far as Contact Vault knows. Sync first if that has changed."),
}


def _skip_reason(context: PlanContext, contact: VaultContact) -> str:
    """Return why nothing is done about this contact, as far as the vault alone can tell; '' when there is no reason."""
    if contact.contact is None:
        return "Contact Vault holds no copy of this contact."
    if contact.status is Status.RECREATED:
        return f"It already lives on as {contact.new_id or 'another contact'}."
    if contact.status in _SKIP_REASONS:
        return _SKIP_REASONS[contact.status]
    if context.location.hipaa and not context.location.hipaa_recreate:
        return HIPAA_POLICY
    return ""


def _plan_native(context: PlanContext, contact: VaultContact, left: RemainingTime) -> PlanItem:
    native = _native_restore(context.app_url, context.location, left)
    reason = (
        f"HighLevel's own restore may be open until {native.deadline} and keeps the contact's id. "
        "Try it first; what it brings back is not promised."
    )
    item = PlanItem(contact_id=contact.contact_id, name=contact.name, action="use_native", reason=reason, native=native)
    return describe_item(context.prepare, item, prepare(context.prepare, contact))


def _native_restore(app_url: str, location: Location, left: RemainingTime) -> NativeRestore:
    """Return HighLevel's own restore, explained: the steps, the link, the deadline in the location's time zone.

    It keeps the contact's id, and only a person can do it, in HighLevel's pages. Help article 48001211386 ("How to
    restore contacts that were deleted in bulk") describes both ways. The pages disagree on how long it is open and on
    what it brings back, so nothing is promised here.
    """
    deadline = time_text(left.ends_at, location.timezone)
    return NativeRestore(
        until=left.ends_at,
        days_left=left.days_left,
        deadline=deadline,
        link=f"{app_url}/v2/location/{location.location_id}/contacts/smart_list/All",
        steps=(
            "Sign in to HighLevel as an administrator of the account and open Contacts.",
            "Deleted one by one: open the tab Restore, tick the contacts, choose Restore and confirm.",
            "Deleted by a bulk action: open Contacts → Bulk Actions, find the deletion (the list can be filtered by "
            "the person who started it), and choose Restore.",
            f"Do it before {deadline}. The clock runs from the {left.clock}; HighLevel's own pages disagree on the "
            "length of the window, so earlier is safer.",
            "Contact Vault notices by itself when the contacts are back. Then choose “Top up who came back” here: it "
            "adds what HighLevel left out. Whoever is not offered there can be created again instead.",
        ),
    )


def _plan_top_up(context: PlanContext, contact: VaultContact) -> PlanItem:
    """Plan what a contact that came back with its id lacks of its last copy."""
    if contact.contact is None or contact.status is Status.ERASED:
        return _skip(contact, _skip_reason(context, contact))
    raw = context.lookups.fetch_contact(contact.contact_id)
    if raw is None:
        return _skip(contact, "It is not in HighLevel, so there is nothing to top up. Choose re-create.")
    if contact.disappearance is None:
        return _skip(contact, "This person is alive and was never lost, as far as Contact Vault knows.")
    reason = "This person came back with the old id. What the last copy holds beyond that is added."
    return _top_up_item(context, contact, decode_object(raw), reason)


def _top_up_item(
    context: PlanContext,
    contact: VaultContact,
    living: Mapping[str, Any],
    reason: str,
    conflict: Conflict | None = None,
) -> PlanItem:
    prepared = prepare(context.prepare, contact)
    message_ids = {record_id for record_id, _ in contact.records.get("message", ())}
    lacking = find_missing(context.lookups, prepared, living, message_ids)
    if not lacking and conflict is None:
        if lacking.unwritable:
            return _skip(contact, f"Nothing can be added. Not writable: {', '.join(lacking.unwritable)}.")
        return _skip(contact, "Nothing is missing: all that the last copy holds is there.")
    if not lacking:
        reason = f"{reason} Nothing is missing there, so nothing is written; the person counts as living on there."
    item = PlanItem(
        contact_id=contact.contact_id,
        name=contact.name,
        action="top_up",
        reason=reason,
        will_return=lacking.descriptions,
        will_change=tuple(prepared.children.changes) if lacking.creates_records else (),
        will_be_lost=(*lacking.unwritable, *prepared.will_be_lost[len(prepared.payload.lost) :]),
        conflict=conflict,
        requests=lacking.requests(living),
        body=lacking.body,
        children=lacking.children,
        tags=lacking.tags,
        fidelity=without_fields(prepared.fidelity, lacking.unwritable),
        target_id=str(living["id"]),
        there=lacking.existing_ids,
    )
    return describe_item(context.prepare, item, prepared, living)


def _plan_recreate(context: PlanContext, contact: VaultContact, left: RemainingTime) -> PlanItem:
    prepared = prepare(context.prepare, contact)
    conflict = None
    if not contact.restore_started:
        conflict = context.lookups.find_conflict(contact.contact_id, prepared.body)
    if conflict is not None:
        return _plan_conflict(context, contact, prepared, conflict)
    item = _recreate_item(contact, prepared, _recreate_reason(context, contact, left))
    return describe_item(context.prepare, item, prepared)


def _plan_conflict(
    context: PlanContext, contact: VaultContact, prepared: PreparedContact, conflict: Conflict
) -> PlanItem:
    """Plan what the user chose for contacts whose address a living one holds, with both side by side."""
    raw = context.lookups.fetch_contact(conflict.contact_id)
    living = decode_object(raw) if raw is not None else {}
    choice, item = context.prepare.choices.on_conflict_for(contact.contact_id), None
    if choice == "fill" and living:
        reason = f"{conflict.text} You chose to fill what that one lacks; no value of it is overwritten."
        item = _top_up_item(context, contact, living, reason, conflict)
    elif choice == "create" and live_state.allows_duplicates(context.location.raw):
        reason = f"{conflict.text} You chose to create this person beside that one."
        item = msgspec.structs.replace(_recreate_item(contact, prepared, reason), conflict=conflict, beside=True)
    elif choice == "create":
        item = _skip(contact, f"{conflict.text} This account does not allow duplicates.", conflict, prepared.payload)
    item = item or _skip(contact, f"{conflict.text} Nothing is overwritten.", conflict, prepared.payload)
    item = item if item.lines else describe_item(context.prepare, item, prepared, living)
    return msgspec.structs.replace(item, compared=compare_texts(prepared.body, living))


def _recreate_item(contact: VaultContact, prepared: PreparedContact, reason: str) -> PlanItem:
    return PlanItem(
        contact_id=contact.contact_id,
        name=contact.name,
        action="recreate",
        reason=reason,
        will_return=prepared.will_return,
        will_change=prepared.will_change,
        will_be_lost=prepared.will_be_lost,
        requests=prepared.requests(),
        body=prepared.body,
        after=prepared.after,
        children=tuple(prepared.children.children),
        tags=prepared.tags,
        fidelity=prepared.fidelity,
    )


def _recreate_reason(context: PlanContext, contact: VaultContact, left: RemainingTime) -> str:
    if contact.restore_started:
        return "An earlier restore of this person was interrupted. It goes on from there; nothing is made twice."
    if context.path == "recreate" and left.open:
        return "You chose to create this person again, with a new id."
    if contact.status is Status.MERGED:
        return f"This contact was merged into another one, which HighLevel cannot undo. {CREATED_AGAIN}"
    if context.window.days == 0:
        return f"{context.window.reason} {CREATED_AGAIN}"
    ended = time_text(left.ends_at, context.location.timezone)
    return f"HighLevel's own restore closed on {ended}. {CREATED_AGAIN}"


def _skip(
    contact: VaultContact, reason: str, conflict: Conflict | None = None, payload: RestorePayload | None = None
) -> PlanItem:
    return PlanItem(
        contact_id=contact.contact_id,
        name=contact.name,
        action="skip",
        reason=reason,
        conflict=conflict,
        will_be_lost=payload.lost if payload else (),
    )
