"""What belongs to a lost contact, as the requests that make it again under the contact's new id.

Notes, tasks, opportunities and appointments have create calls of their own; followers and the business link are set;
messages come back as a readable transcript in a note, because HighLevel's call for messages would send them. The
properties are those of the DTOs in HighLevel's OpenAPI files contacts.json, opportunities.json and calendars.json.
Nothing is dropped silently: what a copy holds is in a request, or named as changed, or named as lost. Pure.

Where an opportunity belongs today: its pipeline and stage, by id or else by name, and its custom fields. Pure.

Users who follow an opportunity: a request of their own adds them, when it is made anew or lacks them. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from hlcore.model.contact import moment
from hlcore.model.custom_fields import is_empty
from hlcore.model.records import decode
from hlcore.model.reference_data import ReferenceData, iso, local_time, same_name
from hlcore.model.restore.transcript import transcript


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A stage that no longer exists and whose name none has: a person must say where its opportunities go. `key` is
    "pipeline/stage" as they were; `pipeline` and `stage` the names, '' where not known; `why` in words; `answer` what
    the person chose: "pipeline/stage" of today, '' to leave them out, None for nothing yet."""

    key: str
    pipeline: str
    stage: str
    why: str
    answer: str | None = None


def stage(row: Mapping[str, Any], account: ReferenceData) -> tuple[dict[str, Any] | None, str]:
    """Pipeline and stage to write, and what is said about it: why not, or how they were mapped or chosen."""
    place, said = _by_id_or_name(row, account)
    unplaced = unplaced_of(row, account) if place is None else None
    if unplaced is None or not unplaced.answer:
        return place, said
    pipeline, _, chosen = unplaced.answer.partition("/")
    name, stages = (account.pipelines or {})[pipeline]
    return {"pipelineId": pipeline, "pipelineStageId": chosen}, f"goes into “{name}”, “{stages[chosen]}”, as you chose"


def unplaced_of(row: Mapping[str, Any], account: ReferenceData) -> Unplaced | None:
    """What a person has to be asked about this opportunity's place; None where it is clear, or the location's
    pipelines are not known."""
    place, why = _by_id_or_name(row, account)
    if place is not None or account.pipelines is None:
        return None
    pipeline, stage_id = str(row.get("pipelineId") or ""), str(row.get("pipelineStageId") or "")
    key = f"{pipeline}/{stage_id}"
    name, stages = account.past_pipelines.get(pipeline) or account.pipelines.get(pipeline) or ("", {})
    answer = account.placed.get(key)
    return Unplaced(key, name, stages.get(stage_id, ""), why, answer if _exists(answer, account) else None)


def _exists(answer: str | None, account: ReferenceData) -> bool:
    if not answer:
        return answer == ""
    pipeline, _, stage_id = answer.partition("/")
    return stage_id in (account.pipelines or {}).get(pipeline, ("", {}))[1]


def _by_id_or_name(row: Mapping[str, Any], account: ReferenceData) -> tuple[dict[str, Any] | None, str]:
    pipeline, stage = str(row.get("pipelineId") or ""), str(row.get("pipelineStageId") or "")
    if account.pipelines is None:
        return ({"pipelineId": pipeline, "pipelineStageId": stage} if pipeline and stage else None), ""
    old_name, old_stages = account.past_pipelines.get(pipeline, ("", {}))
    target, said = pipeline, ""
    if pipeline not in account.pipelines:
        target = next((key for key, (name, _) in account.pipelines.items() if same_name(name, old_name)), "")
        if not target:
            return None, "its pipeline no longer exists, and none has its name"
        said = f"goes into the pipeline that is now called “{old_name}”"
    stages = account.pipelines[target][1]
    if stage in stages:
        return {"pipelineId": target, "pipelineStageId": stage}, said
    name = old_stages.get(stage, "")
    mapped = next((key for key, label in stages.items() if same_name(label, name)), "")
    if not mapped:
        return None, "its stage no longer exists, and none has its name"
    return {"pipelineId": target, "pipelineStageId": mapped}, said or f"goes into the stage now called “{name}”"


