"""The plan of a restore: a value that page, command line, CSV and job all show alike.

What a restore asks a person: where opportunities go whose stage no longer exists, and none has its name.

The plan field by field: the last copy, the living contact, what is written, and why something is not. Pure.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from hlcore.model.contact_fields import DERIVED, UNWRITABLE, label_of
from hlcore.model.custom_fields import is_empty, values_of
from hlcore.model.reference_data import ReferenceData
from hlcore.model.restore.child_requests import ChildRequest, Unplaced, follow_step
from hlcore.model.restore.exclusions import CUSTOM, LEFT_OUT, is_known, is_left
from hlcore.model.restore.restore_payload import ONLY_NEW, ONLY_NEW_WHY
from hlcore.restore.fidelity import Fidelity


class PlacementQuestion(msgspec.Struct, frozen=True):
    """A stage that no longer exists. `key` ("pipeline/stage" then) is what the answer is given for in
    `Choices.places`; `pipeline` and `stage` are the names, '' where not known; `opportunities`: how many stood there;
    `answer`: None while nobody chose, and until then they are left behind as lost."""

    key: str
    pipeline: str
    stage: str
    why: str
    opportunities: int
    answer: str | None = None

    @property
    def words(self) -> str:
        """The question in a sentence."""
        noun = "opportunity" if self.opportunities == 1 else "opportunities"
        where = " → ".join(f"“{name}”" for name in (self.pipeline, self.stage) if name) or "an unknown stage"
        return f"{self.opportunities} {noun} stood in {where}: {self.why}. Where to?"


class PlacementOption(msgspec.Struct, frozen=True):
    """A stage of today: `key` is "pipeline/stage"."""

    key: str
    label: str


def questions(unplaced: Iterable[tuple[Unplaced, int]]) -> tuple[PlacementQuestion, ...]:
    """The questions of one contact, with how many of its opportunities each is about."""
    return tuple(
        PlacementQuestion(one.key, one.pipeline, one.stage, one.why, number, one.answer) for one, number in unplaced
    )


def added_up(found: Iterable[PlacementQuestion]) -> tuple[PlacementQuestion, ...]:
    """Each question once, in the order of asking."""
    together: dict[str, PlacementQuestion] = {}
    for one in found:
        before = together.get(one.key)
        number = one.opportunities + (before.opportunities if before else 0)
        together[one.key] = msgspec.structs.replace(one, opportunities=number)
    return tuple(together.values())


def places(account: ReferenceData) -> tuple[PlacementOption, ...]:
    """Every stage that an opportunity can be put into."""
    pipelines: Mapping[str, tuple[str, Mapping[str, str]]] = account.pipelines or {}
    return tuple(
        PlacementOption(f"{pipeline}/{stage}", f"{name or pipeline} → {label or stage}")
        for pipeline, (name, stages) in pipelines.items()
        for stage, label in stages.items()
    )


KEEPS = "the living contact has a value, which stays"
SAME = "it is there already"
NOT_WRITTEN = "nothing is written"
_DISTURB = ("dnd", "dndSettings", "inboundDndSettings")
_BY_OTHERS = ("followers", "businessId", "businessName")


class FieldLine(msgspec.Struct, frozen=True):
    """One field or record of a contact's plan. `field`: HighLevel's name ("city", "customFields.<id>", "note.<id>");
    `copy`, `living`, `written`: the values, None for none; `why`: why it is not, or not all, written; `leave`: the
    name under which it can be left out, '' where it cannot."""

    field: str
    label: str
    copy: Any = None
    living: Any = None
    written: Any = None
    why: str = ""
    leave: str = ""

    def to_json(self) -> dict[str, Any]:
        """For the command line."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


