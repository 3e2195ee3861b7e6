"""What an answer means. One function, `refusal`, turns every answer that is not good into its own error.

The variants come from HighLevel's OpenAPI files (common-schemas.json), its help pages, and the issues of
github.com/GoHighLevel/highlevel-api-docs named below. A 401 has six meanings, told apart by its text only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hlcore.errors import (
    BrokenAnswer,
    ContractError,
    Duplicate,
    Gone,
    HighLevelError,
    LocationInactive,
    RateLimited,
    Rejected,
    ScopeMissing,
    TokenRefused,
    Unauthorized,
    Unreachable,
    WrongLocation,
)

from . import slices, wording
from .endpoints import Endpoint

_BAD_TOKEN = re.compile(r"jwt|invalid token|access token|private integration|expired|revoked|token is (?:invalid|not)")
_ROUTE = re.compile(r"^\s*cannot (?:get|post|put|patch|delete) /", re.I)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one request: status, the parts of an error body, and what had been asked.

    `is_json` is False when the body is no JSON object, as from a proxy in between; `is_blank` when it says nothing."""

    endpoint: Endpoint
    status: int
    sent: frozenset[str] = frozenset()
    is_json: bool = False
    is_blank: bool = False
    messages: tuple[str, ...] = ()
    meta: dict[str, Any] = field(default_factory=dict)
    trace_id: str = ""

    @classmethod
    def read(cls, endpoint: Endpoint, status: int, body: bytes, *, sent: frozenset[str], trace_id: str = "") -> Reply:
        """The reply in these bytes; whatever they are, this does not raise."""
        try:
            data = slices.decode(body)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            return cls(endpoint, status, sent, is_blank=not body.strip(), trace_id=trace_id)
        meta = data.get("meta")
        messages = wording.texts(data.get("message")) or wording.texts(data.get("error"))
        return cls(
            endpoint,
            status,
            sent,
            is_json=True,
            is_blank=not messages,
            messages=tuple(messages),
            meta=meta if isinstance(meta, dict) else {},
            trace_id=clean_id(data.get("traceId")) or trace_id,
        )

    @property
    def text(self) -> str:
        """All messages in small letters."""
        return " ; ".join(self.messages).lower()

    @property
    def what(self) -> str:
        """How texts begin: which request, which status."""
        return f"{self.endpoint.name}: HighLevel answered {self.status}"

    @property
    def quoted(self) -> str:
        """HighLevel's words as far as they are safe to repeat, with a colon in front."""
        said = wording.safe(self.messages, self.sent)
        return f" ({said})" if said else ""


def clean_id(value: object) -> str:
    """A trace id as HighLevel writes one; '' for anything that could be something else."""
    return value if isinstance(value, str) and re.fullmatch(r"[\w-]{8,64}", value) else ""


def refusal(reply: Reply) -> HighLevelError | None:
    """The error that this reply means; None when its status is one that the endpoint documents as good."""
    if reply.status in reply.endpoint.ok:
        return None
    if reply.status == 429:
        return _error(RateLimited, reply, "too many requests")
    if reply.status >= 500 or reply.status in (408, 425):
        return _error(Unreachable, reply, "it has a problem")
    if reply.status < 400:
        return _error(BrokenAnswer, reply, "not what it documents", hint="Check HLCORE_API_URL: it may be redirected.")
    return _MEANINGS.get(reply.status, _bad_request)(reply)


def _error(kind: type[HighLevelError], reply: Reply, meaning: str, *, hint: str = "") -> HighLevelError:
    message = f"{reply.what}: {meaning}{reply.quoted}"
    return kind(message, hint=hint, status=reply.status, trace_id=reply.trace_id)


def _unauthorized(reply: Reply) -> HighLevelError:
    """The variants of 401 (API issues 74 and 217, common-schemas.json); only one means a bad token."""
    text = reply.text
    if "version header" in text:
        return _error(ContractError, reply, "the Version header is not accepted")
    if "iam service" in text or "route is not yet supported" in text:
        return _error(ContractError, reply, "this route is not open to tokens")
    if "scope" in text:
        return _error(ScopeMissing, reply, f"the token lacks the scope {reply.endpoint.scope}")
    if "access to this location" in text:
        return _wrong_location(reply)
    if _is_inactive(text):
        return _inactive(reply)
    return _bad_token(reply)


