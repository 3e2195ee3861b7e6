"""One contact: read, create, change, delete, upsert, search for duplicates (HighLevel OpenAPI contacts.json)."""

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


def requested_contact_id(call: OperationCall) -> str:
    """Return the id in the path. Raises SandboxError unless it is a live contact of the token's location."""
    id_ = call.params["contactId"]
    location = call.optional_location or _location_of_contact(call, id_)
    if id_ in location.records:
        call.optional_location = location
        return id_
    if call.optional_location and any(id_ in other.records for other in call.sandbox.locations.values()):
        raise no_access()
    raise contact_not_found(location)


def contact_not_found(location: SandboxLocation | None) -> SandboxError:
    """Return the error for a deleted or unknown contact; `Faults.deleted_status` decides its status."""
    if location is not None and location.faults.deleted_status == 400:
        return SandboxError(400, "Contact not found or deleted")
    return not_found("Contact")


def _location_of_contact(call: OperationCall, id_: str) -> SandboxLocation:
    """Return the location that has this contact, for an agency token. Raises SandboxError (404)."""
    for location in call.sandbox.locations.values():
        if id_ in location.records:
            return location
    raise not_found("Contact")


@operations.register("GET", "/contacts/{contactId}", READ)
def get_contact(call: OperationCall) -> Any:
    id_ = requested_contact_id(call)
    return call.reply(contact=call.location.contacts[id_])


@operations.register("POST", "/contacts/", WRITE, status=201)
def create_contact(call: OperationCall) -> Any:
    body = call.fields(CREATE_CONTACT, ("locationId",))
    fields = contact_fields(call, body)
    _require_identity(fields)
    refuse_duplicate(call.location, fields)
    if "dndSettings" not in body:
        call.sandbox.ledger.creates_without_dnd.append(full_name(fields) or str(fields.get("email", "")))
    id_ = _create(call.location, fields)
    contact = call.location.contacts[id_]
    if not call.v3:
        contact = {key: value for key, value in contact.items() if key != "name"} | {"deleted": False}
    return call.reply(contact=contact)


@operations.register("PUT", "/contacts/{contactId}", WRITE)
def update_contact(call: OperationCall) -> Any:
    id_ = requested_contact_id(call)
    fields = contact_fields(call, call.fields(UPDATE_CONTACT))
    refuse_duplicate(call.location, fields, exclude=id_)
    _update(call.location, id_, fields)
    return call.reply(succeded=True, contact=call.location.contacts[id_])


@operations.register("DELETE", "/contacts/{contactId}", WRITE)
def delete_contact(call: OperationCall) -> Any:
    id_ = requested_contact_id(call)
    call.location.delete(id_)
    return call.reply(succeded=True)


@operations.register("POST", "/contacts/upsert", WRITE)
def upsert_contact(call: OperationCall) -> Any:
    """Prefer a match by e-mail to one by phone, and then drop a phone that another contact has without saying so
    (highlevel-api-docs #37)."""
    body = call.fields(UPSERT_CONTACT, ("locationId",))
    fields = contact_fields(call, body)
    location = call.location
    duplicate = find_duplicate(location, fields)
    if duplicate is None or (location.allow_duplicates and body.get("createNewIfDuplicateAllowed")):
        id_ = _create(location, fields)
    else:
        id_ = duplicate[0]
        others = location.with_phone(fields.get("phone")) - {id_}
        dropped = {"gender", "phone"} if others else {"gender"}
        _update(location, id_, {key: value for key, value in fields.items() if key not in dropped})
    return call.reply(new=duplicate is None, contact=location.contacts[id_])


@operations.register("GET", "/contacts/search/duplicate", READ, query="locationId number email")
def search_duplicate(call: OperationCall) -> Any:
    email, phone = call.query.get("email"), call.query.get("number")
    if not email and not phone:
        raise ContractViolation(400, "Pass at least one of number, email query parameter")
    duplicate = find_duplicate(call.location, {"email": email, "phone": phone})
    return call.reply(contact=call.location.contacts[duplicate[0]] if duplicate else None)


def _require_identity(fields: Fields) -> None:
    if not any(fields.get(key) for key in ("email", "phone", "firstName", "lastName", "name", "companyName")):
        raise SandboxError(422, ["pass at least one of email, phone, firstName, lastName, name, companyName"])


def _create(location: SandboxLocation, fields: Fields) -> str:
    channel = {"source": "INTEGRATION", "channel": "OAUTH", "timestamp": location.now_iso()}
    id_ = location.create(**{**fields, "createdBy": channel})
    start_workflows(location, id_, created=True, tags=location.contacts[id_]["tags"])
    return id_


def _update(location: SandboxLocation, id_: str, fields: Fields) -> None:
    before = set(location.contacts[id_]["tags"])
    location.edit(id_, **fields)
    added = [tag for tag in location.contacts[id_]["tags"] if tag not in before]
    if added:
        start_workflows(location, id_, created=False, tags=added)
