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

from hlcore.model.custom_fields import is_empty
from hlcore.model.json_codec import decode_object
from hlcore.model.moments import iso, local_time, parse_moment
from hlcore.model.records import record_title
from hlcore.model.reference_data import ReferenceData, same_name
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


@dataclass(frozen=True, slots=True)
class UnresolvedStage:
    """A stage that no longer exists and whose name no other has, so that the user decides where its opportunities go.

    `key`: "pipeline id/stage id" in the copy; `pipeline`, `stage`: their names, '' where not known; `why` in words;
    `answer`: the user's choice, "pipeline id/stage id" of today, '' to leave them out, None for no answer yet.
    """

    key: str
    pipeline: str
    stage: str
    why: str
    answer: str | None = None


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
    builders: dict[str, Callable[[ChildRequests, dict[str, Any], ReferenceData], dict[str, Any] | None]] = {
        NOTE: _note,
        TASK: _task,
        OPPORTUNITY: _opportunity,
        APPOINTMENT: lambda requests, row, reference: _appointment(requests, row, reference, now, include_past),
    }
    for kind, build in builders.items():
        for record_id, row in _oldest_first(rows.get(kind, ())):
            name = PART_NAMES[kind]
            requests.in_copy[name] = requests.in_copy.get(name, 0) + 1
            body = build(requests, row, reference)
            if body is not None:
                users = _opportunity_followers(requests, row, reference) if kind == OPPORTUNITY else ()
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
    present = row.get("followers") or ()
    absent = [user_id for user_id in child.followers if user_id not in present]
    if not absent:
        return []
    body = {"opportunityId": str(row["id"]), "followers": absent}
    label = f"{plural(len(absent), 'follower')} of “{child.label}”"
    return [ChildRequest(kind=OPPORTUNITY_FOLLOWERS, record_id=child.record_id, body=body, label=label)]


def resolve_stage(row: Mapping[str, Any], reference: ReferenceData) -> tuple[dict[str, Any] | None, str]:
    """Return the pipeline and stage to write for this opportunity (None: none), and in words how they were found or
    why there are none."""
    target, words = _stage_by_id_or_name(row, reference)
    unresolved = unresolved_stage(row, reference) if target is None else None
    if unresolved is None or not unresolved.answer:
        return target, words
    pipeline, _, stage = unresolved.answer.partition("/")
    name, stages = (reference.pipelines or {})[pipeline]
    return {"pipelineId": pipeline, "pipelineStageId": stage}, f"goes into “{name}”, “{stages[stage]}”, as you chose"


def unresolved_stage(row: Mapping[str, Any], reference: ReferenceData) -> UnresolvedStage | None:
    """Return what the user has to decide about this opportunity; None where its stage is clear or the location's
    pipelines are not known."""
    target, why = _stage_by_id_or_name(row, reference)
    if target is not None or reference.pipelines is None:
        return None
    pipeline, stage = _stage_ids(row)
    key = f"{pipeline}/{stage}"
    name, stages = reference.past_pipelines.get(pipeline) or reference.pipelines.get(pipeline) or ("", {})
    answer = reference.stage_choices.get(key)
    return UnresolvedStage(key, name, stages.get(stage, ""), why, answer if _is_valid(answer, reference) else None)


def _is_valid(answer: str | None, reference: ReferenceData) -> bool:
    """Whether the chosen stage still exists, or the choice is to leave the opportunities out."""
    if not answer:
        return answer == ""
    pipeline, _, stage = answer.partition("/")
    return stage in (reference.pipelines or {}).get(pipeline, ("", {}))[1]


def _stage_ids(row: Mapping[str, Any]) -> tuple[str, str]:
    return str(row.get("pipelineId") or ""), str(row.get("pipelineStageId") or "")


def _stage_by_id_or_name(row: Mapping[str, Any], reference: ReferenceData) -> tuple[dict[str, Any] | None, str]:
    pipeline, stage = _stage_ids(row)
    if reference.pipelines is None:
        return ({"pipelineId": pipeline, "pipelineStageId": stage} if pipeline and stage else None), ""
    old_name, old_stages = reference.past_pipelines.get(pipeline, ("", {}))
    target, words = pipeline, ""
    if pipeline not in reference.pipelines:
        target = next((key for key, (name, _) in reference.pipelines.items() if same_name(name, old_name)), "")
        if not target:
            return None, "its pipeline no longer exists, and none has its name"
        words = f"goes into the pipeline that is now called “{old_name}”"
    stages = reference.pipelines[target][1]
    if stage in stages:
        return {"pipelineId": target, "pipelineStageId": stage}, words
    name = old_stages.get(stage, "")
    mapped = next((key for key, label in stages.items() if same_name(label, name)), "")
    if not mapped:
        return None, "its stage no longer exists, and none has its name"
    return {"pipelineId": target, "pipelineStageId": mapped}, words or f"goes into the stage now called “{name}”"


