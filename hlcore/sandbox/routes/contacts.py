"""Contacts: one record at a time (HighLevel OpenAPI contacts.json)."""

from __future__ import annotations

from typing import Any

from hlcore.sandbox.http.answers import ContractViolation, SandboxError, no_access, not_found
from hlcore.sandbox.http.contract import CREATE_CONTACT, UPDATE_CONTACT, UPSERT_CONTACT
from hlcore.sandbox.http.operations import OperationCall, Operations
from hlcore.sandbox.routes.contact_writes import contact_fields, find_duplicate, refuse_duplicate, start_workflows
from hlcore.sandbox.state.location import SandboxLocation
from hlcore.sandbox.state.record import Fields, full_name

operations = Operations()

READ, WRITE = "contacts.readonly", "contacts.write"


def contact_of(call: OperationCall) -> str:
    """The id in the path when it is a live contact of the token's location. Raises SandboxError."""
    id_ = call.params["contactId"]
    location = call.account or _home(call, id_)
    if id_ in location.records:
        call.account = location
        return id_
    if call.account and any(id_ in other.records for other in call.sandbox.locations.values()):
        raise no_access()
    raise gone(location)


def gone(location: SandboxLocation | None) -> SandboxError:
    """What HighLevel says of a deleted or unknown contact; the status is switchable."""
    if location is not None and location.faults.gone_status == 400:
        return SandboxError(400, "Contact not found or deleted")
    return not_found("Contact")


def _home(call: OperationCall, id_: str) -> SandboxLocation:
    """For an agency token: the location that has this contact."""
    for location in call.sandbox.locations.values():
        if id_ in location.records:
            return location
    raise not_found("Contact")


@operations.register("GET", "/contacts/{contactId}", READ)
def get_contact(call: OperationCall) -> Any:
    id_ = contact_of(call)
    return {"contact": call.location.contacts[id_], "traceId": call.trace_id}


@operations.register("POST", "/contacts/", WRITE, status=201)
def create_contact(call: OperationCall) -> Any:
    body = call.fields(CREATE_CONTACT, ("locationId",))
    fields = contact_fields(call, body)
    _needs_a_handle(fields)
    refuse_duplicate(call.location, fields)
    if "dndSettings" not in body:
        call.sandbox.ledger.creates_without_dnd.append(full_name(fields) or str(fields.get("email", "")))
    id_ = _create(call.location, fields)
    contact = {k: v for k, v in call.location.contacts[id_].items() if call.v3 or k != "name"}
    return {"contact": contact | ({} if call.v3 else {"deleted": False}), "traceId": call.trace_id}


@operations.register("PUT", "/contacts/{contactId}", WRITE)
def update_contact(call: OperationCall) -> Any:
    id_ = contact_of(call)
    fields = contact_fields(call, call.fields(UPDATE_CONTACT))
    refuse_duplicate(call.location, fields, but=id_)
    _update(call.location, id_, fields)
    return {"succeded": True, "contact": call.location.contacts[id_], "traceId": call.trace_id}


@operations.register("DELETE", "/contacts/{contactId}", WRITE)
def delete_contact(call: OperationCall) -> Any:
    id_ = contact_of(call)
    call.location.delete(id_)
    return {"succeded": True, "traceId": call.trace_id}


@operations.register("POST", "/contacts/upsert", WRITE)
def upsert_contact(call: OperationCall) -> Any:
    """A match by e-mail wins over one by phone; the phone of the other is dropped silently (highlevel-api-docs #37)."""
    body = call.fields(UPSERT_CONTACT, ("locationId",))
    fields = contact_fields(call, body)
    location = call.location
    twin = find_duplicate(location, fields)
    if twin is None or (location.allow_duplicates and body.get("createNewIfDuplicateAllowed")):
        id_ = _create(location, fields)
    else:
        id_ = twin[0]
        others = location.with_phone(fields.get("phone")) - {id_}
        known = {k: v for k, v in fields.items() if k != "gender" and not (k == "phone" and others)}
        _update(location, id_, known)
    return {"new": twin is None, "contact": location.contacts[id_], "traceId": call.trace_id}


@operations.register("GET", "/contacts/search/duplicate", READ, query="locationId number email")
def search_duplicate(call: OperationCall) -> Any:
    email, phone = call.query.get("email"), call.query.get("number")
    if not email and not phone:
        raise ContractViolation(400, "Pass at least one of number, email query parameter")
    twin = find_duplicate(call.location, {"email": email, "phone": phone})
    return {"contact": call.location.contacts[twin[0]] if twin else None, "traceId": call.trace_id}


def _needs_a_handle(fields: Fields) -> None:
    if not any(fields.get(key) for key in ("email", "phone", "firstName", "lastName", "name", "companyName")):
        raise SandboxError(422, ["pass at least one of email, phone, firstName, lastName, name, companyName"])


def _create(location: SandboxLocation, fields: Fields) -> str:
    channel = {"source": "INTEGRATION", "channel": "OAUTH", "timestamp": location.stamp()}
    id_ = location.create(**{**fields, "createdBy": channel})
    start_workflows(location, id_, created=True, tags=location.contacts[id_]["tags"])
    return id_


def _update(location: SandboxLocation, id_: str, fields: Fields) -> None:
    before = set(location.contacts[id_]["tags"])
    location.edit(id_, **fields)
    added = [tag for tag in location.contacts[id_]["tags"] if tag not in before]
    if added:
        start_workflows(location, id_, created=False, tags=added)
