"""Opportunities, pipelines and lost reasons (HighLevel OpenAPI opportunities.json)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hlcore.sandbox.faults import IN_SEARCH, Fault
from hlcore.sandbox.http.answers import SandboxError, public_fields
from hlcore.sandbox.http.contract import (
    CREATE_OPPORTUNITY,
    FOLLOWERS,
    OPPORTUNITY_STATUS,
    SEARCH_OPPORTUNITIES,
    UPDATE_OPPORTUNITY,
    UPSERT_OPPORTUNITY,
    parse_number,
)
from hlcore.sandbox.http.operations import OperationCall, Operations
from hlcore.sandbox.ids import millis, parse_moment
from hlcore.sandbox.routes.contacts import contact_not_found
from hlcore.sandbox.state.location import SandboxLocation
from hlcore.sandbox.state.location_base import Item
from hlcore.sandbox.state.record import full_name

operations = Operations()

READ, WRITE = "opportunities.readonly", "opportunities.write"
STATUSES = ("open", "won", "lost", "abandoned")
QUERY = (
    "q location_id locationId pipeline_id pipelineId pipeline_stage_id pipelineStageId contact_id contactId status "
    "assigned_to assignedTo campaignId id order endDate startAfter startAfterId date country page limit getTasks "
    "getNotes getCalendarEvents"
)
QUERY_FIELDS = {
    "pipeline_id": "pipelineId", "pipeline_stage_id": "pipelineStageId", "contact_id": "contactId",
    "assigned_to": "assignedTo", "id": "id",
}  # fmt: skip
UPDATE_EVENTS = {
    "status": "StatusUpdate", "pipelineStageId": "StageUpdate", "monetaryValue": "MonetaryValueUpdate",
    "assignedTo": "AssignedToUpdate",
}  # fmt: skip


def _find_opportunity(call: OperationCall) -> Item:
    """Return the opportunity in the path. Raises SandboxError when it does not exist or was deleted."""
    id_ = call.params["id"]
    for location in call.locations:
        if id_ in location.related.opportunities:
            call.optional_location = location
            return location.related.opportunities[id_]
    status = contact_not_found(call.optional_location).status
    raise SandboxError(status, f"The opportunity with id {id_} doesn't exist or is deleted")


def _opportunity_row(location: SandboxLocation, opportunity: Item) -> Item:
    row = public_fields(opportunity)
    if opportunity["contactId"] in location.records:
        contact = location.contacts[opportunity["contactId"]]
        row["contact"] = {"id": contact["id"], "name": full_name(contact), "tags": contact["tags"]}
        row["contact"] |= {key: contact[key] for key in ("companyName", "email", "phone") if key in contact}
    return row


def _sort_key(opportunity: Item) -> tuple[int, str]:
    """Return what both searches sort by and hold in their cursors."""
    return millis(parse_moment(opportunity["createdAt"])), opportunity["id"]


@operations.register("GET", "/opportunities/search", READ, query=QUERY)
def search(call: OperationCall) -> Any:
    """Newest first. ``startAfter`` and ``startAfterId`` only work together."""
    if call.v3 and "location_id" in call.query:
        raise SandboxError(422, ["property location_id should not exist"])
    limit, page = parse_number(call.query.get("limit"), 20, 100), parse_number(call.query.get("page"), 1, name="page")
    matches = [item for item in call.location.related.opportunities.values() if _matches(item, call.query)]
    matches.sort(key=_sort_key, reverse=True)
    faults = {
        fault.kind: fault for fault in call.location.faults.pick(IN_SEARCH, "GET /opportunities/search", named=True)
    }
    matches = _apply_faults(matches, faults)
    total, start = len(matches), (page - 1) * limit
    if call.query.get("startAfter") and call.query.get("startAfterId"):
        cursor = (parse_number(call.query["startAfter"].partition(".")[0], 0), call.query["startAfterId"])
        matches, start = [item for item in matches if _sort_key(item) < cursor], 0
    rows = [_with_details(call, _opportunity_row(call.location, item)) for item in matches[start : start + limit]]
    if "total_low" in faults:
        total = max(0, total - int(faults["total_low"].options.get("by", 1)))
    meta: Item = {"total": total, "currentPage": page}
    if "ends_early" not in faults and rows and start + limit < len(matches):
        at, id_ = _sort_key(rows[-1])
        query = f"location_id={call.location.id}&limit={limit}&startAfter={at}&startAfterId={id_}"
        meta |= {"startAfter": at, "startAfterId": id_, "nextPage": page + 1}
        meta["nextPageUrl"] = f"{call.base_url}/opportunities/search?{query}"
    return call.reply(opportunities=rows, meta=meta, aggregations={})


def _apply_faults(opportunities: list[Item], faults: dict[str, Fault]) -> list[Item]:
    """Leave out what the active faults hide; the total counts only what is left."""
    if "empty" in faults:
        return []
    hidden = set(faults["omits"].options.get("ids", ())) if "omits" in faults else set()
    return [item for item in opportunities if item["id"] not in hidden]


def _matches(opportunity: Item, query: dict[str, str]) -> bool:
    for snake_case, key in QUERY_FIELDS.items():
        wanted = query.get(snake_case) or query.get(key)
        if wanted and opportunity.get(key) != wanted:
            return False
    if query.get("status", "all") not in ("all", opportunity["status"]):
        return False
    if query.get("q", "").lower() not in opportunity["name"].lower():
        return False
    at = parse_moment(opportunity["createdAt"])
    return not (query.get("date") and at < _parse_day(query["date"])) and not (
        query.get("endDate") and at >= _parse_day(query["endDate"]) + timedelta(days=1)
    )


def _parse_day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%m-%d-%Y").replace(tzinfo=UTC)
    except ValueError as exc:
        raise SandboxError(422, ["date must be mm-dd-yyyy"]) from exc


def _with_details(call: OperationCall, row: Item) -> Item:
    """Add the contact's notes, tasks and events to the row, where ``getNotes=true`` and so on ask for them."""
    related, contact_id = call.location.related, row["contactId"]
    if call.query.get("getNotes") == "true":
        row["notes"] = list(related.notes.get(contact_id, {}).values())
    if call.query.get("getTasks") == "true":
        row["tasks"] = list(related.tasks.get(contact_id, {}).values())
    if call.query.get("getCalendarEvents") == "true":
        row["calendarEvents"] = [event for event in related.appointments.values() if event["contactId"] == contact_id]
    return row