def opportunity_value(item: Mapping[str, Any]) -> Any:
    """Return the value of an opportunity's custom field; its key varies with the type (HighLevel API issue 87)."""
    keys = (key for key in item if key in ("value", "field_value") or key.startswith("fieldValue"))
    return next((item[key] for key in keys if not is_empty(item[key])), None)


def _opportunity_values(custom_fields: object, reference: ReferenceData) -> tuple[list[dict[str, Any]], int]:
    """Return the custom field values to write, and how many belong to deleted fields."""
    values: list[dict[str, Any]] = []
    lost = 0
    for item in custom_fields if isinstance(custom_fields, list) else ():
        if not isinstance(item, Mapping) or not isinstance(item.get("id"), str):
            continue
        value = opportunity_value(item)
        if is_empty(value):
            continue
        if reference.fields is not None and item["id"] not in reference.fields:
            lost += 1
        else:
            values.append({"id": item["id"], "field_value": value})
    return values, lost


def _oldest_first(rows: RecordRows) -> list[tuple[str, dict[str, Any]]]:
    decoded = [(record_id, decode_object(raw)) for record_id, raw in rows]
    return sorted(decoded, key=lambda entry: (_added_at(entry[1]) or datetime.min.replace(tzinfo=UTC), entry[0]))


def _added_at(row: Mapping[str, Any]) -> datetime | None:
    return parse_moment(row.get("dateAdded")) or parse_moment(row.get("createdAt"))


def _user_ids(value: object) -> list[str]:
    return [user_id for user_id in value if isinstance(user_id, str) and user_id] if isinstance(value, list) else []


def _add_followers(requests: ChildRequests, fields: Mapping[str, Any], reference: ReferenceData) -> None:
    followers = _user_ids(fields.get("followers"))
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
        return
    requests.in_copy[PART_NAMES[BUSINESS]] = 1
    if reference.businesses is not None and business_id not in reference.businesses:
        requests.lost.append("link to the business (the business no longer exists)")
        return
    body = {"businessId": business_id}
    requests.children.append(
        ChildRequest(kind=BUSINESS, record_id=business_id, body=body, label="link to the business")
    )


def _note(requests: ChildRequests, row: dict[str, Any], reference: ReferenceData) -> dict[str, Any] | None:
    text, added, author = str(row.get("body") or ""), _added_at(row), row.get("userId")
    author = author if isinstance(author, str) else ""
    author_deleted = bool(author) and not reference.has_user(author)
    by = f" by {reference.names.get(author) or 'a user who no longer exists'}" if author_deleted else ""
    body: dict[str, Any] = {"body": text}
    if added is not None or author_deleted:
        when = f" on {local_time(added, reference.timezone)}" if added is not None else ""
        line = f"Originally written{by}{when}"
        html = text.lstrip().startswith("<")
        body["body"] = f"<p>{line}</p>{text}" if html else f"{line}\n\n{text}"
        requests.add_change("notes: HighLevel dates them today; the original date is in their first line")
    if author and not author_deleted:
        body["userId"] = author
    if author_deleted:
        requests.add_change("notes: an author who no longer exists is named in the first line")
    body |= {key: row[key] for key in ("title", "color") if isinstance(row.get(key), str) and row[key]}
    if row.get("pinned") is True:
        body["pinned"] = True
    return body


def _task(requests: ChildRequests, row: dict[str, Any], reference: ReferenceData) -> dict[str, Any] | None:
    due = parse_moment(row.get("dueDate"))
    if due is None:
        requests.lost.append(f"task “{row.get('title') or 'without title'}” (the copy holds no due date)")
        return None
    body: dict[str, Any] = {
        "title": str(row.get("title") or "Task"),
        "dueDate": iso(due),
        "completed": row.get("completed") is True,
    }
    if isinstance(row.get("body"), str) and row["body"]:
        body["body"] = row["body"]
    _set_owner(requests, row, body, reference, key="assignedTo", noun="tasks")
    return body


