"""Opportunities, pipelines and lost reasons (HighLevel OpenAPI opportunities.json)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hlcore.sandbox.faults import SEARCH, Fault
from hlcore.sandbox.http.answers import SandboxError, number
from hlcore.sandbox.http.contract import (
    CREATE_OPPORTUNITY,
    FOLLOWERS,
    OPPORTUNITY_STATUS,
    SEARCH_OPPORTUNITIES,
    UPDATE_OPPORTUNITY,
    UPSERT_OPPORTUNITY,
)
from hlcore.sandbox.http.operations import OperationCall, Operations
from hlcore.sandbox.ids import millis, moment
from hlcore.sandbox.routes.contacts import gone
from hlcore.sandbox.routes.records import shown
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
MATCHED = {"pipeline_id": "pipelineId", "pipeline_stage_id": "pipelineStageId", "contact_id": "contactId",
           "assigned_to": "assignedTo", "id": "id"}  # fmt: skip


def _opportunity(call: OperationCall) -> Item:
    """The one in the path. Raises SandboxError as HighLevel does for one that is gone."""
    id_ = call.params["id"]
    for location in [call.account] if call.account else call.sandbox.locations.values():
        if id_ in location.related.opportunities:
            call.account = location
            return location.related.opportunities[id_]
    status = gone(call.account).status
    raise SandboxError(status, f"The opportunity with id {id_} doesn't exist or is deleted")


def _shown(location: SandboxLocation, deal: Item) -> Item:
    found = shown(deal)
    if deal["contactId"] in location.records:
        contact = location.contacts[deal["contactId"]]
        found["contact"] = {"id": contact["id"], "name": full_name(contact), "tags": contact["tags"]}
        found["contact"] |= {key: contact[key] for key in ("companyName", "email", "phone") if key in contact}
    return found


def _at(deal: Item) -> int:
    return millis(moment(deal["createdAt"]))


@operations.register("GET", "/opportunities/search", READ, query=QUERY)
def search(call: OperationCall) -> Any:
    """Newest first; ``startAfter`` and ``startAfterId`` only work together."""
    if call.v3 and "location_id" in call.query:
        raise SandboxError(422, ["property location_id should not exist"])
    limit, page = number(call.query.get("limit"), 20, 100), number(call.query.get("page"), 1, name="page")
    deals = [deal for deal in call.location.related.opportunities.values() if _wanted(deal, call.query)]
    deals.sort(key=lambda deal: (_at(deal), deal["id"]), reverse=True)
    struck = {f.kind: f for f in call.location.faults.pick(SEARCH, "GET /opportunities/search", named=True)}
    deals = _apply_faults(deals, struck)
    total, start = len(deals), (page - 1) * limit
    if call.query.get("startAfter") and call.query.get("startAfterId"):
        after = (number(call.query["startAfter"].partition(".")[0], 0), call.query["startAfterId"])
        deals, start = [deal for deal in deals if (_at(deal), deal["id"]) < after], 0
    rows = [_with_details(call, _shown(call.location, deal)) for deal in deals[start : start + limit]]
    if "total_low" in struck:
        total = max(0, total - int(struck["total_low"].options.get("by", 1)))
    meta: Item = {"total": total, "currentPage": page}
    if "ends_early" not in struck and rows and start + limit < len(deals):
        cursor = (_at(rows[-1]), rows[-1]["id"])
        tail = f"location_id={call.location.id}&limit={limit}&startAfter={cursor[0]}&startAfterId={cursor[1]}"
        meta |= {"startAfter": cursor[0], "startAfterId": cursor[1], "nextPage": page + 1}
        meta["nextPageUrl"] = f"{call.base_url}/opportunities/search?{tail}"
    return {"opportunities": rows, "meta": meta, "aggregations": {}, "traceId": call.trace_id}


def _apply_faults(deals: list[Item], struck: dict[str, Fault]) -> list[Item]:
    """The feed leaves live rows out, and its total with them, as users report."""
    if "empty" in struck:
        return []
    hidden = set(struck["omits"].options.get("ids", ())) if "omits" in struck else set()
    return [deal for deal in deals if deal["id"] not in hidden]


def _wanted(deal: Item, query: dict[str, str]) -> bool:
    for snake, key in MATCHED.items():
        asked = query.get(snake) or query.get(key)
        if asked and deal.get(key) != asked:
            return False
    if query.get("status", "all") not in ("all", deal["status"]):
        return False
    if query.get("q", "").lower() not in deal["name"].lower():
        return False
    at = moment(deal["createdAt"])
    return not (query.get("date") and at < _day(query["date"])) and not (
        query.get("endDate") and at >= _day(query["endDate"]) + timedelta(days=1)
    )


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%m-%d-%Y").replace(tzinfo=UTC)
    except ValueError as exc:
        raise SandboxError(422, ["date must be mm-dd-yyyy"]) from exc


def _with_details(call: OperationCall, row: Item) -> Item:
    """``getNotes=true`` and its sisters bring a contact's notes, tasks and events along."""
    related, contact = call.location.related, row["contactId"]
    if call.query.get("getNotes") == "true":
        row["notes"] = list(related.notes.get(contact, {}).values())
    if call.query.get("getTasks") == "true":
        row["tasks"] = list(related.tasks.get(contact, {}).values())
    if call.query.get("getCalendarEvents") == "true":
        row["calendarEvents"] = [e for e in related.appointments.values() if e["contactId"] == contact]
    return row


