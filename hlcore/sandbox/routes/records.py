"""What belongs to one contact: notes, tasks, tags, followers, campaigns, workflows, appointments; and bulk changes."""

from __future__ import annotations

from typing import Any

from hlcore.sandbox.http.answers import SandboxError, public_fields
from hlcore.sandbox.http.contract import (
    BULK_BUSINESS,
    BULK_TAGS,
    FOLLOWERS,
    NOTE,
    TAGS,
    TASK,
    TASK_COMPLETED,
    TASK_SEARCH,
    WORKFLOW,
    parse_date,
)
from hlcore.sandbox.http.operations import OperationCall, Operations
from hlcore.sandbox.ids import iso
from hlcore.sandbox.ledger import WorkflowStart
from hlcore.sandbox.routes.contact_writes import start_workflows
from hlcore.sandbox.routes.contacts import READ, WRITE, requested_contact_id
from hlcore.sandbox.state.location_base import Item
from hlcore.sandbox.state.record import is_reachable, normalize_tags

operations = Operations()

NOTES = "/contacts/{contactId}/notes"
TASKS = "/contacts/{contactId}/tasks"


def _find_note(call: OperationCall) -> Item:
    return call.find(call.location.related.notes.get(requested_contact_id(call), {}), "Note")


def _find_task(call: OperationCall) -> Item:
    return call.find(call.location.related.tasks.get(requested_contact_id(call), {}), "Task")


@operations.register("GET", NOTES, READ)
def notes(call: OperationCall) -> Any:
    id_ = requested_contact_id(call)
    return call.reply(notes=[public_fields(note) for note in call.location.related.notes.get(id_, {}).values()])


@operations.register("POST", NOTES, WRITE, status=201)
def create_note(call: OperationCall) -> Any:
    id_ = requested_contact_id(call)
    body = dict(call.fields(NOTE, ("body",)))
    note_id = call.location.add_note(id_, body.pop("body"), **body)
    return call.reply(note=call.location.related.notes[id_][note_id])


@operations.register("GET", NOTES + "/{id}", READ)
def get_note(call: OperationCall) -> Any:
    return call.reply(note=_find_note(call))


@operations.register("PUT", NOTES + "/{id}", WRITE)
def update_note(call: OperationCall) -> Any:
    note = _find_note(call)
    note |= call.fields(NOTE)
    call.location.emit("NoteUpdate", note)
    return call.reply(note=note)


@operations.register("DELETE", NOTES + "/{id}", WRITE)
def delete_note(call: OperationCall) -> Any:
    note = _find_note(call)
    del call.location.related.notes[note["contactId"]][note["id"]]
    call.location.emit("NoteDelete", note)
    return call.reply(succeded=True)


def _task_row(item: Item) -> Item:
    return {key: value for key, value in public_fields(item).items() if key != "dateAdded"}


@operations.register("GET", TASKS, READ)
def tasks(call: OperationCall) -> Any:
    id_ = requested_contact_id(call)
    return call.reply(tasks=[_task_row(task) for task in call.location.related.tasks.get(id_, {}).values()])


@operations.register("POST", TASKS, WRITE, status=201)
def create_task(call: OperationCall) -> Any:
    id_ = requested_contact_id(call)
    body = dict(call.fields(TASK, ("title", "dueDate", "completed")))
    due = parse_date(body.pop("dueDate"), "dueDate")
    task_id = call.location.add_task(id_, body.pop("title"), due=due, **body)
    return call.reply(task=_task_row(call.location.related.tasks[id_][task_id]))


@operations.register("GET", TASKS + "/{id}", READ)
def get_task(call: OperationCall) -> Any:
    return call.reply(task=_task_row(_find_task(call)))


@operations.register("PUT", TASKS + "/{id}", WRITE)
def update_task(call: OperationCall) -> Any:
    return _update_task(call, call.fields(TASK))


@operations.register("PUT", TASKS + "/{id}/completed", WRITE)
def complete_task(call: OperationCall) -> Any:
    return _update_task(call, call.fields(TASK_COMPLETED, ("completed",)))


def _update_task(call: OperationCall, body: Item) -> Any:
    task = _find_task(call)
    was_completed = task["completed"]
    dates = {"dueDate": iso(parse_date(body["dueDate"], "dueDate"))} if "dueDate" in body else {}
    task |= {**body, **dates}
    if task["completed"] and not was_completed:
        call.location.emit("TaskComplete", task)
    return call.reply(task=_task_row(task))


@operations.register("DELETE", TASKS + "/{id}", WRITE)
def delete_task(call: OperationCall) -> Any:
    task = _find_task(call)
    del call.location.related.tasks[task["contactId"]][task["id"]]
    call.location.emit("TaskDelete", task)
    return call.reply(succeded=True)


@operations.register("POST", "/locations/{locationId}/tasks/search", "locations/tasks.readonly")
def search_tasks(call: OperationCall) -> Any:
    body = call.fields(TASK_SEARCH)
    text = str(body.get("query", "")).lower()
    matches = [
        task
        for tasks in call.location.related.tasks.values()
        for task in tasks.values()
        if (not body.get("contactId") or task["contactId"] in body["contactId"])
        and (not body.get("assignedTo") or task.get("assignedTo") in body["assignedTo"])
        and ("completed" not in body or task["completed"] == body["completed"])
        and text in f"{task['title']} {task.get('body', '')}".lower()
    ]
    skip, limit = int(body.get("skip", 0)), int(body.get("limit", 25))
    rows = [{**task, "_id": task["id"]} for task in matches[skip : skip + limit]]
    return call.reply(tasks=rows)