def _set_owner(
    requests: ChildRequests,
    row: Mapping[str, Any],
    body: dict[str, Any],
    reference: ReferenceData,
    *,
    key: str,
    noun: str,
) -> None:
    owner = row.get(key)
    if reference.has_user(owner):
        body[key] = owner
    elif owner:
        requests.add_change(f"{noun}: an owner who no longer exists is left out")


def _opportunity(requests: ChildRequests, row: dict[str, Any], reference: ReferenceData) -> dict[str, Any] | None:
    name = str(row.get("name") or "Opportunity")
    target, words = resolve_stage(row, reference)
    if target is None:
        requests.lost.append(f"opportunity “{name}” ({words})")
        return None
    if words:
        requests.add_change(f"opportunity “{name}”: {words}")
    status = str(row.get("status") or "open")
    body: dict[str, Any] = {**target, "name": name, "status": status if status in STATUSES else "open"}
    value = row.get("monetaryValue")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        body["monetaryValue"] = value
    _set_owner(requests, row, body, reference, key="assignedTo", noun="opportunities")
    values, lost = _opportunity_values(row.get("customFields"), reference)
    if values:
        body["customFields"] = values
    if lost:
        requests.lost.append(f"{lost} custom field value(s) of opportunity “{name}” (the field was deleted)")
    requests.add_change("opportunities: dates become today's; the source and the reason of a loss cannot be written")
    return body


def _opportunity_followers(requests: ChildRequests, row: dict[str, Any], reference: ReferenceData) -> tuple[str, ...]:
    """Return the users who follow the opportunity and still exist."""
    followers = _user_ids(row.get("followers"))
    known = tuple(user_id for user_id in followers if reference.has_user(user_id))
    if len(known) < len(followers):
        missing = f"{len(followers) - len(known)} of {len(followers)} followers"
        name = row.get("name") or "Opportunity"
        requests.lost.append(f"{missing} of opportunity “{name}” (these users no longer exist)")
    return known


def _appointment(
    requests: ChildRequests, row: dict[str, Any], reference: ReferenceData, now: datetime, include_past: bool
) -> dict[str, Any] | None:
    title, start = str(row.get("title") or "Appointment"), parse_moment(row.get("startTime"))
    calendar = str(row.get("calendarId") or "")
    if reference.calendars is not None and calendar not in reference.calendars:
        name = reference.past_calendars.get(calendar, "")
        calendar = next((key for key, label in reference.calendars.items() if same_name(label, name)), "")
    why = ""
    if start is None:
        why = "the copy holds no time"
    elif start < now and not include_past:
        why = "it is over"
    elif not calendar:
        why = "its calendar no longer exists, and none has its name"
    if why or start is None:
        requests.lost.append(f"appointment “{title}” ({why})")
        return None
    body: dict[str, Any] = {"calendarId": calendar, "startTime": iso(start), "title": title}
    end = parse_moment(row.get("endTime"))
    if end is not None:
        body["endTime"] = iso(end)
    body |= {key: row[key] for key in ("appointmentStatus", "address") if isinstance(row.get(key), str) and row[key]}
    _set_owner(requests, row, body, reference, key="assignedUserId", noun="appointments")
    return {**body, "ignoreDateRange": True, "ignoreFreeSlotValidation": True}


def _add_transcript(requests: ChildRequests, rows: Mapping[str, RecordRows], reference: ReferenceData) -> None:
    """Add all messages as one note, or several where it would be too long."""
    emails = {record_id: decode_object(raw) for record_id, raw in rows.get("email", ())}
    messages = [row for _, row in _oldest_first(rows.get("message", ())) if not _is_activity(row)]
    if not messages:
        return
    requests.in_copy[PART_NAMES[TRANSCRIPT]] = len(messages)
    requests.add_change("messages: come back as a transcript in a note, because writing them would send them")
    parts = transcript(messages, emails, lambda at: local_time(at, reference.timezone))
    for number, (text, count) in enumerate(parts, 1):
        body = {"body": text, "title": "Conversation before the deletion"}
        label = f"transcript of {count} messages"
        requests.children.append(
            ChildRequest(kind=TRANSCRIPT, record_id=f"part{number}", body=body, label=label, count=count)
        )


def _is_activity(row: Mapping[str, Any]) -> bool:
    return str(row.get("messageType") or "").startswith("TYPE_ACTIVITY")
