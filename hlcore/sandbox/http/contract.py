"""What requests may hold: the DTOs of HighLevel's OpenAPI files, and the checks that its server makes.

A type ending in ``?`` may be null. HighLevel refuses any other property with 422 ``property X should not exist``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hlcore.sandbox.http.answers import ContractViolation, SandboxError
from hlcore.sandbox.ids import parse_moment

Allowed = dict[str, str]

_COMMON = (
    "firstName:string? lastName:string? name:string? email:string? phone:string? address1:string? city:string? "
    "state:string? postalCode:string website:string? timezone:string? dnd:boolean dndSettings:object "
    "inboundDndSettings:object tags:strings customFields:array dateOfBirth:any? country:string"
)


def _dto(text: str) -> Allowed:
    return dict(part.split(":") for part in text.split())


CREATE_CONTACT = _dto(_COMMON + " locationId:string gender:string companyName:string? source:string assignedTo:string")
UPDATE_CONTACT = _dto(_COMMON + " source:string? assignedTo:string?")
UPSERT_CONTACT = {**CREATE_CONTACT, "createNewIfDuplicateAllowed": "boolean"}
SEARCH_CONTACTS = _dto(
    "locationId:string pageLimit:number page:number searchAfter:array filters:array sort:array query:string"
)
NOTE = _dto("body:string userId:string title:string color:string pinned:boolean")
TASK = _dto("title:string body:string dueDate:string completed:boolean assignedTo:string")
TASK_COMPLETED = _dto("completed:boolean")
TASK_SEARCH = _dto(
    "contactId:strings completed:boolean assignedTo:strings query:string limit:number skip:number businessId:string"
)
TAGS = _dto("tags:strings")
FOLLOWERS = _dto("followers:strings")
BULK_TAGS = _dto("contacts:strings tags:strings locationId:string removeAllTags:boolean")
BULK_BUSINESS = _dto("locationId:string ids:strings businessId:string?")
WORKFLOW = _dto("eventStartTime:string")
UPDATE_OPPORTUNITY = _dto(
    "pipelineId:string name:string pipelineStageId:string status:string monetaryValue:number assignedTo:string "
    "customFields:array"
)
CREATE_OPPORTUNITY = {**UPDATE_OPPORTUNITY, "locationId": "string", "contactId": "string"}
UPSERT_OPPORTUNITY = _dto(
    "id:string pipelineId:string locationId:string followers:strings isRemoveAllFollowers:boolean "
    "followersActionType:string name:string status:string pipelineStageId:string monetaryValue:any assignedTo:string "
    "lostReasonId:string contactId:string"
)
OPPORTUNITY_STATUS = _dto("status:string lostReasonId:string")
SEARCH_OPPORTUNITIES = _dto(
    "locationId:string query:string limit:number page:number searchAfter:array additionalDetails:object "
    "filters:array sort:array"
)
APPOINTMENT = _dto(
    "calendarId:string locationId:string contactId:string startTime:string endTime:string title:string "
    "appointmentStatus:string assignedUserId:string address:string ignoreDateRange:boolean "
    "ignoreFreeSlotValidation:boolean toNotify:boolean meetingLocationType:string meetingLocationId:string "
    "overrideLocationConfig:boolean description:string rrule:string"
)
CUSTOM_FIELD = _dto(
    "name:string dataType:string placeholder:string acceptedFormat:array isMultipleFile:boolean "
    "maxNumberOfFiles:number textBoxListOptions:array position:number model:string options:array "
    "parentId:string fieldKey:string description:string"
)
CUSTOM_VALUE = _dto("name:string value:string")
TAG = _dto("name:string")
BUSINESS = _dto(
    "name:string locationId:string phone:string email:string website:string address:string city:string "
    "postalCode:string state:string country:string description:string"
)
SEND_MESSAGE = _dto(
    "type:string contactId:string appointmentId:string attachments:strings emailFrom:string emailCc:strings "
    "emailBcc:strings html:string message:string subject:string replyMessageId:string templateId:string "
    "threadId:string scheduledTimestamp:number conversationProviderId:string emailTo:string emailReplyMode:string "
    "fromNumber:string toNumber:string"
)
INBOUND_MESSAGE = _dto(
    "type:string attachments:strings message:string conversationId:string contactId:string "
    "conversationProviderId:string html:string subject:string emailFrom:string emailTo:string emailCc:strings "
    "emailBcc:strings emailMessageId:string altId:string direction:string date:string call:object"
)
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "boolean": (bool,), "number": (int, float), "array": (list,), "strings": (list,),
    "object": (dict,), "any": (object,),
}  # fmt: skip
_TYPE_TEXTS = {
    "boolean": "a boolean value",
    "array": "an array",
    "strings": "an array",
    "object": "an object",
    "number": "a number",
}


def check_body(body: Any, allowed: Allowed, required: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the body when it keeps the contract. Raises ContractViolation (422) with one message per violation."""
    if not isinstance(body, dict):
        raise ContractViolation(422, ["the body must be a JSON object"])
    errors = [f"property {name} should not exist" for name in body if name not in allowed]
    errors += [message for name in body if name in allowed and (message := _violation(name, body[name], allowed[name]))]
    errors += [_wrong_type(name, allowed[name]) for name in required if name not in body]
    if errors:
        raise ContractViolation(422, errors)
    return body


def _violation(name: str, value: Any, kind: str) -> str:
    """Return what is wrong with this value, or an empty text."""
    if value is None:
        return "" if kind.endswith("?") else _wrong_type(name, kind)
    kind = kind.removesuffix("?")
    if kind == "strings" and isinstance(value, list) and not all(isinstance(item, str) for item in value):
        return f"each value in {name} must be a string"
    fits = isinstance(value, _PYTHON_TYPES[kind]) and (kind != "number" or not isinstance(value, bool))
    return "" if fits else _wrong_type(name, kind)


def _wrong_type(name: str, kind: str) -> str:
    return f"{name} must be {_TYPE_TEXTS.get(kind.removesuffix('?'), 'a string')}"


def parse_number(text: str | None, default: int, maximum: int | None = None, name: str = "limit") -> int:
    """Read a whole number of the query string. Raises ContractViolation (422)."""
    if text is None or text == "":
        return default
    if not text.isdigit():
        raise ContractViolation(422, [f"{name} must be a number string"])
    if maximum is not None and int(text) > maximum:
        raise ContractViolation(422, [f"{name} must not be greater than {maximum}"])
    return int(text)


def parse_date(text: str, name: str) -> datetime:
    """Read a date of a body. Raises SandboxError (422)."""
    try:
        return parse_moment(text)
    except ValueError as exc:
        raise SandboxError(422, [f"{name} must be a valid ISO 8601 date string"]) from exc
