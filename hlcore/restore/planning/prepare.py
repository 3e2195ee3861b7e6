"""Prepares one contact: the create call, what follows it, and how much of the contact that brings back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hlcore.model.contact_fields import TEXTS, label_of, tag_texts
from hlcore.model.custom_fields import custom_values, is_empty
from hlcore.model.dnd import CHANNELS, DndSettings, dnd_settings
from hlcore.model.json_codec import decode_object
from hlcore.model.records import record_ids
from hlcore.model.reference_data import FieldCatalogue, ReferenceData
from hlcore.model.restore.child_requests import (
    BUSINESS,
    FOLLOWERS,
    OPPORTUNITY,
    OPPORTUNITY_FOLLOWERS,
    TRANSCRIPT,
    ChildRequest,
    ChildRequests,
    child_requests,
    lacking_followers,
    user_ids,
)
from hlcore.model.restore.exclusions import ExcludedChildren, exclude_children, is_left_out
from hlcore.model.restore.record_matching import STORED_KIND, find_match
from hlcore.model.restore.restore_payload import CREATE, ONLY_NEW, ONLY_NEW_WHY, UPDATE, RestorePayload, restore_payload
from hlcore.model.restore.stages import UnresolvedStage, unresolved_stage
from hlcore.model.wording import kind_plural, plural
from hlcore.restore.fidelity import Fidelity, predict_fidelity
from hlcore.restore.plan import PlanChoices
from hlcore.restore.planning.lookups import PlanLookups
from hlcore.restore.planning.vault_copy import VaultContact

SET_BY_OWN_CALLS = ("followers", "businessId", "businessName")
"""Properties of a contact that requests of their own bring back."""
_KEPT_FIELDS = frozenset({"dnd", "dndSettings", "inboundDndSettings", "tags"})
"""Properties of a living contact that are not filled; its do-not-disturb is its own."""


@dataclass(frozen=True, slots=True)
class PreparedContact:
    """`body`, `after`, `tags` and `children` as in a plan; the rest in words and numbers. `copy`: the properties of the
    last copy; `kept`: its fields and records without what is left out; `unplaced`: stages that the user has to be asked
    about, each with its number of opportunities."""

    body: dict[str, Any]
    after: dict[str, Any] | None
    tags: tuple[str, ...]
    children: ChildRequests
    payload: RestorePayload
    fidelity: Fidelity
    copy: Mapping[str, Any]
    consent: DndSettings
    kept: ExcludedChildren
    unplaced: tuple[tuple[UnresolvedStage, int], ...]

    @property
    def left_out(self) -> tuple[str, ...]:
        """What the user left out, in words."""
        return (*self.payload.left_out, *self.kept.words)

    @property
    def will_return(self) -> tuple[str, ...]:
        """What comes back, in words."""
        kept = self.children.coming_back()
        counts = [f"{name} ({kept[name]} of {of})" for name, of in self.children.in_copy.items() if kept[name]]
        return (*self.payload.returns, *counts)

    @property
    def will_be_lost(self) -> tuple[str, ...]:
        """What does not come back, in words, and what nobody knows of."""
        unknown = [f"{name} (never captured, so nobody knows what there was)" for name in self.fidelity.not_captured]
        return (*self.payload.lost, *self.children.lost, *unknown)

    @property
    def will_change(self) -> tuple[str, ...]:
        """What comes back differently, in words."""
        return (*self.payload.changes, *self.children.changes)

    def requests(self) -> int:
        """Return what a re-creation costs: is it back, who holds its e-mail and phone, create, read; all that belongs
        to it; settings, with a look at what the contact closed meanwhile; read everything back."""
        children = self.children.children
        lookups = 1 + sum(name in self.body for name in ("email", "phone"))
        opportunities = sum(child.kind == OPPORTUNITY for child in children)
        lists = {STORED_KIND[child.kind] for child in children if child.kind in STORED_KIND} - {OPPORTUNITY}
        created = sum(child.requests for child in children)
        return lookups + 3 + created + bool(self.tags) + 2 * (self.after is not None) + len(lists) + opportunities


@dataclass(frozen=True, slots=True)
class PrepareContext:
    """What preparing needs beside the contact."""

    location_id: str
    catalogue: FieldCatalogue
    reference_data: ReferenceData
    choices: PlanChoices
    now: datetime


def prepare(context: PrepareContext, contact: VaultContact) -> PreparedContact:
    """Return everything of this contact's last copy as requests. Pure."""
    assert contact.contact is not None
    copy = contact.snapshot()
    choices = context.choices
    leave = choices.left_out_for(contact.contact_id)
    payload = restore_payload(copy, context.location_id, context.catalogue, elsewhere=SET_BY_OWN_CALLS, leave_out=leave)
    unplaced = _unplaced_opportunities(context, contact, leave)
    leave |= {f"{OPPORTUNITY}.{key}" for key, stage in unplaced.items() if stage.answer == ""}
    kept = exclude_children(copy.fields, contact.records, leave)
    children = child_requests(
        kept.fields, kept.rows, context.reference_data, now=context.now, include_past=choices.past_appointments
    )
    body, tags = dict(payload.body), tuple(payload.body.get("tags", ()))
    if choices.tags != "first":
        body.pop("tags", None)
    if choices.marker:
        body["tags"] = list(dict.fromkeys([choices.marker, *body.get("tags", ())]))
        children.changes.append(f"tags: “{choices.marker}” is added, so that workflows can leave these contacts out")
    return PreparedContact(
        body=body,
        after=payload.dnd_update,
        tags=tags if choices.tags == "last" else (),
        children=children,
        payload=payload,
        fidelity=predict_fidelity(
            payload, children, (*payload.left_out, *kept.words), [_plural(kind) for kind in contact.not_captured]
        ),
        copy=copy.fields,
        consent=copy.consent.settings,
        kept=kept,
        unplaced=tuple(Counter(unplaced.values()).items()),
    )


