"""What creating and changing a contact have in common: checks of its fields, duplicates, automations."""

from __future__ import annotations

import re
from typing import Any

from hlcore.sandbox.http.answers import SandboxError
from hlcore.sandbox.http.operations import OperationCall
from hlcore.sandbox.ledger import WorkflowStart
from hlcore.sandbox.state.location import SandboxLocation
from hlcore.sandbox.state.record import CHANNELS, Fields, digits, full_name, is_reachable

EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
UNKNOWN_USER = {"deleted": True}
STATUSES = ("active", "inactive", "permanent")


def contact_fields(call: OperationCall, body: dict[str, Any]) -> Fields:
    """Return the body as a contact's fields. Raises SandboxError (422) for values that HighLevel refuses."""
    fields = {key: value for key, value in body.items() if key not in ("locationId", "createNewIfDuplicateAllowed")}
    errors: list[str] = []
    if fields.get("email") and not EMAIL.match(fields["email"]):
        errors.append("email must be an email")
    if fields.get("phone"):
        fields["phone"] = e164(fields["phone"], call.location.country)
        if not fields["phone"]:
            errors.append("phone must be a valid phone number")
    if fields.get("assignedTo") and call.location.related.users.get(fields["assignedTo"], UNKNOWN_USER)["deleted"]:
        errors.append("assignedTo is not a user of this location")
    if "dndSettings" in fields:
        fields["dndSettings"] = _dnd_settings(fields["dndSettings"], errors)
    if "customFields" in fields:
        fields["customFields"] = _custom_fields(call, fields["customFields"], errors)
    if errors:
        raise SandboxError(422, errors)
    return fields


def e164(phone: str, country: str = "US") -> str:
    """Return the number as ``+14155550123``; empty when HighLevel would not accept it."""
    number = digits(phone)
    if re.search(r"[^\d\s().+\-/]", phone):
        return ""
    if phone.strip().startswith("+"):
        return f"+{number}" if 8 <= len(number) <= 15 else ""
    if country == "US" and len(number) == 10:
        return f"+1{number}"
    return f"+{number}" if country == "US" and len(number) == 11 and number[0] == "1" else ""


def _dnd_settings(values: dict[str, Any], errors: list[str]) -> Fields:
    """Return the settings under HighLevel's channel names; append to `errors` what it refuses."""
    canonical = {channel.lower(): channel for channel in CHANNELS}
    fields: Fields = {}
    for channel, value in values.items():
        name = canonical.get(channel.lower())
        if name is None or (channel not in CHANNELS and channel[0].isupper()):
            errors.append(f"dndSettings.property {channel} should not exist")
        elif not isinstance(value, dict) or value.get("status") not in STATUSES:
            errors.append(f"dndSettings.{channel}.status must be one of the following values: {', '.join(STATUSES)}")
        else:
            fields[name] = {key: value[key] for key in ("status", "message", "code") if key in value}
    return fields


def _custom_fields(call: OperationCall, values: list[Any], errors: list[str]) -> list[Fields]:
    """Return the values by field id, without fields the location does not have, which HighLevel ignores too; append to
    `errors` what it refuses."""
    known_fields = call.location.related.custom_fields
    by_key = {field["fieldKey"].partition(".")[2]: id_ for id_, field in known_fields.items()}
    fields = []
    for item in values:
        if not isinstance(item, dict) or not (item.get("id") or item.get("key")):
            errors.append("each value in customFields must have an id or a key")
            continue
        key = str(item.get("key", "")).removeprefix("contact.")
        id_ = str(item.get("id") or by_key.get(key, ""))
        value = item.get("field_value", item.get("fieldValue", item.get("value")))
        if id_ in known_fields:
            fields.append({"id": id_, "value": value})
    return fields


def find_duplicate(location: SandboxLocation, fields: Fields, *, exclude: str = "") -> tuple[str, str] | None:
    """Return the id of another contact with the same e-mail or else phone, and which of the two matched."""
    for name, ids in (
        ("email", location.with_email(fields.get("email"))),
        ("phone", location.with_phone(fields.get("phone"))),
    ):
        others = sorted(ids - {exclude}, key=lambda id_: location.records[id_].added)
        if others:
            return others[0], name
    return None


def refuse_duplicate(location: SandboxLocation, fields: Fields, *, exclude: str = "") -> None:
    """Raise SandboxError (400) for a duplicate, unless the location allows them."""
    if location.allow_duplicates:
        return
    duplicate = find_duplicate(location, fields, exclude=exclude)
    if duplicate:
        name = full_name(location.contacts[duplicate[0]])
        meta = {"contactId": duplicate[0], "matchingField": duplicate[1], "contactName": name}
        raise SandboxError(400, "This location does not allow duplicated contacts.", meta=meta)


def start_workflows(location: SandboxLocation, contact_id: str, *, created: bool, tags: list[str]) -> None:
    """Record the automations that this write started in the ledger."""
    contact = location.contacts[contact_id]
    for workflow in location.related.workflows.values():
        on_tag = workflow["_trigger"] == "tag_added" and (workflow["_tag"] in tags if workflow["_tag"] else bool(tags))
        if on_tag or (created and workflow["_trigger"] == "contact_created"):
            start = WorkflowStart(workflow["id"], contact_id, is_reachable(contact), location.now())
            location.ledger.workflow_starts.append(start)
