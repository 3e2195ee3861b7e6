"""Which error an answer means: `to_error` turns every answer that is not good into an exception.

The variants come from HighLevel's OpenAPI files (common-schemas.json), its help pages, and the issues of
github.com/GoHighLevel/highlevel-api-docs named below. A 401 has six meanings, told apart by its text only.

HighLevel's `message` is one text or a list of texts, and may quote what was sent. Only meanings, names of properties,
and texts in which every word outside a fixed vocabulary is a dash leave this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
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
from hlcore.highlevel.endpoints import Endpoint
from hlcore.model.json_codec import decode_strict

_GONE_WORDS = (
    r"(?:not (?:be )?found|(?:does|do)(?:n[’']?t| not) exist|no longer exists?|(?:was|is|been|already) deleted"
    r"|no such|(?:could|can)(?:n[’']?t| ?not) find|unable to find)"
)
_SUBJECTS = (
    "location|sub-?account|user|token|header|route|company|pipeline|stage|calendar|business|field|tag|opportunity"
    "|contact|note|task|event|appointment|conversation|message|template|email|account|integration|app|version"
    "|resource|endpoint|path|url|page|provider|workflow|campaign"
)
_SYNONYMS = {"event": ("appointment",), "email": ("message",), "contact": ("record",)}

_SHOULD_NOT = re.compile(r"^(?:(?P<path>[A-Za-z_][\w.]*)\.)?property (?P<name>[A-Za-z_]\w*) should not exist", re.I)
_EACH_VALUE = re.compile(
    r"^(?P<path>(?:[A-Za-z_][\w.]*\.)?)each value in (?:nested property )?(?P<name>[A-Za-z_]\w*)", re.I
)
_MUST_BE = re.compile(
    r"^[\"'`]?(?P<name>[A-Za-z_][\w.]*)[\"'`]? (?:must|should|has to|is|are|cannot|can not|contains)\b", re.I
)
_INVALID = re.compile(r"\binvalid (?:value for |field |property )?[\"'`]?(?P<name>[A-Za-z_][\w.]*)", re.I)
_FIELDS_BY_WORDS = (
    (re.compile(r"\bphone\b", re.I), "phone"),
    (re.compile(r"\be-?mail\b", re.I), "email"),
    (re.compile(r"\b(?:assigned (?:to|user)|user)\b", re.I), "assignedTo"),
    (re.compile(r"\bcountry\b", re.I), "country"),
    (re.compile(r"\btime ?zone\b", re.I), "timezone"),
    (re.compile(r"\bdate of birth\b", re.I), "dateOfBirth"),
    (re.compile(r"\bcustom fields?\b", re.I), "customFields"),
)

_WORDS = """
    a an the and or of in on at to for from with without by as be is are was were been has have had not no nor
    must should can cannot could does do did exist exists found find invalid valid missing required empty null
    allowed allow unknown unsupported supported unexpected wrong bad request unprocessable entity error errors failed
    fail failure internal server service unavailable gateway timeout conflict forbidden unauthorized denied access
    permission permissions scope token version header route method property properties field fields value values
    each every either neither least most more than less greater longer shorter equal number string boolean array
    object date format type length size limit maximum minimum characters character page pages query filter filters
    operator sort cursor phone email address country timezone name tag tags note task contact contacts opportunity
    opportunities pipeline stage status appointment appointments calendar conversation message messages user users
    business businesses location locations company custom follower followers duplicate duplicated duplicates already
    deleted active inactive this that these those it its pass passed provided given one id ids body json parse too
    many large long payload account plan only when if please try again later resource record records data iso
    restricted slot available selected assigned
