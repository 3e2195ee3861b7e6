"""The records of a deleted contact as requests that create them again under the contact's new id.

Notes, tasks, opportunities and appointments have create calls of their own; followers and the business link are set on
the contact; the users who follow an opportunity are added to it by a request of their own. Messages come back as a
transcript in a note, because HighLevel's call for messages would send them. Request properties are those of the DTOs in
HighLevel's OpenAPI files contacts.json, opportunities.json and calendars.json.

Nothing is dropped silently: whatever a copy holds is in a request, or named as changed, or named as lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from hlcore.model.contact_fields import original_text
from hlcore.model.custom_fields import custom_values, is_empty, is_plain_json, to_written, unreadable_values
from hlcore.model.json_codec import decode_object
from hlcore.model.moments import iso, original_time, parse_moment
from hlcore.model.records import record_title
from hlcore.model.reference_data import ReferenceData, same_name
from hlcore.model.restore.record_values import RecordValues
from hlcore.model.restore.stages import resolve_stage
from hlcore.model.restore.transcript import transcript
from hlcore.model.wording import plural

NOTE, TASK, OPPORTUNITY, APPOINTMENT = "note", "task", "opportunity", "appointment"
TRANSCRIPT, FOLLOWERS, BUSINESS = "transcript", "followers", "business"
OPPORTUNITY_FOLLOWERS = "deal_followers"
"""The kind of a request that adds the users who follow an opportunity."""
PART_NAMES: Mapping[str, str] = {
    NOTE: "notes",
    TASK: "tasks",
    OPPORTUNITY: "opportunities",
    APPOINTMENT: "appointments",
    TRANSCRIPT: "messages",
    FOLLOWERS: "followers",
    BUSINESS: "business links",
}
"""Kind of request → what people call the records in it."""
STATUSES = ("open", "won", "lost", "abandoned")
SILENT: Mapping[str, frozenset[str]] = {
    NOTE: frozenset({"bodyText"}),
    TASK: frozenset({"contactDetails", "assignedToUserDetails", "isRecurring"}),
    OPPORTUNITY: frozenset(
        {
            *("contact", "followers", "source", "lostReasonId", "lastStatusChangeAt", "lastStageChangeAt", "sort"),
            *("lastActionDate", "indexVersion", "notes", "tasks", "calendarEvents", "relations", "attributions"),
            *("effectiveProbability", "pipelineStageUId", "internalSource"),
        }
    ),
    APPOINTMENT: frozenset({"groupId", "createdBy", "isRecurring"}),
}
"""Members of a record that are not its own, that HighLevel computes, or that are named in words for the whole kind."""

RecordRows = Sequence[tuple[str, bytes]]
"""(record id, bytes) of one kind."""


class ChildRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request that creates something of the contact. Stored in plans: never rename the fields.

    `record_id`: the id of the lost record; `body`: without the contact's id; `label`: what to call it; `count`: how
    many records of the copy are in it (messages in a transcript); `followers`: the users who follow the opportunity.
    """

    kind: str
    record_id: str
    body: dict[str, Any]
    label: str
    count: int = 1
    followers: tuple[str, ...] = ()

    @property
    def step(self) -> str:
        """The step under which the journal and the receipt name it."""
        return f"{self.kind}.{self.record_id}"[:64]

    @property
    def requests(self) -> int:
        """The number of requests that create it."""
        return 1 + bool(self.followers)


@dataclass(slots=True)
class ChildRequests:
    """The requests of one contact.

    `children` in the order in which they are sent; `changes` and `lost` in words; `in_copy`: name of the records
    (`PART_NAMES`) → how many the copy holds.
    """

    children: list[ChildRequest] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    in_copy: dict[str, int] = field(default_factory=dict)

    def add_change(self, text: str) -> None:
        """Name a change, once."""
        if text not in self.changes:
            self.changes.append(text)

    def coming_back(self) -> dict[str, int]:
        """Return name of the records → how many of the copy's come back."""
        counts = dict.fromkeys(self.in_copy, 0)
        for child in self.children:
            name = PART_NAMES[child.kind]
            counts[name] = counts.get(name, 0) + child.count
        return counts


