"""A contact as HighLevel sent it: exact bytes, identity, canonical form, and the columns people search by.

HighLevel's search rows and its GET answers differ (a row carries `searchAfter` and may lack
`dndSettings`), keys come in two spellings between API generations, empty fields are left out. The bytes
are therefore kept as they came; everything here is derived from them and can be derived again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

VOLATILE = frozenset({"searchAfter"})
"""Keys of a search row that say where the row stood in the answer, not what the contact is."""


class Contact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One contact, derived from `raw`. Moments are aware UTC; texts are '' where HighLevel sent nothing."""

    contact_id: str
    location_id: str = ""
    raw: bytes
    digest: bytes
    name: str = ""
    email: str = ""
    phone: str = ""
    company: str = ""
    owner_id: str = ""
    source: str = ""
    tags: tuple[str, ...] = ()
    dnd: bool = False
    has_dnd_settings: bool = False
    date_added: datetime | None = None
    date_updated: datetime | None = None
    other_emails: tuple[str, ...] = ()
    other_phones: tuple[str, ...] = ()

    @property
    def name_key(self) -> str:
        """The name folded for search and sorting."""
        return fold(self.name)

    @property
    def phone_key(self) -> str:
        """The phone's digits."""
        return digits(self.phone)


class Row(msgspec.Struct, frozen=True, gc=False):
    """A contact's bytes, not read further than to tell whose they are. `digest` as in Contact."""

    contact_id: str
    location_id: str
    date_added: datetime | None
    raw: bytes
    digest: bytes


class _Head(msgspec.Struct, gc=False):
    """What tells whose bytes these are, and where they stand in a listing."""

    id: str
    locationId: Any = None
    dateAdded: Any = None


class _Fields(msgspec.Struct, gc=False):
    """What is read from a contact's bytes; everything else stays undecoded."""

    id: str
    locationId: Any = None
    firstName: Any = None
    firstNameRaw: Any = None
    lastName: Any = None
    lastNameRaw: Any = None
    name: Any = None
    contactName: Any = None
    companyName: Any = None
    email: Any = None
    phone: Any = None
    assignedTo: Any = None
    source: Any = None
    tags: Any = None
    dnd: Any = None
    dndSettings: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    dateAdded: Any = None
    dateUpdated: Any = None
    additionalEmails: Any = None
    additionalPhones: Any = None


_NO_DIGIT = re.compile(r"\D")
_decoder = msgspec.json.Decoder(_Fields)
_any_decoder = msgspec.json.Decoder()
_sorted_encoder = msgspec.json.Encoder(order="sorted")
_head_decoder = msgspec.json.Decoder(_Head)


def peek(raw: bytes) -> Row:
    """Whose bytes these are; `parse` reads the rest. Raises ValueError where `parse` would."""
    try:
        head = _head_decoder.decode(raw)
    except msgspec.MsgspecError:
        found = parse(raw)
        return Row(found.contact_id, found.location_id, found.date_added, found.raw, found.digest)
    if not head.id:
        raise ValueError("not a contact: its id is empty")
    return Row(head.id, _text(head.locationId), moment(head.dateAdded), bytes(raw), digest(raw))


def parse(raw: bytes, known: bytes = b"") -> Contact:
    """The contact in these bytes, whose digest need not be made again where it is `known`. Raises ValueError when they
    are not a JSON object with a text `id`."""
    fields = _fields(raw)
    if not fields.id:
        raise ValueError("not a contact: its id is empty")
    settings = fields.dndSettings
    return Contact(
        contact_id=fields.id,
        location_id=_text(fields.locationId),
        raw=bytes(raw),
        digest=known or digest(raw),
        name=_name(fields),
        email=_text(fields.email).lower() if fields.email else "",
        phone=_text(fields.phone) if fields.phone else "",
        company=_text(fields.companyName) if fields.companyName else "",
        owner_id=_text(fields.assignedTo) if fields.assignedTo else "",
        source=_text(fields.source),
        tags=tuple([tag for tag in map(_text, _list(fields.tags)) if tag]) if fields.tags else (),
        dnd=fields.dnd is True,
        has_dnd_settings=settings is not msgspec.UNSET and bytes(settings) != b"null",
        date_added=moment(fields.dateAdded),
        date_updated=moment(fields.dateUpdated),
        other_emails=_others(fields.additionalEmails, "email", str.lower) if fields.additionalEmails else (),
        other_phones=_others(fields.additionalPhones, "phone", str) if fields.additionalPhones else (),
    )


