"""The plan field by field: the last copy, the living contact, what is written, and why something is not. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from hlcore.model.children import Child
from hlcore.model.custom_values import is_empty, values_of
from hlcore.model.fields import DERIVED, UNWRITABLE, label_of
from hlcore.model.leaving import CUSTOM, LEFT_OUT, is_known, is_left
from hlcore.model.writable import ONLY_NEW, ONLY_NEW_WHY
from hlcore.restore.following import follow_step

KEEPS = "the living contact has a value, which stays"
SAME = "it is there already"
NOT_WRITTEN = "nothing is written"
_DISTURB = ("dnd", "dndSettings", "inboundDndSettings")
_BY_OTHERS = ("followers", "businessId", "businessName")


class Line(msgspec.Struct, frozen=True):
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


class Sides(msgspec.Struct, frozen=True, kw_only=True):
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
    children: Sequence[Child] = ()
    kin: Sequence[Child] = ()
    left: Sequence[tuple[str, str]] = ()
    lost: Sequence[str] = ()


def lines_of(sides: Sides) -> tuple[Line, ...]:
    """Every field that the copy holds or a request writes, then every record. Each once."""
    return (*_fields(sides), *_custom(sides), *_records(sides))


def _fields(sides: Sides) -> Iterator[Line]:
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


def _custom(sides: Sides) -> Iterator[Line]:
    held, living, sent = (values_of(one.get(CUSTOM)) for one in (sides.copy, sides.living, sides.written))
    for key in dict.fromkeys((*held, *sent)):
        if not (is_empty(held.get(key)) and is_empty(sent.get(key))):
            yield _line(
                sides, f"{CUSTOM}.{key}", sides.labels.get(key) or key, held.get(key), living.get(key), sent.get(key)
            )


def _line(sides: Sides, name: str, label: str, held: Any, living: Any, sent: Any) -> Line:
    why = sides.reasons.get(name, "")
    if sent is None and not why:
        blank = ONLY_NEW_WHY if name in ONLY_NEW and sides.living else NOT_WRITTEN
        why = sides.why or (KEEPS if not is_empty(living) or name in _DISTURB else blank)
    can = name not in _DISTURB and is_known(name) and (sent is not None or why == LEFT_OUT)
    return Line(name, label, held, living, sent, why, name if can else "")


def _records(sides: Sides) -> Iterator[Line]:
    made = {child.step: child for child in sides.children}
    for child in sides.kin:
        sent = made.get(child.step) or made.get(follow_step(child))
        name = {"transcript": "message", "business": "businessId"}.get(child.kind, child.step)
        leave = name.partition(".")[0] if child.kind in ("followers", "business", "transcript") else name
        why = "" if sent is not None else sides.why or SAME
        yield Line(
            child.step,
            f"{child.kind}: {child.label}",
            child.label,
            written=None if sent is None else _said(sent),
            why=why,
            leave=leave if sent is not None and is_known(leave) else "",
        )
    for name, title in sides.left:
        yield Line(name, f"{name.partition('.')[0]}: {title}", title, why=LEFT_OUT, leave=name)
    for words in sides.lost:
        yield Line("", words, why=words)


def _said(child: Child) -> Any:
    """What people would read of the request."""
    found = child.body.get("body") or child.body.get("title") or child.body.get("name")
    return found if found else child.label


def left_by(lines: Sequence[Line], names: Sequence[str]) -> list[Line]:
    """The lines that these names leave out."""
    return [one for one in lines if one.leave and (one.leave in names or is_left(one.leave, names))]
