"""OAuth (HighLevel OpenAPI oauth.json): access tokens that last a day, refresh tokens that work once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hlcore.sandbox.http.answers import SandboxError, no_access
from hlcore.sandbox.http.contract import parse_number
from hlcore.sandbox.http.operations import OperationCall, Operations
from hlcore.sandbox.state.location import SandboxLocation
from hlcore.sandbox.state.location_base import Item

operations = Operations()

TOKEN_SECONDS = 86_399
SNAKE_CASE = {
    "clientId": "client_id", "clientSecret": "client_secret", "grantType": "grant_type", "userType": "user_type",
    "refreshToken": "refresh_token", "redirectUri": "redirect_uri",
}  # fmt: skip
CAMEL_CASE = {
    "access_token": "accessToken", "token_type": "tokenType", "expires_in": "expiresIn",
    "refresh_token": "refreshToken",
}  # fmt: skip
INSTALLED_QUERY = "companyId appId skip limit query isInstalled versionId onTrial planId locationId"
INSTALLED_QUERY_V3 = "companyId appId pageToken pageSize query isInstalled versionId onTrial planId locationId"


def _invalid_grant(message: str) -> SandboxError:
    return SandboxError(400, message, error="invalid_grant", error_description=message)


@operations.register("POST", "/oauth/token")
def token(call: OperationCall) -> Any:
    form = {SNAKE_CASE.get(key, key): value for key, value in call.body.items()}
    oauth = call.sandbox.oauth
    secret = oauth.clients.get(form.get("client_id", ""))
    if secret is None or secret != form.get("client_secret"):
        raise SandboxError(401, "Invalid client credentials", error="invalid_client")
    kind = form.get("grant_type")
    if kind == "authorization_code":
        location_id = oauth.codes.pop(form.get("code", ""), None)
    elif kind == "refresh_token":
        location_id = oauth.refresh.get(form.get("refresh_token", ""))
        if location_id and not call.sandbox.locations[location_id].active:
            raise SandboxError(400, "Location is not active")
        oauth.refresh.pop(form.get("refresh_token", ""), None)
    else:
        raise SandboxError(422, ["grant_type must be one of the following values: authorization_code, refresh_token"])
    if location_id is None:
        raise _invalid_grant("This refresh token is invalid" if kind == "refresh_token" else "This code is invalid")
    return _issue_token(call, location_id, refresh=True)


def _issue_token(call: OperationCall, location_id: str, *, refresh: bool) -> Item:
    """Answer with a new access token, with or without refresh token, for a location or (empty) the agency."""
    sandbox = call.sandbox
    access = sandbox.add_token(f"jwt-{sandbox.ids.next()}", location_id)
    sandbox.tokens[access].expires_at = sandbox.now() + timedelta(seconds=TOKEN_SECONDS)
    answer: Item = {"access_token": access, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}
    answer |= {"scope": "contacts.readonly", "userType": "Location" if location_id else "Company"}
    answer |= {"companyId": f"company-of-{sandbox.seed}", "userId": "app-installer", "approvedLocations": []}
    if location_id:
        answer["locationId"] = location_id
    if refresh:
        answer["refresh_token"] = f"refresh-{sandbox.ids.next()}"
        sandbox.oauth.refresh[answer["refresh_token"]] = location_id
    return {CAMEL_CASE.get(key, key): value for key, value in answer.items()} if call.v3 else answer


@operations.register("POST", "/oauth/locationToken", "oauth.write")
def location_token(call: OperationCall) -> Any:
    _agency_only(call)
    location_id = str(call.body.get("locationId", ""))
    if location_id not in call.sandbox.locations or not call.body.get("companyId"):
        raise SandboxError(400, "Invalid locationId or companyId")
    return _issue_token(call, location_id, refresh=False)


@operations.register("GET", "/oauth/installedLocations", "oauth.readonly", query=INSTALLED_QUERY)
def installed_locations(call: OperationCall) -> Any:
    _agency_only(call)
    text = call.query.get("query", "").lower()
    rows = [_installed_row(item) for item in call.sandbox.locations.values() if text in item.name.lower()]
    skip, limit = parse_number(call.query.get("skip"), 0), parse_number(call.query.get("limit"), 20)
    return call.reply(locations=rows[skip : skip + limit], count=len(rows), installToFutureLocations=False)


def _installed_row(location: SandboxLocation) -> Item:
    return {"_id": location.id, "name": location.name, "address": "", "isInstalled": True}


@operations.register("POST", "/oauth/location-token", "oauth.write")
def location_token_v3(call: OperationCall) -> Any:
    _v3_only(call, "POST /oauth/location-token")
    return location_token(call)


@operations.register("GET", "/oauth/installed-locations", "oauth.readonly", query=INSTALLED_QUERY_V3)
def installed_locations_v3(call: OperationCall) -> Any:
    _v3_only(call, "GET /oauth/installed-locations")
    _agency_only(call)
    start, size = parse_number(call.query.get("pageToken"), 0), parse_number(call.query.get("pageSize"), 20)
    rows = [_installed_row(location) for location in call.sandbox.locations.values()]
    has_next, page = start + size < len(rows), rows[start : start + size]
    pages: Item = {"currentPageSize": len(page), "hasNextPage": has_next, "hasPrevPage": start > 0}
    pages |= {"totalRecords": len(rows), **({"nextPageToken": str(start + size)} if has_next else {})}
    return {"items": page, "pagination": pages}


def _agency_only(call: OperationCall) -> None:
    if call.grant.location:
        raise no_access()


def _v3_only(call: OperationCall, name: str) -> None:
    if not call.v3:
        raise SandboxError(404, f"Cannot {name}")
