"""The location and its reference data: tags, custom fields and values, users, businesses, campaigns, workflows."""

from __future__ import annotations

from typing import Any

from hlcore.sandbox.http.answers import SandboxError, not_found, public_fields
from hlcore.sandbox.http.contract import BUSINESS, CUSTOM_FIELD, CUSTOM_VALUE, TAG, parse_number
from hlcore.sandbox.http.operations import OperationCall, Operations
from hlcore.sandbox.state.location import SandboxLocation
from hlcore.sandbox.state.location_base import Item

operations = Operations()

LOCATION = "/locations/{locationId}"


def _location_row(location: SandboxLocation) -> Item:
    settings = {
        "allowDuplicateContact": location.allow_duplicates,
        "allowDuplicateOpportunity": location.allow_duplicate_opportunities,
        "allowFacebookNameMerge": False,
        "disableContactTimezone": False,
    }
    row: Item = {"id": location.id, "name": location.name, "timezone": location.timezone, "country": location.country}
    return row | {"email": f"office@{location.id.lower()}.example", "settings": settings}


@operations.register("GET", LOCATION, "locations.readonly")
def get_location(call: OperationCall) -> Any:
    if call.optional_location is None:
        raise not_found("Location")
    company = {"companyId": call.optional_location.company_id}
    return call.reply(location=_location_row(call.optional_location) | company)


@operations.register("GET", "/locations/search", "locations.readonly", query="companyId skip limit order email")
def search_locations(call: OperationCall) -> Any:
    skip, limit = parse_number(call.query.get("skip"), 0), parse_number(call.query.get("limit"), 10)
    return call.reply(locations=[_location_row(location) for location in call.locations[skip : skip + limit]])


@operations.register("GET", LOCATION + "/tags", "locations/tags.readonly")
def tags(call: OperationCall) -> Any:
    return call.reply(tags=list(call.location.related.tags.values()))


@operations.register("POST", LOCATION + "/tags", "locations/tags.write", status=201)
def create_tag(call: OperationCall) -> Any:
    id_ = call.location.add_tag(call.fields(TAG, ("name",))["name"])
    return call.reply(tag=call.location.related.tags[id_])


@operations.register("GET", LOCATION + "/tags/{id}", "locations/tags.readonly")
def get_tag(call: OperationCall) -> Any:
    return call.reply(tag=call.find(call.location.related.tags, "Tag"))


@operations.register("PUT", LOCATION + "/tags/{id}", "locations/tags.write")
def update_tag(call: OperationCall) -> Any:
    tag = call.find(call.location.related.tags, "Tag")
    tag["name"] = call.fields(TAG, ("name",))["name"].lower()
    return call.reply(tag=tag)


@operations.register("DELETE", LOCATION + "/tags/{id}", "locations/tags.write")
def delete_tag(call: OperationCall) -> Any:
    del call.location.related.tags[call.find(call.location.related.tags, "Tag")["id"]]
    return call.reply(succeded=True)


@operations.register("GET", LOCATION + "/customFields", "locations/customFields.readonly", query="model")
def custom_fields(call: OperationCall) -> Any:
    model = call.query.get("model", "contact")
    found = [field for field in call.location.related.custom_fields.values() if model in ("all", field["model"])]
    return call.reply(customFields=found)


@operations.register("POST", LOCATION + "/customFields", "locations/customFields.write", status=201)
def create_custom_field(call: OperationCall) -> Any:
    body = dict(call.fields(CUSTOM_FIELD, ("name", "dataType")))
    options = body.pop("options", None) or body.pop("textBoxListOptions", None)
    id_ = call.location.add_custom_field(
        body.pop("name"), data_type=body.pop("dataType"), picklistOptions=options, **body
    )
    return call.reply(customField=call.location.related.custom_fields[id_])


@operations.register("GET", LOCATION + "/customFields/{id}", "locations/customFields.readonly")
def get_custom_field(call: OperationCall) -> Any:
    shelf = call.location.related.custom_fields
    by_key = next((field for field in shelf.values() if field["fieldKey"] == call.params["id"]), None)
    return call.reply(customField=by_key or call.find(shelf, "Custom field"))


@operations.register("PUT", LOCATION + "/customFields/{id}", "locations/customFields.write")
def update_custom_field(call: OperationCall) -> Any:
    field = call.find(call.location.related.custom_fields, "Custom field")
    field |= {k: v for k, v in call.fields(CUSTOM_FIELD, ("name",)).items() if k != "dataType"}
    return call.reply(customField=field)


