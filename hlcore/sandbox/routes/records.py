"""What hangs on one contact: notes, tasks, tags, followers, campaigns, workflows, appointments, and bulk changes."""

from __future__ import annotations

from typing import Any

from hlcore.sandbox.http.answers import SandboxError, not_found
from hlcore.sandbox.http.contract import (
    BULK_BUSINESS,
    BULK_TAGS,
    FOLLOWERS,
    NOTE,
    TAGS,
    TASK,
    TASK_DONE,
    TASK_SEARCH,
    WORKFLOW,
)
from hlcore.sandbox.http.operations import OperationCall, Operations
from hlcore.sandbox.ids import iso, moment
from hlcore.sandbox.ledger import WorkflowStart
from hlcore.sandbox.routes.contact_writes import start_workflows
from hlcore.sandbox.routes.contacts import READ, WRITE, contact_of
from hlcore.sandbox.state.location_base import Item
from hlcore.sandbox.state.record import lowered, reachable

operations = Operations()

NOTES = "/contacts/{contactId}/notes"
TASKS = "/contacts/{contactId}/tasks"


def shown(item: Item) -> Item:
    """Without what only the sandbox knows."""
    return {key: value for key, value in item.items() if not key.startswith("_")}


def _part(call: OperationCall, shelf: dict[str, dict[str, Item]], what: str) -> Item:
    """The note or task in the path. Raises SandboxError (404)."""
    found = shelf.get(contact_of(call), {}).get(call.params["id"])
    if found is None:
        raise not_found(what)
    return found


@operations.register("GET", NOTES, READ)
def notes(call: OperationCall) -> Any:
    id_ = contact_of(call)
    return {"notes": [shown(n) for n in call.location.related.notes.get(id_, {}).values()], "traceId": call.trace_id}


@operations.register("POST", NOTES, WRITE, status=201)
def create_note(call: OperationCall) -> Any:
    id_ = contact_of(call)
    body = dict(call.fields(NOTE, ("body",)))
    note = call.location.add_note(id_, body.pop("body"), **body)
    return {"note": call.location.related.notes[id_][note], "traceId": call.trace_id}


@operations.register("GET", NOTES + "/{id}", READ)
def get_note(call: OperationCall) -> Any:
    return {"note": _part(call, call.location.related.notes, "Note"), "traceId": call.trace_id}


@operations.register("PUT", NOTES + "/{id}", WRITE)
def update_note(call: OperationCall) -> Any:
    note = _part(call, call.location.related.notes, "Note")
    note |= call.fields(NOTE)
    call.location.emit("NoteUpdate", note)
    return {"note": note, "traceId": call.trace_id}


@operations.register("DELETE", NOTES + "/{id}", WRITE)
def delete_note(call: OperationCall) -> Any:
    note = _part(call, call.location.related.notes, "Note")
    del call.location.related.notes[note["contactId"]][note["id"]]
    call.location.emit("NoteDelete", note)
    return {"succeded": True, "traceId": call.trace_id}


def _task(item: Item) -> Item:
    return {key: value for key, value in shown(item).items() if key != "dateAdded"}


@operations.register("GET", TASKS, READ)
def tasks(call: OperationCall) -> Any:
    id_ = contact_of(call)
    return {"tasks": [_task(t) for t in call.location.related.tasks.get(id_, {}).values()], "traceId": call.trace_id}


@operations.register("POST", TASKS, WRITE, status=201)
def create_task(call: OperationCall) -> Any:
    id_ = contact_of(call)
    body = dict(call.fields(TASK, ("title", "dueDate", "completed")))
    due = _due(body.pop("dueDate"))
    task = call.location.add_task(id_, body.pop("title"), due=due, **body)
    return {"task": _task(call.location.related.tasks[id_][task]), "traceId": call.trace_id}


@operations.register("GET", TASKS + "/{id}", READ)
def get_task(call: OperationCall) -> Any:
    return {"task": _task(_part(call, call.location.related.tasks, "Task")), "traceId": call.trace_id}


