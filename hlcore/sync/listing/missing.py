"""What a complete listing did not show: a suspicion, not yet a deletion.

Three guards come first: contacts created or changed within the index lag are not suspected; a listing without a single
contact must be repeated later before it is believed; and more missing at once than a floor and a share of the location
is an incident, of which GET by id decides before anybody is suspected. Where a sample is gone throughout, all are
suspected; else each is asked for, a limited number in each run, those first whose existence was proven longest ago.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from hlcore.model.listing_verdict import ListingVerdict
from hlcore.model.wording import form, plural
from hlcore.store import Tx, runs
from hlcore.store.contacts import presence
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.contacts.presence import MissingContact
from hlcore.store.deletions import bulk_deletions, register
from hlcore.store.deletions.bulk_deletions import Incident
from hlcore.sync.confirm import confirm_suspects
from hlcore.sync.contact_lookup import fetch_contacts, get_by_id_is_reliable
from hlcore.sync.run_context import LookupResult, RunContext

CHUNK = 1_000
ASKED_TOGETHER = 100


def suspect_missing(context: RunContext, *, seen: int) -> ListingVerdict:
    """Suspect every contact that this complete listing of `seen` contacts left out, or return why nothing may be
    concluded. Raises FATAL_ERRORS. May be repeated."""
    with context.vault.read() as tx:
        missing = presence.count_missing(tx, context.location_id, context.run.run_id)
    if not missing:
        return ListingVerdict(True)
    if context.rules.is_incident(missing, seen + missing) or not seen:
        return _settle_incident(context, missing, seen)
    _suspect_all(context)
    return ListingVerdict(True)


def _suspect_all(context: RunContext, incident_id: int | None = None) -> None:
    at = context.now()
    for contacts in _suspicious(context):
        ids = [contact.contact_id for contact in contacts]
        suspect(context, ids, at=at, detected_by="listing", incident_id=incident_id)


def suspect(
    context: RunContext, contact_ids: Sequence[str], *, at: datetime, detected_by: str, incident_id: int | None = None
) -> None:
    """Suspect these contacts, noticed `at`, each with its last proof of life. May be repeated."""
    with context.write() as tx:
        now, lag = context.now(), context.rules.index_lag
        proofs = register.proofs_of_life(tx, context.location_id, contact_ids, now=now, lag=lag)
        register.mark_suspected(
            tx,
            context.location_id,
            list(proofs.items()),
            at=at,
            detected_by=detected_by,
            incident_id=incident_id,
            checked_at=register.last_checked_at(tx, context.location_id, now=now, lag=lag),
        )


def _suspicious(context: RunContext) -> Iterator[list[MissingContact]]:
    """Yield the missing contacts in chunks. Of those that HighLevel's index may not show yet, only the ones that GET by
    id has found deleted."""
    for contacts in _missing(context):
        recent = {contact.contact_id for contact in contacts if not _is_indexed(context, contact)}
        spared = recent - _find_deleted(context, sorted(recent))
        yield [contact for contact in contacts if contact.contact_id not in spared]


def _find_deleted(context: RunContext, contact_ids: list[str]) -> set[str]:
    if not contact_ids or not get_by_id_is_reliable(context):
        return set()
    return {result.contact_id for result in fetch_contacts(context, contact_ids) if result.deleted}


def _missing(context: RunContext) -> Iterator[list[MissingContact]]:
    after = ""
    while True:
        with context.vault.read() as tx:
            contacts = presence.list_missing(tx, context.location_id, context.run.run_id, after=after, limit=CHUNK)
        if not contacts:
            return
        yield contacts
        after = contacts[-1].contact_id


def _is_indexed(context: RunContext, contact: MissingContact) -> bool:
    """Return whether HighLevel's index surely knew this contact when the listing began."""
    moments = [moment for moment in (contact.date_added, contact.date_updated) if moment is not None]
    return all(moment < context.run.started_at - context.rules.index_lag for moment in moments)


def _settle_incident(context: RunContext, missing: int, seen: int) -> ListingVerdict:
    """Ask for the missing contacts by id: all are suspected if a sample is gone throughout, else only those that do not
    live. Returns whether none is left to be asked in a later run."""
    if not seen and (doubt := _doubt_emptiness(context, missing)):
        return ListingVerdict(False, doubt)
    if not get_by_id_is_reliable(context):
        return ListingVerdict(False, "HighLevel denies contacts that it has just listed. Nothing was concluded.")
    rules, asked = context.rules, _Asked(missing, seen + missing)
    with context.vault.read() as tx:
        waiting = presence.count_unsuspected(tx, context.location_id, context.run.run_id)
        contacts = presence.list_least_proven(tx, context.location_id, context.run.run_id, limit=rules.confirm_limit)
    if not waiting:
        return ListingVerdict(True)
    results = list(fetch_contacts(context, [contact.contact_id for contact in contacts[: rules.sample]]))
    if all(result.deleted for result in results):
        asked.add(results)
        _suspect_all(context, _record_incident(context, missing, seen + missing, asked.words))
        return ListingVerdict(True)
    _ask(context, contacts, asked)
    context.counts.alive += asked.alive
    return _conclude(context, asked, left=waiting - asked.total)