@operations.register("POST", "/opportunities/search", READ)
def search_advanced(call: OperationCall) -> Any:
    """Each row carries ``sort``, the cursor to send as ``searchAfter``."""
    body = call.fields(SEARCH_OPPORTUNITIES, ("locationId",))
    limit, page, words = (int(body.get("limit", 20)), int(body.get("page", 1)), str(body.get("query", "")).lower())
    if not 1 <= limit <= 500:
        raise SandboxError(422, ["limit must not be greater than 500"])
    deals = [deal for deal in call.location.related.opportunities.values() if words in deal["name"].lower()]
    deals.sort(key=lambda deal: (_at(deal), deal["id"]))
    total, start = len(deals), (page - 1) * limit
    if body.get("searchAfter"):
        after = _cursor(body["searchAfter"])
        deals, start = [deal for deal in deals if (_at(deal), deal["id"]) > after], 0
    rows = [{**_shown(call.location, deal), "sort": [_at(deal), deal["id"]]} for deal in deals[start : start + limit]]
    return {"opportunities": rows, "total": total, "aggregations": {}, "traceId": call.trace_id}


def _cursor(given: list[Any]) -> tuple[int, str]:
    """A row's ``sort``; the OpenAPI file wants its parts as text. Raises SandboxError (400)."""
    try:
        at, id_ = given
        return int(at), str(id_)
    except (ValueError, TypeError, OverflowError) as exc:
        raise SandboxError(400, "Invalid searchAfter") from exc


@operations.register("GET", "/opportunities/{id}", READ)
def get(call: OperationCall) -> Any:
    deal = _opportunity(call)
    return {"opportunity": _shown(call.location, deal), "traceId": call.trace_id}


@operations.register("POST", "/opportunities/", WRITE, status=201)
def create(call: OperationCall) -> Any:
    body = dict(call.fields(CREATE_OPPORTUNITY, ("pipelineId", "locationId", "name", "status", "contactId")))
    location = call.location
    if body["contactId"] not in location.records:
        raise SandboxError(422, ["contactId is not a contact of this location"])
    fields = _fields(location, body)
    twins = [d for d in location.related.opportunities.values() if d["contactId"] == body["contactId"]]
    if not location.allow_duplicate_opportunities and any(d["pipelineId"] == body["pipelineId"] for d in twins):
        raise SandboxError(400, "Can not create duplicate opportunity for the contact.")
    id_ = location.add_opportunity(
        fields.pop("contactId"), fields.pop("name"), pipeline_id=fields.pop("pipelineId"), **fields
    )
    return {"opportunity": _shown(location, location.related.opportunities[id_]), "traceId": call.trace_id}


@operations.register("PUT", "/opportunities/{id}", WRITE)
def update(call: OperationCall) -> Any:
    deal = _opportunity(call)
    _change(call.location, deal, _fields(call.location, dict(call.fields(UPDATE_OPPORTUNITY))))
    return {"opportunity": _shown(call.location, deal), "traceId": call.trace_id}


@operations.register("PUT", "/opportunities/{id}/status", WRITE)
def update_status(call: OperationCall) -> Any:
    deal = _opportunity(call)
    _change(call.location, deal, _fields(call.location, dict(call.fields(OPPORTUNITY_STATUS, ("status",)))))
    return {"succeded": True, "traceId": call.trace_id}


