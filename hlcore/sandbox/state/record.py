"""One contact as it is kept: the bytes of its search row, and what only GET by id tells.

Search rows are not full records (highlevel-api-docs #43, #59 and #331): GET by id adds attribution, creator,
activity and the derived lower-case names."""

from __future__ import annotations

from typing import Any

import msgspec

from hlcore.sandbox.ids import millis, moment

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
    """Immutable. ``core``: JSON of the search row; ``extra``: JSON of what only GET shows; times in ms."""

    __slots__ = ("added", "core", "extra", "updated")

    def __init__(self, core: bytes, extra: bytes, added: int, updated: int) -> None:
        self.core = core
        self.extra = extra
        self.added = added
        self.updated = updated

    @classmethod
    def of(cls, fields: Fields) -> ContactRecord:
        """From fields in HighLevel's spelling. Empty values are left out, as HighLevel leaves them out.

        Raises ValueError for a field HighLevel does not have."""
        unknown = set(fields) - set(ROW_FIELDS) - set(DETAIL_ONLY) - set(DERIVED)
        if unknown:
            raise ValueError(f"HighLevel has no contact field {', '.join(sorted(unknown))}")
        whole = {**fields, "contactName": full_name(fields)}
        core = {key: whole.get(key) or [] if key in LISTS else whole.get(key) for key in ROW_FIELDS}
        core = {key: value for key, value in core.items() if value is not None and value != ""}
        extra = {key: fields[key] for key in DETAIL_ONLY if fields.get(key) not in (None, "")}
        added, updated = millis(moment(core["dateAdded"])), millis(moment(core["dateUpdated"]))
        return cls(encode(core), encode(extra) if extra else b"{}", added, updated)

    def row(self) -> Fields:
        return decode_object(self.core)

    def detail(self) -> Fields:
        """The contact as GET by id answers it."""
        found = decode_object(self.core)
        found.pop("phoneLabel", None)
        first, last = str(found.get("firstName", "")), str(found.get("lastName", ""))
        derived = {
            "name": found.pop("contactName", ""),
            "emailLowerCase": str(found.get("email", "")).lower(),
            "firstNameLowerCase": first.lower(),
            "lastNameLowerCase": last.lower(),
            "fullNameLowerCase": f"{first} {last}".strip().lower(),
        }
        return {**found, **{k: v for k, v in derived.items() if v}, **decode_object(self.extra)}


def full_name(fields: Fields) -> str:
    parts = [str(fields.get(key) or "") for key in ("firstName", "lastName")]
    return " ".join(part for part in parts if part)


def split_name(fields: Fields) -> Fields:
    """``name`` becomes first and last name where those are not given themselves."""
    if not fields.get("name") or fields.get("firstName") or fields.get("lastName"):
        return fields
    first, _, last = str(fields["name"]).strip().partition(" ")
    return {**fields, "firstName": first, "lastName": last}


def lowered(tags: object) -> list[str]:
    """HighLevel lower-cases tags on save; each tag once, in the given order."""
    given = tags if isinstance(tags, list | tuple) else []
    return list(dict.fromkeys(str(tag).strip().lower() for tag in given if str(tag).strip()))


def digits(phone: object) -> str:
    """What two spellings of one number have in common."""
    return "".join(char for char in str(phone or "") if char.isdecimal())


def reachable(fields: Fields) -> bool:
    """Whether a message could reach this person on a channel that the record has an address for."""
    if fields.get("dnd") is True:
        return False
    settings = fields.get("dndSettings") or {}
    blocked = {
        channel.lower() for channel, value in settings.items() if (value or {}).get("status") in ("active", "permanent")
    }
    by_mail = bool(fields.get("email")) and "email" not in blocked
    by_phone = bool(fields.get("phone")) and not {"call", "sms", "whatsapp"} <= blocked
    return by_mail or by_phone
