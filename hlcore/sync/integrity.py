"""Does the vault keep what it promises? Every stored byte against its digest, and the parts against each other."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, field
from typing import Any

from hlcore.errors import Gone
from hlcore.highlevel import Client
from hlcore.model.contact import digest, parse
from hlcore.model.lifecycle import LIVE, LOST, Status
from hlcore.model.progress import Listener, Progress, silent
from hlcore.store import Vault
from hlcore.store.contacts import search as contact_search
from hlcore.store.contacts.reads import StoredContact
from hlcore.store.contacts.search import ContactQuery
from hlcore.store.deletions import queries as deletion_queries

LIVE_SAMPLE = 50
EVERY = 1_000


@dataclass(slots=True)
class IntegrityReport:
    """What a check found. `problems` name contacts by id, never their data."""

    location_id: str
    checked: int = 0
    compared_live: int = 0
    problems: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {"ok": not self.problems, **asdict(self)}


def verify_location(
    vault: Vault, location_id: str, *, client: Client | None = None, listener: Listener = silent
) -> IntegrityReport:
    """Every copy of the location has been read and compared with its digests and with the register; with a client
    a random sample has been compared with HighLevel too. Changes nothing. Raises StoreError, HighLevelError."""
    found = IntegrityReport(location_id)
    living: list[str] = []
    with vault.read() as tx:
        total = sum(contact_search.counts(tx, [location_id]).get(location_id, {}).values())
        lost = {
            row.contact_id
            for row in deletion_queries.iterate(tx, deletion_queries.RegisterQuery((location_id,)))
            if row.ended_at is None
        }
        for stored in contact_search.iterate(tx, ContactQuery((location_id,))):
            found.problems += _problems(stored, lost)
            _sample(living, stored, found.checked)
            found.checked += 1
            if found.checked % EVERY == 0:
                listener(Progress("Checking copies", found.checked, total))
    if client is not None:
        _compare_live(found, client, living)
    return found


def _problems(stored: StoredContact, lost: set[str]) -> list[str]:
    if stored.status == Status.ERASED:
        return []
    name, found = stored.contact_id, []
    if digest(stored.raw) != stored.digest:
        return [f"{name}: the stored bytes do not match their digest"]
    if parse(stored.raw).contact_id != name:
        found.append(f"{name}: the stored bytes are another contact's")
    wanted = {**dict.fromkeys(LIVE, False), **dict.fromkeys((*LOST, Status.SUSPECTED), True)}
    if wanted.get(Status(stored.status), name in lost) != (name in lost):
        found.append(f"{name}: the register and the contact disagree on whether it is lost")
    return found


def _sample(living: list[str], stored: StoredContact, seen: int) -> None:
    """A reservoir: each living contact has the same chance, whatever the account's size."""
    if stored.status not in LIVE:
        return
    if len(living) < LIVE_SAMPLE:
        living.append(stored.contact_id)
    elif (place := random.randrange(seen + 1)) < LIVE_SAMPLE:
        living[place] = stored.contact_id


def _compare_live(found: IntegrityReport, client: Client, living: list[str]) -> None:
    for contact_id in living:
        try:
            client.contact(contact_id)
        except Gone:
            found.problems.append(f"{contact_id}: called present here, but HighLevel says it is gone")
        found.compared_live += 1
