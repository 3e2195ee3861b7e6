"""Records the outcome of a contact: the job's item, the register, and the new contact's own bytes, all or nothing."""

from __future__ import annotations

from datetime import datetime

from hlcore.model.contact import parse_contact
from hlcore.restore.job_context import ItemResult, JobContext
from hlcore.restore.job_control import RESTORED_OUTCOMES
from hlcore.store import Tx
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions import register
from hlcore.store.restores import jobs as restore_jobs


def record_outcome(context: JobContext, contact_id: str, result: ItemResult) -> None:
    """Record the item's outcome. May be repeated.

    A re-created contact is `recreated` in the register, and its new self is in the vault as HighLevel sent it, so that
    no listing takes it for unknown. One whose last copy was added to another, living contact is at risk no more: it
    lives on there, and the register says how."""
    at = context.now()
    with context.write() as tx:
        if result.outcome == "recreated":
            register.mark_recreated(tx, context.location_id, contact_id, new_contact_id=result.new_id, at=at)
        if result.outcome in RESTORED_OUTCOMES and result.raw is not None:
            _store_contact(tx, context.location_id, result.new_id, result.raw, at)
        if result.outcome == "topped_up" and result.new_id != contact_id:
            _mark_joined(tx, context, contact_id, result.new_id, at)
        restore_jobs.record_outcome(
            tx,
            context.job_id,
            contact_id,
            at=at,
            outcome=result.outcome,
            new_contact_id=result.new_id,
            verified=result.verified,
            differences=[difference.to_json() for difference in result.differences],
            error=result.error,
        )


def _mark_joined(tx: Tx, context: JobContext, contact_id: str, living_id: str, at: datetime) -> None:
    rows = deletion_queries.list_for_contact(tx, context.location_id, contact_id)
    if not rows or rows[-1].status == "recreated":
        return
    evidence = f"Restore {context.job_id} added what was held to the living contact {living_id}. {rows[-1].evidence}"
    register.mark_recreated(
        tx, context.location_id, contact_id, new_contact_id=living_id, at=at, evidence=evidence.strip()
    )


def _store_contact(tx: Tx, location_id: str, contact_id: str, raw: bytes, at: datetime) -> None:
    """Store the answer of GET by id as the detail; until a listing brings the row, it stands for the row as well."""
    if not contact_reads.known_contacts(tx, location_id, [contact_id]):
        contact_writes.insert_contacts(tx, location_id, [parse_contact(raw)], at=at)
    contact_writes.store_detail(tx, location_id, contact_id, raw, at)
