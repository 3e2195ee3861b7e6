"""The plan of a restore: plain values that pages, command line, CSV and jobs show alike.

Jobs store choices and items as JSON (`PlanItem.dump`), so the names of their fields are part of the data.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from hlcore.model.json_codec import converter
from hlcore.model.restore.child_requests import ChildRequest
from hlcore.model.wording import plural
from hlcore.restore.fidelity import Fidelity

PlanAction = Literal["recreate", "top_up", "skip", "use_native", "undo", "put_back"]
RestorePath = Literal["auto", "recreate", "top_up"]
OnConflict = Literal["skip", "fill", "create"]
WRITING_ACTIONS = frozenset({"recreate", "top_up"})
"""Actions that change something in HighLevel."""


class PlanChoices(msgspec.Struct, frozen=True, kw_only=True):
    """What the user decides about a whole restore.

    `tags`: added last (while every channel is still closed), with the create call, or not at all. `marker`: a tag in
    the create call, so that workflows can leave these contacts out; '' for none. `past_appointments`: those that are
    over come back too. `on_conflict`: where a living contact holds the same e-mail or phone, skip, fill its blanks, or
    create anyway where the location allows duplicates; `on_conflict_of`: the same for single contacts. `leave_out`:
    fields and records that do not come back, by the names of `model.restore.exclusions`, for all contacts;
    `leave_out_of`: for single ones. `places`: where opportunities go whose stage no longer exists, "pipeline/stage"
    then → "pipeline/stage" today, '' to leave them out."""

    tags: Literal["last", "first", "none"] = "last"
    marker: str = ""
    past_appointments: bool = False
    on_conflict: OnConflict = "skip"
    on_conflict_of: dict[str, OnConflict] = {}
    leave_out: tuple[str, ...] = ()
    leave_out_of: dict[str, tuple[str, ...]] = {}
    places: dict[str, str] = {}

    def on_conflict_for(self, contact_id: str) -> OnConflict:
        """Return what to do when a living contact holds this contact's e-mail or phone."""
        return self.on_conflict_of.get(contact_id, self.on_conflict)

    def left_out_for(self, contact_id: str) -> set[str]:
        """Return the names of what is left out for this contact."""
        names = {*self.leave_out, *self.leave_out_of.get(contact_id, ())}
        return names | {"tags"} if self.tags == "none" else names


to_choices = converter(PlanChoices)


class Conflict(msgspec.Struct, frozen=True):
    """A living contact that holds the same e-mail or phone. `field` is email or phone; `additional`: it is not the
    holder's first one."""

    contact_id: str
    field: str
    additional: bool = False

    @property
    def text(self) -> str:
        """The conflict in a sentence."""
        noun = "e-mail" if self.field == "email" else "phone number" if self.field == "phone" else "e-mail or phone"
        additional = " as an additional one" if self.additional else ""
        return f"Living contact {self.contact_id} holds the same {noun}{additional}."


class NativeRestore(msgspec.Struct, frozen=True):
    """HighLevel's own restore: until when it may be open, where, and how to do it."""

    until: datetime
    days_left: int
    deadline: str
    link: str
    steps: tuple[str, ...]


class PlacementQuestion(msgspec.Struct, frozen=True):
    """A stage that no longer exists. `key`: its "pipeline/stage" then, under which `PlanChoices.places` holds the
    answer; `pipeline` and `stage`: the names, '' where not known; `opportunities`: how many were in it; `answer`: None
    while nothing is chosen, and until then they are left behind as lost."""

    key: str
    pipeline: str
    stage: str
    why: str
    opportunities: int
    answer: str | None = None

    @property
    def text(self) -> str:
        """The question in a sentence."""
        where = " → ".join(f"“{name}”" for name in (self.pipeline, self.stage) if name) or "an unknown stage"
        return f"{plural(self.opportunities, 'opportunity')} stood in {where}: {self.why}. Where to?"


class PlacementOption(msgspec.Struct, frozen=True):
    """A stage of today. `key`: "pipeline/stage"."""

    key: str
    label: str


class FieldLine(msgspec.Struct, frozen=True):
    """One field or record of a contact's plan. `field`: HighLevel's name ("city", "customFields.<id>", "note.<id>");
    `copy`, `living`, `written`: the values, None for none; `why`: why it is not, or not fully, written; `leave`: the
    name under which it can be left out, '' where it cannot."""

    field: str
    label: str
    copy: Any = None
    living: Any = None
    written: Any = None
    why: str = ""
    leave: str = ""