def deal_values(given: object, account: ReferenceData) -> tuple[list[dict[str, Any]], int]:
    kept, gone = [], 0
    for item in given if isinstance(given, list) else ():
        if not isinstance(item, Mapping) or not isinstance(item.get("id"), str):
            continue
        value = deal_value(item)
        if is_empty(value):
            continue
        if account.fields is not None and item["id"] not in account.fields:
            gone += 1
        else:
            kept.append({"id": item["id"], "field_value": value})
    return kept, gone


def deal_value(item: Mapping[str, Any]) -> Any:
    """The value of an opportunity's custom field; its key varies with the type (HighLevel API issue 87)."""
    named = (key for key in item if key in ("value", "field_value") or key.startswith("fieldValue"))
    return next((item[key] for key in named if not is_empty(item[key])), None)


NOTE, TASK, OPPORTUNITY, APPOINTMENT = "note", "task", "opportunity", "appointment"
TRANSCRIPT, FOLLOWERS, BUSINESS = "transcript", "followers", "business"
PARTS: Mapping[str, str] = {
    NOTE: "notes",
    TASK: "tasks",
    OPPORTUNITY: "opportunities",
    APPOINTMENT: "appointments",
    TRANSCRIPT: "messages",
    FOLLOWERS: "followers",
    BUSINESS: "business links",
}
STATUSES = ("open", "won", "lost", "abandoned")


class ChildRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request that makes something of the contact's. `record_id`: the old one's id; `body` without the contact's
    id; `label` how to call it; `count`: how many of the copy's things are in it (messages in a transcript);
    `followers`: users who follow the opportunity, added to it by a request of their own."""

    kind: str
    record_id: str
    body: dict[str, Any]
    label: str
    count: int = 1
    followers: tuple[str, ...] = ()

    @property
    def step(self) -> str:
        """How the journal and the receipt call it."""
        return f"{self.kind}.{self.record_id}"[:64]

    @property
    def requests(self) -> int:
        """How many requests make it."""
        return 1 + bool(self.followers)


@dataclass(slots=True)
class ChildRequests:
    """`children` in the order in which they are to be made; `changes` and `lost` in words; `held`: part → how many the
    copy holds."""

    children: list[ChildRequest] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    held: dict[str, int] = field(default_factory=dict)

    def change(self, text: str) -> None:
        """Say once what becomes different."""
        if text not in self.changes:
            self.changes.append(text)

    def kept(self) -> dict[str, int]:
        """part → how many of the copy's things come back."""
        found = dict.fromkeys(self.held, 0)
        for child in self.children:
            found[PARTS[child.kind]] = found.get(PARTS[child.kind], 0) + child.count
        return found


Rows = Sequence[tuple[str, bytes]]
"""(record id, bytes) of one kind."""


def child_requests(
    fields: Mapping[str, Any], rows: Mapping[str, Rows], account: ReferenceData, *, now: datetime, past: bool = False
) -> ChildRequests:
    """All that belongs to the contact with these `fields` and these records by kind. `past`: appointments that are over
    come back too. Messages: kind "message", and "email" for the texts of e-mails. Pure."""
    found = ChildRequests()
    _followers(found, fields, account)
    _business(found, fields, account)
    makers: dict[str, Callable[[ChildRequests, dict[str, Any], ReferenceData], dict[str, Any] | None]] = {
        NOTE: _note,
        TASK: _task,
        OPPORTUNITY: _opportunity,
        APPOINTMENT: lambda family, row, place: _appointment(family, row, place, now, past),
    }
    for kind, make in makers.items():
        for record_id, row in _in_order(rows.get(kind, ())):
            part = PARTS[kind]
            found.held[part] = found.held.get(part, 0) + 1
            body = make(found, row, account)
            if body is not None:
                users = _deal_followers(found, row, account) if kind == OPPORTUNITY else ()
                label = _label(kind, body)
                found.children.append(
                    ChildRequest(kind=kind, record_id=record_id, body=body, label=label, followers=users)
                )
    _messages(found, rows, account)
    return found


def _in_order(rows: Rows) -> list[tuple[str, dict[str, Any]]]:
    """Oldest first, as they were made."""
    read = [(record_id, decode(raw)) for record_id, raw in rows]
    return sorted(read, key=lambda one: (_made(one[1]) or datetime.min.replace(tzinfo=UTC), one[0]))


