"""Reads the sentences in which HighLevel refuses, and never repeats a value out of them.

HighLevel's `message` is one text or a list of texts, and may quote what was sent. What leaves this module
are meanings, names of properties, and texts in which every word outside a fixed vocabulary is a dash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_GONE = (
    r"(?:not (?:be )?found|(?:does|do)(?:n[’']?t| not) exist|no longer exists?|(?:was|is|been|already) deleted"
    r"|no such|(?:could|can)(?:n[’']?t| ?not) find|unable to find)"
)
_THINGS = (
    "location|sub-?account|user|token|header|route|company|pipeline|stage|calendar|business|field|tag|opportunity"
    "|contact|note|task|event|appointment|conversation|message|template|email|account|integration|app|version"
    "|resource|endpoint|path|url|page|provider|workflow|campaign"
)
_OTHER_NAMES = {"event": ("appointment",), "email": ("message",), "contact": ("record",)}

_SHOULD_NOT = re.compile(r"^(?:(?P<path>[A-Za-z_][\w.]*)\.)?property (?P<name>[A-Za-z_]\w*) should not exist", re.I)
_EACH = re.compile(r"^(?P<path>(?:[A-Za-z_][\w.]*\.)?)each value in (?:nested property )?(?P<name>[A-Za-z_]\w*)", re.I)
_MUST = re.compile(
    r"^[\"'`]?(?P<name>[A-Za-z_][\w.]*)[\"'`]? (?:must|should|has to|is|are|cannot|can not|contains)\b", re.I
)
_INVALID = re.compile(r"\binvalid (?:value for |field |property )?[\"'`]?(?P<name>[A-Za-z_][\w.]*)", re.I)
_MEANT = (
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


def texts(message: object) -> list[str]:
    """The texts of a `message` member: one, several, or none."""
    items = message if isinstance(message, list) else [message]
    return [item for item in items if isinstance(item, str) and item.strip()]


def says_gone(message: str, subjects: Sequence[str]) -> bool:
    """Whether the text says that the record itself is not there, and not that something else is not.

    "Contact not found in this location" says it of a contact, "Location not found" and "User of the contact
    not found" do not. In doubt: no."""
    text = message.lower()
    if not subjects or not (re.search(_GONE, text) or re.search(r"\bno \w+ (?:was )?found\b", text)):
        return False
    own = set(subjects) | {other for name in subjects for other in _OTHER_NAMES.get(name, ())}
    other = "|".join(thing for thing in _THINGS.split("|") if thing not in own)
    if not re.search(rf"\b(?:{other})(?:s|'s|id)?\b", text):
        return True
    names = "|".join(sorted(own))
    before = rf"\b(?:{names})(?:id)?\b(?:(?!\b(?:{other})(?:s|'s|id)?\b).)*?{_GONE}"
    after = rf"\b(?:no|find)\s+(?:such\s+|the\s+|an?\s+)?(?:{names})\b"
    starts_with_own = re.match(rf"\W*(?:the |this |no |could not find |cannot find )*(?:{names})\b", text)
    return bool(starts_with_own and (re.search(before, text) or re.search(after, text)))


def refused_fields(messages: Iterable[str], sent: frozenset[str]) -> tuple[str, ...]:
    """Names of the sent properties that these texts complain about, in order, each once.

    A nested one is dotted ("customFields.0.field_value"). Only names whose root was sent are told, so that
    no value can pass for a name; a text in plain words is matched to the property it means."""
    found: dict[str, None] = {}
    for message in messages:
        name = _named(message, sent)
        if name:
            found[name] = None
    return tuple(found)


def _named(message: str, sent: frozenset[str]) -> str:
    for pattern in (_SHOULD_NOT, _EACH, _MUST, _INVALID):
        match = pattern.search(message.strip())
        if match:
            path = (match.groupdict().get("path") or "").strip(".")
            name = f"{path}.{match['name']}" if path else match["name"]
            if name.split(".")[0] in sent:
                return name
    return next((name for pattern, name in _MEANT if name in sent and pattern.search(message)), "")


def safe(messages: Iterable[str], names: frozenset[str] = frozenset()) -> str:
    """These texts without anything that could be a value: at most 160 characters, '' when nothing is left."""
    known = _VOCABULARY | {name.lower() for name in names}
    words: list[str] = []
    for word in " ; ".join(messages).split():
        bare = word.strip(".,:;!?()[]{}\"'`’")
        kept = word if bare.lower() in known and not re.search(r"\d", word) else "" if bare else word[:1]
        words.append(kept or "–")
    text = re.sub(r"(?:– ?)+", "– ", " ".join(words)).strip(" –;")
    return text if len(text) <= 160 else text[:157] + "…"