@operations.register("DELETE", LOCATION + "/customFields/{id}", "locations/customFields.write")
def delete_custom_field(call: OperationCall) -> Any:
    call.location.remove_custom_field(call.find(call.location.related.custom_fields, "Custom field")["id"])
    return call.reply(succeded=True)


@operations.register("GET", LOCATION + "/customValues", "locations/customValues.readonly")
def custom_values(call: OperationCall) -> Any:
    return call.reply(customValues=list(call.location.related.custom_values.values()))


@operations.register("POST", LOCATION + "/customValues", "locations/customValues.write", status=201)
def create_custom_value(call: OperationCall) -> Any:
    body = call.fields(CUSTOM_VALUE, ("name", "value"))
    id_ = call.location.add_custom_value(body["name"], body["value"])
    return call.reply(customValue=call.location.related.custom_values[id_])


@operations.register("GET", LOCATION + "/customValues/{id}", "locations/customValues.readonly")
def get_custom_value(call: OperationCall) -> Any:
    return call.reply(customValue=call.find(call.location.related.custom_values, "Custom value"))


@operations.register("PUT", LOCATION + "/customValues/{id}", "locations/customValues.write")
def update_custom_value(call: OperationCall) -> Any:
    value = call.find(call.location.related.custom_values, "Custom value")
    value |= call.fields(CUSTOM_VALUE, ("name", "value"))
    return call.reply(customValue=value)


@operations.register("DELETE", LOCATION + "/customValues/{id}", "locations/customValues.write")
def delete_custom_value(call: OperationCall) -> Any:
    del call.location.related.custom_values[call.find(call.location.related.custom_values, "Custom value")["id"]]
    return call.reply(succeded=True)


USER_QUERY = "companyId query skip limit locationId type role ids sort sortDirection enabled2waySync"


@operations.register("GET", "/users/search", "users.readonly", query=USER_QUERY)
def search_users(call: OperationCall) -> Any:
    """Search all users, deleted ones included and marked as such (highlevel-api-docs #146)."""
    if not call.query.get("companyId"):
        raise SandboxError(422, ["companyId must be a string", "companyId should not be empty"])
    text, ids = call.query.get("query", "").lower(), [id_ for id_ in call.query.get("ids", "").split(",") if id_]
    matches = [
        user
        for location in call.locations
        for user in location.related.users.values()
        if (not ids or user["id"] in ids) and text in f"{user['name']} {user['email']}".lower()
    ]
    skip, limit = parse_number(call.query.get("skip"), 0), parse_number(call.query.get("limit"), 25)
    return call.reply(users=matches[skip : skip + limit], count=len(matches))


@operations.register("GET", "/users/", "users.readonly", query="locationId")
def users(call: OperationCall) -> Any:
    return call.reply(users=[user for user in call.location.related.users.values() if not user["deleted"]])


@operations.register("GET", "/users/{id}", "users.readonly")
def get_user(call: OperationCall) -> Any:
    for location in call.locations:
        user = location.related.users.get(call.params["id"])
        if user is not None and not user["deleted"]:
            return call.reply(**user)
    raise not_found("User")


@operations.register("GET", "/businesses/", "businesses.readonly", query="locationId limit skip")
def businesses(call: OperationCall) -> Any:
    skip, limit = parse_number(call.query.get("skip"), 0), parse_number(call.query.get("limit"), 100)
    return {"businesses": list(call.location.related.businesses.values())[skip : skip + limit]}


@operations.register("POST", "/businesses/", "businesses.write", status=201)
def create_business(call: OperationCall) -> Any:
    """Create it. The key of the answer is misspelt as in HighLevel's."""
    body = dict(call.fields(BUSINESS, ("name", "locationId")))
    del body["locationId"]
    id_ = call.location.add_business(body.pop("name"), **body)
    return {"success": True, "buiseness": call.location.related.businesses[id_]}


@operations.register("GET", "/businesses/{id}", "businesses.readonly")
def get_business(call: OperationCall) -> Any:
    return {"business": call.find(call.location.related.businesses, "Business")}


@operations.register("GET", "/campaigns/", "campaigns.readonly", query="locationId status")
def campaigns(call: OperationCall) -> Any:
    return call.reply(campaigns=list(call.location.related.campaigns.values()))


@operations.register("GET", "/workflows/", "workflows.readonly", query="locationId")
def workflows(call: OperationCall) -> Any:
    return call.reply(workflows=[public_fields(item) for item in call.location.related.workflows.values()])
