"""What a complete listing did not show: a suspicion, never yet a deletion.

Three guards stand before it: what was created or changed within the index lag is not suspected; an answer without
a single contact must be repeated later before anything follows from it; and more than a floor and a share of
the location at once is an incident, which a sample of GETs must prove first.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from hlcore.model.listing import ListingVerdict
from hlcore.store import Tx, runs
from hlcore.store.contacts import presence
from hlcore.store.contacts.presence import MissingContact
from hlcore.store.deletions import bulk_deletions, register
from hlcore.store.deletions.bulk_deletions import Incident
from hlcore.sync.contact_lookup import get_by_id_is_reliable, lookup_all
from hlcore.sync.run_context import RunContext

CHUNK = 1_000


def suspect_missing(work: RunContext, *, seen: int) -> ListingVerdict:
    """Every contact that this complete listing missed is suspected, or the verdict says why nothing may be
    concluded. Raises HighLevelError when the sample could not be asked for. May be repeated."""
    with work.vault.read() as tx:
        missing = presence.count_missing(tx, work.location_id, work.run.run_id)
    if not missing:
        return ListingVerdict(True)
    incident_id = None
    if work.rules.is_incident(missing, seen + missing) or not seen:
        incident_id, verdict = _incident(work, missing, seen)
        if not verdict.complete:
            return verdict
    at, proof = work.now(), last_proof(work)
    for absents in _suspicious(work):
        last_seen = [(absent.contact_id, max(absent.seen_at, proof)) for absent in absents]
        with work.write() as tx:
            register.suspect(tx, work.location_id, last_seen, at=at, detected_by="listing", incident_id=incident_id)
    return ListingVerdict(True)


def _suspicious(work: RunContext) -> Iterator[list[MissingContact]]:
    """The missing ones, a thousand at a time, without those that HighLevel's index may just not show yet: of these
    only the ones that GET by id has already found gone."""
    for absents in _missing(work):
        recent = [absent.contact_id for absent in absents if not _settled(work, absent)]
        gone = _found_gone(work, recent)
        yield [absent for absent in absents if absent.contact_id in gone or absent.contact_id not in recent]


def _found_gone(work: RunContext, contact_ids: list[str]) -> set[str]:
    if not contact_ids or not get_by_id_is_reliable(work):
        return set()
    return {answer.contact_id for answer in lookup_all(work, contact_ids) if answer.gone}


def _missing(work: RunContext) -> Iterator[list[MissingContact]]:
    after = ""
    while True:
        with work.vault.read() as tx:
            found = presence.missing(tx, work.location_id, work.run.run_id, after=after, limit=CHUNK)
        if not found:
            return
        yield found
        after = found[-1].contact_id


def _settled(work: RunContext, absent: MissingContact) -> bool:
    """Whether HighLevel's index surely knew this contact when the listing began."""
    moments = [moment for moment in (absent.date_added, absent.date_updated) if moment is not None]
    return all(moment < work.run.started_at - work.rules.index_lag for moment in moments)


def last_proof(work: RunContext) -> datetime:
    """When every contact that is still called present was surely there: the beginning of the last complete listing,
    less the index lag."""
    with work.vault.read() as tx:
        last = runs.last_complete(tx, work.location_id)
    return last.started_at - work.rules.index_lag if last else datetime.min.replace(tzinfo=UTC)


def _incident(work: RunContext, missing: int, seen: int) -> tuple[int | None, ListingVerdict]:
    """Prove an incident by a sample, or refuse to believe it."""
    if not seen and (doubt := _doubt_emptiness(work, missing)):
        return None, ListingVerdict(False, doubt)
    if not get_by_id_is_reliable(work):
        return None, ListingVerdict(False, "HighLevel denies contacts that it has just listed. Nothing was concluded.")
    looked = list(lookup_all(work, _sample(work)))
    alive = sum(answer.raw is not None for answer in looked)
    gone = sum(answer.gone for answer in looked)
    words = (
        f"{missing:,} of {seen + missing:,} contacts were missing from HighLevel's list at once; of {len(looked)} "
        f"asked for by id, {gone} are gone and {alive} alive"
    )
    incident_id = _record(work, missing, seen + missing, words + ".")
    if gone == len(looked):
        return incident_id, ListingVerdict(True)
    if alive:
        with work.write() as tx:
            bulk_deletions.close_incident(tx, incident_id, "dismissed", words + ": the list was wrong.")
    return incident_id, ListingVerdict(False, words + ". Nothing was concluded.")


def _record(work: RunContext, missing: int, known: int, evidence: str) -> int:
    """The location's waiting incident: the one that is open, or a new one."""
    with work.write() as tx:
        open_ones = _waiting(tx, work.location_id)
        if open_ones:
            return open_ones[0].incident_id
        return bulk_deletions.open_incident(
            tx, work.location_id, at=work.now(), contacts=missing, known=known, evidence=evidence
        )


def _waiting(tx: Tx, location_id: str) -> list[Incident]:
    found = bulk_deletions.list_incidents(tx, [location_id], limit=50)
    return [incident for incident in found if incident.state == "waiting"]


def _doubt_emptiness(work: RunContext, known: int) -> str:
    """Why an answer without any contact is not believed yet; '' when it is: few contacts, or the same answer
    again some time later."""
    work.client.location()
    if known <= work.rules.incident_floor:
        return ""
    with work.vault.read() as tx:
        before = _waiting(tx, work.location_id)
    if any(work.now() - incident.opened_at >= work.rules.empty_confirm_after for incident in before):
        return ""
    _record(work, known, known, "HighLevel's list was empty.")
    return f"HighLevel's list was empty although {known:,} contacts are known. Nothing was concluded."


def _sample(work: RunContext) -> list[str]:
    """Ids of missing contacts, spread over all of them."""
    found = [absent.contact_id for absents in _missing(work) for absent in absents[:: CHUNK // 200]]
    step = max(1, len(found) // work.rules.sample)
    return found[::step][: work.rules.sample]
