"""What the database keeps of a contact beside its bytes: the columns that people search, sort and compare by.

All of it is derived from the contact and can be derived again. `search` is one text of everything that the search box
looks in, a line each: name, e-mail, phone digits, the additional ones, the company, and each tag behind '#', folded as
by `model.search_text`. A tag keeps its accents, because the tag filter tells tags apart by them; where it has any, a
second line, which begins with a blank, has it without. Folding removes line ends from what people typed, so a search
never matches across two lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from hlcore.model import lifecycle
from hlcore.model.contact import Contact, digits, fold_text
from hlcore.model.search_text import fold_letters
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
LIVE = tuple(sorted(map(str, lifecycle.LIVE)))
"""The statuses of contacts that exist in HighLevel, as texts for SQL."""

FACET_LIMIT = 255


def derived(tx: Tx, contact: Contact) -> tuple[Any, ...]:
    """Return the values of the columns `DERIVED`, as `insert_rows` takes them."""
    name_key, phone_key = contact.name_key, contact.phone_key
    search = search_text(contact, name_key, phone_key)
    name, email, phone, company, source = (contact.name, contact.email, contact.phone, contact.company, contact.source)
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
    """Return everything that the search box looks in, a line each."""
    parts = [name_key, fold_letters(contact.email), phone_key]
    if contact.other_emails or contact.other_phones:
        parts += map(fold_letters, contact.other_emails)
        parts += map(digits, contact.other_phones)
    if contact.company:
        parts.append(fold_letters(contact.company))
    if contact.tags:
        parts += map(tag_lines, contact.tags)
    return "\n" + "\n".join(filter(None, parts)) + "\n"


@lru_cache(maxsize=4096)
def tag_lines(tag: str) -> str:
    """Return how a tag is written in `search`."""
    line, folded = tag_line(tag), "#" + fold_letters(tag)
    return line if folded == line else f"{line}\n {folded}"


def tag_line(tag: str) -> str:
    """Return the line of `search` by which the tag filter finds a tag."""
    return "#" + fold_text(tag)


def aliases(contacts: Iterable[Contact]) -> set[tuple[str, str, str]]:
    """Return the additional e-mails and phones: (kind, value, contact_id)."""
    rows = set()
    for contact in contacts:
        if contact.other_emails:
            rows |= {("email", alias(value.lower()), contact.contact_id) for value in contact.other_emails}
        if contact.other_phones:
            rows |= {("phone", alias(digits(value)), contact.contact_id) for value in contact.other_phones}
    return {row for row in rows if row[1]}


def alias(value: str) -> str:
    """Return an e-mail or phone as a key of at most 255 characters; equal values have equal keys."""
    return fit(value, 255)


def facets(contacts: Sequence[Contact]) -> set[tuple[str, str]]:
    """Return the choices that these contacts add to the filters: (kind, value). Overlong values are no choice."""
    rows = {("owner_id", fit(value, 64)) for value in {contact.owner_id for contact in contacts}}
    rows |= {("source", clean(value)) for value in {contact.source for contact in contacts}}
    rows |= {("tag", clean(value)) for value in {tag for contact in contacts for tag in contact.tags}}
    return {row for row in rows if row[1] and len(row[1]) <= FACET_LIMIT}


def moments(tx: Tx, *values: datetime | None) -> tuple[Any, ...]:
    """Return moments as `insert_rows` takes them."""
    return tuple(moment_value(tx, value) for value in values)