def _unplaced_opportunities(
    context: PrepareContext, contact: VaultContact, leave: Collection[str]
) -> dict[str, UnresolvedStage]:
    """Return the opportunities whose stage no longer exists, by id, without those that are left out."""
    return {
        record_id: stage
        for record_id, raw in contact.records.get(OPPORTUNITY, ())
        if not is_left_out(f"{OPPORTUNITY}.{record_id}", leave)
        and (stage := unresolved_stage(decode_object(raw), context.reference_data))
    }


@dataclass(frozen=True, slots=True)
class MissingParts:
    """What a living contact lacks of a copy. `existing_ids`: its records that are accounted for; `unwritable`: what it
    lacks and cannot be given, in words."""

    body: dict[str, Any]
    tags: tuple[str, ...]
    children: tuple[ChildRequest, ...]
    existing_ids: tuple[str, ...]
    unwritable: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.body or self.tags or self.children)

    @property
    def descriptions(self) -> tuple[str, ...]:
        """The parts in plain words."""
        parts = [name for name in self.body if name != "customFields"]
        if values := self.body.get("customFields"):
            parts.append(plural(len(values), "custom field"))
        parts += [plural(len(self.tags), "tag")] if self.tags else []
        return (*parts, *(f"{_noun(child)}: {child.label}" for child in self.children))

    @property
    def creates_records(self) -> bool:
        """Whether a record is created."""
        return any(child.kind in STORED_KIND for child in self.children)

    def requests(self, live: Mapping[str, Any]) -> int:
        """Return what a top-up costs: look, close the channels, fill, add what is lacking, reopen them, read back."""
        if not self:
            return 1
        around = 2 if dnd_settings(live).everywhere else 5
        sent = bool(self.body) + bool(self.tags) + sum(child.requests for child in self.children)
        lists = {STORED_KIND[child.kind] for child in self.children if child.kind in STORED_KIND}
        opportunities = sum(child.kind in (OPPORTUNITY, OPPORTUNITY_FOLLOWERS) for child in self.children)
        return around + sent + len(lists) + len(lists - {OPPORTUNITY}) + opportunities