@operations.register("PUT", TASKS + "/{id}", WRITE)
def update_task(call: OperationCall) -> Any:
    return _update_task(call, call.fields(TASK))


@operations.register("PUT", TASKS + "/{id}/completed", WRITE)
def complete_task(call: OperationCall) -> Any:
    return _update_task(call, call.fields(TASK_DONE, ("completed",)))


def _update_task(call: OperationCall, body: Item) -> Any:
    task = _part(call, call.location.related.tasks, "Task")
    done_before = task["completed"]
    task |= {**body, **({"dueDate": _due(body["dueDate"])} if "dueDate" in body else {})}
    if task["completed"] and not done_before:
        call.location.emit("TaskComplete", task)
    return {"task": _task(task), "traceId": call.trace_id}


@operations.register("DELETE", TASKS + "/{id}", WRITE)
def delete_task(call: OperationCall) -> Any:
    task = _part(call, call.location.related.tasks, "Task")
    del call.location.related.tasks[task["contactId"]][task["id"]]
    call.location.emit("TaskDelete", task)
    return {"succeded": True, "traceId": call.trace_id}


def _due(text: str) -> str:
    try:
        return iso(moment(text))
    except ValueError as exc:
        raise SandboxError(422, ["dueDate must be a valid ISO 8601 date string"]) from exc


@operations.register("POST", "/locations/{locationId}/tasks/search", "locations/tasks.readonly")
def search_tasks(call: OperationCall) -> Any:
    body = call.fields(TASK_SEARCH)
    everything = [task for tasks in call.location.related.tasks.values() for task in tasks.values()]
    words = str(body.get("query", "")).lower()
    found = [
        task
        for task in everything
        if (not body.get("contactId") or task["contactId"] in body["contactId"])
        and (not body.get("assignedTo") or task.get("assignedTo") in body["assignedTo"])
        and ("completed" not in body or task["completed"] == body["completed"])
        and words in f"{task['title']} {task.get('body', '')}".lower()
    ]
    skip, limit = int(body.get("skip", 0)), int(body.get("limit", 25))
    rows = [{**task, "_id": task["id"]} for task in found[skip : skip + limit]]
    return {"tasks": rows, "traceId": call.trace_id}


@operations.register("POST", "/contacts/{contactId}/tags", WRITE, status=201)
def add_tags(call: OperationCall) -> Any:
    id_ = contact_of(call)
    given = lowered(call.fields(TAGS, ("tags",))["tags"])
    before = call.location.contacts[id_]["tags"]
    new = [tag for tag in given if tag not in before]
    call.location.edit(id_, tags=before + new)
    start_workflows(call.location, id_, created=False, tags=new)
    return {"tags": before + new, "tagsAdded": new, "traceId": call.trace_id}


@operations.register("DELETE", "/contacts/{contactId}/tags", WRITE)
def remove_tags(call: OperationCall) -> Any:
    id_ = contact_of(call)
    given = lowered(call.fields(TAGS, ("tags",))["tags"])
    before = call.location.contacts[id_]["tags"]
    kept = [tag for tag in before if tag not in given]
    call.location.edit(id_, tags=kept)
    return {"tags": kept, "tagsRemoved": [tag for tag in before if tag in given], "traceId": call.trace_id}


@operations.register("POST", "/contacts/{contactId}/followers", WRITE, status=201)
def add_followers(call: OperationCall) -> Any:
    id_ = contact_of(call)
    given = call.fields(FOLLOWERS, ("followers",))["followers"]
    before = call.location.contacts[id_]["followers"]
    new = [user for user in given if user not in before]
    call.location.edit(id_, followers=before + new)
    return {"followers": before + new, "followersAdded": new, "traceId": call.trace_id}