def _made(row: Mapping[str, Any]) -> datetime | None:
    return moment(row.get("dateAdded")) or moment(row.get("createdAt"))


def _label(kind: str, body: Mapping[str, Any]) -> str:
    lines = str(body.get("title") or body.get("name") or body.get("body") or "").strip().splitlines()
    return lines[0][:80] if lines else kind


def _followers(found: ChildRequests, fields: Mapping[str, Any], account: ReferenceData) -> None:
    told = fields.get("followers")
    given = [one for one in told if isinstance(one, str) and one] if isinstance(told, list) else []
    if not given:
        return
    kept = [one for one in given if account.has_user(one)]
    found.held[PARTS[FOLLOWERS]] = len(given)
    if kept:
        body = {"followers": kept}
        found.children.append(
            ChildRequest(kind=FOLLOWERS, record_id="all", body=body, label=f"{len(kept)} followers", count=len(kept))
        )
    if len(kept) < len(given):
        found.lost.append(f"{len(given) - len(kept)} of {len(given)} followers (these users no longer exist)")


def _business(found: ChildRequests, fields: Mapping[str, Any], account: ReferenceData) -> None:
    given = fields.get("businessId")
    if not isinstance(given, str) or not given:
        return
    found.held[PARTS[BUSINESS]] = 1
    if account.businesses is not None and given not in account.businesses:
        found.lost.append("link to the business (the business no longer exists)")
        return
    body = {"businessId": given}
    found.children.append(ChildRequest(kind=BUSINESS, record_id=given, body=body, label="link to the business"))


def _note(found: ChildRequests, row: dict[str, Any], account: ReferenceData) -> dict[str, Any] | None:
    text, added, author = str(row.get("body") or ""), _made(row), row.get("userId")
    author = author if isinstance(author, str) else ""
    gone = bool(author) and not account.has_user(author)
    by = f" by {account.names.get(author) or 'a user who no longer exists'}" if gone else ""
    body: dict[str, Any] = {"body": text}
    if added is not None or gone:
        when = f" on {local_time(added, account.timezone)}" if added is not None else ""
        line = f"Originally written{by}{when}"
        html = text.lstrip().startswith("<")
        body["body"] = f"<p>{line}</p>{text}" if html else f"{line}\n\n{text}"
        found.change("notes: HighLevel dates them today; the original date is in their first line")
    if author and not gone:
        body["userId"] = author
    if gone:
        found.change("notes: an author who no longer exists is named in the first line")
    body |= {key: row[key] for key in ("title", "color") if isinstance(row.get(key), str) and row[key]}
    if row.get("pinned") is True:
        body["pinned"] = True
    return body


def _task(found: ChildRequests, row: dict[str, Any], account: ReferenceData) -> dict[str, Any] | None:
    due = moment(row.get("dueDate"))
    if due is None:
        found.lost.append(f"task “{row.get('title') or 'without title'}” (the copy holds no due date)")
        return None
    body: dict[str, Any] = {
        "title": str(row.get("title") or "Task"),
        "dueDate": iso(due),
        "completed": row.get("completed") is True,
    }
    if isinstance(row.get("body"), str) and row["body"]:
        body["body"] = row["body"]
    _owner(found, row, body, account, "assignedTo", "tasks")
    return body


def _owner(
    found: ChildRequests, row: Mapping[str, Any], body: dict[str, Any], account: ReferenceData, key: str, noun: str
) -> None:
    owner = row.get(key)
    if account.has_user(owner):
        body[key] = owner
    elif owner:
        found.change(f"{noun}: an owner who no longer exists is left out")


def _opportunity(found: ChildRequests, row: dict[str, Any], account: ReferenceData) -> dict[str, Any] | None:
    name = str(row.get("name") or "Opportunity")
    place, why = stage(row, account)
    if place is None:
        found.lost.append(f"opportunity “{name}” ({why})")
        return None
    if why:
        found.change(f"opportunity “{name}”: {why}")
    status = str(row.get("status") or "open")
    body: dict[str, Any] = {**place, "name": name, "status": status if status in STATUSES else "open"}
    value = row.get("monetaryValue")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        body["monetaryValue"] = value
    _owner(found, row, body, account, "assignedTo", "opportunities")
    values, gone = deal_values(row.get("customFields"), account)
    if values:
        body["customFields"] = values
    if gone:
        found.lost.append(f"{gone} custom field value(s) of opportunity “{name}” (the field was deleted)")
    found.change("opportunities: dates become today's; the source and the reason of a loss cannot be written")
    return body