@dataclass(slots=True)
class _Asked:
    """What GET by id answered for some of the `missing` of `known` contacts."""

    missing: int
    known: int
    gone: int = 0
    alive: int = 0
    unsure: int = 0

    def add(self, results: Sequence[LookupResult]) -> None:
        self.gone += sum(result.deleted for result in results)
        self.alive += sum(result.raw is not None for result in results)
        self.unsure += sum(result.raw is None and not result.deleted for result in results)

    @property
    def total(self) -> int:
        return self.gone + self.alive + self.unsure

    @property
    def words(self) -> str:
        unsure = f", {self.unsure:,} could not be asked" if self.unsure else ""
        return (
            f"{self.missing:,} of {plural(self.known, 'contact')} {form(self.missing, 'was', 'were')} missing from "
            f"HighLevel's list at once; of {self.total:,} asked for by id, {self.gone:,} are gone and {self.alive:,} "
            f"alive{unsure}."
        )


def _ask(context: RunContext, contacts: Sequence[MissingContact], asked: _Asked) -> None:
    """Ask for these contacts by id. Store what the living ones are, and suspect the others; of those that HighLevel's
    index may not show yet, only the ones that are gone."""
    at = context.now()
    for start in range(0, len(contacts), ASKED_TOGETHER):
        chunk = contacts[start : start + ASKED_TOGETHER]
        results = list(fetch_contacts(context, [contact.contact_id for contact in chunk]))
        asked.add(results)
        lost = [
            contact.contact_id
            for contact, result in zip(chunk, results, strict=True)
            if result.deleted or (result.raw is None and _is_indexed(context, contact))
        ]
        with context.write() as tx:
            for result in results:
                if result.raw is not None:
                    contact_writes.store_detail(
                        tx, context.location_id, result.contact_id, result.raw, context.now(), context.run.run_id
                    )
            runs.record_heartbeat(tx, context.run.run_id, context.now(), requests=context.requests)
        if lost:
            incident_id = _record_incident(context, asked.missing, asked.known, asked.words)
            suspect(context, lost, at=at, detected_by="listing", incident_id=incident_id)
        context.report_progress("Checking missing contacts", start + len(chunk), len(contacts))


def _conclude(context: RunContext, asked: _Asked, left: int) -> ListingVerdict:
    """Say in the waiting incident how far it is settled. Returns whether none is `left` to be asked; if some are, the
    suspects are confirmed here, and the incident goes on waiting."""
    with context.vault.read() as tx:
        waiting = _waiting_incidents(tx, context.location_id)
    if left:
        confirm_suspects(context)
    with context.write() as tx:
        for incident in waiting:
            bulk_deletions.close_incident(tx, incident.incident_id, "waiting", asked.words)
    if left:
        return ListingVerdict(False, f"{asked.words} The next runs ask for the other {left:,}.")
    return ListingVerdict(True)


def _record_incident(context: RunContext, missing: int, known: int, evidence: str) -> int:
    """Return the id of the location's waiting incident, opening one if there is none."""
    with context.write() as tx:
        waiting = _waiting_incidents(tx, context.location_id)
        if waiting:
            return waiting[0].incident_id
        return bulk_deletions.open_incident(
            tx, context.location_id, at=context.now(), contacts=missing, known=known, evidence=evidence
        )


def _waiting_incidents(tx: Tx, location_id: str) -> list[Incident]:
    incidents = bulk_deletions.list_incidents(tx, [location_id], limit=50)
    return [incident for incident in incidents if incident.state == "waiting"]


def _doubt_emptiness(context: RunContext, known: int) -> str:
    """Return why an empty listing is not believed yet; '' when it is: few contacts were known, or an earlier listing
    was empty too."""
    context.client.location()
    if known <= context.rules.incident_floor:
        return ""
    with context.vault.read() as tx:
        waiting = _waiting_incidents(tx, context.location_id)
    if any(context.now() - incident.opened_at >= context.rules.empty_confirm_after for incident in waiting):
        return ""
    _record_incident(context, known, known, "HighLevel's list was empty.")
    return f"HighLevel's list was empty although {plural(known, 'contact is', 'contacts are')} known. Nothing follows."
