"""HighLevel's OAuth (OpenAPI oauth.json): codes and refresh tokens into token pairs, agency tokens into those of
locations, and which locations have installed the app.

A code and a refresh token work once. None of these calls is therefore repeated by itself after it may have reached
HighLevel; AnswerLost says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from hlcore.errors import (
    AnswerLost,
    BrokenAnswer,
    GrantLost,
    HighLevelError,
    LocationInactive,
    Rejected,
    SettingsError,
    TokenRefused,
    Unreachable,
)
from hlcore.highlevel import json_slices
from hlcore.highlevel.clock import Clock
from hlcore.highlevel.endpoints import ENDPOINTS, MAIN
from hlcore.highlevel.transport import Form, Response, Transport, TransportError
from hlcore.settings import Settings

CHOOSE = "https://marketplace.gohighlevel.com/v2/oauth/chooselocation"
APP_SCOPES = ("oauth.readonly", "oauth.write")
PAGE = 100
LOCATION, COMPANY = "Location", "Company"


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What HighLevel gives: an access token until `expires_at`, a refresh token ('' where there is none), and whose
    they are. `user_type` is 'Location' or 'Company'. Shows no token."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: datetime
    user_type: str
    company_id: str
    location_id: str


class OAuth:
    """The app, as it speaks to HighLevel for itself. Thread-safe."""

    def __init__(self, settings: Settings, clock: Clock, *, transport: httpx.BaseTransport | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._wire = Transport(settings.api_url, clock, 20.0, transport)

    def close(self) -> None:
        """All connections are closed. May be repeated."""
        self._wire.close()

    def install_url(self, state: str) -> str:
        """Where a person chooses the accounts that Contact Vault may copy."""
        base = self._settings.install_url
        if base:
            return f"{base}{'&' if '?' in base else '?'}{urlencode({'state': state})}"
        scopes = sorted({endpoint.scope for endpoint in ENDPOINTS.values()} | set(APP_SCOPES))
        query = {
            "response_type": "code",
            "redirect_uri": self._settings.redirect_uri,
            "client_id": self._settings.client_id,
            "scope": " ".join(scopes),
            "state": state,
        }
        return f"{CHOOSE}?{urlencode(query)}"

    def exchange(self, code: str) -> TokenPair:
        """The tokens that this code stands for. Raises GrantLost when it was used or has expired."""
        return self._token({"grant_type": "authorization_code", "code": code})

    def refresh(self, refresh_token: str, user_type: str) -> TokenPair:
        """A new pair; the refresh token given is used up. Raises GrantLost when it was before, or has been withdrawn;
        AnswerLost when nobody knows; LocationInactive, and then it is not used up."""
        return self._token({"grant_type": "refresh_token", "refresh_token": refresh_token, "user_type": user_type})

    def location_token(self, agency_token: str, company_id: str, location_id: str) -> TokenPair:
        """The token of one location out of the agency's. May be repeated. Raises TokenRefused, Rejected."""
        form = {"companyId": company_id, "locationId": location_id}
        answer = self._send("POST", "/oauth/locationToken", {}, form, agency_token)
        return self._pair(self._good(answer), LOCATION, company_id, location_id)

    def installed_locations(self, agency_token: str, company_id: str) -> list[str]:
        """Ids of the agency's locations that have the app. Raises TokenRefused, Rejected."""
        found: list[str] = []
        asked = 0
        while True:
            query = {"companyId": company_id, "appId": self._settings.own_app_id, "isInstalled": "true"}
            query |= {"skip": str(asked), "limit": str(PAGE)}
            answer = self._good(self._send("GET", "/oauth/installedLocations", query, None, agency_token))
            rows = answer.get("locations")
            rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
            found += [str(row["_id"]) for row in rows if row.get("_id") and row.get("isInstalled") is not False]
            asked += len(rows)
            if len(rows) < PAGE:
                return found

    def _token(self, asked: dict[str, str]) -> TokenPair:
        own = {
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret.get_secret_value(),
            "redirect_uri": self._settings.redirect_uri,
        }
        answer = self._good(self._send("POST", "/oauth/token", {}, own | asked, ""), asked["grant_type"])
        whose = LOCATION if answer.get("locationId") else COMPANY
        return self._pair(answer, asked.get("user_type", whose), "", "")

    def _send(
        self, method: str, path: str, query: Mapping[str, str], form: Mapping[str, str] | None, token: str
    ) -> Response:
        headers = {"Authorization": f"Bearer {token}", "Version": MAIN} if token else {}
        try:
            return self._wire.send(method, path, query, headers, Form(form) if form is not None else None)
        except TransportError as exc:
            if exc.sent and not token:
                raise AnswerLost("HighLevel was asked for tokens, and its answer never came.") from exc
            raise exc.error from exc

    def _good(self, response: Response, grant_type: str = "") -> dict[str, Any]:
        """The JSON object of a good answer; raises what any other means."""
        try:
            found = json_slices.decode(response.body)
        except (ValueError, RecursionError):
            found = None
        body = found if isinstance(found, dict) else {}
        if response.status in (200, 201) and body:
            return body
        raise _refusal(response.status, body, grant_type)

    def _pair(self, found: dict[str, Any], user_type: str, company_id: str, location_id: str) -> TokenPair:
        access = _text(found, "access_token", "accessToken")
        lasts = found.get("expires_in", found.get("expiresIn"))
        if not access or not isinstance(lasts, (int, float)):
            raise BrokenAnswer("HighLevel answered without a token.")
        return TokenPair(
            access,
            _text(found, "refresh_token", "refreshToken"),
            self._clock.now() + timedelta(seconds=lasts),
            _text(found, "userType") or user_type,
            _text(found, "companyId") or company_id,
            _text(found, "locationId") or location_id,
        )


def _refusal(status: int, body: dict[str, Any], grant_type: str) -> HighLevelError | SettingsError:
    """What an answer that gives nothing means. HighLevel's texts are not repeated: they may quote a token."""
    said = " ".join(str(body.get(name, "")) for name in ("error", "error_description", "message")).lower()
    if status >= 500 or status in (408, 425, 429) or 200 <= status < 300:
        return _no_use(status, lost=bool(grant_type) and status != 429)
    if "invalid_client" in said or "client credentials" in said:
        return SettingsError(
            "HighLevel does not know the app.", hint="Check HLCORE_CLIENT_ID and HLCORE_CLIENT_SECRET."
        )
    if "location is not active" in said or "location is inactive" in said:
        return LocationInactive("The sub-account is paused.", status=status)
    if grant_type and status in (400, 401) and any(word in said for word in ("invalid_grant", "invalid", "expired")):
        return GrantLost("HighLevel does not accept the app's authorisation any more.", status=status)
    if status == 401:
        return TokenRefused("HighLevel refused the app's token.", status=status)
    return Rejected(f"HighLevel refused to give a token ({status}).", status=status)


def _no_use(status: int, *, lost: bool) -> HighLevelError:
    """HighLevel has a problem. `lost`: it may have used up what was sent all the same."""
    if lost:
        return AnswerLost(f"HighLevel was asked for tokens, and its answer is of no use ({status}).", status=status)
    return Unreachable(f"HighLevel has a problem ({status}).", status=status)


def _text(found: Mapping[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := found.get(name), str) and value), "")
