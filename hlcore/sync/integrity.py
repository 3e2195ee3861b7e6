"""Checking the vault: every stored byte against its digest, the copies against the register and against HighLevel."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, field
from typing import Any

from hlcore.errors import Gone
from hlcore.highlevel import Client
from hlcore.model.callbacks import Listener, Progress, ignore_progress
from hlcore.model.contact import digest, parse_contact
from hlcore.model.lifecycle import LIVE, LOST, Status
from hlcore.store import Vault
from hlcore.store.contacts import search as contact_search
from hlcore.store.contacts.reads import StoredContact
from hlcore.store.contacts.search import ContactQuery
from hlcore.store.deletions import queries as deletion_queries

LIVE_SAMPLE = 50
REPORT_EVERY = 1_000


@dataclass(slots=True)
class IntegrityReport:
    """What a check found. `problems` name contacts by id, never their data."""

    location_id: str
    checked: int = 0
    compared_live: int = 0
    problems: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON of the command line."""
        return {"ok": not self.problems, **asdict(self)}


def check_integrity(
    vault: Vault, location_id: str, *, client: Client | None = None, listener: Listener = ignore_progress
) -> IntegrityReport:
    """Compare every copy of the location with its digest and with the register, and with a client a random sample with
    HighLevel too. Changes nothing. Raises StoreError, HighLevelError."""
    report = IntegrityReport(location_id)
    sample: list[str] = []
    with vault.read() as tx:
        total = sum(contact_search.count_by_status(tx, [location_id]).get(location_id, {}).values())
        lost = {
            row.contact_id
            for row in deletion_queries.iterate(tx, deletion_queries.RegisterQuery((location_id,)))
            if row.ended_at is None
        }
        for stored in contact_search.iterate(tx, ContactQuery((location_id,))):
            report.problems += _problems(stored, lost)
            _sample(sample, stored, report.checked)
            report.checked += 1
            if report.checked % REPORT_EVERY == 0:
                listener(Progress("Checking copies", report.checked, total))
    if client is not None:
        _compare_live(report, client, sample)
    return report


def _problems(stored: StoredContact, lost: set[str]) -> list[str]:
    if stored.status == Status.ERASED:
        return []
    contact_id, problems = stored.contact_id, []
    if digest(stored.raw) != stored.digest:
        return [f"{contact_id}: the stored bytes do not match their digest"]
    if parse_contact(stored.raw).contact_id != contact_id:
        problems.append(f"{contact_id}: the stored bytes are another contact's")
    is_lost = {**dict.fromkeys(LIVE, False), **dict.fromkeys((*LOST, Status.SUSPECTED), True)}
    if is_lost.get(Status(stored.status), contact_id in lost) != (contact_id in lost):
        problems.append(f"{contact_id}: the register and the contact disagree on whether this contact is lost")
    return problems


def _sample(sample: list[str], stored: StoredContact, seen: int) -> None:
    """Add to a reservoir sample: each living contact has the same chance, however many there are."""
    if stored.status not in LIVE:
        return
    if len(sample) < LIVE_SAMPLE:
        sample.append(stored.contact_id)
    elif (index := random.randrange(seen + 1)) < LIVE_SAMPLE:
        sample[index] = stored.contact_id


def _compare_live(report: IntegrityReport, client: Client, contact_ids: list[str]) -> None:
    for contact_id in contact_ids:
        try:
            client.contact(contact_id)
        except Gone:
            report.problems.append(f"{contact_id}: called present here, but HighLevel says this contact is gone")
        report.compared_live += 1
