"""Taking one page of contacts into the vault."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hlcore.errors import BrokenAnswer, WrongLocation
from hlcore.model.contact import Contact, content_digest, parse
from hlcore.model.lifecycle import Status
from hlcore.store import Tx, contacts
from hlcore.store.contacts import Held


@dataclass(frozen=True, slots=True)
class Taken:
    """What a page brought: `fresh` contacts not sighted before in this run, `added` and `changed` ones."""

    fresh: int
    added: int
    changed: int


def read(rows: Iterable[bytes], location_id: str) -> list[Contact]:
    """The contacts of a page, each id once. Raises WrongLocation when one belongs elsewhere, BrokenAnswer when
    one is no contact."""
    found: dict[str, Contact] = {}
    for raw in rows:
        try:
            contact = parse(raw)
        except ValueError as exc:
            raise BrokenAnswer("HighLevel's list holds something that is not a contact.") from exc
        if contact.location_id and contact.location_id != location_id:
            raise WrongLocation("HighLevel answered with contacts of another location.")
        found[contact.contact_id] = contact
    return list(found.values())


def take(tx: Tx, location_id: str, run_id: int, page: Sequence[Contact], *, at: datetime) -> Taken:
    """Every contact of the page is in the vault as HighLevel sent it, and sighted in this run. Earlier bytes of
    changed ones stay as versions; a row older than the copy held, which a lagging index sends, changes
    nothing. May be repeated."""
    known = contacts.held(tx, location_id, [contact.contact_id for contact in page])
    new = [contact for contact in page if contact.contact_id not in known]
    changed = [contact for contact in page if contact.contact_id in known and _differs(contact, known)]
    if new:
        contacts.insert(tx, location_id, new, at=at)
    if changed:
        contacts.replace(tx, location_id, changed, at=at, run_id=run_id)
    fresh = contacts.sight(tx, run_id, [contact.contact_id for contact in page])
    return Taken(fresh, len(new), len(changed))


def _differs(contact: Contact, known: dict[str, Held]) -> bool:
    held = known[contact.contact_id]
    if contact.digest == held.digest or held.status == Status.ERASED:
        return False
    if contact.date_updated and held.date_updated and contact.date_updated < held.date_updated:
        return False
    return content_digest(contact.raw) != held.content_digest
