"""What the entries of the journal mean to a restore: the steps, the notes, and what can be concluded from them.

Steps and notes are stored: an interrupted restore of an earlier version is continued by them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from hlcore.model.moments import parse_moment
from hlcore.store import Tx
from hlcore.store.restores import journal
from hlcore.store.restores.journal import JournalEntry

CREATE = "create_contact"
FILL = "fill_gaps"
SETTINGS = "own_do_not_disturb"
CLOSE = "close_channels"
REOPEN = "reopen_channels"
TAGS = "add_tags"
RETRY = "try_again"
"""No request: a user asked to try this contact again."""

UNSURE = "unsure"
LOOKED = "looked and not found yet"
"""HighLevel's search did not show it, but may still be behind."""
NOT_DONE = "looked: it was not done"
WRITTEN = "written"
_REFUSED = "refused"


def read_create_entries(tx: Tx, location_id: str, contact_id: str) -> list[JournalEntry]:
    """Return every create call that any job sent for this lost contact, oldest first."""
    entries = journal.list_entries(tx, location_id=location_id, contact_id=contact_id)
    return [entry for entry in entries if entry.step == CREATE]


def request_body(entry: JournalEntry) -> dict[str, Any]:
    """Return the body that was sent."""
    body: dict[str, Any] = (entry.request or {}).get("body", {})
    return body


def newest_before(entry: JournalEntry) -> tuple[datetime | None, Collection[str]]:
    """Return a moment of HighLevel's clock from before this create call (None: not known), and the ids of the contacts
    added since then that were known before the call."""
    date, contact_ids = (entry.request or {}).get("newest") or ("", ())
    return parse_moment(date), contact_ids


def is_unsure(entry: JournalEntry) -> bool:
    """Return whether it is unknown if HighLevel carried the request out."""
    return not entry.result_id and (entry.answered_at is None or entry.note.startswith(UNSURE))


def refusal_note(fields: Iterable[str], *, state: str = "") -> str:
    """Return the note of a refused request; `refused_fields` reads it. `state`: UNSURE until it is looked up."""
    note = f"{_REFUSED}: {', '.join(fields)}"
    return f"{state}; {note}" if state else note


def refused_fields(entry: JournalEntry) -> tuple[str, ...] | None:
    """Return the fields that a refusal named (empty: it named none); None when the entry is no refusal."""
    _, found, names = entry.note.partition(f"{_REFUSED}:")
    if not found:
        return None
    return tuple(name.strip() for name in names.split(",") if name.strip())