class FieldSources(msgspec.Struct, frozen=True, kw_only=True):
    """What the lines of one contact are made of. `copy` and `living`: properties of a contact; `written`: those of all
    requests together; `reasons`: field → why not; `labels`: custom field → name; `why`: where nothing is written at
    all; `children`: what is made, of `kin` that could be; `left`: records that are left out, by name and title; `lost`:
    what cannot come back of the records, in words."""

    copy: Mapping[str, Any]
    living: Mapping[str, Any]
    written: Mapping[str, Any]
    reasons: Mapping[str, str]
    labels: Mapping[str, str]
    why: str = ""
    children: Sequence[ChildRequest] = ()
    kin: Sequence[ChildRequest] = ()
    left: Sequence[tuple[str, str]] = ()
    lost: Sequence[str] = ()


def lines_of(sides: FieldSources) -> tuple[FieldLine, ...]:
    """Every field that the copy holds or a request writes, then every record. Each once."""
    return (*_fields(sides), *_custom(sides), *_records(sides))


def _fields(sides: FieldSources) -> Iterator[FieldLine]:
    copy = {**sides.copy, "name": sides.copy.get("name") or sides.copy.get("contactName")}
    for name in dict.fromkeys((*copy, *sides.written)):
        held, sent = copy.get(name), sides.written.get(name)
        if name in DERIVED or name in (CUSTOM, *_BY_OTHERS) or (is_empty(held) and is_empty(sent)):
            continue
        if name == "name" and sent is None and name not in sides.reasons:
            continue
        label = label_of(name)
        if label == name and isinstance(words := UNWRITABLE.get(name), str):
            label = words
        yield _line(sides, name, label, held, sides.living.get(name), sent)


def _custom(sides: FieldSources) -> Iterator[FieldLine]:
    held, living, sent = (values_of(one.get(CUSTOM)) for one in (sides.copy, sides.living, sides.written))
    for key in dict.fromkeys((*held, *sent)):
        if not (is_empty(held.get(key)) and is_empty(sent.get(key))):
            yield _line(
                sides, f"{CUSTOM}.{key}", sides.labels.get(key) or key, held.get(key), living.get(key), sent.get(key)
            )


def _line(sides: FieldSources, name: str, label: str, held: Any, living: Any, sent: Any) -> FieldLine:
    why = sides.reasons.get(name, "")
    if sent is None and not why:
        blank = ONLY_NEW_WHY if name in ONLY_NEW and sides.living else NOT_WRITTEN
        why = sides.why or (KEEPS if not is_empty(living) or name in _DISTURB else blank)
    can = name not in _DISTURB and is_known(name) and (sent is not None or why == LEFT_OUT)
    return FieldLine(name, label, held, living, sent, why, name if can else "")


def _records(sides: FieldSources) -> Iterator[FieldLine]:
    made = {child.step: child for child in sides.children}
    for child in sides.kin:
        sent = made.get(child.step) or made.get(follow_step(child))
        name = {"transcript": "message", "business": "businessId"}.get(child.kind, child.step)
        leave = name.partition(".")[0] if child.kind in ("followers", "business", "transcript") else name
        why = "" if sent is not None else sides.why or SAME
        yield FieldLine(
            child.step,
            f"{child.kind}: {child.label}",
            child.label,
            written=None if sent is None else _said(sent),
            why=why,
            leave=leave if sent is not None and is_known(leave) else "",
        )
    for name, title in sides.left:
        yield FieldLine(name, f"{name.partition('.')[0]}: {title}", title, why=LEFT_OUT, leave=name)
    for words in sides.lost:
        yield FieldLine("", words, why=words)


def _said(child: ChildRequest) -> Any:
    """What people would read of the request."""
    found = child.body.get("body") or child.body.get("title") or child.body.get("name")
    return found if found else child.label


def left_by(lines: Sequence[FieldLine], names: Sequence[str]) -> list[FieldLine]:
    """The lines that these names leave out."""
    return [one for one in lines if one.leave and (one.leave in names or is_left(one.leave, names))]


Action = Literal["recreate", "top_up", "skip", "use_native", "undo", "put_back"]
Path = Literal["auto", "recreate", "top_up"]
OnConflict = Literal["skip", "fill", "create"]
DOES = frozenset({"recreate", "top_up"})
"""Actions that change something in HighLevel."""


