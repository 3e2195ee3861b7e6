"""One contact as it is stored: the bytes of its search row, and what only GET by id shows.

Search rows are not full records (highlevel-api-docs #43, #59 and #331): GET by id adds attribution, creator,
activity and the derived lower-case names."""

from __future__ import annotations

from typing import Any

import msgspec

from hlcore.sandbox.ids import millis, parse_moment

Fields = dict[str, Any]

encode = msgspec.json.Encoder().encode
decode_object = msgspec.json.Decoder(dict[str, Any]).decode

ROW_FIELDS = (
    "id", "locationId", "contactName", "firstName", "lastName", "email", "phone", "phoneLabel", "companyName", "type",
    "source", "assignedTo", "address1", "city", "state", "country", "postalCode", "website", "timezone",
    "dateOfBirth", "dnd", "dndSettings", "tags", "customFields", "additionalEmails", "additionalPhones",
    "followers", "businessId", "dateAdded", "dateUpdated",
)  # fmt: skip
LISTS = frozenset({"tags", "customFields", "additionalEmails", "additionalPhones", "followers"})
DETAIL_ONLY = (
    "gender", "inboundDndSettings", "attributionSource", "lastAttributionSource", "createdBy", "lastActivity",
    "visitorId", "attachments", "ssn", "keyword", "validEmail",
)  # fmt: skip
DERIVED = ("name", "emailLowerCase", "firstNameLowerCase", "lastNameLowerCase", "fullNameLowerCase")
CHANNELS = ("Call", "Email", "SMS", "WhatsApp", "GMB", "FB")


class ContactRecord:
    """Immutable. ``core``: JSON of the search row; ``extra``: JSON of what only GET by id shows; ``added`` and
    ``updated`` in milliseconds since 1970."""

    __slots__ = ("added", "core", "extra", "updated")

    def __init__(self, core: bytes, extra: bytes, added: int, updated: int) -> None:
        self.core = core
        self.extra = extra
        self.added = added
        self.updated = updated

    @classmethod
    def from_fields(cls, fields: Fields) -> ContactRecord:
        """Store fields under HighLevel's names, without empty values, as HighLevel leaves them out.

        Raises ValueError for a field that HighLevel does not have."""
        unknown = set(fields) - set(ROW_FIELDS) - set(DETAIL_ONLY) - set(DERIVED)
        if unknown:
            raise ValueError(f"HighLevel has no contact field {', '.join(sorted(unknown))}")
        named = {**fields, "contactName": full_name(fields)}
        core = {key: named.get(key) or [] if key in LISTS else named.get(key) for key in ROW_FIELDS}
        core = {key: value for key, value in core.items() if value is not None and value != ""}
        extra = {key: fields[key] for key in DETAIL_ONLY if fields.get(key) not in (None, "")}
        added, updated = millis(parse_moment(core["dateAdded"])), millis(parse_moment(core["dateUpdated"]))
        return cls(encode(core), encode(extra) if extra else b"{}", added, updated)

    def row(self) -> Fields:
        """Return the contact as search shows it."""
        return decode_object(self.core)

    def detail(self) -> Fields:
        """Return the contact as GET by id answers it."""
        fields = decode_object(self.core)
        fields.pop("phoneLabel", None)
        first, last = str(fields.get("firstName", "")), str(fields.get("lastName", ""))
        derived = {
            "name": fields.pop("contactName", ""),
            "emailLowerCase": str(fields.get("email", "")).lower(),
            "firstNameLowerCase": first.lower(),
            "lastNameLowerCase": last.lower(),
            "fullNameLowerCase": f"{first} {last}".strip().lower(),
        }
        return {**fields, **{key: value for key, value in derived.items() if value}, **decode_object(self.extra)}


def full_name(fields: Fields) -> str:
    parts = [str(fields.get(key) or "") for key in ("firstName", "lastName")]
    return " ".join(part for part in parts if part)


def split_name(fields: Fields) -> Fields:
    """Return the fields with first and last name taken from ``name`` where neither is given."""
    if not fields.get("name") or fields.get("firstName") or fields.get("lastName"):
        return fields
    first, _, last = str(fields["name"]).strip().partition(" ")
    return {**fields, "firstName": first, "lastName": last}


def normalize_tags(tags: object) -> list[str]:
    """Return the tags as HighLevel saves them: in lower case, each once, in the given order."""
    texts = [str(tag).strip().lower() for tag in tags] if isinstance(tags, list | tuple) else []
    return list(dict.fromkeys(text for text in texts if text))


def digits(phone: object) -> str:
    """Return the digits of a phone number, which all its spellings share."""
    return "".join(char for char in str(phone or "") if char.isdecimal())


def is_reachable(fields: Fields) -> bool:
    """Return whether a message could reach this contact on a channel for which it has an address."""
    if fields.get("dnd") is True:
        return False
    settings = fields.get("dndSettings") or {}
    blocked = {
        channel.lower() for channel, value in settings.items() if (value or {}).get("status") in ("active", "permanent")
    }
    by_email = bool(fields.get("email")) and "email" not in blocked
    by_phone = bool(fields.get("phone")) and not {"call", "sms", "whatsapp"} <= blocked
    return by_email or by_phone
