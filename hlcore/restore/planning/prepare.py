"""One contact, prepared: the create call, what follows it, and how much of the person that brings back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hlcore.model.contact_fields import TEXTS, label_of
from hlcore.model.contact_snapshot import latest_snapshot
from hlcore.model.custom_fields import is_empty, values_of
from hlcore.model.dnd import own_settings
from hlcore.model.records import decode, identity
from hlcore.model.reference_data import FieldCatalogue, ReferenceData
from hlcore.model.restore.child_requests import (
    BUSINESS,
    DEAL_FOLLOWERS,
    FOLLOWERS,
    OPPORTUNITY,
    TRANSCRIPT,
    ChildRequest,
    ChildRequests,
    Unplaced,
    child_requests,
    lacking_followers,
    unplaced_of,
)
from hlcore.model.restore.exclusions import ExcludedChildren, belongings, is_left
from hlcore.model.restore.record_matching import SHELF, find
from hlcore.model.restore.restore_payload import ONLY_NEW, ONLY_NEW_WHY, UPDATE, RestorePayload, restore_payload
from hlcore.restore.fidelity import Fidelity, predicted
from hlcore.restore.plan import PlanChoices
from hlcore.restore.planning.lookups import PlanLookups
from hlcore.restore.planning.vault_copy import VaultContact

ELSEWHERE = ("followers", "businessId", "businessName")
"""Properties of a contact that calls of their own bring back."""


@dataclass(frozen=True, slots=True)
class PreparedContact:
    """`body`, `after`, `tags` and `children` as in a plan; the rest in words and numbers. `copy`: the properties of the
    last copy; `rest`: what is not left out of its belongings; `unplaced`: stages that a person has to be asked about,
    each with how many opportunities stood there."""

    body: dict[str, Any]
    after: dict[str, Any] | None
    tags: tuple[str, ...]
    children: ChildRequests
    wanted: RestorePayload
    fidelity: Fidelity
    copy: Mapping[str, Any]
    rest: ExcludedChildren
    unplaced: tuple[tuple[Unplaced, int], ...]

    @property
    def left_out(self) -> tuple[str, ...]:
        """What a person left out, in words."""
        return (*self.wanted.left_out, *self.rest.words)

    @property
    def returns(self) -> tuple[str, ...]:
        """What comes back, in words."""
        kept = self.children.kept()
        told = [f"{name} ({kept[name]} of {of})" for name, of in self.children.held.items() if kept[name]]
        return (*self.wanted.returns, *told)

    @property
    def lost(self) -> tuple[str, ...]:
        """What does not, in words."""
        return (*self.wanted.lost, *self.children.lost)

    @property
    def changes(self) -> tuple[str, ...]:
        """What comes back differently, in words."""
        return (*self.wanted.changes, *self.children.changes)


@dataclass(frozen=True, slots=True)
class PrepareContext:
    """What preparing needs beside the contact."""

    location_id: str
    catalogue: FieldCatalogue
    account: ReferenceData
    rows_tell_settings: bool
    choices: PlanChoices
    now: datetime


def prepare(bench: PrepareContext, known: VaultContact) -> PreparedContact:
    """Everything of this contact's last copy, as requests. Pure."""
    assert known.contact is not None
    raw, detail = known.copy
    copy = latest_snapshot(raw, detail, rows_tell_settings=bench.rows_tell_settings)
    choices = bench.choices
    leave = choices.left_of(known.contact_id)
    wanted = restore_payload(copy, bench.location_id, bench.catalogue, elsewhere=ELSEWHERE, leave_out=leave)

    def _unplaced(key: str, raw: bytes) -> Unplaced | None:
        return None if is_left(f"{OPPORTUNITY}.{key}", leave) else unplaced_of(decode(raw), bench.account)

    asked = {key: found for key, raw in known.rows.get(OPPORTUNITY, ()) if (found := _unplaced(key, raw))}
    leave |= {f"{OPPORTUNITY}.{key}" for key, one in asked.items() if one.answer == ""}
    rest = belongings(copy.fields, known.rows, leave)
    kin = child_requests(rest.fields, rest.rows, bench.account, now=bench.now, past=choices.past_appointments)
    body, tags = dict(wanted.body), tuple(wanted.body.get("tags", ()))
    if choices.tags != "first":
        body.pop("tags", None)
    if choices.marker:
        body["tags"] = list(dict.fromkeys([choices.marker, *body.get("tags", ())]))
        kin.changes.append(f"tags: “{choices.marker}” is added, so that workflows can leave these contacts out")
    last = tags if choices.tags == "last" else ()
    promise = predicted(wanted, kin, (*wanted.left_out, *rest.words))
    unplaced = tuple(Counter(asked.values()).items())
    return PreparedContact(body, wanted.after, last, kin, wanted, promise, copy.fields, rest, unplaced)