def _bad_token(reply: Reply) -> HighLevelError:
    if _BAD_TOKEN.search(reply.text):
        return _error(TokenRefused, reply, "the token is wrong, expired or revoked")
    return _error(Unauthorized, reply, "not authorized")


def _forbidden(reply: Reply) -> HighLevelError:
    text = reply.text
    if not reply.is_json:
        return _error(BrokenAnswer, reply, "something between here and HighLevel refused the request")
    if _is_inactive(text):
        return _inactive(reply)
    if "location" in text:
        return _wrong_location(reply)
    if "scope" in text:
        return _error(ScopeMissing, reply, f"the token lacks the scope {reply.endpoint.scope}")
    hint = "The HighLevel plan, or the rights of the token's owner, may not include this."
    return _error(Unauthorized, reply, "not allowed", hint=hint)


def _not_found(reply: Reply) -> HighLevelError:
    """404 is Gone only when HighLevel itself says so of the very record; a missing route or a proxy does not."""
    if any(_ROUTE.match(message) for message in reply.messages):
        return _error(ContractError, reply, "HighLevel does not know this route")
    if any(wording.says_gone(message, reply.endpoint.subjects) for message in reply.messages):
        return _gone(reply)
    if reply.endpoint.sought and reply.is_blank:
        return _gone(reply)
    if reply.is_json and "location" in reply.text:
        return _wrong_location(reply)
    return _error(BrokenAnswer, reply, "not found, but HighLevel does not say what")


def _bad_request(reply: Reply) -> HighLevelError:
    """400, 409, 422 and the other 4xx: a duplicate, a record that is gone, a paused location, or a refusal."""
    duplicate = _duplicate(reply)
    if duplicate is not None:
        return duplicate
    if _is_inactive(reply.text):
        return _inactive(reply)
    if reply.status == 400:
        if any(wording.says_gone(message, reply.endpoint.subjects) for message in reply.messages):
            return _gone(reply)
        if re.search(r"\blocation\b[^;]*(?:not found|not exist|deleted)", reply.text):
            return _wrong_location(reply)
    fields = wording.refused_fields(reply.messages, reply.sent)
    which = f"it refuses {', '.join(fields)}" if fields else "it refuses the request"
    message = f"{reply.what}: {which}{reply.quoted}"
    return Rejected(message, fields=fields, status=reply.status, trace_id=reply.trace_id)


def _duplicate(reply: Reply) -> Duplicate | None:
    """400 "This location does not allow duplicated contacts." with the other contact in `meta`."""
    contact_id, matching = reply.meta.get("contactId"), reply.meta.get("matchingField")
    if not isinstance(contact_id, str) or not contact_id or not (matching or "duplicat" in reply.text):
        return None
    name = matching if matching in ("email", "phone") else ""
    held = {"email": "this e-mail", "phone": "this phone number"}.get(name, "this e-mail or phone number")
    message = f"{reply.what}: a live contact already holds {held}"
    return Duplicate(message, contact_id=contact_id, field=name, status=reply.status, trace_id=reply.trace_id)


def _gone(reply: Reply) -> HighLevelError:
    return _error(Gone, reply, f"this {reply.endpoint.subjects[-1]} does not exist (any more)")


def _wrong_location(reply: Reply) -> HighLevelError:
    return _error(WrongLocation, reply, "the token has no access to this location")


def _inactive(reply: Reply) -> HighLevelError:
    return _error(LocationInactive, reply, "the sub-account is paused")


def _is_inactive(text: str) -> bool:
    return bool(re.search(r"location is (?:not |in)active", text))


_MEANINGS: dict[int, Callable[[Reply], HighLevelError]] = {
    401: _unauthorized,
    403: _forbidden,
    404: _not_found,
}