def child_requests(
    fields: Mapping[str, Any],
    rows: Mapping[str, RecordRows],
    reference: ReferenceData,
    *,
    now: datetime,
    include_past: bool = False,
) -> ChildRequests:
    """Return the requests for the records of the contact with these `fields`.

    `rows`: kind → the records of the copy; messages are of kind "message", the texts of e-mails of kind "email".
    `include_past`: appointments that are over come back too.
    """
    requests = ChildRequests()
    _add_followers(requests, fields, reference)
    _add_business(requests, fields, reference)
    builders: dict[str, Callable[[ChildRequests, RecordValues, ReferenceData], dict[str, Any] | None]] = {
        NOTE: _note,
        TASK: _task,
        OPPORTUNITY: _opportunity,
        APPOINTMENT: lambda requests, record, reference: _appointment(requests, record, reference, now, include_past),
    }
    for kind, build in builders.items():
        for record_id, row in _oldest_first(rows.get(kind, ())):
            name = PART_NAMES[kind]
            requests.in_copy[name] = requests.in_copy.get(name, 0) + 1
            record = RecordValues(row, kind, requests.lost.append, requests.add_change, {*SILENT[kind]})
            body = build(requests, record, reference)
            if body is not None:
                users = _opportunity_followers(requests, record, reference) if kind == OPPORTUNITY else ()
                record.name_the_rest()
                label = record_title(body, kind)
                requests.children.append(
                    ChildRequest(kind=kind, record_id=record_id, body=body, label=label, followers=users)
                )
    _add_transcript(requests, rows, reference)
    return requests


def followers_step(child: ChildRequest) -> str:
    """Return the journal step of the request that adds the followers of this opportunity."""
    return f"{OPPORTUNITY_FOLLOWERS}.{child.record_id}"[:64]


def opportunity_step(child: ChildRequest) -> str:
    """Return the step under which the receipt names the opportunity whose followers these are."""
    return f"{OPPORTUNITY}.{child.record_id}"[:64]


def lacking_followers(child: ChildRequest, living: bytes) -> list[ChildRequest]:
    """Return the request that adds those followers of the planned opportunity whom the living one lacks; [] when it
    lacks none."""
    row = decode_object(living)
    present = user_ids(row.get("followers"))
    absent = [user_id for user_id in child.followers if user_id not in present]
    if not absent:
        return []
    body = {"opportunityId": str(row["id"]), "followers": absent}
    label = f"{plural(len(absent), 'follower')} of “{child.label}”"
    return [ChildRequest(kind=OPPORTUNITY_FOLLOWERS, record_id=child.record_id, body=body, label=label)]


def _oldest_first(rows: RecordRows) -> list[tuple[str, dict[str, Any]]]:
    decoded = [(record_id, decode_object(raw)) for record_id, raw in rows]
    return sorted(decoded, key=lambda entry: (_added_at(entry[1]) or datetime.min.replace(tzinfo=UTC), entry[0]))


def _added_at(row: Mapping[str, Any]) -> datetime | None:
    return parse_moment(row.get("dateAdded")) or parse_moment(row.get("createdAt"))


def user_ids(value: object) -> list[str]:
    """Return the ids in a list of users; what is no list, or no id, has none."""
    return [user_id for user_id in value if isinstance(user_id, str) and user_id] if isinstance(value, list) else []


def _add_followers(requests: ChildRequests, fields: Mapping[str, Any], reference: ReferenceData) -> None:
    given = fields.get("followers")
    followers = user_ids(given)
    if not is_empty(given) and (not isinstance(given, list) or len(followers) < len(given)):
        requests.lost.append(f"followers {original_text(given)} (they are not all users' ids)")
    if not followers:
        return
    known = [user_id for user_id in followers if reference.has_user(user_id)]
    requests.in_copy[PART_NAMES[FOLLOWERS]] = len(followers)
    if known:
        label = f"{len(known)} followers"
        requests.children.append(
            ChildRequest(kind=FOLLOWERS, record_id="all", body={"followers": known}, label=label, count=len(known))
        )
    if len(known) < len(followers):
        missing = len(followers) - len(known)
        requests.lost.append(f"{missing} of {len(followers)} followers (these users no longer exist)")