@operations.register("POST", "/contacts/{contactId}/tags", WRITE, status=201)
def add_tags(call: OperationCall) -> Any:
    id_ = requested_contact_id(call)
    given = normalize_tags(call.fields(TAGS, ("tags",))["tags"])
    before = call.location.contacts[id_]["tags"]
    new = [tag for tag in given if tag not in before]
    call.location.edit(id_, tags=before + new)
    start_workflows(call.location, id_, created=False, tags=new)
    return call.reply(tags=before + new, tagsAdded=new)


@operations.register("DELETE", "/contacts/{contactId}/tags", WRITE)
def remove_tags(call: OperationCall) -> Any:
    id_ = requested_contact_id(call)
    given = normalize_tags(call.fields(TAGS, ("tags",))["tags"])
    before = call.location.contacts[id_]["tags"]
    kept = [tag for tag in before if tag not in given]
    call.location.edit(id_, tags=kept)
    return call.reply(tags=kept, tagsRemoved=[tag for tag in before if tag in given])


@operations.register("POST", "/contacts/{contactId}/followers", WRITE, status=201)
def add_followers(call: OperationCall) -> Any:
    id_ = requested_contact_id(call)
    given = call.fields(FOLLOWERS, ("followers",))["followers"]
    before = call.location.contacts[id_]["followers"]
    new = [user for user in given if user not in before]
    call.location.edit(id_, followers=before + new)
    return call.reply(followers=before + new, followersAdded=new)


@operations.register("DELETE", "/contacts/{contactId}/followers", WRITE)
def remove_followers(call: OperationCall) -> Any:
    id_ = requested_contact_id(call)
    given = call.fields(FOLLOWERS, ("followers",))["followers"]
    before = call.location.contacts[id_]["followers"]
    kept = [user for user in before if user not in given]
    call.location.edit(id_, followers=kept)
    return call.reply(followers=kept, followersRemoved=[user for user in before if user in given])


@operations.register("POST", "/contacts/{contactId}/campaigns/{campaignId}", WRITE, status=201)
def add_to_campaign(call: OperationCall) -> Any:
    """Count an automation: a campaign sends messages to its contacts."""
    return _start_automation(call, call.params["campaignId"])


@operations.register("DELETE", "/contacts/{contactId}/campaigns/{campaignId}", WRITE)
def remove_from_campaign(call: OperationCall) -> Any:
    requested_contact_id(call)
    return call.reply(succeded=True)


@operations.register("POST", "/contacts/{contactId}/workflow/{workflowId}", WRITE)
def add_to_workflow(call: OperationCall) -> Any:
    call.fields(WORKFLOW)
    return _start_automation(call, call.params["workflowId"])


@operations.register("DELETE", "/contacts/{contactId}/workflow/{workflowId}", WRITE)
def remove_from_workflow(call: OperationCall) -> Any:
    requested_contact_id(call)
    return call.reply(succeded=True)


def _start_automation(call: OperationCall, workflow_id: str) -> Any:
    id_ = requested_contact_id(call)
    start = WorkflowStart(workflow_id, id_, is_reachable(call.location.contacts[id_]), call.sandbox.now())
    call.sandbox.ledger.workflow_starts.append(start)
    return call.reply(succeded=True)


@operations.register("GET", "/contacts/{contactId}/appointments", READ)
def appointments(call: OperationCall) -> Any:
    id_ = requested_contact_id(call)
    events = call.location.related.appointments.values()
    return call.reply(events=[public_fields(event) for event in events if event["contactId"] == id_])


@operations.register("POST", "/contacts/bulk/tags/update/{type}", WRITE, status=201)
def bulk_tags(call: OperationCall) -> Any:
    body = call.fields(BULK_TAGS, ("contacts", "tags", "locationId"))
    adding = {"add": True, "remove": False}.get(call.params["type"])
    if adding is None:
        raise SandboxError(422, ["type must be one of the following values: add, remove"])
    known = [id_ for id_ in body["contacts"] if id_ in call.location.records]
    tags = normalize_tags(body["tags"])
    for id_ in known:
        before = call.location.contacts[id_]["tags"]
        new = [tag for tag in tags if tag not in before]
        kept = [] if body.get("removeAllTags") else [tag for tag in before if tag not in tags]
        call.location.edit(id_, tags=before + new if adding else kept)
        start_workflows(call.location, id_, created=False, tags=new if adding else [])
    errors = len(body["contacts"]) - len(known)
    return call.reply(succeded=True, errorCount=errors, responses=known)


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
    return call.reply(success=True, ids=known)


@operations.register("DELETE", "/contacts/{contactId}/campaigns/removeAll", WRITE)
def remove_from_all_campaigns(call: OperationCall) -> Any:
    requested_contact_id(call)
    return call.reply(succeded=True)