"""
_VOCABULARY = frozenset(_WORDS.split())


def message_texts(message: object) -> list[str]:
    """Return the texts of a `message` member: one, several, or none."""
    items = message if isinstance(message, list) else [message]
    return [item for item in items if isinstance(item, str) and item.strip()]


def says_gone(message: str, subjects: Sequence[str]) -> bool:
    """Whether the text says that the record itself does not exist, and not that something else does not.

    "Contact not found in this location" says it of a contact, "Location not found" and "User of the contact not found"
    do not. False when in doubt.
    """
    text = message.lower()
    if not subjects or not (re.search(_GONE_WORDS, text) or re.search(r"\bno \w+ (?:was )?found\b", text)):
        return False
    own = set(subjects) | {other for name in subjects for other in _SYNONYMS.get(name, ())}
    other = "|".join(thing for thing in _SUBJECTS.split("|") if thing not in own)
    if not re.search(rf"\b(?:{other})(?:s|'s|id)?\b", text):
        return True
    names = "|".join(sorted(own))
    before = rf"\b(?:{names})(?:id)?\b(?:(?!\b(?:{other})(?:s|'s|id)?\b).)*?{_GONE_WORDS}"
    after = rf"\b(?:no|find)\s+(?:such\s+|the\s+|an?\s+)?(?:{names})\b"
    starts_with_own = re.match(rf"\W*(?:the |this |no |could not find |cannot find )*(?:{names})\b", text)
    return bool(starts_with_own and (re.search(before, text) or re.search(after, text)))


def refused_fields(messages: Iterable[str], sent: frozenset[str]) -> tuple[str, ...]:
    """Return the names of the sent properties that these texts complain about, in order, each once.

    A nested one is dotted ("customFields.0.field_value"). Only names whose root was sent are returned, so that no value
    can pass for a name; a text in plain words is matched to the property it means.
    """
    names: dict[str, None] = {}
    for message in messages:
        name = _field_named(message, sent)
        if name:
            names[name] = None
    return tuple(names)


def _field_named(message: str, sent: frozenset[str]) -> str:
    for pattern in (_SHOULD_NOT, _EACH_VALUE, _MUST_BE, _INVALID):
        match = pattern.search(message.strip())
        if match:
            path = (match.groupdict().get("path") or "").strip(".")
            name = f"{path}.{match['name']}" if path else match["name"]
            if name.split(".")[0] in sent:
                return name
    return next((name for pattern, name in _FIELDS_BY_WORDS if name in sent and pattern.search(message)), "")


def redact(messages: Iterable[str], names: frozenset[str] = frozenset()) -> str:
    """Return these texts without anything that could be a value: at most 160 characters, '' when nothing is left."""
    known = _VOCABULARY | {name.lower() for name in names}
    words: list[str] = []
    for word in " ; ".join(messages).split():
        stripped = word.strip(".,:;!?()[]{}\"'`’")
        kept = word if stripped.lower() in known and not re.search(r"\d", word) else "" if stripped else word[:1]
        words.append(kept or "–")
    text = re.sub(r"(?:– ?)+", "– ", " ".join(words)).strip(" –;")
    return text if len(text) <= 160 else text[:157] + "…"


_BAD_TOKEN = re.compile(r"jwt|invalid token|access token|private integration|expired|revoked|token is (?:invalid|not)")
_UNKNOWN_ROUTE = re.compile(r"^\s*cannot (?:get|post|put|patch|delete) /", re.I)


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """The answer to one request: status, the parts of an error body, and which properties had been sent.

    `is_json` is False when the body is not a JSON object, as from a proxy in between; `is_blank` when it has no
    message.
    """

    endpoint: Endpoint
    status: int
    sent_fields: frozenset[str] = frozenset()
    is_json: bool = False
    is_blank: bool = False
    messages: tuple[str, ...] = ()
    meta: dict[str, Any] = field(default_factory=dict)
    trace_id: str = ""

    @classmethod
    def parse(
        cls, endpoint: Endpoint, status: int, body: bytes, *, sent: frozenset[str], trace_id: str = ""
    ) -> ErrorResponse:
        """Parse these bytes; never raises."""
        try:
            data = decode_strict(body)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            return cls(endpoint, status, sent, is_blank=not body.strip(), trace_id=trace_id)
        meta = data.get("meta")
        messages = message_texts(data.get("message")) or message_texts(data.get("error"))
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
        """All messages in lower case."""
        return " ; ".join(self.messages).lower()

    @property
    def prefix(self) -> str:
        """How error messages begin: which request, which status."""
        return f"{self.endpoint.name}: HighLevel answered {self.status}"

    @property
    def quoted(self) -> str:
        """HighLevel's words in brackets, as far as they are safe to repeat."""
        words = redact(self.messages, self.sent_fields)
        return f" ({words})" if words else ""


def clean_id(value: object) -> str:
    """Return a trace id as HighLevel writes one; '' for anything that could be something else."""
    return value if isinstance(value, str) and re.fullmatch(r"[\w-]{8,64}", value) else ""


