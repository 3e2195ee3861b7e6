"""Looks at HighLevel before anything is written: does the contact exist, and does another one hold its address?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hlcore.errors import Gone, Rejected
from hlcore.highlevel import Client
from hlcore.model.contact import Contact, digits, parse_contact
from hlcore.model.json_codec import decode_object
from hlcore.restore.plan import Conflict
from hlcore.store import Tx, Vault
from hlcore.store.contacts import search as contact_search
from hlcore.store.contacts.search import Holder

MAX_PAGES = 50
"""Pages of one contact's opportunities that are read at most."""
MAX_HOLDERS = 3
"""Contacts with the same address in our own copy that HighLevel is asked about at most."""


def fetch_contact(client: Client, contact_id: str) -> bytes | None:
    """Return the contact as HighLevel shows it now; None when it does not exist. Raises HighLevelError."""
    try:
        raw = client.contact(contact_id)
    except Gone:
        return None
    fields = decode_object(raw)
    return None if fields.get("deleted") is True or fields.get("isDeleted") is True else raw


def find_duplicates(client: Client, fields: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Yield the living contacts that HighLevel's duplicate search finds for these fields: ("email" | "phone",
    contact). A value that HighLevel refuses to search for has none."""
    for name in ("email", "phone"):
        value = fields.get(name)
        if not isinstance(value, str) or not value.strip():
            continue
        try:
            raw = client.find_duplicate(email=value) if name == "email" else client.find_duplicate(phone=value)
        except Rejected:
            continue
        if raw is not None:
            yield name, raw


def find_conflict(vault: Vault, client: Client, contact_id: str, fields: dict[str, Any]) -> Conflict | None:
    """Return the living contact that holds the e-mail or phone of this one: by HighLevel's duplicate search, or by our
    own copy where HighLevel confirms that it still holds the value. Raises HighLevelError."""
    for name, raw in find_duplicates(client, fields):
        other = parse_contact(raw)
        if other.contact_id != contact_id:
            return Conflict(other.contact_id, name)
    with vault.read() as tx:
        holders = _known_holders(tx, client.location_id, contact_id, fields)
    for holder in holders[:MAX_HOLDERS]:
        live = fetch_contact(client, holder.contact_id)
        if live is not None and _still_holds(parse_contact(live), fields, holder.field):
            return Conflict(holder.contact_id, holder.field, holder.additional)
    return None


def _known_holders(tx: Tx, location_id: str, contact_id: str, fields: dict[str, Any]) -> list[Holder]:
    email, phone = str(fields.get("email") or "").strip().lower(), digits(str(fields.get("phone") or ""))
    if not (email or phone):
        return []
    return contact_search.find_holders(
        tx, location_id, emails=[email] if email else [], phone_keys=[phone] if phone else [], exclude=contact_id
    )


def _still_holds(other: Contact, fields: dict[str, Any], field: str) -> bool:
    if field == "email":
        return str(fields.get("email") or "").strip().lower() in (other.email, *other.other_emails)
    wanted = digits(str(fields.get("phone") or ""))
    return wanted in {digits(phone) for phone in (other.phone, *other.other_phones)}


def fetch_records(client: Client, kind: str, contact_id: str) -> list[bytes]:
    """Return the contact's living notes, tasks, appointments or opportunities (kind "note", …). Raises
    HighLevelError."""
    if kind == "opportunity":
        return _fetch_opportunities(client, contact_id)
    fetch = {"note": client.notes, "task": client.tasks, "appointment": client.appointments}[kind]
    return fetch(contact_id)


def _fetch_opportunities(client: Client, contact_id: str) -> list[bytes]:
    rows: list[bytes] = []
    cursor: Mapping[str, Any] | None = None
    for _ in range(MAX_PAGES):
        page = client.search_opportunities(contact_id=contact_id, cursor=cursor)
        rows += page.rows
        if page.next is None or not page.rows:
            break
        cursor = page.next
    return rows


def allows_duplicates(location: bytes | None) -> bool:
    """Return whether the location lets two contacts share an e-mail or phone, as its copy says."""
    settings = decode_object(location).get("settings") if location else None
    return isinstance(settings, dict) and settings.get("allowDuplicateContact") is True
