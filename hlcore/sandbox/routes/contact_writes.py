"""From a write request to a contact's fields: phones, DND, custom fields, duplicates."""

from __future__ import annotations

import re
from typing import Any

from hlcore.sandbox.http.answers import SandboxError
from hlcore.sandbox.http.operations import OperationCall
from hlcore.sandbox.ledger import WorkflowStart
from hlcore.sandbox.state.location import SandboxLocation
from hlcore.sandbox.state.record import CHANNELS, Fields, digits, full_name, reachable

EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
GONE = {"deleted": True}
STATUSES = ("active", "inactive", "permanent")


def contact_fields(call: OperationCall, body: dict[str, Any]) -> Fields:
    """The body's values as a contact keeps them. Raises SandboxError (422) for a value HighLevel refuses."""
    found = {key: value for key, value in body.items() if key not in ("locationId", "createNewIfDuplicateAllowed")}
    wrong: list[str] = []
    if found.get("email") and not EMAIL.match(found["email"]):
        wrong.append("email must be an email")
    if found.get("phone"):
        found["phone"] = e164(found["phone"], call.location.country)
        if not found["phone"]:
            wrong.append("phone must be a valid phone number")
    if found.get("assignedTo") and call.location.related.users.get(found["assignedTo"], GONE)["deleted"]:
        wrong.append("assignedTo is not a user of this location")
    if "dndSettings" in found:
        found["dndSettings"] = _dnd_settings(found["dndSettings"], wrong)
    if "customFields" in found:
        found["customFields"] = _custom_fields(call, found["customFields"], wrong)
    if wrong:
        raise SandboxError(422, wrong)
    return found


def e164(phone: str, country: str = "US") -> str:
    """``+14155550123``, or empty when HighLevel would not accept the number."""
    number = digits(phone)
    if re.search(r"[^\d\s().+\-/]", phone):
        return ""
    if phone.strip().startswith("+"):
        return f"+{number}" if 8 <= len(number) <= 15 else ""
    if country == "US" and len(number) == 10:
        return f"+1{number}"
    return f"+{number}" if country == "US" and len(number) == 11 and number[0] == "1" else ""


def _dnd_settings(given: dict[str, Any], wrong: list[str]) -> Fields:
    spelt = {channel.lower(): channel for channel in CHANNELS}
    found: Fields = {}
    for channel, value in given.items():
        name = spelt.get(channel.lower())
        if name is None or (channel not in CHANNELS and channel[0].isupper()):
            wrong.append(f"dndSettings.property {channel} should not exist")
        elif not isinstance(value, dict) or value.get("status") not in STATUSES:
            wrong.append(f"dndSettings.{channel}.status must be one of the following values: {', '.join(STATUSES)}")
        else:
            found[name] = {key: value[key] for key in ("status", "message", "code") if key in value}
    return found


def _custom_fields(call: OperationCall, given: list[Any], wrong: list[str]) -> list[Fields]:
    """Values by field id; a field the location does not have is ignored, as HighLevel ignores it."""
    catalogue = call.location.related.custom_fields
    by_key = {field["fieldKey"].partition(".")[2]: id_ for id_, field in catalogue.items()}
    found = []
    for item in given:
        if not isinstance(item, dict) or not (item.get("id") or item.get("key")):
            wrong.append("each value in customFields must have an id or a key")
            continue
        key = str(item.get("key", "")).removeprefix("contact.")
        id_ = str(item.get("id") or by_key.get(key, ""))
        value = item.get("field_value", item.get("fieldValue", item.get("value")))
        if id_ in catalogue:
            found.append({"id": id_, "value": value})
    return found


def find_duplicate(location: SandboxLocation, fields: Fields, *, but: str = "") -> tuple[str, str] | None:
    """Id of another contact with the same e-mail or phone and which of the two matched; e-mail comes first."""
    for name, ids in (
        ("email", location.with_email(fields.get("email"))),
        ("phone", location.with_phone(fields.get("phone"))),
    ):
        others = sorted(ids - {but}, key=lambda id_: location.records[id_].added)
        if others:
            return others[0], name
    return None


def refuse_duplicate(location: SandboxLocation, fields: Fields, *, but: str = "") -> None:
    """Raises SandboxError (400) as HighLevel does where the location does not allow duplicates."""
    if location.allow_duplicates:
        return
    twin = find_duplicate(location, fields, but=but)
    if twin:
        name = full_name(location.contacts[twin[0]])
        meta = {"contactId": twin[0], "matchingField": twin[1], "contactName": name}
        raise SandboxError(400, "This location does not allow duplicated contacts.", meta=meta)


def start_workflows(location: SandboxLocation, contact_id: str, *, created: bool, tags: list[str]) -> None:
    """Count the automations that this write set off."""
    contact = location.contacts[contact_id]
    for flow in location.related.workflows.values():
        on_tag = flow["_trigger"] == "tag_added" and (flow["_tag"] in tags if flow["_tag"] else bool(tags))
        if on_tag or (created and flow["_trigger"] == "contact_created"):
            start = WorkflowStart(flow["id"], contact_id, reachable(contact), location.now())
            location.ledger.workflow_starts.append(start)
