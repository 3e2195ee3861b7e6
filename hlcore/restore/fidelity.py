"""How much of a contact comes back, in numbers by part: predicted by the plan, measured by the receipt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from hlcore.model.contact_fields import ALWAYS_LOST
from hlcore.model.restore.child_requests import FOLLOWERS, PART_NAMES, ChildRequest, ChildRequests
from hlcore.model.restore.restore_payload import RestorePayload

FIELDS = "fields"
_SINGULAR = {"opportunities": "opportunity"}


class FidelityPart(msgspec.Struct, frozen=True):
    """One part ("notes"), of which `kept` of `of` come back."""

    name: str
    kept: int
    of: int

    @property
    def text(self) -> str:
        """The part in words ("6 of 6 notes")."""
        name = (_SINGULAR.get(self.name) or self.name.removesuffix("s")) if self.of == 1 else self.name
        dated = " with original dates in their text" if self.name == "notes" and self.kept else ""
        return f"{self.kept} of {self.of} {name}{dated}"


class Fidelity(msgspec.Struct, frozen=True):
    """The parts of one contact, and in words what is lost, what the user left out, and what was never captured, so that
    nobody knows whether it existed; the last two are in no number."""

    parts: tuple[FidelityPart, ...]
    lost: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    not_captured: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """The share that comes back, 0 to 1, over all parts together."""
        whole = sum(part.of for part in self.parts)
        return sum(part.kept for part in self.parts) / whole if whole else 1.0

    @property
    def text(self) -> str:
        """All of it in one line."""
        text = ", ".join(part.text for part in self.parts)
        text += f"; lost: {', '.join(self.lost)}" if self.lost else ""
        text += f"; not known, because never captured: {', '.join(self.not_captured)}" if self.not_captured else ""
        return text + (f"; left out, as you asked: {', '.join(self.left_out)}" if self.left_out else "")

    def to_json(self) -> dict[str, Any]:
        """Return the value that command line and files show."""
        return {
            "share": round(self.share, 4),
            "text": self.text,
            "parts": msgspec.to_builtins(self.parts),
            "left_out": list(self.left_out),
            "not_captured": list(self.not_captured),
        }


def predict_fidelity(
    payload: RestorePayload, children: ChildRequests, left_out: Sequence[str] = (), not_captured: Sequence[str] = ()
) -> Fidelity:
    """Return what the plan promises. What no copy holds (enrolment, statistics) is in no number."""
    lost = [name for name in payload.lost if name not in ALWAYS_LOST]
    fields = FidelityPart(FIELDS, len(payload.returns), len(payload.returns) + len(lost))
    kept = children.coming_back()
    others = [FidelityPart(name, kept.get(name, 0), of) for name, of in children.in_copy.items()]
    return Fidelity((fields, *others), (*lost, *children.lost), tuple(left_out), tuple(not_captured))


def without_fields(promise: Fidelity, names: Sequence[str]) -> Fidelity:
    """Return the promise without these fields, which turned out not to be writable."""
    parts = (
        FidelityPart(part.name, max(0, part.kept - len(names)), part.of) if part.name == FIELDS else part
        for part in promise.parts
    )
    return Fidelity(tuple(parts), (*promise.lost, *names), promise.left_out, promise.not_captured)


def measure_fidelity(
    promise: Fidelity, children: Sequence[ChildRequest], differences: Iterable[Mapping[str, Any]]
) -> Fidelity:
    """Return what was really found: the promise without what differs. What is there beyond the plan is no loss."""
    counts = {child.step: child.count for child in children}
    missing: Counter[str] = Counter()
    lacking = [difference for difference in differences if difference["planned"] is not None]
    subjects = {_subject(difference): _number(difference, counts) for difference in lacking}
    for name, number in subjects.items():
        missing[PART_NAMES.get(name.partition(".")[0], FIELDS)] += number
    parts = (FidelityPart(part.name, max(0, part.kept - missing[part.name]), part.of) for part in promise.parts)
    return Fidelity(tuple(parts), promise.lost, promise.left_out, promise.not_captured)


def _number(difference: Mapping[str, Any], counts: Mapping[str, int]) -> int:
    """Return how many of the copy's things are missing: each missing follower counts."""
    planned, found, field = difference.get("planned"), difference.get("found"), str(difference["field"])
    if field.startswith(f"{FOLLOWERS}.") and isinstance(planned, list) and isinstance(found, list):
        return len([user for user in planned if user not in found])
    return counts.get(field, 1)


def _subject(difference: Mapping[str, Any]) -> str:
    """Return what a difference is about: all channels together are one field."""
    field = str(difference["field"])
    root = field.partition(".")[0]
    if root in ("dnd", "dndSettings"):
        return "dndSettings"
    return field if root == "customFields" or root in PART_NAMES else root