class PlanItem(msgspec.Struct, frozen=True, kw_only=True):
    """What will be done with one contact, and why.

    `body`: the create call, and `after`: the update that follows it; for a top-up `body` holds the blanks to fill, and
    `after` is empty. `children` and `tags` follow in between. `target_id`: the living contact to top up; `there`: ids
    of its records that are accounted for. `beside`: create it although its address is taken. `compared`: where there is
    a conflict, (property, last copy, living contact), both as text, '' for none. The three `will_` lists are in plain
    words. `requests`: what carrying it out costs. `left_out`: what the user left out, in words; `questions`: stages
    that no longer exist; `lines`: all of it field by field, for people, not stored with a job.
    """

    contact_id: str
    name: str = ""
    action: PlanAction
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

    def to_json(self) -> dict[str, Any]:
        """Return the keys of the command line's contract, and the name."""
        value: dict[str, Any] = msgspec.to_builtins(self)
        for name in ("body", "after", "children", "tags", "there", "beside"):
            del value[name]
        value["fidelity"] = self.fidelity.to_json() if self.fidelity else None
        return value

    def dump(self) -> dict[str, Any]:
        """Return all that a job needs, without `lines`, as a JSON value for `load`."""
        value: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(self, lines=()))
        return value

    @classmethod
    def load(cls, dumped: Mapping[str, Any]) -> PlanItem:
        """Return the item of this JSON value."""
        return _to_item(dict(dumped))

    def row(self) -> dict[str, Any]:
        """Return one row of a table."""
        return {
            "contact_id": self.contact_id,
            "name": self.name,
            "action": self.action,
            "reason": self.reason,
            "fidelity": self.fidelity.text if self.fidelity else "",
            "will_return": "; ".join(self.will_return),
            "will_change": "; ".join(self.will_change),
            "will_be_lost": "; ".join(self.will_be_lost),
            "left_out": "; ".join(self.left_out),
            "conflict": self.conflict.text if self.conflict else "",
            "deadline": self.native.deadline if self.native else "",
            "requests": self.requests,
        }


_to_item = converter(PlanItem)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a restore of these contacts would do, as of `made_at`. `rate`: requests per second that are allowed;
    `index_lag`: seconds that HighLevel's search may lag, stored because the job needs it after a crash; `places`: the
    stages of today, where there are questions."""

    location_id: str
    made_at: datetime
    path: RestorePath
    items: tuple[PlanItem, ...]
    rate: float
    index_lag: float
    choices: PlanChoices = PlanChoices()
    warnings: tuple[str, ...] = ()
    places: tuple[PlacementOption, ...] = ()

    @property
    def questions(self) -> tuple[PlacementQuestion, ...]:
        """The questions about the whole restore, each once, with their opportunities added up."""
        return merge_questions(question for item in self.items for question in item.questions)

    @property
    def requests(self) -> int:
        """What carrying out the whole plan costs."""
        return sum(item.requests for item in self.items)

    @property
    def seconds(self) -> int:
        """How long that takes at the allowed rate, rounded up."""
        return math.ceil(self.requests / self.rate) if self.rate > 0 else 0

    def counts(self) -> dict[str, int]:
        """Return the number of contacts by action."""
        return dict(Counter(item.action for item in self.items))

    def to_json(self) -> dict[str, Any]:
        """Return the command line's contract for a plan."""
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
        """Return one row per contact, for a table or a CSV."""
        return [item.row() for item in self.items]


def merge_questions(questions: Iterable[PlacementQuestion]) -> tuple[PlacementQuestion, ...]:
    """Return each question once, in order of appearance, with its opportunities added up."""
    merged: dict[str, PlacementQuestion] = {}
    for question in questions:
        earlier = merged.get(question.key)
        number = question.opportunities + (earlier.opportunities if earlier else 0)
        merged[question.key] = msgspec.structs.replace(question, opportunities=number)
    return tuple(merged.values())


def skip_duplicates(items: Sequence[PlanItem]) -> Iterator[PlanItem]:
    """Yield the items; of two contacts with the same e-mail or phone the first is created, the second skipped."""
    taken: dict[tuple[str, str], str] = {}
    for item in items:
        body = item.body or {}
        addresses = [(name, str(body[name]).strip().lower()) for name in ("email", "phone") if name in body]
        clash = next((address for address in addresses if address in taken), None)
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
        taken.update(dict.fromkeys(addresses, item.contact_id))
        yield item