def _add_business(requests: ChildRequests, fields: Mapping[str, Any], reference: ReferenceData) -> None:
    business_id = fields.get("businessId")
    if not isinstance(business_id, str) or not business_id:
        given = next((value for value in (business_id, fields.get("businessName")) if not is_empty(value)), None)
        if given is not None:
            requests.lost.append(f"link to the business {original_text(given)} (the copy does not hold its id)")
        return
    requests.in_copy[PART_NAMES[BUSINESS]] = 1
    if reference.businesses is not None and business_id not in reference.businesses:
        requests.lost.append("link to the business (the business no longer exists)")
        return
    body = {"businessId": business_id}
    requests.children.append(
        ChildRequest(kind=BUSINESS, record_id=business_id, body=body, label="link to the business")
    )


def _note(requests: ChildRequests, record: RecordValues, reference: ReferenceData) -> dict[str, Any] | None:
    text, author, added = record.text("body", "text"), record.text("userId", "author"), _added_at(record.row)
    author_deleted = bool(author) and not reference.has_user(author)
    by = f" by {reference.names.get(author) or 'a user who no longer exists'}" if author_deleted else ""
    body: dict[str, Any] = {"body": text}
    if added is not None or author_deleted:
        when = f" on {original_time(added, reference.timezone)}" if added is not None else ""
        line = f"Originally written{by}{when}"
        html = text.lstrip().startswith("<")
        body["body"] = f"<p>{line}</p>{text}" if html else f"{line}\n\n{text}"
        requests.add_change("notes: HighLevel dates them today; the original date is in their first line")
    if author and not author_deleted:
        body["userId"] = author
    if author_deleted:
        requests.add_change("notes: an author who no longer exists is named in the first line")
    body |= {key: value for key in ("title", "color") if (value := record.text(key, key))}
    if record.flag("pinned", "pin"):
        body["pinned"] = True
    return body


def _task(requests: ChildRequests, record: RecordValues, reference: ReferenceData) -> dict[str, Any] | None:
    due = parse_moment(record.row.get("dueDate"))
    if due is None:
        given = record.row.get("dueDate")
        why = "the copy holds no due date" if is_empty(given) else f"its due date {original_text(given)} cannot be read"
        requests.lost.append(f"{record.title} ({why})")
        return None
    record.other("dueDate")
    body: dict[str, Any] = {
        "title": _title(requests, record, "title", "Task"),
        "dueDate": iso(due),
        "completed": record.flag("completed", "completion"),
    }
    if text := record.text("body", "text"):
        body["body"] = text
    _set_owner(requests, record, body, reference, key="assignedTo", noun="tasks")
    return body


def _title(requests: ChildRequests, record: RecordValues, key: str, default: str) -> str:
    """Return the record's title; the default, named as a change, where it has none."""
    title = record.text(key, key)
    if not title.strip():
        requests.add_change(f"{PART_NAMES[record.kind]} without a {key} are called “{default}”")
    return title if title.strip() else default


def _set_owner(
    requests: ChildRequests,
    record: RecordValues,
    body: dict[str, Any],
    reference: ReferenceData,
    *,
    key: str,
    noun: str,
) -> None:
    owner = record.text(key, "owner")
    if reference.has_user(owner):
        body[key] = owner
    elif owner:
        name = reference.names.get(owner)
        who = f"the owner {name}" if name else "an owner"
        requests.add_change(f"{noun}: {who} who no longer exists is left out")


def _opportunity(requests: ChildRequests, record: RecordValues, reference: ReferenceData) -> dict[str, Any] | None:
    target, words = resolve_stage(record.row, reference)
    if target is None:
        requests.lost.append(f"{record.title} ({words or 'the copy does not hold its stage'})")
        return None
    record.other("pipelineId", "pipelineStageId")
    name = _title(requests, record, "name", "Opportunity")
    if words:
        requests.add_change(f"opportunity “{name}”: {words}")
    status = record.choice("status", "status", STATUSES, STATUSES[0])
    body: dict[str, Any] = {**target, "name": name, "status": status}
    value = record.amount("monetaryValue", "value")
    if value is not None:
        body["monetaryValue"] = value
    _set_owner(requests, record, body, reference, key="assignedTo", noun="opportunities")
    values, lost = _opportunity_values(record, reference)
    if values:
        body["customFields"] = values
    if lost:
        requests.lost.append(f"{lost} custom field value(s) of opportunity “{name}” (the field was deleted)")
    requests.add_change("opportunities: dates become today's; the source and the reason of a loss cannot be written")
    return body