def to_error(reply: ErrorResponse) -> HighLevelError | None:
    """Return the error that this answer means; None when its status is one that the endpoint documents as good."""
    if reply.status in reply.endpoint.ok:
        return None
    if reply.status == 429:
        return _error(RateLimited, reply, "too many requests")
    if reply.status >= 500 or reply.status in (408, 425):
        return _error(Unreachable, reply, "it has a problem")
    if reply.status < 400:
        return _error(BrokenAnswer, reply, "not what it documents", hint="Check HLCORE_API_URL: it may be redirected.")
    return _BY_STATUS.get(reply.status, _bad_request)(reply)


def _error(kind: type[HighLevelError], reply: ErrorResponse, meaning: str, *, hint: str = "") -> HighLevelError:
    message = f"{reply.prefix}: {meaning}{reply.quoted}"
    return kind(message, hint=hint, status=reply.status, trace_id=reply.trace_id)


def _unauthorized(reply: ErrorResponse) -> HighLevelError:
    """Map the variants of 401 (API issues 74 and 217, common-schemas.json); only one means a bad token."""
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


def _bad_token(reply: ErrorResponse) -> HighLevelError:
    if _BAD_TOKEN.search(reply.text):
        return _error(TokenRefused, reply, "the token is wrong, expired or revoked")
    return _error(Unauthorized, reply, "not authorized")


def _forbidden(reply: ErrorResponse) -> HighLevelError:
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


def _not_found(reply: ErrorResponse) -> HighLevelError:
    """Map 404: Gone only when HighLevel itself says so of this very record; a missing route or a proxy does not."""
    if any(_UNKNOWN_ROUTE.match(message) for message in reply.messages):
        return _error(ContractError, reply, "HighLevel does not know this route")
    if any(says_gone(message, reply.endpoint.subjects) for message in reply.messages):
        return _gone(reply)
    if reply.endpoint.searches_for and reply.is_blank:
        return _gone(reply)
    if reply.is_json and "location" in reply.text:
        return _wrong_location(reply)
    return _error(BrokenAnswer, reply, "not found, but HighLevel does not say what")


def _bad_request(reply: ErrorResponse) -> HighLevelError:
    """Map 400, 409, 422 and the other 4xx: a duplicate, a record that is gone, a paused location, or a refusal."""
    duplicate = _duplicate(reply)
    if duplicate is not None:
        return duplicate
    if _is_inactive(reply.text):
        return _inactive(reply)
    if reply.status == 400:
        if any(says_gone(message, reply.endpoint.subjects) for message in reply.messages):
            return _gone(reply)
        if re.search(r"\blocation\b[^;]*(?:not found|not exist|deleted)", reply.text):
            return _wrong_location(reply)
    fields = refused_fields(reply.messages, reply.sent_fields)
    which = f"it refuses {', '.join(fields)}" if fields else "it refuses the request"
    message = f"{reply.prefix}: {which}{reply.quoted}"
    return Rejected(message, fields=fields, status=reply.status, trace_id=reply.trace_id)


def _duplicate(reply: ErrorResponse) -> Duplicate | None:
    """Map 400 "This location does not allow duplicated contacts.", with the other contact in `meta`."""
    contact_id, matching = reply.meta.get("contactId"), reply.meta.get("matchingField")
    if not isinstance(contact_id, str) or not contact_id or not (matching or "duplicat" in reply.text):
        return None
    name = matching if matching in ("email", "phone") else ""
    held_by = {"email": "this e-mail", "phone": "this phone number"}.get(name, "this e-mail or phone number")
    message = f"{reply.prefix}: a live contact already holds {held_by}"
    return Duplicate(message, contact_id=contact_id, field=name, status=reply.status, trace_id=reply.trace_id)


def _gone(reply: ErrorResponse) -> HighLevelError:
    return _error(Gone, reply, f"this {reply.endpoint.subjects[-1]} does not exist (any more)")


def _wrong_location(reply: ErrorResponse) -> HighLevelError:
    return _error(WrongLocation, reply, "the token has no access to this location")


def _inactive(reply: ErrorResponse) -> HighLevelError:
    return _error(LocationInactive, reply, "the sub-account is paused")


def _is_inactive(text: str) -> bool:
    return bool(re.search(r"location is (?:not |in)active", text))


_BY_STATUS: dict[int, Callable[[ErrorResponse], HighLevelError]] = {
    401: _unauthorized,
    403: _forbidden,
    404: _not_found,
}
