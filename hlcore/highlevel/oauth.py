"""HighLevel's OAuth (OpenAPI oauth.json): installation link, token pairs, and the locations that have the app.

A code and a refresh token work once. Therefore none of these calls is repeated here after it may have reached
HighLevel; they raise AnswerLost instead.
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
from hlcore.highlevel.clock import Clock
from hlcore.highlevel.endpoints import ENDPOINTS, MAIN
from hlcore.highlevel.transport import Form, Response, Transport, TransportError
from hlcore.model.json_codec import decode_strict
from hlcore.settings import Settings

INSTALL_PAGE = "https://marketplace.gohighlevel.com/v2/oauth/chooselocation"
APP_SCOPES = ("oauth.readonly", "oauth.write")
PAGE_SIZE = 100
LOCATION, COMPANY = "Location", "Company"


@dataclass(frozen=True, slots=True)
class TokenPair:
    """An access token until `expires_at` and a refresh token ('' where there is none). `user_type` is 'Location' or
    'Company'. Its repr shows no token."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: datetime
    user_type: str
    company_id: str
    location_id: str


class OAuth:
    """The Marketplace app's own requests to HighLevel. Thread-safe."""

    def __init__(self, settings: Settings, clock: Clock, *, transport: httpx.BaseTransport | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._transport = Transport(settings.api_url, clock, 20.0, transport)

    def close(self) -> None:
        """Close all connections. May be repeated."""
        self._transport.close()

    def install_url(self, state: str) -> str:
        """Return the page on which a user chooses the locations that Contact Vault may copy."""
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
        return f"{INSTALL_PAGE}?{urlencode(query)}"

    def exchange(self, code: str) -> TokenPair:
        """Return the tokens for this code. Raises GrantLost when it was used or has expired."""
        return self._request_token({"grant_type": "authorization_code", "code": code})

    def refresh(self, refresh_token: str, user_type: str) -> TokenPair:
        """Return a new pair; the given refresh token is used up. Raises GrantLost when it was used or withdrawn before,
        AnswerLost when that is not known, LocationInactive without using it up."""
        return self._request_token(
            {"grant_type": "refresh_token", "refresh_token": refresh_token, "user_type": user_type}
        )

    def location_token(self, agency_token: str, company_id: str, location_id: str) -> TokenPair:
        """Return the token of one location, obtained with the agency's. May be repeated. Raises TokenRefused,
        Rejected."""
        form = {"companyId": company_id, "locationId": location_id}
        answer = self._send("POST", "/oauth/locationToken", {}, form, agency_token)
        return self._token_pair(self._parse_answer(answer), LOCATION, company_id, location_id)

    def installed_locations(self, agency_token: str, company_id: str) -> list[str]:
        """Return the ids of the agency's locations that have the app. Raises TokenRefused, Rejected."""
        location_ids: list[str] = []
        skip = 0
        while True:
            query = {"companyId": company_id, "appId": self._settings.own_app_id, "isInstalled": "true"}
            query |= {"skip": str(skip), "limit": str(PAGE_SIZE)}
            answer = self._parse_answer(self._send("GET", "/oauth/installedLocations", query, None, agency_token))
            rows = answer.get("locations")
            rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
            location_ids += [str(row["_id"]) for row in rows if row.get("_id") and row.get("isInstalled") is not False]
            skip += len(rows)
            if len(rows) < PAGE_SIZE:
                return location_ids

    def _request_token(self, grant: dict[str, str]) -> TokenPair:
        app = {
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret.get_secret_value(),
            "redirect_uri": self._settings.redirect_uri,
        }
        answer = self._parse_answer(self._send("POST", "/oauth/token", {}, app | grant, ""), grant["grant_type"])
        user_type = LOCATION if answer.get("locationId") else COMPANY
        return self._token_pair(answer, grant.get("user_type", user_type), "", "")

    def _send(
        self, method: str, path: str, query: Mapping[str, str], form: Mapping[str, str] | None, token: str
    ) -> Response:
        headers = {"Authorization": f"Bearer {token}", "Version": MAIN} if token else {}
        try:
            return self._transport.send(method, path, query, headers, Form(form) if form is not None else None)
        except TransportError as exc:
            if exc.sent and not token:
                raise AnswerLost("HighLevel was asked for tokens, and its answer never came.") from exc
            raise exc.error from exc

    def _parse_answer(self, response: Response, grant_type: str = "") -> dict[str, Any]:
        """Return the JSON object of a good answer. Raises the error that any other means."""
        try:
            decoded = decode_strict(response.body)
        except (ValueError, RecursionError):
            decoded = None
        body = decoded if isinstance(decoded, dict) else {}
        if response.status in (200, 201) and body:
            return body
        raise _to_error(response.status, body, grant_type)

    def _token_pair(self, answer: dict[str, Any], user_type: str, company_id: str, location_id: str) -> TokenPair:
        access = _text(answer, "access_token", "accessToken")
        seconds = answer.get("expires_in", answer.get("expiresIn"))
        if not access or not isinstance(seconds, (int, float)):
            raise BrokenAnswer("HighLevel answered without a token.")
        return TokenPair(
            access,
            _text(answer, "refresh_token", "refreshToken"),
            self._clock.now() + timedelta(seconds=seconds),
            _text(answer, "userType") or user_type,
            _text(answer, "companyId") or company_id,
            _text(answer, "locationId") or location_id,
        )


def _to_error(status: int, body: dict[str, Any], grant_type: str) -> HighLevelError | SettingsError:
    """Return the error that an answer without a token means. Repeats none of HighLevel's text: it may quote a token."""
    words = " ".join(str(body.get(name, "")) for name in ("error", "error_description", "message")).lower()
    if status >= 500 or status in (408, 425, 429) or 200 <= status < 300:
        return _unusable(status, lost=bool(grant_type) and status != 429)
    if "invalid_client" in words or "client credentials" in words:
        return SettingsError(
            "HighLevel does not know the app.", hint="Check HLCORE_CLIENT_ID and HLCORE_CLIENT_SECRET."
        )
    if "location is not active" in words or "location is inactive" in words:
        return LocationInactive("The sub-account is paused.", status=status)
    if grant_type and status in (400, 401) and any(word in words for word in ("invalid_grant", "invalid", "expired")):
        return GrantLost("HighLevel does not accept the app's authorisation any more.", status=status)
    if status == 401:
        return TokenRefused("HighLevel refused the app's token.", status=status)
    return Rejected(f"HighLevel refused to give a token ({status}).", status=status)


def _unusable(status: int, *, lost: bool) -> HighLevelError:
    """Return the error of an answer without any use. `lost`: HighLevel may have used up what was sent."""
    if lost:
        return AnswerLost(f"HighLevel was asked for tokens, and its answer is of no use ({status}).", status=status)
    return Unreachable(f"HighLevel has a problem ({status}).", status=status)


def _text(answer: Mapping[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := answer.get(name), str) and value), "")