def find_missing(
    lookups: PlanLookups, prepared: PreparedContact, live: Mapping[str, Any], message_ids: Collection[str] = ()
) -> MissingParts:
    """Return what the living contact lacks. Records are recognised by id first (HighLevel's own restore keeps ids),
    then by content. `message_ids`: the copy's messages; a transcript is only lacking where the conversation did not
    come back. Raises HighLevelError."""
    children, contact_id = prepared.children.children, str(live["id"])
    records = {
        kind: lookups.fetch_records(kind, contact_id)
        for kind in sorted({STORED_KIND[child.kind] for child in children if child.kind in STORED_KIND})
    }
    by_id = {record_ids(raw)[0]: raw for rows in records.values() for raw in rows}
    existing = {child.record_id for child in children} & by_id.keys()
    lacking: list[ChildRequest] = []
    for child in children:
        if child.kind in (FOLLOWERS, BUSINESS):
            lacking += _lacking_on_contact(child, live)
        elif child.kind == TRANSCRIPT and message_ids and lookups.has_messages(contact_id, message_ids):
            continue
        else:
            record_id = child.record_id
            if record_id not in existing:
                record_id = find_match(
                    child.kind, child.body, records[STORED_KIND[child.kind]], taken=existing, allow_original=True
                )
            existing |= {record_id} if record_id else set()
            lacking += lacking_followers(child, by_id[record_id]) if record_id else [child]
    only_new = [name for name in prepared.body if name in ONLY_NEW and is_empty(live.get(name))]
    unwritable = [f"{label_of(name)} ({ONLY_NEW_WHY})" for name in only_new]
    return MissingParts(
        body=blank_fields({key: value for key, value in prepared.body.items() if key in UPDATE - _KEPT_FIELDS}, live),
        tags=_lacking_tags(prepared, live),
        children=tuple(lacking),
        existing_ids=tuple(sorted(existing)),
        unwritable=(*unwritable, *_unreadable_and_lacking(prepared.payload, live), *_closed_before(prepared, live)),
    )


def _plural(kind: str) -> str:
    return "full details" if kind == "detail" else kind_plural(kind)


def _unreadable_and_lacking(payload: RestorePayload, live: Mapping[str, Any]) -> Iterator[str]:
    """Yield in words what the copy holds, no request can carry, and the living contact lacks."""
    held = custom_values(live.get("customFields"))
    for name, words in payload.lost_fields.items():
        root, _, part = name.partition(".")
        if root in CREATE and is_empty(held.get(part) if part and root == "customFields" else live.get(root)):
            yield words


def _closed_before(prepared: PreparedContact, live: Mapping[str, Any]) -> list[str]:
    """Return in words the channels that the last copies close and the living contact has open."""
    now = dnd_settings(live)
    names = [channel for channel in CHANNELS if now.is_open(channel) and not prepared.consent.is_open(channel)]
    why = "closed in Contact Vault's copy and open on the living contact, whose own settings stay"
    return [f"do-not-disturb on {', '.join(names)} ({why})"] if names else []


def _noun(child: ChildRequest) -> str:
    return OPPORTUNITY if child.kind == OPPORTUNITY_FOLLOWERS else child.kind


def _lacking_tags(prepared: PreparedContact, live: Mapping[str, Any]) -> tuple[str, ...]:
    present = {tag.strip().casefold() for tag in tag_texts(live.get("tags"))}
    planned = prepared.payload.body.get("tags", ()) if prepared.tags else ()
    return tuple(tag for tag in planned if tag.strip().casefold() not in present)


def _lacking_on_contact(child: ChildRequest, live: Mapping[str, Any]) -> list[ChildRequest]:
    if child.kind == BUSINESS:
        return [] if live.get("businessId") else [child]
    absent = [user for user in child.body["followers"] if user not in user_ids(live.get("followers"))]
    if not absent:
        return []
    body, label = {"followers": absent}, f"{len(absent)} followers"
    return [ChildRequest(kind=FOLLOWERS, record_id="all", body=body, label=label, count=len(absent))]


def compare_texts(copy: Mapping[str, Any], living: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """Return the texts of both contacts side by side: (property, copy, living)."""
    names = [name for name in ("firstName", "lastName", "name", *TEXTS) if name in copy or living.get(name)]
    return tuple((name, str(copy.get(name) or ""), str(living.get(name) or "")) for name in names)


def blank_fields(planned: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the planned properties that are empty on the living contact; custom fields one by one."""
    body = {
        key: value for key, value in planned.items() if key not in ("customFields", "tags") and is_empty(live.get(key))
    }
    held = custom_values(live.get("customFields"))
    values = [item for item in planned.get("customFields", ()) if is_empty(held.get(item["id"]))]
    return {**body, "customFields": values} if values else body
