"""OAuth (HighLevel OpenAPI oauth.json): tokens of a day, refresh tokens that work once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hlcore.sandbox.http.answers import SandboxError, no_access, number
from hlcore.sandbox.http.operations import OperationCall, Operations
from hlcore.sandbox.state.location_base import Item

operations = Operations()

LASTS = 86_399
CAMEL = {
    "clientId": "client_id", "clientSecret": "client_secret", "grantType": "grant_type", "userType": "user_type",
    "refreshToken": "refresh_token", "redirectUri": "redirect_uri",
}  # fmt: skip


def _invalid_grant(why: str) -> SandboxError:
    return SandboxError(400, why, error="invalid_grant", error_description=why)


@operations.register("POST", "/oauth/token")
def token(call: OperationCall) -> Any:
    form = {CAMEL.get(key, key): value for key, value in call.body.items()}
    oauth = call.sandbox.oauth
    known = oauth.clients.get(form.get("client_id", ""))
    if known is None or known != form.get("client_secret"):
        raise SandboxError(401, "Invalid client credentials", error="invalid_client")
    kind = form.get("grant_type")
    if kind == "authorization_code":
        home = oauth.codes.pop(form.get("code", ""), None)
    elif kind == "refresh_token":
        home = oauth.refresh.get(form.get("refresh_token", ""))
        if home and not call.sandbox.locations[home].active:
            raise SandboxError(400, "Location is not active")
        oauth.refresh.pop(form.get("refresh_token", ""), None)
    else:
        raise SandboxError(422, ["grant_type must be one of the following values: authorization_code, refresh_token"])
    if home is None:
        raise _invalid_grant("This refresh token is invalid" if kind == "refresh_token" else "This code is invalid")
    return _pair(call, home, refresh=True)


def _pair(call: OperationCall, home: str, *, refresh: bool) -> Item:
    """A new access token (and refresh token) for a location, or for the agency when ``home`` is empty."""
    sandbox = call.sandbox
    access = sandbox.add_token(f"jwt-{sandbox.ids.next()}", home)
    sandbox.tokens[access].expires_at = sandbox.now() + timedelta(seconds=LASTS)
    found: Item = {"access_token": access, "token_type": "Bearer", "expires_in": LASTS, "scope": "contacts.readonly"}
    found |= {"userType": "Location" if home else "Company", "companyId": f"company-of-{sandbox.seed}"}
    found |= {"userId": "app-installer", "approvedLocations": []}
    if home:
        found["locationId"] = home
    if refresh:
        found["refresh_token"] = f"refresh-{sandbox.ids.next()}"
        sandbox.oauth.refresh[found["refresh_token"]] = home
    if call.v3:
        spelt = {"access_token": "accessToken", "token_type": "tokenType", "expires_in": "expiresIn",
                 "refresh_token": "refreshToken"}  # fmt: skip
        found = {spelt.get(key, key): value for key, value in found.items()}
    return found


@operations.register("POST", "/oauth/locationToken", "oauth.write")
def location_token(call: OperationCall) -> Any:
    _agency_only(call)
    home = str(call.body.get("locationId", ""))
    if home not in call.sandbox.locations or not call.body.get("companyId"):
        raise SandboxError(400, "Invalid locationId or companyId")
    return _pair(call, home, refresh=False)


@operations.register("GET", "/oauth/installedLocations", "oauth.readonly",
           query="companyId appId skip limit query isInstalled versionId onTrial planId locationId")  # fmt: skip
def installed_locations(call: OperationCall) -> Any:
    _agency_only(call)
    words = call.query.get("query", "").lower()
    rows = [_installed(home.id, home.name) for home in call.sandbox.locations.values() if words in home.name.lower()]
    skip, limit = number(call.query.get("skip"), 0), number(call.query.get("limit"), 20)
    page = {"locations": rows[skip : skip + limit], "count": len(rows), "installToFutureLocations": False}
    return {**page, "traceId": call.trace_id}


def _installed(id_: str, name: str) -> Item:
    return {"_id": id_, "name": name, "address": "", "isInstalled": True}


@operations.register("POST", "/oauth/location-token", "oauth.write")
def location_token_v3(call: OperationCall) -> Any:
    _v3_only(call, "POST /oauth/location-token")
    return location_token(call)


PAGED = "companyId appId pageToken pageSize query isInstalled versionId onTrial planId locationId"


@operations.register("GET", "/oauth/installed-locations", "oauth.readonly", query=PAGED)
def installed_locations_v3(call: OperationCall) -> Any:
    _v3_only(call, "GET /oauth/installed-locations")
    _agency_only(call)
    start, size = number(call.query.get("pageToken"), 0), number(call.query.get("pageSize"), 20)
    rows = [_installed(home.id, home.name) for home in call.sandbox.locations.values()]
    more, page = start + size < len(rows), rows[start : start + size]
    pages: Item = {"currentPageSize": len(page), "hasNextPage": more, "hasPrevPage": start > 0}
    pages |= {"totalRecords": len(rows), **({"nextPageToken": str(start + size)} if more else {})}
    return {"items": page, "pagination": pages}


def _agency_only(call: OperationCall) -> None:
    if call.grant.location:
        raise no_access()


def _v3_only(call: OperationCall, name: str) -> None:
    if not call.v3:
        raise SandboxError(404, f"Cannot {name}")
