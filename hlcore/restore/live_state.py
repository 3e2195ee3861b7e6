"""Looking at HighLevel before anything is written: is the contact back, and does somebody else hold its address?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hlcore.errors import Gone, Rejected
from hlcore.highlevel import Client
from hlcore.model.contact import Contact, digits, parse
from hlcore.model.records import decode
from hlcore.restore.plan import Conflict
from hlcore.store import Tx, Vault
from hlcore.store.contacts import search as contact_search
from hlcore.store.contacts.search import Holder

PAGES = 50
"""How many pages of one contact's opportunities are read at most."""
HOLDERS_CHECKED = 3
"""How many of those who, by our own copy, hold the same address are asked for."""


def alive(client: Client, contact_id: str) -> bytes | None:
    """The contact as HighLevel shows it now; None when HighLevel says that it does not exist. Raises HighLevelError."""
    try:
        raw = client.contact(contact_id)
    except Gone:
        return None
    fields = decode(raw)
    return None if fields.get("deleted") is True or fields.get("isDeleted") is True else raw


def duplicates(client: Client, fields: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Living contacts that HighLevel's duplicate search finds for these fields: ("email" | "phone", contact). A
    value that HighLevel refuses to look for has none."""
    for name in ("email", "phone"):
        value = fields.get(name)
        if not isinstance(value, str) or not value.strip():
            continue
        try:
            found = client.find_duplicate(email=value) if name == "email" else client.find_duplicate(phone=value)
        except Rejected:
            continue
        if found is not None:
            yield name, found


def conflict_of(vault: Vault, client: Client, contact_id: str, fields: dict[str, Any]) -> Conflict | None:
    """The living contact that stands in the way of this one: by HighLevel's duplicate search, or by our own copy
    where HighLevel confirms that it still holds the value. Raises HighLevelError."""
    for name, raw in duplicates(client, fields):
        other = parse(raw)
        if other.contact_id != contact_id:
            return Conflict(other.contact_id, name)
    with vault.read() as tx:
        known = _holders(tx, client.location_id, contact_id, fields)
    for holder in known[:HOLDERS_CHECKED]:
        raw_now = alive(client, holder.contact_id)
        if raw_now is not None and _still_holds(parse(raw_now), fields, holder.field):
            return Conflict(holder.contact_id, holder.field, holder.additional)
    return None


def _holders(tx: Tx, location_id: str, contact_id: str, fields: dict[str, Any]) -> list[Holder]:
    email, phone = str(fields.get("email") or "").strip().lower(), digits(str(fields.get("phone") or ""))
    if not (email or phone):
        return []
    return contact_search.holders(
        tx,
        location_id,
        emails=[email] if email else [],
        phone_keys=[phone] if phone else [],
        exclude=contact_id,
    )


def _still_holds(other: Contact, fields: dict[str, Any], field: str) -> bool:
    if field == "email":
        return str(fields.get("email") or "").strip().lower() in (other.email, *other.other_emails)
    wanted = digits(str(fields.get("phone") or ""))
    return wanted in {digits(phone) for phone in (other.phone, *other.other_phones)}


def shelf(client: Client, kind: str, contact_id: str) -> list[bytes]:
    """The contact's living notes, tasks, appointments or opportunities (kind "note", …). Raises HighLevelError."""
    if kind == "opportunity":
        return _opportunities(client, contact_id)
    read = {"note": client.notes, "task": client.tasks, "appointment": client.appointments}[kind]
    return read(contact_id)


def _opportunities(client: Client, contact_id: str) -> list[bytes]:
    found: list[bytes] = []
    cursor: Mapping[str, Any] | None = None
    for _ in range(PAGES):
        page = client.search_opportunities(contact_id=contact_id, cursor=cursor)
        found += page.rows
        if page.next is None or not page.rows:
            break
        cursor = page.next
    return found


def allows_duplicates(location: bytes | None) -> bool:
    """Whether the account lets two contacts share an e-mail or phone, as its copy says."""
    settings = decode(location).get("settings") if location else None
    return isinstance(settings, dict) and settings.get("allowDuplicateContact") is True
