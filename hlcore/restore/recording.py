"""What came of a contact, written down: outcome, register and the new contact's own bytes, all or nothing."""

from __future__ import annotations

from datetime import datetime

import msgspec

from hlcore.model.contact import parse
from hlcore.restore.recreate import Done
from hlcore.restore.work import Work
from hlcore.store import Tx, contacts, register, restores


def record(work: Work, contact_id: str, done: Done) -> None:
    """The item has its outcome. A re-created contact is `recreated` in the register, and its new self is in the vault
    as HighLevel sent it, so that no listing takes it for unknown. One whose last copy was added to another, living
    contact is at risk no more: it lives on there, and the register says how. May be repeated."""
    at = work.now()
    with work.vault.write() as tx:
        if done.outcome == "recreated":
            register.recreated(tx, work.location_id, contact_id, new_contact_id=done.new_id, at=at)
            if done.raw is not None:
                _keep(tx, work.location_id, done.new_id, done.raw, at)
        elif done.outcome == "topped_up":
            if done.raw is not None:
                _keep(tx, work.location_id, done.new_id, done.raw, at)
            if done.new_id != contact_id:
                _joined(tx, work, contact_id, done.new_id, at)
        restores.record_item(
            tx,
            work.job_id,
            contact_id,
            at=at,
            outcome=done.outcome,
            new_contact_id=done.new_id,
            verified=done.verified,
            differences=[one.to_json() for one in done.differences],
            error=done.error,
        )


def _joined(tx: Tx, work: Work, contact_id: str, living_id: str, at: datetime) -> None:
    rows = register.of_contact(tx, work.location_id, contact_id)
    if not rows or rows[-1].status == "recreated":
        return
    said = f"Restore {work.job_id} added what it held to the living contact {living_id}. {rows[-1].evidence}".strip()
    register.recreated(tx, work.location_id, contact_id, new_contact_id=living_id, at=at, evidence=said)


def _keep(tx: Tx, location_id: str, new_id: str, raw: bytes, at: datetime) -> None:
    """The answer of GET by id is the detail; until a listing brings the row, it stands for the row as well. It does
    not count as evidence that rows tell do-not-disturb."""
    if not contacts.held(tx, location_id, [new_id]):
        row = msgspec.structs.replace(parse(raw), has_dnd_settings=False)
        contacts.insert(tx, location_id, [row], at=at)
    contacts.store_detail(tx, location_id, new_id, raw, at)
