"""From suspicion to certainty: every suspected contact is asked for by its id, and what came back is welcomed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from hlcore.model.lifecycle import LOST, SETTLED, Status
from hlcore.store import Tx, runs
from hlcore.store.contacts import presence
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.deletions import bulk_deletions, register
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions.queries import Disappearance
from hlcore.sync.contact_lookup import get_by_id_is_reliable, lookup_all
from hlcore.sync.deletion_cause import Unexplained, explain, record_loss
from hlcore.sync.run_context import LookupResult, RunContext

CHUNK = 100
T = TypeVar("T")
ByDetection = dict[datetime, list[Unexplained]]
"""What was noticed by the same look went between the same two looks."""


def confirm_suspects(work: RunContext) -> None:
    """Every suspect that could be asked for is deleted, merged or present again; the rest stays suspected and is
    asked for next time. Kept after each hundred. Raises what makes asking on pointless; may be repeated."""
    with work.vault.read() as tx:
        suspects = deletion_queries.open_suspects(tx, work.location_id, limit=work.rules.confirm_limit)
    if not suspects:
        return
    if not get_by_id_is_reliable(work):
        work.counts.notes.append("HighLevel denied contacts that it had just listed, so nothing was confirmed.")
        return
    unexplained: ByDetection = defaultdict(list)
    for done, chunk in enumerate(_chunks(suspects)):
        answers = list(lookup_all(work, [suspect.contact_id for suspect in chunk]))
        with work.write() as tx:
            for suspect, answer in zip(chunk, answers, strict=True):
                _settle(tx, work, suspect, answer, unexplained)
            runs.beat(tx, work.run.run_id, work.now(), requests=work.requests)
        work.report_progress("Checking missing contacts", min(len(suspects), (done + 1) * CHUNK), len(suspects))
    with work.write() as tx:
        _explain(tx, work, unexplained)
        _close_incidents(tx, work)


def welcome_returned(work: RunContext) -> None:
    """Contacts that were lost and stand in this run's listing again are `returned`, once GET by id proves it (a
    lagging index may still list what is deleted). Suspects that it lists are present again."""
    lost = (*LOST, *SETTLED)
    for listed in _listed(work, (Status.SUSPECTED,)):
        _withdraw_listed(work, listed)
    for listed in _listed(work, lost):
        for answer in lookup_all(work, listed):
            if answer.raw is None:
                continue
            with work.write() as tx:
                register.returned(tx, work.location_id, answer.contact_id, at=work.now())
                contact_writes.store_detail(
                    tx, work.location_id, answer.contact_id, answer.raw, at=work.now(), run_id=work.run.run_id
                )
            work.counts.returned += 1


def _listed(work: RunContext, statuses: Sequence[Status]) -> Iterator[list[str]]:
    after = ""
    while True:
        with work.vault.read() as tx:
            found = presence.sighted_with_status(
                tx, work.location_id, work.run.run_id, tuple(statuses), after=after, limit=CHUNK
            )
        if not found:
            return
        yield found
        after = found[-1]


def _withdraw_listed(work: RunContext, listed: Sequence[str]) -> None:
    with work.write() as tx:
        for contact_id in listed:
            open_rows = [
                row for row in deletion_queries.of_contact(tx, work.location_id, contact_id) if row.ended_at is None
            ]
            register.withdraw(
                tx, [row.disappearance_id for row in open_rows], at=work.now(), note="HighLevel lists it again."
            )


def _settle(tx: Tx, work: RunContext, suspect: Disappearance, answer: LookupResult, unexplained: ByDetection) -> None:
    at = work.now()
    if answer.raw is not None:
        register.withdraw(tx, [suspect.disappearance_id], at=at, note="HighLevel's list left it out; it is alive.")
        contact_writes.store_detail(tx, work.location_id, suspect.contact_id, answer.raw, at=at, run_id=work.run.run_id)
        work.counts.alive += 1
    elif answer.gone:
        open_question = record_loss(tx, suspect, answer.words, at=at)
        if open_question is not None:
            unexplained[suspect.detected_at].append(open_question)
        work.counts.deleted += 1
    else:
        register.note_check(tx, suspect.disappearance_id, at=at, text=answer.words)
        work.counts.unsure += 1


def _explain(tx: Tx, work: RunContext, unexplained: ByDetection) -> None:
    for detected_at, rows in unexplained.items():
        together = deletion_queries.confirmed_between(tx, work.location_id, detected_at, detected_at)
        earliest = min((clock_from for _, clock_from, _ in together), default=detected_at)
        explain(tx, rows, together=len(together), earliest=earliest, latest=detected_at)


def _close_incidents(tx: Tx, work: RunContext) -> None:
    if deletion_queries.count_suspects(tx, work.location_id):
        return
    for incident in bulk_deletions.list_incidents(tx, [work.location_id], limit=50):
        if incident.state == "waiting":
            bulk_deletions.close_incident(tx, incident.incident_id, "confirmed", incident.evidence)


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
