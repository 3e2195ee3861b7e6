"""One complete round on one location: list everything, find what is missing, ask for it by id, welcome what came back.

The order matters: contacts are taken in page by page; only a listing that is complete by `model.listing.judge` leads
to suspicions; only GET by id turns a suspicion into a deletion. A run that was killed is taken over by the next
one, which goes on behind its last page.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from hlcore.errors import HighLevelError, LocationInactive, RunInProgress, TokenRefused, WrongLocation
from hlcore.highlevel import Client
from hlcore.model.progress import Listener, silent
from hlcore.store import Vault, runs
from hlcore.store.contacts import presence
from hlcore.store.deletions import queries as deletion_queries
from hlcore.sync.capture.reference_lists import refresh_catalogues
from hlcore.sync.confirm import confirm_suspects, welcome_returned
from hlcore.sync.listing.missing import suspect_missing
from hlcore.sync.listing.pagination import read_all_pages
from hlcore.sync.location_record import check_access
from hlcore.sync.run_context import Now, RunContext, RunCounts, SyncReport, SyncRules, never

REFUSALS = (TokenRefused, WrongLocation, LocationInactive)


def sync_location(
    vault: Vault,
    client: Client,
    rules: SyncRules,
    *,
    now: Now,
    listener: Listener = silent,
    cancelled: Callable[[], bool] = never,
) -> SyncReport:
    """One round on the client's location; what it learnt is in the vault and the run in the activity log.

    Faults of HighLevel end in a Report that names them, never in an exception; nothing is concluded from an
    incomplete listing. Raises Cancelled (the next round goes on from there) and StoreError. May be repeated.
    """
    began = now()
    try:
        work = begin("listing", vault, client, rules, now, listener, cancelled)
    except RunInProgress as exc:
        return SyncReport(client.location_id, "refused", f"{exc} {exc.hint}")
    return carry_out(work, _round, began)


def carry_out(work: RunContext, do: Callable[[RunContext], tuple[str, str]], began: datetime) -> SyncReport:
    """The run is finished with the outcome and reason that `do` came to, or with HighLevel's refusal or fault. Anything
    else is raised, and the next run goes on where this one stopped."""
    try:
        outcome, reason = do(work)
    except REFUSALS as exc:
        outcome, reason = "refused", f"{exc} {exc.hint}".strip()
    except HighLevelError as exc:
        outcome, reason = "incomplete", f"{exc} {exc.hint}".strip()
    except BaseException:
        with work.write() as tx:
            runs.release(tx, work.run.run_id)
        raise
    return conclude(work, outcome, reason, seconds=(work.now() - began).total_seconds())


def begin(
    kind: str,
    vault: Vault,
    client: Client,
    rules: SyncRules,
    now: Now,
    listener: Listener,
    cancelled: Callable[[], bool],
) -> RunContext:
    with vault.write(of=client.location_id) as tx:
        run = runs.claim(
            tx,
            client.location_id,
            kind,
            at=now(),
            holder=runs.this_process(),
            resume_within=rules.resume_within,
        )
    tally = RunCounts(run.added, run.changed, run.suspected, run.deleted, run.returned)
    return RunContext(vault, client, client.location_id, run, rules, now, tally, listener, cancelled, client.requests)


def _round(work: RunContext) -> tuple[str, str]:
    check_access(work)
    refresh_catalogues(work)
    verdict = read_all_pages(work)
    welcome_returned(work)
    if verdict.complete:
        with work.vault.read() as tx:
            seen = presence.sighted(tx, work.run.run_id)
        verdict = suspect_missing(work, seen=seen)
    if not verdict.complete:
        return "incomplete", " ".join([verdict.reason, *work.counts.notes])
    confirm_suspects(work)
    return "complete", " ".join([*oddities(work), *work.counts.notes])


def oddities(work: RunContext) -> list[str]:
    """What was odd about a complete run, in words."""
    found = []
    if work.counts.alive:
        found.append(f"HighLevel's list left out {work.counts.alive:,} live contacts; asked for by id, they exist.")
    with work.vault.read() as tx:
        work.counts.suspected = deletion_queries.count_suspects(tx, work.location_id)
    if work.counts.suspected:
        found.append(f"{work.counts.suspected:,} missing contacts could not be checked yet; the next run tries again.")
    return found


def conclude(work: RunContext, outcome: str, reason: str, *, seconds: float) -> SyncReport:
    with work.write() as tx:
        seen = presence.sighted(tx, work.run.run_id)
        work.counts.suspected = deletion_queries.count_suspects(tx, work.location_id)
        runs.finish(
            tx,
            work.run.run_id,
            work.now(),
            outcome=outcome,
            reason=reason,
            seen=seen,
            requests=work.requests,
            **work.counts.counts(),
        )
        presence.forget_sightings(tx, work.run.run_id)
    return SyncReport(
        work.location_id,
        outcome,
        reason,
        seen,
        requests=work.requests,
        seconds=round(seconds, 3),
        **work.counts.counts(),
    )