@operations.register("DELETE", "/opportunities/{id}", WRITE)
def delete(call: OperationCall) -> Any:
    """One deletion fires OpportunityUpdate as well (highlevel-api-docs #27)."""
    deal = _opportunity(call)
    del call.location.related.opportunities[deal["id"]]
    call.location.emit("OpportunityUpdate", deal)
    call.location.emit("OpportunityDelete", deal)
    return {"succeded": True, "traceId": call.trace_id}


@operations.register("POST", "/opportunities/upsert", WRITE)
def upsert(call: OperationCall) -> Any:
    body = dict(call.fields(UPSERT_OPPORTUNITY, ("pipelineId", "locationId")))
    shelf = call.location.related.opportunities
    for key in ("followers", "isRemoveAllFollowers", "followersActionType", "locationId"):
        body.pop(key, None)
    known = shelf.get(body.pop("id", ""))
    fields = _fields(call.location, body)
    if known is None and fields.get("contactId") not in call.location.records:
        raise SandboxError(422, ["contactId must be a string"])
    if known is not None:
        _change(call.location, known, fields)
    else:
        contact, name = fields.pop("contactId"), fields.pop("name", "")
        known = shelf[call.location.add_opportunity(contact, name, pipeline_id=fields.pop("pipelineId"), **fields)]
    return {"opportunity": _shown(call.location, known), "new": "id" not in call.body, "traceId": call.trace_id}


def _fields(location: SandboxLocation, body: Item) -> Item:
    """The body as an opportunity keeps it. Raises SandboxError for an unknown pipeline, stage, status or user."""
    body.pop("locationId", None)
    pipeline = location.related.pipelines.get(body.get("pipelineId", ""))
    if "pipelineId" in body and pipeline is None:
        raise SandboxError(400, "Pipeline not found")
    stages = [stage["id"] for each in location.related.pipelines.values() for stage in each["stages"]]
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


def _change(location: SandboxLocation, deal: Item, fields: Item) -> None:
    at = location.stamp()
    kinds = {"status": "StatusUpdate", "pipelineStageId": "StageUpdate", "monetaryValue": "MonetaryValueUpdate",
             "assignedTo": "AssignedToUpdate"}  # fmt: skip
    changed = [kind for key, kind in kinds.items() if key in fields and fields[key] != deal.get(key)]
    deal |= {**fields, "updatedAt": at}
    deal |= {"lastStatusChangeAt": at} if "StatusUpdate" in changed else {}
    deal |= {"lastStageChangeAt": at} if "StageUpdate" in changed else {}
    for kind in ("Update", *changed):
        location.emit(f"Opportunity{kind}", deal)


@operations.register("POST", "/opportunities/{id}/followers", WRITE, status=201)
def add_followers(call: OperationCall) -> Any:
    deal = _opportunity(call)
    new = [user for user in call.fields(FOLLOWERS, ("followers",))["followers"] if user not in deal["followers"]]
    deal["followers"] = deal["followers"] + new
    return {"followers": deal["followers"], "followersAdded": new, "traceId": call.trace_id}


@operations.register("DELETE", "/opportunities/{id}/followers", WRITE, query="isRemoveAllFollowers")
def remove_followers(call: OperationCall) -> Any:
    deal = _opportunity(call)
    given = call.fields(FOLLOWERS, ("followers",))["followers"]
    if call.query.get("isRemoveAllFollowers") == "true":
        given = deal["followers"]
    gone_ = [user for user in deal["followers"] if user in given]
    deal["followers"] = [user for user in deal["followers"] if user not in given]
    return {"followers": deal["followers"], "followersRemoved": gone_, "traceId": call.trace_id}


@operations.register("GET", "/opportunities/pipelines", READ, query="locationId")
def pipelines(call: OperationCall) -> Any:
    return {"pipelines": list(call.location.related.pipelines.values()), "traceId": call.trace_id}


@operations.register(
    "GET", "/opportunities/lost-reason", READ, query="locationId name deleted query skip limit getCount"
)
def lost_reasons(call: OperationCall) -> Any:
    words = (call.query.get("query") or call.query.get("name") or "").lower()
    found = [one for one in call.location.related.lost_reasons.values() if words in one["name"].lower()]
    return {"lostReasons": found, "total": len(found), "traceId": call.trace_id}
