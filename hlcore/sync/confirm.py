"""From suspicion to certainty: fetch every suspected contact by id, and record the ones that came back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from hlcore.model.lifecycle import LOST, SETTLED, Status
from hlcore.store import Tx, runs
from hlcore.store.contacts import presence
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.deletions import bulk_deletions, register
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions.bulk_deletions import BulkDeletionKey
from hlcore.store.deletions.queries import Disappearance
from hlcore.sync.contact_lookup import fetch_contacts, get_by_id_is_reliable
from hlcore.sync.deletion_cause import Unexplained, explain, recheck_merges, record_loss
from hlcore.sync.run_context import LookupResult, RunContext

CHUNK = 100
LIVES_TWICE = "Somebody who had been created again came back under the old id and lives twice; At risk says who."
ByDetection = dict[datetime, list[Unexplained]]
"""Losses by the moment of their detection: contacts detected together were lost between the same two runs."""


def confirm_suspects(context: RunContext) -> None:
    """Resolve every suspect that can be checked to deleted, merged or present again; the others stay suspected for the
    next run. Stores each hundred in one transaction. Raises FATAL_ERRORS; may be repeated."""
    with context.vault.read() as tx:
        suspects = deletion_queries.list_open_suspects(tx, context.location_id, limit=context.rules.confirm_limit)
    if not suspects:
        return
    if not get_by_id_is_reliable(context):
        context.counts.notes.append("HighLevel denied contacts that it had just listed, so nothing was confirmed.")
        return
    unexplained: ByDetection = defaultdict(list)
    for start in range(0, len(suspects), CHUNK):
        chunk = suspects[start : start + CHUNK]
        results = list(fetch_contacts(context, [suspect.contact_id for suspect in chunk]))
        with context.write() as tx:
            for suspect, result in zip(chunk, results, strict=True):
                _resolve(tx, context, suspect, result, unexplained)
            runs.record_heartbeat(tx, context.run.run_id, context.now(), requests=context.requests)
        context.report_progress("Checking missing contacts", start + len(chunk), len(suspects))
    with context.write() as tx:
        _explain(tx, context, unexplained)
    close_settled_incidents(context)


def close_settled_incidents(context: RunContext) -> None:
    """Close the waiting incidents once nobody is suspected any more: dismissed where nobody was lost. May be
    repeated."""
    with context.write() as tx:
        if deletion_queries.count_suspects(tx, context.location_id):
            return
        for incident in bulk_deletions.list_incidents(tx, [context.location_id], limit=50):
            if incident.state == "waiting":
                members = BulkDeletionKey(
                    context.location_id, incident.incident_id, incident.opened_at, incident.opened_at
                )
                state = "confirmed" if bulk_deletions.list_contact_ids(tx, members) else "dismissed"
                bulk_deletions.close_incident(tx, incident.incident_id, state, incident.evidence)


def recheck_causes(context: RunContext) -> None:
    """Correct what is known of the causes of earlier losses, where this run has brought newer evidence."""
    with context.write() as tx:
        recheck_merges(tx, context.location_id, at=context.now())


def mark_returned(context: RunContext) -> None:
    """Mark lost contacts that this run has listed as `returned`, once GET by id proves it (a lagging index may still
    list deleted ones). Suspects that this run has listed become present again without a check."""
    for listed in _listed_with_status(context, (Status.SUSPECTED,)):
        _withdraw_suspicions(context, listed)
    for listed in _listed_with_status(context, (*LOST, *SETTLED)):
        for result in fetch_contacts(context, listed):
            if result.raw is None:
                continue
            with context.write() as tx:
                register.mark_returned(tx, context.location_id, result.contact_id, at=context.now())
                contact_writes.store_detail(
                    tx, context.location_id, result.contact_id, result.raw, at=context.now(), run_id=context.run.run_id
                )
                twins = deletion_queries.list_twins(tx, [context.location_id], contact_id=result.contact_id, limit=1)
            context.counts.returned += 1
            if twins:
                context.counts.notes.append(LIVES_TWICE)


def _listed_with_status(context: RunContext, statuses: Sequence[Status]) -> Iterator[list[str]]:
    """Yield the ids of contacts with one of these statuses that this run has listed, a hundred at a time."""
    after = ""
    while True:
        with context.vault.read() as tx:
            ids = presence.list_sighted(
                tx, context.location_id, context.run.run_id, tuple(statuses), after=after, limit=CHUNK
            )
        if not ids:
            return
        yield ids
        after = ids[-1]


def _withdraw_suspicions(context: RunContext, contact_ids: Sequence[str]) -> None:
    with context.write() as tx:
        for contact_id in contact_ids:
            rows = deletion_queries.list_for_contact(tx, context.location_id, contact_id)
            open_ids = [row.disappearance_id for row in rows if row.ended_at is None]
            register.withdraw(tx, open_ids, at=context.now(), note="HighLevel lists this contact again.")


def _resolve(
    tx: Tx, context: RunContext, suspect: Disappearance, result: LookupResult, unexplained: ByDetection
) -> None:
    at = context.now()
    if result.raw is not None:
        register.withdraw(tx, [suspect.disappearance_id], at=at, note="HighLevel's list left a living contact out.")
        contact_writes.store_detail(
            tx, context.location_id, suspect.contact_id, result.raw, at=at, run_id=context.run.run_id
        )
        context.counts.alive += 1
    elif result.deleted:
        loss = record_loss(tx, suspect, result.message, at=at)
        if loss is not None:
            unexplained[suspect.detected_at].append(loss)
        context.counts.deleted += 1
    else:
        register.record_check(tx, suspect.disappearance_id, at=at, text=result.message)
        context.counts.unsure += 1


def _explain(tx: Tx, context: RunContext, unexplained: ByDetection) -> None:
    for detected_at, losses in unexplained.items():
        together = deletion_queries.confirmed_between(tx, context.location_id, detected_at, detected_at)
        earliest = min((clock_from for _, clock_from, _ in together), default=detected_at)
        explain(tx, losses, together=len(together), earliest=earliest, latest=detected_at)