def _deal_followers(found: ChildRequests, row: dict[str, Any], account: ReferenceData) -> tuple[str, ...]:
    """Users who follow the opportunity and still exist."""
    told = row.get("followers")
    given = [one for one in told if isinstance(one, str) and one] if isinstance(told, list) else []
    kept = tuple(one for one in given if account.has_user(one))
    if len(kept) < len(given):
        gone = f"{len(given) - len(kept)} of {len(given)} followers"
        found.lost.append(f"{gone} of opportunity “{row.get('name') or 'Opportunity'}” (these users no longer exist)")
    return kept


def _appointment(
    found: ChildRequests, row: dict[str, Any], account: ReferenceData, now: datetime, past: bool
) -> dict[str, Any] | None:
    title, start = str(row.get("title") or "Appointment"), moment(row.get("startTime"))
    calendar = str(row.get("calendarId") or "")
    if account.calendars is not None and calendar not in account.calendars:
        name = account.past_calendars.get(calendar, "")
        calendar = next((key for key, label in account.calendars.items() if same_name(label, name)), "")
    why = ""
    if start is None:
        why = "the copy holds no time"
    elif start < now and not past:
        why = "it is over"
    elif not calendar:
        why = "its calendar no longer exists, and none has its name"
    if why or start is None:
        found.lost.append(f"appointment “{title}” ({why})")
        return None
    body: dict[str, Any] = {"calendarId": calendar, "startTime": iso(start), "title": title}
    end = moment(row.get("endTime"))
    if end is not None:
        body["endTime"] = iso(end)
    body |= {key: row[key] for key in ("appointmentStatus", "address") if isinstance(row.get(key), str) and row[key]}
    _owner(found, row, body, account, "assignedUserId", "appointments")
    return {**body, "ignoreDateRange": True, "ignoreFreeSlotValidation": True}


def _messages(found: ChildRequests, rows: Mapping[str, Rows], account: ReferenceData) -> None:
    """All messages in one note (several where it would be too long)."""
    emails = {record_id: decode(raw) for record_id, raw in rows.get("email", ())}
    spoken = [row for _, row in _in_order(rows.get("message", ())) if not _is_activity(row)]
    if not spoken:
        return
    found.held[PARTS[TRANSCRIPT]] = len(spoken)
    found.change("messages: come back as a transcript in a note, because writing them would send them")
    for number, (text, count) in enumerate(transcript(spoken, emails, lambda at: local_time(at, account.timezone)), 1):
        body = {"body": text, "title": "Conversation before the deletion"}
        label = f"transcript of {count} messages"
        found.children.append(
            ChildRequest(kind=TRANSCRIPT, record_id=f"part{number}", body=body, label=label, count=count)
        )


def _is_activity(row: Mapping[str, Any]) -> bool:
    return str(row.get("messageType") or "").startswith("TYPE_ACTIVITY")


DEAL_FOLLOWERS = "deal_followers"
"""The kind of that request."""


def follow_step(child: ChildRequest) -> str:
    """How the journal calls the request that adds the opportunity's followers."""
    return f"{DEAL_FOLLOWERS}.{child.record_id}"[:64]


def opportunity_step(child: ChildRequest) -> str:
    """How the receipt calls the opportunity whose followers these are."""
    return f"{OPPORTUNITY}.{child.record_id}"[:64]


def lacking_followers(child: ChildRequest, living: bytes) -> list[ChildRequest]:
    """The request for those followers of the planned opportunity whom the living one does not have; none for all."""
    row = decode(living)
    there = row.get("followers") or ()
    absent = [one for one in child.followers if one not in there]
    if not absent:
        return []
    body = {"opportunityId": str(row["id"]), "followers": absent}
    label = f"{len(absent)} follower{'s' if len(absent) != 1 else ''} of “{child.label}”"
    return [ChildRequest(kind=DEAL_FOLLOWERS, record_id=child.record_id, body=body, label=label)]
