"""A contact as HighLevel sent it: exact bytes, digest, canonical form, and the columns that people search by.

Search rows and answers to GET by id differ: a row carries `searchAfter` and may lack `dndSettings`, keys are spelled
in two ways, empty fields are left out. The bytes are therefore kept as received, and everything else is derived from
them.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from hlcore.model.contact_fields import tag_texts
from hlcore.model.json_codec import converter, decode_tolerant, encode_sorted
from hlcore.model.moments import parse_moment
from hlcore.model.search_text import fold_letters

VOLATILE = frozenset({"searchAfter"})
"""Keys of a search row that tell its position in the listing and are not part of the contact."""


class Contact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One contact, derived from `raw`. Dates are in UTC; texts are '' where HighLevel sent nothing."""

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
    has_unreadable_date: bool = False
    other_emails: tuple[str, ...] = ()
    other_phones: tuple[str, ...] = ()

    @property
    def name_key(self) -> str:
        """The name as it is searched and sorted by."""
        return fold_letters(self.name)

    @property
    def phone_key(self) -> str:
        """The phone's digits."""
        return digits(self.phone)


class ContactHead(msgspec.Struct, frozen=True, gc=False):
    """A contact of which only the ids and the date are read; `peek_contact` makes it much faster than a Contact."""

    contact_id: str
    location_id: str
    date_added: datetime | None
    raw: bytes
    digest: bytes


class _Head(msgspec.Struct, gc=False):
    """The members that `peek_contact` decodes."""

    id: str
    locationId: Any = None
    dateAdded: Any = None


class _Fields(msgspec.Struct, gc=False):
    """The members that `parse_contact` decodes."""

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
_head_decoder = msgspec.json.Decoder(_Head)
_to_fields = converter(_Fields)


def peek_contact(raw: bytes) -> ContactHead:
    """Read the ids and the date only. Raises ValueError for the bytes for which `parse_contact` does."""
    try:
        head = _head_decoder.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        contact = parse_contact(raw)
        return ContactHead(contact.contact_id, contact.location_id, contact.date_added, contact.raw, contact.digest)
    if not head.id:
        raise ValueError("not a contact: its id is empty")
    return ContactHead(head.id, _text(head.locationId), parse_moment(head.dateAdded), bytes(raw), digest(raw))


def parse_contact(raw: bytes, known_digest: bytes = b"") -> Contact:
    """Read the contact in these bytes. `known_digest`: their SHA-256 where it is known already. Raises ValueError when
    they are not a JSON object with a text `id`."""
    fields = _fields(raw)
    if not fields.id:
        raise ValueError("not a contact: its id is empty")
    settings = fields.dndSettings
    added, updated = parse_moment(fields.dateAdded), parse_moment(fields.dateUpdated)
    return Contact(
        contact_id=fields.id,
        location_id=_text(fields.locationId),
        raw=bytes(raw),
        digest=known_digest or digest(raw),
        name=_name(fields),
        email=_text(fields.email).lower() if fields.email else "",
        phone=_text(fields.phone) if fields.phone else "",
        company=_text(fields.companyName) if fields.companyName else "",
        owner_id=_text(fields.assignedTo) if fields.assignedTo else "",
        source=_text(fields.source),
        tags=tuple([tag for tag in map(_text, _list(fields.tags) or tag_texts(fields.tags)) if tag])
        if fields.tags
        else (),
        dnd=fields.dnd is not None and fields.dnd is not False,
        has_dnd_settings=settings is not msgspec.UNSET and bytes(settings) != b"null",
        date_added=added,
        date_updated=updated,
        has_unreadable_date=_is_unreadable(fields.dateAdded, added) or _is_unreadable(fields.dateUpdated, updated),
        other_emails=_additional_values(fields.additionalEmails, "email", str.lower) if fields.additionalEmails else (),
        other_phones=_additional_values(fields.additionalPhones, "phone", str) if fields.additionalPhones else (),
    )


def _is_unreadable(value: object, at: datetime | None) -> bool:
    return at is None and value is not None and value != ""


def _fields(raw: bytes) -> _Fields:
    try:
        return _decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return _lenient_fields(raw)


def _lenient_fields(raw: bytes) -> _Fields:
    """Read bytes that hold lone surrogates or numbers beyond every type, which msgspec's typed decoder refuses."""
    try:
        return _to_fields(_known_members(decode_tolerant(raw)))
    except ValueError as exc:
        raise ValueError("not a contact: no JSON object with an id") from exc


def _known_members(value: Any) -> Any:
    """Return the members that are decoded: msgspec refuses lone surrogates in the names of others."""
    if not isinstance(value, dict):
        return value
    known = {name: value[name] for name in _Fields.__struct_fields__ if name in value}
    if "dndSettings" in known:
        known["dndSettings"] = msgspec.Raw(b"null" if known["dndSettings"] is None else b"{}")
    return known


def digest(raw: bytes) -> bytes:
    """Return the SHA-256 of the bytes, 32 bytes long."""
    return hashlib.sha256(raw).digest()


def canonical_bytes(raw: bytes) -> bytes:
    """Return the contact as JSON that does not depend on key order, spacing or the position in a listing. Raises
    ValueError when the bytes are not JSON."""
    value = decode_tolerant(raw)
    if isinstance(value, dict):
        for key in VOLATILE:
            value.pop(key, None)
    return encode_sorted(value)


def same_content(one: bytes, other: bytes) -> bool:
    """Whether two copies say the same about the contact. Bytes that are not JSON equal only themselves."""
    if one == other:
        return True
    try:
        return canonical_bytes(one) == canonical_bytes(other)
    except ValueError:
        return False


def fold_text(text: str) -> str:
    """Return the text without regard to case, each run of white space as one blank. Accents stay, because this decides
    whether two texts are the same; `search_text.fold_letters` is for finding."""
    return " ".join(text.casefold().split())


def digits(phone: str) -> str:
    """Return the digits of a phone number, whatever their script, as 0 to 9, at most 32."""
    if not phone.isascii():
        phone = "".join(str(unicodedata.decimal(letter, letter)) for letter in phone)
    bare = phone.removeprefix("+")
    return (bare if bare.isdecimal() else _NO_DIGIT.sub("", phone))[:32]


def _name(fields: _Fields) -> str:
    first = _first_text(fields.firstNameRaw, fields.firstName)
    last = _first_text(fields.lastNameRaw, fields.lastName)
    if first and last:
        return f"{first} {last}"
    return first or last or _first_text(fields.name, fields.contactName)


def _first_text(preferred: object, fallback: object) -> str:
    return (_text(preferred) if preferred else "") or (_text(fallback) if fallback else "")


def _text(value: object) -> str:
    if value is None or not isinstance(value, str):
        return ""
    if value.isascii() and "\x00" not in value:
        return value.strip()
    return value.replace("\x00", "").encode("utf-8", "replace").decode().strip()


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _additional_values(value: object, key: str, convert: Any) -> tuple[str, ...]:
    texts = (_text(item.get(key)) if isinstance(item, Mapping) else _text(item) for item in _list(value))
    return tuple(convert(text) for text in texts if text)