@dataclass(frozen=True, slots=True)
class MissingParts:
    """What a living contact lacks of a copy. `there`: ids of its records that are accounted for; `unwritable`: what it
    lacks and cannot be given, in words."""

    body: dict[str, Any]
    tags: tuple[str, ...]
    children: tuple[ChildRequest, ...]
    there: tuple[str, ...]
    unwritable: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.body or self.tags or self.children)

    @property
    def words(self) -> tuple[str, ...]:
        """In plain words."""
        told = [name for name in self.body if name != "customFields"]
        if values := self.body.get("customFields"):
            told.append(f"{len(values)} custom field{'s' if len(values) != 1 else ''}")
        told += [f"{len(self.tags)} tag{'s' if len(self.tags) != 1 else ''}"] if self.tags else []
        return (*told, *(f"{_noun(child)}: {child.label}" for child in self.children))

    @property
    def makes(self) -> bool:
        """Whether a record is made anew."""
        return any(child.kind in SHELF for child in self.children)

    def requests(self, live: Mapping[str, Any]) -> int:
        """What a top-up costs: look, close the channels, fill, add all that is lacking, open them, read it back."""
        if not self:
            return 1
        around = 2 if own_settings(live).everywhere else 5
        sent = bool(self.body) + bool(self.tags) + sum(child.requests for child in self.children)
        lists = {SHELF[child.kind] for child in self.children if child.kind in SHELF}
        deals = sum(child.kind in (OPPORTUNITY, DEAL_FOLLOWERS) for child in self.children)
        return around + sent + len(lists) + len(lists - {OPPORTUNITY}) + deals


def missing(
    look: PlanLookups, made: PreparedContact, live: dict[str, Any], messages: Collection[str] = ()
) -> MissingParts:
    """What the living contact lacks: recognised by id first (HighLevel's own restore keeps ids), then by what it says.
    Reads those lists of it that matter. `messages`: ids of the copy's messages; a transcript is only lacking where the
    conversation did not come back. Raises HighLevelError."""
    wanted = {key: value for key, value in made.body.items() if key in UPDATE - _NEVER}
    held = {str(tag).strip().casefold() for tag in live.get("tags") or ()}
    tags = [tag for tag in made.wanted.body.get("tags", ()) if tag.strip().casefold() not in held] if made.tags else []
    shelves = {
        name: look.shelf(name, str(live["id"]))
        for name in sorted({SHELF[child.kind] for child in made.children.children if child.kind in SHELF})
    }
    by_id = {identity(raw)[0]: raw for rows in shelves.values() for raw in rows}
    there = {child.record_id for child in made.children.children} & by_id.keys()
    lacking: list[ChildRequest] = []
    for child in made.children.children:
        if child.kind in (FOLLOWERS, BUSINESS):
            lacking += _on_contact(child, live)
        elif child.kind == TRANSCRIPT and messages and look.talks(str(live["id"]), messages):
            continue
        else:
            found = child.record_id if child.record_id in there else _find(child, shelves[SHELF[child.kind]], there)
            there |= {found} if found else set()
            lacking += lacking_followers(child, by_id[found]) if found else [child]
    never = [name for name in made.body if name in ONLY_NEW and is_empty(live.get(name))]
    unwritable = tuple(f"{label_of(name)} ({ONLY_NEW_WHY})" for name in never)
    return MissingParts(blanks(wanted, live), tuple(tags), tuple(lacking), tuple(sorted(there)), unwritable)


_NEVER = frozenset({"dnd", "dndSettings", "inboundDndSettings", "tags"})
"""A living contact's own do-not-disturb is its own."""


def _noun(child: ChildRequest) -> str:
    return OPPORTUNITY if child.kind == DEAL_FOLLOWERS else child.kind


def _find(child: ChildRequest, rows: list[bytes], taken: Collection[str]) -> str:
    return find(child.kind, child.body, rows, taken=taken, loosely=True)


def _on_contact(child: ChildRequest, live: dict[str, Any]) -> list[ChildRequest]:
    if child.kind == BUSINESS:
        return [] if live.get("businessId") else [child]
    absent = [one for one in child.body["followers"] if one not in (live.get("followers") or ())]
    if not absent:
        return []
    body = {"followers": absent}
    return [
        ChildRequest(kind=FOLLOWERS, record_id="all", body=body, label=f"{len(absent)} followers", count=len(absent))
    ]


def side_by_side(wanted: Mapping[str, Any], living: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """The texts of the copy beside those of the living contact: (property, copy, living)."""
    names = [name for name in ("firstName", "lastName", "name", *TEXTS) if name in wanted or living.get(name)]
    return tuple((name, str(wanted.get(name) or ""), str(living.get(name) or "")) for name in names)


def blanks(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, Any]:
    """What of these properties the living contact has no value for; custom fields one by one."""
    body = {
        key: value for key, value in wanted.items() if key not in ("customFields", "tags") and is_empty(there.get(key))
    }
    held = values_of(there.get("customFields"))
    values = [item for item in wanted.get("customFields", ()) if is_empty(held.get(item["id"]))]
    return {**body, "customFields": values} if values else body
