"""The fields of a contact: what people call them, and which ones no API call can write.

Sources: the schemas of HighLevel's OpenAPI file contacts.json, and what live answers carry beside them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from hlcore.model.json_codec import is_finite
from hlcore.model.wording import plural

LABELS: Mapping[str, str] = {
    "firstName": "first name",
    "lastName": "last name",
    "name": "name",
    "email": "e-mail",
    "phone": "phone",
    "companyName": "company",
    "address1": "street",
    "address": "street",
    "city": "city",
    "state": "state",
    "postalCode": "postal code",
    "country": "country",
    "website": "website",
    "timezone": "time zone",
    "gender": "gender",
    "source": "source",
    "assignedTo": "owner",
    "dateOfBirth": "date of birth",
    "tags": "tags",
    "customFields": "custom fields",
    "dnd": "do-not-disturb",
    "dndSettings": "do-not-disturb",
    "inboundDndSettings": "do-not-disturb for incoming messages",
    "businessId": "business",
}

TEXTS = (
    *("email", "phone", "companyName", "address1", "city", "state", "postalCode", "website", "timezone"),
    *("gender", "source"),
)
"""Plain text fields that have the same name in a copy and in a create call."""

SAME_FIELD: Mapping[str, str] = {"address": "address1"}
"""Names that only search rows have for a field → its name everywhere else."""

DERIVED = frozenset(
    {
        *("id", "locationId", "contactName", "emailLowerCase", "firstNameLowerCase", "lastNameLowerCase"),
        *("fullNameLowerCase", "firstNameRaw", "lastNameRaw", "dateAdded", "dateUpdated", "searchAfter", "deleted"),
        *("traceId", "isDeleted", "__v", "_id"),
    }
)
"""Fields that HighLevel derives from others or sets itself."""


def _count(one: str, many: str) -> Callable[[Any], str]:
    def words(value: Any) -> str:
        number = len(value) if isinstance(value, (list, dict)) else 1
        return plural(number, one, many)

    return words


UNWRITABLE: Mapping[str, str | Callable[[Any], str]] = {
    "attributionSource": "attribution (where the person came from)",
    "lastAttributionSource": "attribution (where the person came from)",
    "attributions": "attribution (where the person came from)",
    "additionalEmails": _count("additional e-mail", "additional e-mails"),
    "additionalPhones": _count("additional phone", "additional phones"),
    "followers": _count("follower", "followers"),
    "attachments": "files",
    "businessId": "link to the business",
    "businessName": "link to the business",
    "createdBy": "who created the contact",
    "lastUpdatedBy": "who changed the contact last",
    "lastActivity": "date of the last activity",
    "lastSessionActivityAt": "date of the last activity",
    "type": lambda value: "" if value == "lead" else f"contact type “{value}”",
    "visitorId": "link to the website visitor",
    "ssn": "social security number",
    "keyword": "keyword",
    "profilePhoto": "profile photo",
    "phoneLabel": "label of the phone",
    "validEmail": "result of the e-mail check",
    "bounceEmail": "e-mail bounces",
    "unsubscribeEmail": "e-mail unsubscribe mark",
}
ALWAYS_LOST = ("enrolment in workflows and campaigns", "activity history and statistics")
"""What exists outside the contact and cannot be read through any API."""

COUNTRIES: Mapping[str, str] = {
    "usa": "US",
    "united states": "US",
    "united states of america": "US",
    "uk": "GB",
    "united kingdom": "GB",
    "great britain": "GB",
    "canada": "CA",
    "australia": "AU",
    "new zealand": "NZ",
    "ireland": "IE",
    "germany": "DE",
    "india": "IN",
}
"""Country names that old imports left behind → the codes that the API accepts."""


LONGEST_ORIGINAL = 200


def original_text(value: object) -> str:
    """Return a value of a copy as people can read it, in quotation marks: a text as it is, else as JSON."""
    if isinstance(value, str):
        text = value
    else:
        try:
            text = json.dumps(value, ensure_ascii=False)
        except (ValueError, TypeError, RecursionError):
            text = "…"
    return f"“{text[:LONGEST_ORIGINAL]}…”" if len(text) > LONGEST_ORIGINAL else f"“{text}”"


def tag_texts(value: object) -> list[str]:
    """Return the tags in a contact's `tags`, which may also be one text with commas; what is no text has none."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [text for text in map(tag_text, value) if text] if isinstance(value, list) else []


def tag_text(value: object) -> str:
    """Return one item of `tags` as text; '' for one that holds nothing or is no text."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and is_finite(value):
        return str(value)
    return value if isinstance(value, str) and value.strip() else ""


def label_of(key: str) -> str:
    """Return what people call this field; its own name where there is no label."""
    return LABELS.get(key, key)
