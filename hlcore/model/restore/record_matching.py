"""Is this living record the one that was planned? Compared by what it says; pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from hlcore.model import custom_fields
from hlcore.model.contact import moment
from hlcore.model.records import decode, identity
from hlcore.model.restore.child_requests import (
    APPOINTMENT,
    NOTE,
    OPPORTUNITY,
    TASK,
    TRANSCRIPT,
    ChildRequest,
    deal_value,
)
from hlcore.model.restore.comparison import same_text

STRONG: Mapping[str, tuple[str, ...]] = {
    NOTE: ("body",),
    TRANSCRIPT: ("body",),
    TASK: ("title", "dueDate", "body"),
    OPPORTUNITY: ("name", "pipelineId", "pipelineStageId", "status", "monetaryValue"),
    APPOINTMENT: ("calendarId", "startTime", "title"),
}
"""What two records of a kind must share to be one."""
SHELF: Mapping[str, str] = {**{kind: kind for kind in (NOTE, TASK, OPPORTUNITY, APPOINTMENT)}, TRANSCRIPT: NOTE}
"""Where a planned child is found again; followers and the business link are on the contact itself."""
_FIRST_LINE = re.compile(r"<p>Originally written[^<]*</p>|Originally written[^\n]*\n\n")
UNSHOWN = frozenset({"ignoreDateRange", "ignoreFreeSlotValidation", "toNotify", "contactId", "locationId"})
LEAVE_OUT: Mapping[str, tuple[str, ...]] = {
    NOTE: ("userId", "color", "title", "pinned"),
    TRANSCRIPT: ("title",),
    TASK: ("assignedTo", "body"),
    OPPORTUNITY: ("customFields", "assignedTo", "monetaryValue"),
    APPOINTMENT: ("assignedUserId", "address", "appointmentStatus"),
}
"""What can be left out when HighLevel refuses, least missed first."""


def same(kind: str, body: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Whether the living record says what this request said, as far as a record of its kind is known by."""
    return all(_equal(key, body[key], live.get(key)) for key in STRONG[kind] if key in body)


def original(kind: str, body: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Whether the living record is the lost one itself, or a copy of it: as `same`, or a note without the line that
    tells the original date."""
    if same(kind, body, live):
        return True
    text, written = str(live.get("body") or ""), str(body.get("body", ""))
    return (
        kind == NOTE
        and bool(text.strip())
        and bool(_FIRST_LINE.match(written))
        and same_text(_FIRST_LINE.sub("", written, count=1), text)
    )


def find(
    kind: str, body: Mapping[str, Any], rows: Iterable[bytes], *, taken: Collection[str], loosely: bool = False
) -> str:
    """The id of the first of these living records that is the one of this request and not taken; '' for none."""
    test = original if loosely else same
    for raw in rows:
        record_id, _ = identity(raw)
        if record_id and record_id not in taken and test(kind, body, decode(raw)):
            return record_id
    return ""


def differences(body: Mapping[str, Any], live: Mapping[str, Any]) -> list[str]:
    """The planned properties that the living record does not have as planned."""
    return [key for key in body if key not in UNSHOWN and not _equal(key, body[key], live.get(key))]


def smaller(child: ChildRequest, body: Mapping[str, Any], named: Iterable[str]) -> dict[str, Any] | None:
    """The request without what HighLevel named, or without the least missed; None when nothing can be left out."""
    may = [key for key in LEAVE_OUT.get(child.kind, ()) if key in body]
    roots = {name.partition(".")[0] for name in named}
    gone = [key for key in may if key in roots] or may[:1]
    return {key: value for key, value in body.items() if key not in gone} if gone else None


def _equal(key: str, planned: object, found: object) -> bool:
    if key == "customFields":
        return _same_values(planned, found)
    if key in ("dueDate", "startTime", "endTime"):
        return moment(planned) == moment(found)
    if isinstance(planned, bool):
        return planned is (found is True)
    if isinstance(planned, (int, float)):
        return custom_fields.same_value(planned, found if found is not None else 0)
    return same_text(planned, found)


def _same_values(planned: object, found: object) -> bool:
    there = (
        {str(item.get("id")): deal_value(item) for item in found if isinstance(item, dict)}
        if isinstance(found, list)
        else {}
    )
    wanted = planned if isinstance(planned, list) else []
    return all(custom_fields.same_value(item.get("field_value"), there.get(str(item.get("id")))) for item in wanted)
