"""Whether a live record is the planned one, judged by its content, and what to leave out when a record is rejected."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from hlcore.model import custom_fields
from hlcore.model.json_codec import decode_object
from hlcore.model.moments import parse_moment
from hlcore.model.records import record_ids
from hlcore.model.restore.child_requests import APPOINTMENT, NOTE, OPPORTUNITY, TASK, TRANSCRIPT, ChildRequest
from hlcore.model.restore.comparison import same_text

IDENTIFYING: Mapping[str, tuple[str, ...]] = {
    NOTE: ("body",),
    TRANSCRIPT: ("body",),
    TASK: ("title", "dueDate", "body"),
    OPPORTUNITY: ("name", "pipelineId", "pipelineStageId", "status", "monetaryValue"),
    APPOINTMENT: ("calendarId", "startTime", "title"),
}
"""The properties by which a record of a kind is recognised."""
STORED_KIND: Mapping[str, str] = {**{kind: kind for kind in (NOTE, TASK, OPPORTUNITY, APPOINTMENT)}, TRANSCRIPT: NOTE}
"""Kind of request → kind of the records among which it is found again. Followers and the business link are on the
contact itself."""
_FIRST_LINE = re.compile(r"<p>Originally written[^<]*</p>|Originally written[^\n]*\n\n")
NEVER_SHOWN = frozenset({"ignoreDateRange", "ignoreFreeSlotValidation", "toNotify", "contactId", "locationId"})
EXPENDABLE: Mapping[str, tuple[str, ...]] = {
    NOTE: ("userId", "color", "title", "pinned"),
    TRANSCRIPT: ("title",),
    TASK: ("assignedTo", "body"),
    OPPORTUNITY: ("customFields", "assignedTo", "monetaryValue"),
    APPOINTMENT: ("assignedUserId", "address", "appointmentStatus"),
}
"""What can be left out when HighLevel rejects a request, the least important first."""


def same_record(kind: str, body: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Whether the live record has the identifying properties of this request."""
    return all(_equal(key, body[key], live.get(key)) for key in IDENTIFYING[kind] if key in body)


def same_original(kind: str, body: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Whether the live record is the lost one itself or a copy of it: as `same_record`, but a note may lack the line
    that states its original date."""
    if same_record(kind, body, live):
        return True
    text, written = str(live.get("body") or ""), str(body.get("body", ""))
    return (
        kind == NOTE
        and bool(text.strip())
        and bool(_FIRST_LINE.match(written))
        and same_text(_FIRST_LINE.sub("", written, count=1), text)
    )


def find_match(
    kind: str, body: Mapping[str, Any], rows: Iterable[bytes], *, taken: Collection[str], allow_original: bool = False
) -> str:
    """Return the id of the first of these live records that matches the request and is not taken; '' for none."""
    test = same_original if allow_original else same_record
    for raw in rows:
        record_id, _ = record_ids(raw)
        if record_id and record_id not in taken and test(kind, body, decode_object(raw)):
            return record_id
    return ""


def differing_keys(body: Mapping[str, Any], live: Mapping[str, Any]) -> list[str]:
    """Return the planned properties that the live record does not have as planned."""
    return [key for key in body if key not in NEVER_SHOWN and not _equal(key, body[key], live.get(key))]


def smaller_request(child: ChildRequest, body: Mapping[str, Any], named: Iterable[str]) -> dict[str, Any] | None:
    """Return the body without the properties that HighLevel named, or else without the least important one; None when
    nothing can be left out."""
    expendable = [key for key in EXPENDABLE.get(child.kind, ()) if key in body]
    roots = {name.partition(".")[0] for name in named}
    left_out = [key for key in expendable if key in roots] or expendable[:1]
    return {key: value for key, value in body.items() if key not in left_out} if left_out else None


def _equal(key: str, planned: object, found: object) -> bool:
    if key == "customFields":
        return _same_values(planned, found)
    if key in ("dueDate", "startTime", "endTime"):
        return parse_moment(planned) == parse_moment(found)
    if isinstance(planned, bool):
        return planned is (found is True)
    if isinstance(planned, (int, float)):
        return custom_fields.same_value(planned, found if found is not None else 0)
    return same_text(planned, found)


def _same_values(planned: object, found: object) -> bool:
    values = custom_fields.custom_values(found)
    wanted = custom_fields.from_written(planned if isinstance(planned, list) else ())
    return all(custom_fields.same_value(value, values.get(field_id)) for field_id, value in wanted.items())