@operations.register("POST", "/opportunities/search", READ)
def search_advanced(call: OperationCall) -> Any:
    """Oldest first. Each row carries ``sort``, the cursor to send as ``searchAfter``."""
    body = call.fields(SEARCH_OPPORTUNITIES, ("locationId",))
    limit, page, text = (int(body.get("limit", 20)), int(body.get("page", 1)), str(body.get("query", "")).lower())
    if not 1 <= limit <= 500:
        raise SandboxError(422, ["limit must not be greater than 500"])
    matches = [item for item in call.location.related.opportunities.values() if text in item["name"].lower()]
    matches.sort(key=_sort_key)
    total, start = len(matches), (page - 1) * limit
    if body.get("searchAfter"):
        cursor = _parse_cursor(body["searchAfter"])
        matches, start = [item for item in matches if _sort_key(item) > cursor], 0
    page_items = matches[start : start + limit]
    rows = [{**_opportunity_row(call.location, item), "sort": list(_sort_key(item))} for item in page_items]
    return call.reply(opportunities=rows, total=total, aggregations={})


def _parse_cursor(given: list[Any]) -> tuple[int, str]:
    """Read a row's ``sort``; by the OpenAPI file its parts are text. Raises SandboxError (400)."""
    try:
        at, id_ = given
        return int(at), str(id_)
    except (ValueError, TypeError, OverflowError) as exc:
        raise SandboxError(400, "Invalid searchAfter") from exc


@operations.register("GET", "/opportunities/{id}", READ)
def get(call: OperationCall) -> Any:
    opportunity = _find_opportunity(call)
    return call.reply(opportunity=_opportunity_row(call.location, opportunity))


@operations.register("POST", "/opportunities/", WRITE, status=201)
def create(call: OperationCall) -> Any:
    body = dict(call.fields(CREATE_OPPORTUNITY, ("pipelineId", "locationId", "name", "status", "contactId")))
    location = call.location
    if body["contactId"] not in location.records:
        raise SandboxError(422, ["contactId is not a contact of this location"])
    fields = _opportunity_fields(location, body)
    existing = {(item["contactId"], item["pipelineId"]) for item in location.related.opportunities.values()}
    if not location.allow_duplicate_opportunities and (body["contactId"], body["pipelineId"]) in existing:
        raise SandboxError(400, "Can not create duplicate opportunity for the contact.")
    contact_id, name, pipeline_id = fields.pop("contactId"), fields.pop("name"), fields.pop("pipelineId")
    id_ = location.add_opportunity(contact_id, name, pipeline_id=pipeline_id, **fields)
    return call.reply(opportunity=_opportunity_row(location, location.related.opportunities[id_]))


@operations.register("PUT", "/opportunities/{id}", WRITE)
def update(call: OperationCall) -> Any:
    opportunity = _find_opportunity(call)
    _update_opportunity(call.location, opportunity, call.fields(UPDATE_OPPORTUNITY))
    return call.reply(opportunity=_opportunity_row(call.location, opportunity))


@operations.register("PUT", "/opportunities/{id}/status", WRITE)
def update_status(call: OperationCall) -> Any:
    opportunity = _find_opportunity(call)
    _update_opportunity(call.location, opportunity, call.fields(OPPORTUNITY_STATUS, ("status",)))
    return call.reply(succeded=True)


