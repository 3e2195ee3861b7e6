"""How much of a contact comes back, as a number with its parts: predicted by the plan, measured by the receipt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from hlcore.model.contact_fields import ALWAYS_LOST
from hlcore.model.restore.child_requests import FOLLOWERS, PARTS, ChildRequest, ChildRequests
from hlcore.model.restore.restore_payload import RestorePayload

FIELDS = "fields"
_ONE = {"opportunities": "opportunity"}


class FidelityPart(msgspec.Struct, frozen=True):
    """So many of so many ("notes": 6 of 6)."""

    name: str
    kept: int
    of: int

    @property
    def words(self) -> str:
        """As people say it."""
        name = (_ONE.get(self.name) or self.name.removesuffix("s")) if self.of == 1 else self.name
        dated = " with original dates in their text" if self.name == "notes" and self.kept else ""
        return f"{self.kept} of {self.of} {name}{dated}"


class Fidelity(msgspec.Struct, frozen=True):
    """The parts of one contact, and in words what is lost, and what a person left out (which is in no number)."""

    parts: tuple[FidelityPart, ...]
    lost: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """0 … 1 over all parts together."""
        whole = sum(part.of for part in self.parts)
        return sum(part.kept for part in self.parts) / whole if whole else 1.0

    @property
    def words(self) -> str:
        """In one line."""
        told = ", ".join(part.words for part in self.parts)
        told += f"; lost: {', '.join(self.lost)}" if self.lost else ""
        return told + (f"; left out, as you asked: {', '.join(self.left_out)}" if self.left_out else "")

    def to_json(self) -> dict[str, Any]:
        """For the command line and files."""
        return {
            "share": round(self.share, 4),
            "text": self.words,
            "parts": msgspec.to_builtins(self.parts),
            "left_out": list(self.left_out),
        }


def predicted(wanted: RestorePayload, kin: ChildRequests, left_out: Sequence[str] = ()) -> Fidelity:
    """What the plan promises. What exists outside of every copy (enrolment, statistics) is in no number."""
    lost = [one for one in wanted.lost if one not in ALWAYS_LOST]
    fields = FidelityPart(FIELDS, len(wanted.returns), len(wanted.returns) + len(lost))
    kept = kin.kept()
    others = [FidelityPart(name, kept.get(name, 0), of) for name, of in kin.held.items()]
    return Fidelity((fields, *others), (*lost, *kin.lost), tuple(left_out))


def without(promise: Fidelity, names: Sequence[str]) -> Fidelity:
    """The promise less these fields, which turn out not to be writable."""
    gone = len(names)
    parts = (
        FidelityPart(one.name, max(0, one.kept - gone), one.of) if one.name == FIELDS else one for one in promise.parts
    )
    return Fidelity(tuple(parts), (*promise.lost, *names), promise.left_out)


def measured(promise: Fidelity, children: Sequence[ChildRequest], differences: Iterable[Mapping[str, Any]]) -> Fidelity:
    """What was really found: the promise without what differs."""
    counts = {child.step: child.count for child in children}
    missing: Counter[str] = Counter()
    for name, number in {_subject(one): _number(one, counts) for one in differences}.items():
        missing[PARTS.get(name.partition(".")[0], FIELDS)] += number
    parts = (FidelityPart(part.name, max(0, part.kept - missing[part.name]), part.of) for part in promise.parts)
    return Fidelity(tuple(parts), promise.lost, promise.left_out)


def _number(difference: Mapping[str, Any], counts: Mapping[str, int]) -> int:
    """How many of the copy's things are missing: of followers, those who are."""
    planned, found, field = difference.get("planned"), difference.get("found"), str(difference["field"])
    if field.startswith(f"{FOLLOWERS}.") and isinstance(planned, list) and isinstance(found, list):
        return len([one for one in planned if one not in found])
    return counts.get(field, 1)


def _subject(difference: Mapping[str, Any]) -> str:
    """The thing that a difference is about: several channels are one field."""
    field = str(difference["field"])
    root = field.partition(".")[0]
    if root in ("dnd", "dndSettings"):
        return "dndSettings"
    return field if root == "customFields" or root in PARTS else root
