"""Calendars and appointments (HighLevel OpenAPI calendars.json)."""

from __future__ import annotations

from typing import Any

from hlcore.sandbox.http.answers import SandboxError, number
from hlcore.sandbox.http.contract import APPOINTMENT
from hlcore.sandbox.http.operations import V2021_04, OperationCall, Operations
from hlcore.sandbox.ids import from_millis, iso, moment
from hlcore.sandbox.ledger import WorkflowStart
from hlcore.sandbox.routes.records import shown
from hlcore.sandbox.state.location_base import Item
from hlcore.sandbox.state.record import reachable

operations = Operations()

READ, WRITE = "calendars/events.readonly", "calendars/events.write"
SILENT = ("toNotify", "ignoreDateRange", "ignoreFreeSlotValidation")


@operations.register(
    "GET", "/calendars/", "calendars.readonly", version=V2021_04, query="locationId groupId showDrafted"
)
def calendars(call: OperationCall) -> Any:
    return {"calendars": list(call.location.related.calendars.values()), "traceId": call.trace_id}


@operations.register(
    "GET", "/calendars/events", READ, version=V2021_04, query="locationId userId calendarId groupId startTime endTime"
)
def events(call: OperationCall) -> Any:
    """Needs a span in milliseconds and one of user, calendar or group."""
    owner = [(call.query[name], key) for name, key in OWNERS.items() if call.query.get(name)]
    if not owner or not call.query.get("startTime") or not call.query.get("endTime"):
        raise SandboxError(422, ["startTime, endTime and either of userId, calendarId or groupId is required"])
    begin, end = (from_millis(number(call.query[name], 0, name=name)) for name in ("startTime", "endTime"))
    found = [
        shown(event)
        for event in call.location.related.appointments.values()
        if begin <= moment(event["startTime"]) <= end and all(event.get(key) == value for value, key in owner)
    ]
    return {"events": found, "traceId": call.trace_id}


OWNERS = {"userId": "assignedUserId", "calendarId": "calendarId", "groupId": "groupId"}


@operations.register("POST", "/calendars/events/appointments", WRITE, version=V2021_04)
def create_appointment(call: OperationCall) -> Any:
    """Unless ``toNotify`` is false the person's automations run, and that is counted."""
    body = dict(call.fields(APPOINTMENT, ("calendarId", "locationId", "contactId", "startTime")))
    location = call.location
    if body["calendarId"] not in location.related.calendars:
        raise SandboxError(400, "The calendar id is invalid")
    if body["contactId"] not in location.records:
        raise SandboxError(400, "The contact id is invalid")
    start = _time(body.pop("startTime"))
    if start < location.now() and not body.get("ignoreDateRange"):
        raise SandboxError(400, "The slot you have selected is no longer available.")
    if body.get("toNotify", True):
        contact = location.contacts[body["contactId"]]
        started = WorkflowStart("appointment", contact["id"], reachable(contact), location.now())
        location.ledger.workflow_starts.append(started)
    fields = {key: value for key, value in body.items() if key not in (*SILENT, "locationId", "endTime", "contactId")}
    if "endTime" in body:
        fields["endTime"] = iso(_time(body["endTime"]))
    id_ = location.add_appointment(body["contactId"], start, **fields)
    return {**shown(location.related.appointments[id_]), "traceId": call.trace_id}


@operations.register("GET", "/calendars/events/appointments/{eventId}", READ, version=V2021_04)
def get_appointment(call: OperationCall) -> Any:
    event = shown(_event(call))
    return {"appointment": event, "event": event, "traceId": call.trace_id}


@operations.register("PUT", "/calendars/events/appointments/{eventId}", WRITE, version=V2021_04)
def update_appointment(call: OperationCall) -> Any:
    event = _event(call)
    body = {k: v for k, v in call.fields(APPOINTMENT).items() if k not in SILENT}
    times: Item = {name: iso(_time(body[name])) for name in ("startTime", "endTime") if name in body}
    event |= {**body, **times, "dateUpdated": call.location.stamp()}
    call.location.emit("AppointmentUpdate", event)
    return {**shown(event), "traceId": call.trace_id}


@operations.register("DELETE", "/calendars/events/{eventId}", WRITE, version=V2021_04, status=201)
def delete_event(call: OperationCall) -> Any:
    event = _event(call)
    del call.location.related.appointments[event["id"]]
    call.location.emit("AppointmentDelete", event)
    return {"succeeded": True, "traceId": call.trace_id}


def _event(call: OperationCall) -> Item:
    found = call.location.related.appointments.get(call.params["eventId"])
    if found is None:
        raise SandboxError(400, "The event id is invalid")
    return found


def _time(text: str) -> Any:
    try:
        return moment(text)
    except ValueError as exc:
        raise SandboxError(422, ["startTime must be a valid ISO 8601 date string"]) from exc
