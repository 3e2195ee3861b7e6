"""What the database keeps of a contact beside its bytes: the columns that people search, sort and compare by.

All of it is derived from the contact and can be derived again. `search` is one text with everything the search box
looks in, a line each: folded name, e-mail, phone digits, the additional ones, the company, and each tag behind '#'.
The folding removes line ends from people's input, so a search never matches across two of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from hlcore.model.contact import Contact, digits, fold
from hlcore.store.database import Tx
from hlcore.store.dialects import json_value, moment_value
from hlcore.store.text import checksum, clean, dump_json, fit, is_clean

DERIVED = (
    "digest",
    "name",
    "name_key",
    "search",
    "email",
    "phone",
    "phone_key",
    "email_hash",
    "phone_hash",
    "company",
    "owner_id",
    "source",
    "tags",
    "dnd",
    "has_dnd_settings",
    "date_added",
    "date_updated",
)
"""The columns that follow from a contact, in the order of `derived`."""

FACET_LIMIT = 255


def derived(tx: Tx, contact: Contact) -> tuple[Any, ...]:
    """The values of the columns `DERIVED`, as the database keeps them."""
    name_key, phone_key = contact.name_key, contact.phone_key
    search = search_text(contact, name_key, phone_key)
    name, email, phone, company, source = (
        contact.name,
        contact.email,
        contact.phone,
        contact.company,
        contact.source,
    )
    if is_clean("".join((search, name, email, phone, company, source))):
        tags = msgspec.json.encode(contact.tags) if contact.tags else b"[]"
    else:
        tags = dump_json(contact.tags).encode()
        search, name_key, name, email, phone, company, source = map(
            clean, (search, name_key, name, email, phone, company, source)
        )
    return (
        contact.digest,
        name,
        name_key or email or phone_key,
        search,
        email,
        phone,
        phone_key,
        checksum(email),
        checksum(phone_key),
        company,
        fit(contact.owner_id, 64),
        source,
        json_value(tx, tags),
        contact.dnd,
        contact.has_dnd_settings,
        moment_value(tx, contact.date_added),
        moment_value(tx, contact.date_updated),
    )


def search_text(contact: Contact, name_key: str, phone_key: str) -> str:
    """Everything that the search box looks in, a line each."""
    parts = [name_key, fold(contact.email), phone_key]
    if contact.other_emails or contact.other_phones:
        parts += map(fold, contact.other_emails)
        parts += map(digits, contact.other_phones)
    if contact.company:
        parts.append(fold(contact.company))
    if contact.tags:
        parts += map(tag_line, contact.tags)
    return "\n" + "\n".join(filter(None, parts)) + "\n"


@lru_cache(maxsize=4096)
def tag_line(tag: str) -> str:
    """How a tag stands in `search`."""
    return "#" + fold(tag)


def aliases(contacts: Iterable[Contact]) -> set[tuple[str, str, str]]:
    """The additional e-mails and phones: (kind, value, contact_id)."""
    found = set()
    for contact in contacts:
        if contact.other_emails:
            found |= {("email", alias(value.lower()), contact.contact_id) for value in contact.other_emails}
        if contact.other_phones:
            found |= {("phone", alias(digits(value)), contact.contact_id) for value in contact.other_phones}
    return {row for row in found if row[1]}


def alias(value: str) -> str:
    """An e-mail or phone as a key of at most 255 characters; equal values have equal keys."""
    return fit(value, 255)


def facets(contacts: Sequence[Contact]) -> set[tuple[str, str]]:
    """The choices that these contacts add to the filters: (kind, value). Overlong values are no choice."""
    found = {("owner_id", fit(value, 64)) for value in {contact.owner_id for contact in contacts}}
    found |= {("source", clean(value)) for value in {contact.source for contact in contacts}}
    found |= {("tag", clean(value)) for value in {tag for contact in contacts for tag in contact.tags}}
    return {row for row in found if row[1] and len(row[1]) <= FACET_LIMIT}


def moments(tx: Tx, *values: datetime | None) -> tuple[Any, ...]:
    """Moments as the database keeps them."""
    return tuple(moment_value(tx, value) for value in values)
