"""Calendars and appointments (HighLevel OpenAPI calendars.json)."""

from __future__ import annotations

from typing import Any

from hlcore.sandbox.http.answers import SandboxError, public_fields
from hlcore.sandbox.http.contract import APPOINTMENT, parse_date, parse_number
from hlcore.sandbox.http.operations import V2021_04, OperationCall, Operations
from hlcore.sandbox.ids import from_millis, iso, parse_moment
from hlcore.sandbox.ledger import WorkflowStart
from hlcore.sandbox.state.location_base import Item
from hlcore.sandbox.state.record import is_reachable

operations = Operations()

READ, WRITE = "calendars/events.readonly", "calendars/events.write"
OWNER_FIELDS = {"userId": "assignedUserId", "calendarId": "calendarId", "groupId": "groupId"}
NOT_STORED = ("toNotify", "ignoreDateRange", "ignoreFreeSlotValidation")


@operations.register(
    "GET", "/calendars/", "calendars.readonly", version=V2021_04, query="locationId groupId showDrafted"
)
def calendars(call: OperationCall) -> Any:
    return call.reply(calendars=list(call.location.related.calendars.values()))


@operations.register(
    "GET", "/calendars/events", READ, version=V2021_04, query="locationId userId calendarId groupId startTime endTime"
)
def events(call: OperationCall) -> Any:
    """Between two moments in milliseconds, of a user, a calendar or a group."""
    owners = [(key, call.query[name]) for name, key in OWNER_FIELDS.items() if call.query.get(name)]
    if not owners or not call.query.get("startTime") or not call.query.get("endTime"):
        raise SandboxError(422, ["startTime, endTime and either of userId, calendarId or groupId is required"])
    begin, end = (from_millis(parse_number(call.query[name], 0, name=name)) for name in ("startTime", "endTime"))
    rows = [
        public_fields(event)
        for event in call.location.related.appointments.values()
        if begin <= parse_moment(event["startTime"]) <= end and all(event.get(key) == value for key, value in owners)
    ]
    return call.reply(events=rows)


@operations.register("POST", "/calendars/events/appointments", WRITE, version=V2021_04)
def create_appointment(call: OperationCall) -> Any:
    """Create it, and count the automation that it starts unless ``toNotify`` is false."""
    body = dict(call.fields(APPOINTMENT, ("calendarId", "locationId", "contactId", "startTime")))
    location = call.location
    if body["calendarId"] not in location.related.calendars:
        raise SandboxError(400, "The calendar id is invalid")
    if body["contactId"] not in location.records:
        raise SandboxError(400, "The contact id is invalid")
    start = parse_date(body.pop("startTime"), "startTime")
    if start < location.now() and not body.get("ignoreDateRange"):
        raise SandboxError(400, "The slot you have selected is no longer available.")
    if body.get("toNotify", True):
        contact = location.contacts[body["contactId"]]
        workflow_start = WorkflowStart("appointment", contact["id"], is_reachable(contact), location.now())
        location.ledger.workflow_starts.append(workflow_start)
    dropped = (*NOT_STORED, "locationId", "endTime", "contactId")
    fields = {key: value for key, value in body.items() if key not in dropped}
    if "endTime" in body:
        fields["endTime"] = iso(parse_date(body["endTime"], "endTime"))
    id_ = location.add_appointment(body["contactId"], start, **fields)
    return call.reply(**public_fields(location.related.appointments[id_]))


@operations.register("GET", "/calendars/events/appointments/{eventId}", READ, version=V2021_04)
def get_appointment(call: OperationCall) -> Any:
    event = public_fields(_find_event(call))
    return call.reply(appointment=event, event=event)


@operations.register("PUT", "/calendars/events/appointments/{eventId}", WRITE, version=V2021_04)
def update_appointment(call: OperationCall) -> Any:
    event = _find_event(call)
    body = {k: v for k, v in call.fields(APPOINTMENT).items() if k not in NOT_STORED}
    times: Item = {name: iso(parse_date(body[name], name)) for name in ("startTime", "endTime") if name in body}
    event |= {**body, **times, "dateUpdated": call.location.now_iso()}
    call.location.emit("AppointmentUpdate", event)
    return call.reply(**public_fields(event))


@operations.register("DELETE", "/calendars/events/{eventId}", WRITE, version=V2021_04, status=201)
def delete_event(call: OperationCall) -> Any:
    event = _find_event(call)
    del call.location.related.appointments[event["id"]]
    call.location.emit("AppointmentDelete", event)
    return call.reply(succeeded=True)


def _find_event(call: OperationCall) -> Item:
    event = call.location.related.appointments.get(call.params["eventId"])
    if event is None:
        raise SandboxError(400, "The event id is invalid")
    return event
