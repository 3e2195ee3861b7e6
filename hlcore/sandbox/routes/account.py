"""The account itself: location, tags, custom fields and values, users, businesses, campaigns, workflows."""

from __future__ import annotations

from typing import Any

from hlcore.sandbox.http.answers import SandboxError, no_access, not_found, number
from hlcore.sandbox.http.contract import BUSINESS, CUSTOM_FIELD, CUSTOM_VALUE, TAG
from hlcore.sandbox.http.operations import OperationCall, Operations
from hlcore.sandbox.routes.records import shown
from hlcore.sandbox.state.location import SandboxLocation
from hlcore.sandbox.state.location_base import Item

operations = Operations()

HERE = "/locations/{locationId}"


def _location(location: SandboxLocation, *, whole: bool) -> Item:
    found: Item = {"id": location.id, "name": location.name, "timezone": location.timezone}
    found |= {"country": location.country, "email": f"office@{location.id.lower()}.example"}
    settings = {
        "allowDuplicateContact": location.allow_duplicates,
        "allowDuplicateOpportunity": location.allow_duplicate_opportunities,
        "allowFacebookNameMerge": False,
        "disableContactTimezone": False,
    }
    return found | {"settings": settings} | ({"companyId": location.company_id} if whole else {})


@operations.register("GET", HERE, "locations.readonly")
def get_location(call: OperationCall) -> Any:
    if call.account is None:
        raise not_found("Location")
    return {"location": _location(call.account, whole=True), "traceId": call.trace_id}


@operations.register("GET", "/locations/search", "locations.readonly", query="companyId skip limit order email")
def search_locations(call: OperationCall) -> Any:
    mine = [call.account] if call.account else list(call.sandbox.locations.values())
    skip, limit = number(call.query.get("skip"), 0), number(call.query.get("limit"), 10)
    rows = [_location(location, whole=False) for location in mine[skip : skip + limit]]
    return {"locations": rows, "traceId": call.trace_id}


def _one(call: OperationCall, shelf: dict[str, Item], what: str, key: str = "id") -> Item:
    found = shelf.get(call.params[key])
    if found is None:
        raise not_found(what)
    return found


@operations.register("GET", HERE + "/tags", "locations/tags.readonly")
def tags(call: OperationCall) -> Any:
    return {"tags": list(call.location.related.tags.values()), "traceId": call.trace_id}


@operations.register("POST", HERE + "/tags", "locations/tags.write", status=201)
def create_tag(call: OperationCall) -> Any:
    id_ = call.location.add_tag(call.fields(TAG, ("name",))["name"])
    return {"tag": call.location.related.tags[id_], "traceId": call.trace_id}


@operations.register("GET", HERE + "/tags/{id}", "locations/tags.readonly")
def get_tag(call: OperationCall) -> Any:
    return {"tag": _one(call, call.location.related.tags, "Tag"), "traceId": call.trace_id}


@operations.register("PUT", HERE + "/tags/{id}", "locations/tags.write")
def update_tag(call: OperationCall) -> Any:
    tag = _one(call, call.location.related.tags, "Tag")
    tag["name"] = call.fields(TAG, ("name",))["name"].lower()
    return {"tag": tag, "traceId": call.trace_id}


@operations.register("DELETE", HERE + "/tags/{id}", "locations/tags.write")
def delete_tag(call: OperationCall) -> Any:
    del call.location.related.tags[_one(call, call.location.related.tags, "Tag")["id"]]
    return {"succeded": True, "traceId": call.trace_id}


@operations.register("GET", HERE + "/customFields", "locations/customFields.readonly", query="model")
def custom_fields(call: OperationCall) -> Any:
    model = call.query.get("model", "contact")
    found = [field for field in call.location.related.custom_fields.values() if model in ("all", field["model"])]
    return {"customFields": found, "traceId": call.trace_id}


@operations.register("POST", HERE + "/customFields", "locations/customFields.write", status=201)
def create_custom_field(call: OperationCall) -> Any:
    body = dict(call.fields(CUSTOM_FIELD, ("name", "dataType")))
    options = body.pop("options", None) or body.pop("textBoxListOptions", None)
    id_ = call.location.add_custom_field(
        body.pop("name"), data_type=body.pop("dataType"), picklistOptions=options, **body
    )
    return {"customField": call.location.related.custom_fields[id_], "traceId": call.trace_id}


@operations.register("GET", HERE + "/customFields/{id}", "locations/customFields.readonly")
def get_custom_field(call: OperationCall) -> Any:
    shelf = call.location.related.custom_fields
    by_key = next((field for field in shelf.values() if field["fieldKey"] == call.params["id"]), None)
    return {"customField": by_key or _one(call, shelf, "Custom field"), "traceId": call.trace_id}


@operations.register("PUT", HERE + "/customFields/{id}", "locations/customFields.write")
def update_custom_field(call: OperationCall) -> Any:
    field = _one(call, call.location.related.custom_fields, "Custom field")
    field |= {k: v for k, v in call.fields(CUSTOM_FIELD, ("name",)).items() if k != "dataType"}
    return {"customField": field, "traceId": call.trace_id}