def _opportunity_values(record: RecordValues, reference: ReferenceData) -> tuple[list[dict[str, Any]], int]:
    """Return the custom field values to write, and how many belong to deleted fields."""
    given = record.row.get("customFields")
    record.other("customFields")
    held = custom_values(given)
    exist = {key: value for key, value in held.items() if reference.fields is None or key in reference.fields}
    odd = [*unreadable_values(given), *(value for value in exist.values() if not is_plain_json(value))]
    for value in odd:
        record.lost(f"custom field value {original_text(value)} of {record.title} (its form is not HighLevel's)")
    return to_written({key: value for key, value in exist.items() if is_plain_json(value)}), len(held) - len(exist)


def _opportunity_followers(requests: ChildRequests, record: RecordValues, reference: ReferenceData) -> tuple[str, ...]:
    """Return the users who follow the opportunity and still exist."""
    given = record.row.get("followers")
    followers = user_ids(given)
    known = tuple(user_id for user_id in followers if reference.has_user(user_id))
    if not is_empty(given) and (not isinstance(given, list) or len(followers) < len(given)):
        requests.lost.append(f"followers {original_text(given)} of {record.title} (they are not all users' ids)")
    if len(known) < len(followers):
        missing = f"{len(followers) - len(known)} of {len(followers)} followers"
        requests.lost.append(f"{missing} of {record.title} (these users no longer exist)")
    return known


def _appointment(
    requests: ChildRequests, record: RecordValues, reference: ReferenceData, now: datetime, include_past: bool
) -> dict[str, Any] | None:
    start = parse_moment(record.row.get("startTime"))
    calendar = record.text("calendarId", "calendar")
    if reference.calendars is not None and calendar not in reference.calendars:
        name = reference.past_calendars.get(calendar, "")
        calendar = next((key for key, label in reference.calendars.items() if same_name(label, name)), "")
    why, given = "", record.row.get("startTime")
    if start is None:
        why = "the copy holds no time" if is_empty(given) else f"its time {original_text(given)} cannot be read"
    elif start < now and not include_past:
        why = "it is over"
    elif not calendar:
        why = "its calendar no longer exists, and none has its name"
    if why or start is None:
        requests.lost.append(f"{record.title} ({why})")
        return None
    record.other("startTime", *(("status",) if record.row.get("appointmentStatus") else ()))
    title = _title(requests, record, "title", "Appointment")
    body: dict[str, Any] = {"calendarId": calendar, "startTime": iso(start), "title": title}
    end = record.moment("endTime", "end")
    if end is not None:
        body["endTime"] = iso(end)
    named = {"appointmentStatus": "status", "address": "place"}
    body |= {key: value for key, label in named.items() if (value := record.text(key, label))}
    _set_owner(requests, record, body, reference, key="assignedUserId", noun="appointments")
    if user_ids(record.row.get("users")) == [body.get("assignedUserId")]:
        record.other("users")
    return {**body, "ignoreDateRange": True, "ignoreFreeSlotValidation": True}


def _add_transcript(requests: ChildRequests, rows: Mapping[str, RecordRows], reference: ReferenceData) -> None:
    """Add all messages as one note, or several where it would be too long."""
    emails = {record_id: decode_object(raw) for record_id, raw in rows.get("email", ())}
    messages = [row for _, row in _oldest_first(rows.get("message", ())) if not _is_activity(row)]
    if not messages:
        return
    requests.in_copy[PART_NAMES[TRANSCRIPT]] = len(messages)
    requests.add_change("messages: come back as a transcript in a note, because writing them would send them")
    parts = transcript(messages, emails, lambda at: original_time(at, reference.timezone))
    for number, (text, count) in enumerate(parts, 1):
        body = {"body": text, "title": "Conversation before the deletion"}
        label = f"transcript of {count} messages"
        requests.children.append(
            ChildRequest(kind=TRANSCRIPT, record_id=f"part{number}", body=body, label=label, count=count)
        )


def _is_activity(row: Mapping[str, Any]) -> bool:
    return str(row.get("messageType") or "").startswith("TYPE_ACTIVITY")