class PlanChoices(msgspec.Struct, frozen=True, kw_only=True):
    """What the person decides about a whole restore. `tags`: added last (while every channel is still closed), with the
    create call, or not at all. `marker`: a tag in the create call, so that workflows can leave these contacts out; ''
    for none. `past_appointments`: those that are over come back too. `on_conflict`: what is done where a living contact
    holds the same e-mail or phone: skip, fill its blanks, or create anyway where the location allows duplicates;
    `on_conflict_of`: the same for single contacts. `leave_out`: fields and records that do not come back, by the names
    of `model.leaving`, for everybody; `leave_out_of`: for single contacts. `places`: where opportunities go whose stage
    no longer exists: "pipeline/stage" then → "pipeline/stage" today, '' to leave them out."""

    tags: Literal["last", "first", "none"] = "last"
    marker: str = ""
    past_appointments: bool = False
    on_conflict: OnConflict = "skip"
    on_conflict_of: dict[str, OnConflict] = {}
    leave_out: tuple[str, ...] = ()
    leave_out_of: dict[str, tuple[str, ...]] = {}
    places: dict[str, str] = {}

    def conflict_of(self, contact_id: str) -> OnConflict:
        """What is done where this contact's address is taken."""
        return self.on_conflict_of.get(contact_id, self.on_conflict)

    def left_of(self, contact_id: str) -> set[str]:
        """The names of what is left out for this contact."""
        left = {*self.leave_out, *self.leave_out_of.get(contact_id, ())}
        return left | {"tags"} if self.tags == "none" else left


class Conflict(msgspec.Struct, frozen=True):
    """A living contact that holds the same e-mail or phone. `field` is email or phone; `additional`: it is not the
    holder's first one."""

    contact_id: str
    field: str
    additional: bool = False

    @property
    def words(self) -> str:
        """The conflict in a sentence."""
        noun = "e-mail" if self.field == "email" else "phone number" if self.field == "phone" else "e-mail or phone"
        place = " as an additional one" if self.additional else ""
        return f"Living contact {self.contact_id} holds the same {noun}{place}."


class NativeRestore(msgspec.Struct, frozen=True):
    """HighLevel's own restore: until when it may be open, where, and how to do it."""

    until: datetime
    days_left: int
    deadline: str
    link: str
    steps: tuple[str, ...]


