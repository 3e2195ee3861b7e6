"""A full sync of one location: list everything, find what is missing, check it by id, record what came back.

Contacts are stored page by page. Only a listing that is complete by `model.listing_verdict.judge_listing` leads to
suspicions, and only GET by id turns a suspicion into a deletion. The next run resumes an interrupted one behind its
last page.
"""

from __future__ import annotations

from hlcore.errors import RunInProgress
from hlcore.location_context import LocationContext
from hlcore.model.listing_verdict import Checkpoint, describe_odd_rows
from hlcore.store import quarantine, runs
from hlcore.store.contacts import presence
from hlcore.sync.capture.reference_lists import refresh_reference_lists
from hlcore.sync.confirm import close_settled_incidents, confirm_suspects, mark_returned, recheck_causes
from hlcore.sync.listing.missing import suspect_missing
from hlcore.sync.listing.pagination import read_all_pages
from hlcore.sync.location_record import check_token
from hlcore.sync.run_context import RunContext, SyncReport, SyncRules, begin_run, describe_anomalies, perform_run


def sync_location(context: LocationContext, rules: SyncRules) -> SyncReport:
    """Sync the location once; the result is in the vault, and the run in the activity log.

    Faults of HighLevel end in a report that names them; nothing is concluded from an incomplete listing. Raises
    Cancelled (the next run resumes this one) and StoreError. May be repeated."""
    began = context.now()
    try:
        run = begin_run("listing", context, rules)
    except RunInProgress as exc:
        return SyncReport(context.location_id, "refused", f"{exc} {exc.hint}")
    return perform_run(run, _list_and_compare, began)


def _list_and_compare(context: RunContext) -> tuple[str, str]:
    check_token(context)
    refresh_reference_lists(context)
    verdict = read_all_pages(context)
    mark_returned(context)
    if verdict.complete:
        with context.vault.read() as tx:
            seen = presence.count_sightings(tx, context.run.run_id)
        verdict = suspect_missing(context, seen=seen)
    if not verdict.complete:
        odd = describe_odd_rows(context.counts.odd)
        return "incomplete", " ".join(filter(None, [verdict.reason, odd, *context.counts.notes]))
    confirm_suspects(context)
    close_settled_incidents(context)
    recheck_causes(context)
    _account_for_odd_rows(context)
    return "complete", " ".join([*describe_anomalies(context), *context.counts.notes])


def _account_for_odd_rows(context: RunContext) -> None:
    """Forget the odd rows of earlier listings that are right now, and note which of this one's HighLevel counts beside
    the contacts of the vault, so that the watch can compare counts."""
    run = context.run
    with context.write() as tx:
        quarantine.forget_unseen(tx, context.location_id, quarantine.LISTING_ROW, run.started_at)
        checkpoint = Checkpoint.load(runs.get(tx, run.run_id).checkpoint)
        if not checkpoint.odd:
            return
        until = run.started_at if checkpoint.is_split else None
        surplus = checkpoint.last_total - presence.count_added(tx, context.location_id, None, until)
        if surplus == len(checkpoint.odd):
            checkpoint.uncounted = checkpoint.odd
            runs.record_heartbeat(tx, run.run_id, context.now(), checkpoint=checkpoint.dump())