@operations.register("DELETE", "/contacts/{contactId}/followers", WRITE)
def remove_followers(call: OperationCall) -> Any:
    id_ = contact_of(call)
    given = call.fields(FOLLOWERS, ("followers",))["followers"]
    before = call.location.contacts[id_]["followers"]
    call.location.edit(id_, followers=[user for user in before if user not in given])
    left = call.location.contacts[id_]["followers"]
    return {"followers": left, "followersRemoved": [u for u in before if u in given], "traceId": call.trace_id}


@operations.register("POST", "/contacts/{contactId}/campaigns/{campaignId}", WRITE, status=201)
def add_to_campaign(call: OperationCall) -> Any:
    """Enrolling messages the person, so it counts as an automation."""
    return _enrol(call, call.params["campaignId"])


@operations.register("DELETE", "/contacts/{contactId}/campaigns/{campaignId}", WRITE)
def remove_from_campaign(call: OperationCall) -> Any:
    contact_of(call)
    return {"succeded": True, "traceId": call.trace_id}


@operations.register("POST", "/contacts/{contactId}/workflow/{workflowId}", WRITE)
def add_to_workflow(call: OperationCall) -> Any:
    call.fields(WORKFLOW)
    return _enrol(call, call.params["workflowId"])


@operations.register("DELETE", "/contacts/{contactId}/workflow/{workflowId}", WRITE)
def remove_from_workflow(call: OperationCall) -> Any:
    contact_of(call)
    return {"succeded": True, "traceId": call.trace_id}


def _enrol(call: OperationCall, flow: str) -> Any:
    id_ = contact_of(call)
    can = reachable(call.location.contacts[id_])
    call.sandbox.ledger.workflow_starts.append(WorkflowStart(flow, id_, can, call.sandbox.now()))
    return {"succeded": True, "traceId": call.trace_id}


@operations.register("GET", "/contacts/{contactId}/appointments", READ)
def appointments(call: OperationCall) -> Any:
    id_ = contact_of(call)
    mine = [shown(event) for event in call.location.related.appointments.values() if event["contactId"] == id_]
    return {"events": mine, "traceId": call.trace_id}


@operations.register("POST", "/contacts/bulk/tags/update/{type}", WRITE, status=201)
def bulk_tags(call: OperationCall) -> Any:
    body = call.fields(BULK_TAGS, ("contacts", "tags", "locationId"))
    adding = {"add": True, "remove": False}.get(call.params["type"])
    if adding is None:
        raise SandboxError(422, ["type must be one of the following values: add, remove"])
    known = [id_ for id_ in body["contacts"] if id_ in call.location.records]
    tags = lowered(body["tags"])
    for id_ in known:
        before = call.location.contacts[id_]["tags"]
        new = [tag for tag in tags if tag not in before]
        kept = [] if body.get("removeAllTags") else [tag for tag in before if tag not in tags]
        call.location.edit(id_, tags=before + new if adding else kept)
        start_workflows(call.location, id_, created=False, tags=new if adding else [])
    errors = len(body["contacts"]) - len(known)
    return {"succeded": True, "errorCount": errors, "responses": known, "traceId": call.trace_id}


@operations.register("POST", "/contacts/bulk/business", WRITE)
def bulk_business(call: OperationCall) -> Any:
    body = call.fields(BULK_BUSINESS, ("locationId", "ids", "businessId"))
    if len(body["ids"]) > 50:
        raise SandboxError(422, ["ids must contain no more than 50 elements"])
    if body["businessId"] is not None and body["businessId"] not in call.location.related.businesses:
        raise SandboxError(400, "Business not found")
    known = [id_ for id_ in body["ids"] if id_ in call.location.records]
    for id_ in known:
        call.location.edit(id_, businessId=body["businessId"])
    return {"success": True, "ids": known, "traceId": call.trace_id}


@operations.register("DELETE", "/contacts/{contactId}/campaigns/removeAll", WRITE)
def remove_from_all_campaigns(call: OperationCall) -> Any:
    contact_of(call)
    return {"succeded": True, "traceId": call.trace_id}