class PlanItem(msgspec.Struct, frozen=True, kw_only=True):
    """What shall become of one contact, and why.

    `body` is the create call and `after` the update that follows it; for a top-up `body` holds the blanks to fill, and
    `after` is empty. `children` and `tags` follow in between. `target_id`: the living contact to top up; `there`: ids
    of its records that are accounted for. `beside`: shall be created although its address is taken. `compared`: where
    there is a conflict, (property, last copy, living contact), both as text, '' for none. The three lists are
    in plain words. `requests` is what carrying it out costs. `left_out`: what a person left out, in words;
    `questions`: stages that no longer exist; `lines`: all of it field by field, for people, not kept with a job.
    """

    contact_id: str
    name: str = ""
    action: Action
    reason: str
    will_return: tuple[str, ...] = ()
    will_change: tuple[str, ...] = ()
    will_be_lost: tuple[str, ...] = ()
    conflict: Conflict | None = None
    requests: int = 0
    native: NativeRestore | None = None
    body: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    children: tuple[ChildRequest, ...] = ()
    tags: tuple[str, ...] = ()
    fidelity: Fidelity | None = None
    compared: tuple[tuple[str, str, str], ...] = ()
    target_id: str = ""
    there: tuple[str, ...] = ()
    beside: bool = False
    left_out: tuple[str, ...] = ()
    questions: tuple[PlacementQuestion, ...] = ()
    lines: tuple[FieldLine, ...] = ()

    @property
    def steps(self) -> int:
        """Requests that make what belongs to the contact, tags included."""
        return len(self.children) + bool(self.tags)

    def to_json(self) -> dict[str, Any]:
        """The keys of the command line's contract, and the name."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        for name in ("body", "after", "children", "tags", "there", "beside"):
            del found[name]
        found["fidelity"] = self.fidelity.to_json() if self.fidelity else None
        return found

    def dump(self) -> dict[str, Any]:
        """All that a job needs, as a JSON value; `load` reads it. Without `lines`."""
        found: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(self, lines=()))
        return found

    @classmethod
    def load(cls, kept: Mapping[str, Any]) -> PlanItem:
        """The item in this JSON value."""
        return msgspec.convert(dict(kept), cls)

    def row(self) -> dict[str, Any]:
        """One line of a table."""
        return {
            "contact_id": self.contact_id,
            "name": self.name,
            "action": self.action,
            "reason": self.reason,
            "fidelity": self.fidelity.words if self.fidelity else "",
            "will_return": "; ".join(self.will_return),
            "will_change": "; ".join(self.will_change),
            "will_be_lost": "; ".join(self.will_be_lost),
            "left_out": "; ".join(self.left_out),
            "conflict": self.conflict.words if self.conflict else "",
            "deadline": self.native.deadline if self.native else "",
            "requests": self.requests,
        }


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a restore of these contacts would do, made at `made_at`. `rate`: requests per second that are allowed.

    `index_lag`: seconds that HighLevel's search may lag; kept because the job needs it after a crash.
    """

    location_id: str
    made_at: datetime
    path: Path
    items: tuple[PlanItem, ...]
    rate: float
    index_lag: float
    choices: PlanChoices = PlanChoices()
    warnings: tuple[str, ...] = ()
    places: tuple[PlacementOption, ...] = ()

    @property
    def questions(self) -> tuple[PlacementQuestion, ...]:
        """What a person is asked about the whole restore, each once; opportunities added up."""
        return added_up(one for item in self.items for one in item.questions)

    @property
    def requests(self) -> int:
        """What carrying it all out costs."""
        return sum(item.requests for item in self.items)

    @property
    def seconds(self) -> int:
        """How long that takes at the allowed rate, rounded up."""
        return math.ceil(self.requests / self.rate) if self.rate > 0 else 0

    def counts(self) -> dict[str, int]:
        """Action → number of contacts."""
        return dict(Counter(item.action for item in self.items))

    def to_json(self) -> dict[str, Any]:
        """The command line's contract for a plan."""
        return {
            "location_id": self.location_id,
            "made_at": msgspec.to_builtins(self.made_at),
            "items": [item.to_json() for item in self.items],
            "requests": self.requests,
            "seconds": self.seconds,
            "warnings": list(self.warnings),
            "choices": msgspec.to_builtins(self.choices),
            "questions": msgspec.to_builtins(self.questions),
            "places": msgspec.to_builtins(self.places),
        }

    def rows(self) -> list[dict[str, Any]]:
        """One line per contact, for a table or a CSV."""
        return [item.row() for item in self.items]


def skip_duplicates(items: Sequence[PlanItem]) -> Iterator[PlanItem]:
    """Two contacts of one plan with the same e-mail or phone: the first is made, the second is not."""
    taken: dict[tuple[str, str], str] = {}
    for item in items:
        body = item.body or {}
        held = [(name, str(body[name]).strip().lower()) for name in ("email", "phone") if name in body]
        clash = next((key for key in held if key in taken), None)
        if item.action == "recreate" and not item.beside and clash is not None:
            noun = "e-mail" if clash[0] == "email" else "phone number"
            yield PlanItem(
                contact_id=item.contact_id,
                name=item.name,
                action="skip",
                reason=f"Contact {taken[clash]} of this same restore has the same {noun}; that one is made.",
                conflict=Conflict(taken[clash], clash[0]),
                will_be_lost=item.will_be_lost,
            )
            continue
        taken.update(dict.fromkeys(held, item.contact_id))
        yield item