def _fields(raw: bytes) -> _Fields:
    try:
        return _decoder.decode(raw)
    except msgspec.ValidationError as exc:
        raise ValueError("not a contact: no JSON object with an id") from exc
    except msgspec.DecodeError:
        return _lenient_fields(raw)


def _lenient_fields(raw: bytes) -> _Fields:
    """Half an emoji (a lone surrogate) is no Unicode, but it does occur in what people paste."""
    try:
        return msgspec.convert(_without_settings(json.loads(raw)), _Fields)
    except (ValueError, RecursionError, msgspec.ValidationError) as exc:
        raise ValueError("not a contact: no JSON object with an id") from exc


def _without_settings(value: Any) -> Any:
    if isinstance(value, dict) and "dndSettings" in value:
        value["dndSettings"] = msgspec.Raw(b"null" if value["dndSettings"] is None else b"{}")
    return value


def digest(raw: bytes) -> bytes:
    """SHA-256 of the exact bytes, 32 bytes."""
    return hashlib.sha256(raw).digest()


def canonical(raw: bytes) -> bytes:
    """The contact's content as bytes that do not depend on key order, spacing or the place in a listing."""
    try:
        return _sorted_encoder.encode(_kept(_any_decoder.decode(raw)))
    except msgspec.DecodeError:
        return json.dumps(_kept(json.loads(raw)), sort_keys=True).encode()


def _kept(value: Any) -> Any:
    """The value, freshly decoded, without what does not belong to the contact."""
    if isinstance(value, dict):
        for key in VOLATILE:
            value.pop(key, None)
    return value


def agree(one: bytes, other: bytes) -> bool:
    """Whether two copies say the same about the contact. Bytes that cannot be read as a whole agree with themselves."""
    if one == other:
        return True
    try:
        return canonical(one) == canonical(other)
    except (msgspec.MsgspecError, ValueError):
        return False


def moment(value: object) -> datetime | None:
    """A moment as HighLevel writes it (ISO 8601 text, or milliseconds since 1970) in UTC; None if it is neither."""
    if not isinstance(value, str):
        return _from_ms(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return _from_ms(int(value)) if value.isascii() and value.isdigit() else None
    if found.tzinfo is UTC:
        return found
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _from_ms(value: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def fold(text: str) -> str:
    """Text as people search it: case does not matter, runs of white space are one blank."""
    return " ".join(text.casefold().split())


def digits(phone: str) -> str:
    """The digits of a phone number, without its punctuation; at most 32."""
    bare = phone.removeprefix("+")
    return (bare if bare.isdecimal() else _NO_DIGIT.sub("", phone))[:32]


def _name(fields: _Fields) -> str:
    first = _either(fields.firstNameRaw, fields.firstName)
    last = _either(fields.lastNameRaw, fields.lastName)
    if first and last:
        return f"{first} {last}"
    return first or last or _either(fields.name, fields.contactName)


def _either(one: object, other: object) -> str:
    return (_text(one) if one else "") or (_text(other) if other else "")


def _text(value: object) -> str:
    if value is None or not isinstance(value, str):
        return ""
    if value.isascii() and "\x00" not in value:
        return value.strip()
    return value.replace("\x00", "").encode("utf-8", "replace").decode().strip()


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _others(value: object, key: str, shape: Any) -> tuple[str, ...]:
    found = (_text(item.get(key)) if isinstance(item, Mapping) else _text(item) for item in _list(value))
    return tuple(shape(text) for text in found if text)