@operations.register("DELETE", HERE + "/customFields/{id}", "locations/customFields.write")
def delete_custom_field(call: OperationCall) -> Any:
    call.location.remove_custom_field(_one(call, call.location.related.custom_fields, "Custom field")["id"])
    return {"succeded": True, "traceId": call.trace_id}


@operations.register("GET", HERE + "/customValues", "locations/customValues.readonly")
def custom_values(call: OperationCall) -> Any:
    return {"customValues": list(call.location.related.custom_values.values()), "traceId": call.trace_id}


@operations.register("POST", HERE + "/customValues", "locations/customValues.write", status=201)
def create_custom_value(call: OperationCall) -> Any:
    body = call.fields(CUSTOM_VALUE, ("name", "value"))
    id_ = call.location.add_custom_value(body["name"], body["value"])
    return {"customValue": call.location.related.custom_values[id_], "traceId": call.trace_id}


@operations.register("GET", HERE + "/customValues/{id}", "locations/customValues.readonly")
def get_custom_value(call: OperationCall) -> Any:
    return {"customValue": _one(call, call.location.related.custom_values, "Custom value"), "traceId": call.trace_id}


@operations.register("PUT", HERE + "/customValues/{id}", "locations/customValues.write")
def update_custom_value(call: OperationCall) -> Any:
    value = _one(call, call.location.related.custom_values, "Custom value")
    value |= call.fields(CUSTOM_VALUE, ("name", "value"))
    return {"customValue": value, "traceId": call.trace_id}


@operations.register("DELETE", HERE + "/customValues/{id}", "locations/customValues.write")
def delete_custom_value(call: OperationCall) -> Any:
    del call.location.related.custom_values[_one(call, call.location.related.custom_values, "Custom value")["id"]]
    return {"succeded": True, "traceId": call.trace_id}


USER_QUERY = "companyId query skip limit locationId type role ids sort sortDirection enabled2waySync"


@operations.register("GET", "/users/search", "users.readonly", query=USER_QUERY)
def search_users(call: OperationCall) -> Any:
    """Deleted users show up here, marked (highlevel-api-docs #146)."""
    if not call.query.get("companyId"):
        raise SandboxError(422, ["companyId must be a string", "companyId should not be empty"])
    words, ids = call.query.get("query", "").lower(), [i for i in call.query.get("ids", "").split(",") if i]
    homes = [call.account] if call.account else list(call.sandbox.locations.values())
    found = [user for home in homes for user in home.related.users.values() if not ids or user["id"] in ids]
    found = [user for user in found if words in f"{user['name']} {user['email']}".lower()]
    skip, limit = number(call.query.get("skip"), 0), number(call.query.get("limit"), 25)
    return {"users": found[skip : skip + limit], "count": len(found), "traceId": call.trace_id}


@operations.register("GET", "/users/", "users.readonly", query="locationId")
def users(call: OperationCall) -> Any:
    return {"users": [u for u in call.location.related.users.values() if not u["deleted"]], "traceId": call.trace_id}


@operations.register("GET", "/users/{id}", "users.readonly")
def get_user(call: OperationCall) -> Any:
    for home in [call.account] if call.account else call.sandbox.locations.values():
        user = home.related.users.get(call.params["id"])
        if user is not None and not user["deleted"]:
            return {**user, "traceId": call.trace_id}
    raise not_found("User")


@operations.register("GET", "/businesses/", "businesses.readonly", query="locationId limit skip")
def businesses(call: OperationCall) -> Any:
    skip, limit = number(call.query.get("skip"), 0), number(call.query.get("limit"), 100)
    return {"businesses": list(call.location.related.businesses.values())[skip : skip + limit]}


@operations.register("POST", "/businesses/", "businesses.write", status=201)
def create_business(call: OperationCall) -> Any:
    """The key of the answer is misspelt, as HighLevel misspells it."""
    body = {k: v for k, v in call.fields(BUSINESS, ("name", "locationId")).items() if k != "locationId"}
    id_ = call.location.add_business(body.pop("name"), **body)
    return {"success": True, "buiseness": call.location.related.businesses[id_]}


@operations.register("GET", "/businesses/{id}", "businesses.readonly")
def get_business(call: OperationCall) -> Any:
    return {"business": _one(call, call.location.related.businesses, "Business")}


@operations.register("GET", "/campaigns/", "campaigns.readonly", query="locationId status")
def campaigns(call: OperationCall) -> Any:
    return {"campaigns": list(call.location.related.campaigns.values()), "traceId": call.trace_id}


@operations.register("GET", "/workflows/", "workflows.readonly", query="locationId")
def workflows(call: OperationCall) -> Any:
    if call.account is None:
        raise no_access()
    return {"workflows": [shown(flow) for flow in call.account.related.workflows.values()], "traceId": call.trace_id}