@operations.register("DELETE", "/opportunities/{id}", WRITE)
def delete(call: OperationCall) -> Any:
    """Delete it, and send OpportunityUpdate as well as OpportunityDelete (highlevel-api-docs #27)."""
    opportunity = _find_opportunity(call)
    del call.location.related.opportunities[opportunity["id"]]
    call.location.emit("OpportunityUpdate", opportunity)
    call.location.emit("OpportunityDelete", opportunity)
    return call.reply(succeded=True)


@operations.register("POST", "/opportunities/upsert", WRITE)
def upsert(call: OperationCall) -> Any:
    body = dict(call.fields(UPSERT_OPPORTUNITY, ("pipelineId", "locationId")))
    for key in ("followers", "isRemoveAllFollowers", "followersActionType"):
        body.pop(key, None)
    opportunity = call.location.related.opportunities.get(body.pop("id", ""))
    if opportunity is not None:
        _update_opportunity(call.location, opportunity, body)
    else:
        fields = _opportunity_fields(call.location, body)
        if fields.get("contactId") not in call.location.records:
            raise SandboxError(422, ["contactId must be a string"])
        contact_id, name, pipeline_id = fields.pop("contactId"), fields.pop("name", ""), fields.pop("pipelineId")
        id_ = call.location.add_opportunity(contact_id, name, pipeline_id=pipeline_id, **fields)
        opportunity = call.location.related.opportunities[id_]
    return call.reply(opportunity=_opportunity_row(call.location, opportunity), new="id" not in call.body)


def _opportunity_fields(location: SandboxLocation, given: Item) -> Item:
    """Return the body as an opportunity keeps it. Raises SandboxError for an unknown pipeline, stage or status."""
    body = {key: value for key, value in given.items() if key != "locationId"}
    if "pipelineId" in body and body["pipelineId"] not in location.related.pipelines:
        raise SandboxError(400, "Pipeline not found")
    stages = [stage["id"] for pipeline in location.related.pipelines.values() for stage in pipeline["stages"]]
    if "pipelineStageId" in body and body["pipelineStageId"] not in stages:
        raise SandboxError(400, "Pipeline stage not found")
    if "status" in body and body["status"] not in STATUSES:
        raise SandboxError(422, [f"status must be one of the following values: {', '.join(STATUSES)}"])
    if any(not isinstance(item, dict) for item in body.get("customFields", ())):
        raise SandboxError(422, ["each value in customFields must be an object"])
    if "customFields" in body:
        body["customFields"] = [
            {"id": item["id"], "fieldValue": item.get("field_value", item.get("fieldValue"))}
            for item in body["customFields"]
            if str(item.get("id")) in location.related.custom_fields
        ]
    return body


def _update_opportunity(location: SandboxLocation, opportunity: Item, body: Item) -> None:
    fields, at = _opportunity_fields(location, body), location.now_iso()
    changed = [kind for key, kind in UPDATE_EVENTS.items() if key in fields and fields[key] != opportunity.get(key)]
    opportunity |= {**fields, "updatedAt": at}
    opportunity |= {"lastStatusChangeAt": at} if "StatusUpdate" in changed else {}
    opportunity |= {"lastStageChangeAt": at} if "StageUpdate" in changed else {}
    for kind in ("Update", *changed):
        location.emit(f"Opportunity{kind}", opportunity)


@operations.register("POST", "/opportunities/{id}/followers", WRITE, status=201)
def add_followers(call: OperationCall) -> Any:
    opportunity = _find_opportunity(call)
    new = [user for user in call.fields(FOLLOWERS, ("followers",))["followers"] if user not in opportunity["followers"]]
    opportunity["followers"] = opportunity["followers"] + new
    return call.reply(followers=opportunity["followers"], followersAdded=new)


@operations.register("DELETE", "/opportunities/{id}/followers", WRITE, query="isRemoveAllFollowers")
def remove_followers(call: OperationCall) -> Any:
    opportunity = _find_opportunity(call)
    given = call.fields(FOLLOWERS, ("followers",))["followers"]
    if call.query.get("isRemoveAllFollowers") == "true":
        given = opportunity["followers"]
    removed = [user for user in opportunity["followers"] if user in given]
    opportunity["followers"] = [user for user in opportunity["followers"] if user not in given]
    return call.reply(followers=opportunity["followers"], followersRemoved=removed)


@operations.register("GET", "/opportunities/pipelines", READ, query="locationId")
def pipelines(call: OperationCall) -> Any:
    return call.reply(pipelines=list(call.location.related.pipelines.values()))


@operations.register(
    "GET", "/opportunities/lost-reason", READ, query="locationId name deleted query skip limit getCount"
)
def lost_reasons(call: OperationCall) -> Any:
    text = (call.query.get("query") or call.query.get("name") or "").lower()
    reasons = [reason for reason in call.location.related.lost_reasons.values() if text in reason["name"].lower()]
    return call.reply(lostReasons=reasons, total=len(reasons))
