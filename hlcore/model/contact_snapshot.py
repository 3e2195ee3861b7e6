"""The last known state of a contact, put together from the copies that a vault may hold.

Every listing brings a search row; the detail (the answer to GET by id) is fuller but rarer and may be older. Each field
is decided by the newest copy that can tell it:

* A detail tells every field of `GetContectByIdSchema` (HighLevel OpenAPI contacts.json) and of what live answers carry
  beside it (`TOLD_BY_ID`). It leaves out empty fields, so one that it lacks is empty.
* A row tells the fields in `ALWAYS_LISTED`, and every field that an earlier row of the same contact carried. One of
  these that it lacks was emptied; of any other field it says nothing, so that an older detail does.
* Of two copies of the same age, a value counts more than its absence, and the detail's value more than the row's.
* Rows call the street `address`; here it is `address1`, as in a detail and in every write.

Which copy is newer follows from HighLevel's `dateUpdated`; where one of them lacks it, from when the vault read them.
Search rows may lower-case the first name (`firstNameRaw` then holds the true one). Consent follows a stricter rule of
its own (`dnd`): what no copy proves to be open stays closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hlcore.model.contact_fields import DERIVED, SAME_FIELD
from hlcore.model.custom_fields import is_empty
from hlcore.model.dnd import Consent, ConsentCopy, consent_of, strictest_consent
from hlcore.model.json_codec import decode_object
from hlcore.model.moments import parse_moment

ALWAYS_LISTED = frozenset(
    {
        *("firstName", "firstNameRaw", "lastName", "lastNameRaw", "contactName", "name", "email", "phone", "tags"),
        *("customFields", "assignedTo", "source", "dnd", "companyName"),
    }
)
"""Fields that a search row carries whenever the contact has them: if a newer row lacks one, it was emptied since."""
TOLD_BY_ID = ALWAYS_LISTED | {
    *("address1", "city", "state", "country", "postalCode", "website", "timezone", "dateOfBirth", "gender", "type"),
    *("dndSettings", "inboundDndSettings", "attachments", "ssn", "keyword", "lastActivity", "businessId", "followers"),
    *("attributionSource", "lastAttributionSource", "visitorId", "additionalEmails", "createdBy"),
}
"""Fields that an answer to GET by id carries whenever the contact has them."""
_RAW = "Raw"
_IN_A_LISTING = "searchAfter"


@dataclass(frozen=True, slots=True)
class StoredCopy:
    """The bytes of one copy. `by_id`: it is an answer to GET by id; `at`: when the vault read it, None: not known."""

    raw: bytes
    by_id: bool
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ContactSnapshot:
    """`fields` in HighLevel's spelling; `dnd_known`: whether the newest copy states do-not-disturb for each channel;
    `stored_consent`: what holds of all copies, None where these fields are the only one."""

    fields: Mapping[str, Any]
    dnd_known: bool
    date_added: datetime | None = None
    date_updated: datetime | None = None
    stored_consent: Consent | None = None

    @property
    def consent(self) -> Consent:
        """What holds of do-not-disturb."""
        return self.stored_consent or consent_of(self.fields, known=self.dnd_known)


def latest_snapshot(
    row: StoredCopy, detail: StoredCopy | None = None, *, earlier: Iterable[StoredCopy] = ()
) -> ContactSnapshot:
    """Return what these copies say of a contact. `earlier`: the copies that they replaced, in any order. Raises
    ValueError when the row is not a JSON object; other copies that are not count for nothing."""
    newest_row, newest_detail = _decoded(row), _decoded(detail) if detail is not None else None
    if newest_row is None:
        raise ValueError("not a contact: no JSON object")
    past = [copy for copy in map(_decoded, earlier) if copy is not None]
    fields = _merged(newest_row, newest_detail, past)
    consent = strictest_consent([*past, newest_row, *([newest_detail] if newest_detail is not None else ())])
    added, updated = parse_moment(fields.get("dateAdded")), parse_moment(fields.get("dateUpdated"))
    return ContactSnapshot(fields, consent.known, added, updated, consent)


def _decoded(copy: StoredCopy) -> ConsentCopy | None:
    fields = decode_object(copy.raw)
    updated = parse_moment(fields.get("dateUpdated"))
    return ConsentCopy(_renamed(fields), copy.by_id, updated, copy.at) if fields else None


def _renamed(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields under the names that a detail has for them."""
    renamed = {name: fields[key] for key, name in SAME_FIELD.items() if key in fields and is_empty(fields.get(name))}
    return {**_without(fields, SAME_FIELD), **renamed} if fields.keys() & SAME_FIELD.keys() else fields


def _merged(row: ConsentCopy, detail: ConsentCopy | None, past: Sequence[ConsentCopy]) -> Mapping[str, Any]:
    if detail is None:
        return row.fields
    if _is_older(detail, row):
        told = ALWAYS_LISTED.union(*(copy.fields for copy in past if _is_listed_before(copy, row)))
        return {**_without(detail.fields, told), **row.fields}
    if _is_older(row, detail):
        known = {key: value for key, value in _without(row.fields, TOLD_BY_ID).items() if key not in DERIVED}
    else:
        known = dict(row.fields)
    stated = {key: value for key, value in detail.fields.items() if not is_empty(value) or key not in known}
    return _with_true_names({**known, **stated}, row.fields, stated)


def _is_listed_before(copy: ConsentCopy, row: ConsentCopy) -> bool:
    """Whether the copy is an earlier row out of a listing, and no other answer that stood for one."""
    known = copy.captured is not None and row.captured is not None
    return not copy.by_id and _IN_A_LISTING in copy.fields and not (known and copy.is_as_new_as(row))


def _with_true_names(merged: dict[str, Any], listed: Mapping[str, Any], stated: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the merged fields with the names as they were typed, which only rows keep (`firstNameRaw`, …), as far as
    they are still the same names as the detail states."""
    for name in ("firstName", "lastName"):
        typed = listed.get(name + _RAW)
        if not is_empty(typed) and not is_empty(merged.get(name)) and _folded(merged[name]) == _folded(typed):
            merged[name + _RAW] = typed
        elif name in stated:
            merged.pop(name + _RAW, None)
    return merged


def _folded(name: object) -> str:
    return name.strip().casefold() if isinstance(name, str) else ""


def _is_older(one: ConsentCopy, other: ConsentCopy) -> bool:
    if one.updated is not None and other.updated is not None:
        return one.updated < other.updated
    return one.captured is not None and other.captured is not None and one.captured < other.captured


def _without(fields: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    left_out = frozenset(names)
    return {key: value for key, value in fields.items() if key not in left_out}
