"""What a complete listing did not show: a suspicion, not yet a deletion.

Three guards come first: contacts created or changed within the index lag are not suspected; a listing without a single
contact must be repeated later before it is believed; and more missing at once than a floor and a share of the location
is an incident, which a sample of GETs by id must prove.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from hlcore.model.listing_verdict import ListingVerdict
from hlcore.model.wording import form, plural
from hlcore.store import Tx
from hlcore.store.contacts import presence
from hlcore.store.contacts.presence import MissingContact
from hlcore.store.deletions import bulk_deletions, register
from hlcore.store.deletions.bulk_deletions import Incident
from hlcore.sync.contact_lookup import fetch_contacts, get_by_id_is_reliable
from hlcore.sync.run_context import RunContext

CHUNK = 1_000
SAMPLED_PER_CHUNK = 200


def suspect_missing(context: RunContext, *, seen: int) -> ListingVerdict:
    """Suspect every contact that this complete listing of `seen` contacts left out, or return why nothing may be
    concluded. Raises HighLevelError when the sample could not be checked. May be repeated."""
    with context.vault.read() as tx:
        missing = presence.count_missing(tx, context.location_id, context.run.run_id)
    if not missing:
        return ListingVerdict(True)
    incident_id = None
    if context.rules.is_incident(missing, seen + missing) or not seen:
        incident_id, verdict = _prove_incident(context, missing, seen)
        if not verdict.complete:
            return verdict
    at = context.now()
    for contacts in _suspicious(context):
        ids = [contact.contact_id for contact in contacts]
        suspect(context, ids, at=at, detected_by="listing", incident_id=incident_id)
    return ListingVerdict(True)


def suspect(
    context: RunContext, contact_ids: Sequence[str], *, at: datetime, detected_by: str, incident_id: int | None = None
) -> None:
    """Suspect these contacts, noticed `at`, each with its last proof of life. May be repeated."""
    with context.write() as tx:
        proofs = register.proofs_of_life(
            tx, context.location_id, contact_ids, now=context.now(), lag=context.rules.index_lag
        )
        register.mark_suspected(
            tx, context.location_id, list(proofs.items()), at=at, detected_by=detected_by, incident_id=incident_id
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


def _prove_incident(context: RunContext, missing: int, seen: int) -> tuple[int | None, ListingVerdict]:
    """Prove an incident by a sample of GETs by id. Returns the incident's id and whether it is proven."""
    if not seen and (doubt := _doubt_emptiness(context, missing)):
        return None, ListingVerdict(False, doubt)
    if not get_by_id_is_reliable(context):
        return None, ListingVerdict(False, "HighLevel denies contacts that it has just listed. Nothing was concluded.")
    results = list(fetch_contacts(context, _sample(context)))
    alive = sum(result.raw is not None for result in results)
    deleted = sum(result.deleted for result in results)
    evidence = (
        f"{missing:,} of {plural(seen + missing, 'contact')} {form(missing, 'was', 'were')} missing from HighLevel's "
        f"list at once; of {len(results)} "
        f"asked for by id, {deleted} are gone and {alive} alive"
    )
    incident_id = _record_incident(context, missing, seen + missing, evidence + ".")
    if deleted == len(results):
        return incident_id, ListingVerdict(True)
    if alive:
        with context.write() as tx:
            bulk_deletions.close_incident(tx, incident_id, "dismissed", evidence + ": the list was wrong.")
    return incident_id, ListingVerdict(False, evidence + ". Nothing was concluded.")


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


def _sample(context: RunContext) -> list[str]:
    """Return ids of missing contacts, spread evenly over all of them."""
    ids = [contact.contact_id for contacts in _missing(context) for contact in contacts[:: CHUNK // SAMPLED_PER_CHUNK]]
    step = max(1, len(ids) // context.rules.sample)
    return ids[::step][: context.rules.sample]
