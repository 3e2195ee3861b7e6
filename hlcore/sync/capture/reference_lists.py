"""The lists of a location that copies need to be read and restored: custom fields, tags, users, pipelines, …

They change rarely: each is read again after some hours, or when a round of capturing wants it. Entries that vanish
from a list stay in the vault, marked, so that the values of a deleted custom field keep their name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from hlcore.errors import BudgetSpent, Cancelled, Gone, HighLevelError, Rejected, Unreachable
from hlcore.highlevel import Client
from hlcore.location_context import LocationContext
from hlcore.model.capture_planner import CapturePolicy
from hlcore.model.moments import is_future
from hlcore.model.records import REFERENCE_LISTS, record_ids
from hlcore.model.wording import kind_plural, plural
from hlcore.store import records
from hlcore.store.capture import feeds
from hlcore.store.capture.facts import is_reference_data_due
from hlcore.store.capture.feeds import FeedState
from hlcore.sync.capture.contact_records import OddListener, ignore_odd, note_odd_records
from hlcore.sync.capture.session import CLOSED, CaptureSession
from hlcore.sync.contact_lookup import REFUSALS, raise_if_refused_everywhere
from hlcore.sync.run_context import RunContext

PASSING = (*CLOSED, Gone, Rejected, Unreachable)
"""Faults in spite of which contacts can be copied."""
READ_IN_EACH_RUN = ("custom_field", "user", "pipeline")
SOURCES: Mapping[str, Callable[[Client], list[bytes]]] = {
    "location": lambda client: [client.location()],
    "custom_field": lambda client: client.custom_fields(),
    "custom_value": lambda client: client.custom_values(),
    "tag": lambda client: client.tags(),
    "user": lambda client: client.users(),
    "pipeline": lambda client: client.pipelines(),
    "lost_reason": lambda client: client.lost_reasons(),
    "calendar": lambda client: client.calendars(),
    "business": lambda client: client.businesses(),
    "workflow": lambda client: client.workflows(),
    "campaign": lambda client: client.campaigns(),
}


def capture_reference_list(context: LocationContext, kind: str, *, on_odd: OddListener = ignore_odd) -> int:
    """Store the list as HighLevel sends it, mark vanished entries, and return how many entries are new or changed. An
    empty answer is believed when a second one is empty too. Entries without a usable id are set aside; while there are
    any, none counts as vanished. Raises HighLevelError, StoreError."""
    location_id, began = context.location_id, context.now()
    rows = SOURCES[kind](context.client)
    with context.vault.read() as tx:
        stored = records.list_of_kind(tx, location_id, kind)
    if not rows and stored:
        rows = SOURCES[kind](context.client)
    found = [(record_ids(raw)[0], "", raw) for raw in rows]
    entries = [entry for entry in found if entry[0]]
    odd = len(found) - len(entries)
    read = {"covered_at": began, "walked_at": began, "rows": len(entries), "refused_at": None, "note": ""}
    with context.write() as tx:
        at = context.now()
        counts = records.save(tx, location_id, kind, entries, at=at)
        if not odd:
            records.mark_vanished(tx, location_id, kind, keep=[entry[0] for entry in entries], contact_id="", at=at)
        note_odd_records(tx, context, f"{kind}:list", odd)
        feeds.save(tx, location_id, kind, **read)
    if odd:
        on_odd(kind, odd)
    return counts.added + counts.changed


def capture_due_lists(session: CaptureSession) -> None:
    """Read every list that is due; note those that could not be read. Raises FATAL_ERRORS, StoreError."""
    at = session.now()
    stale = session.policy.renew_before or at - session.policy.lists_every
    with session.vault.read() as tx:
        known = feeds.get_all(tx, session.location_id)
    for kind in REFERENCE_LISTS:
        if not is_reference_data_due(known.get(kind), at, stale, session.policy):
            continue
        session.report_progress("Reading the account's lists")
        try:
            session.captured[kind] += capture_reference_list(session, kind, on_odd=session.count_odd)
        except (BudgetSpent, Cancelled):
            raise
        except HighLevelError as exc:
            if isinstance(exc, (*REFUSALS, *CLOSED)):
                raise_if_refused_everywhere(session.client, exc)
            session.note(_record_refusal(session, kind, exc))


def refresh_reference_lists(context: RunContext) -> None:
    """Read the lists that are due for a sync, all at once: those needed to read any contact in each run, the others
    after some hours. Notes lists that could not be read; contacts can be copied without them. Raises FATAL_ERRORS."""
    context.report_progress("Reading the account's lists")
    now, policy = context.now(), CapturePolicy()
    with context.vault.read() as tx:
        known = {kind: state for kind, state in feeds.get_all(tx, context.location_id).items() if _is_past(state, now)}
    stale = {kind: now if kind in READ_IN_EACH_RUN else now - policy.lists_every for kind in REFERENCE_LISTS}
    due = [kind for kind in REFERENCE_LISTS if is_reference_data_due(known.get(kind), now, stale[kind], policy)]

    def note_odd(kind: str, number: int) -> None:
        context.counts.notes.append(f"{plural(number, 'odd entry', 'odd entries')} of {kind_plural(kind)} set aside.")

    def read(kind: str) -> str:
        try:
            capture_reference_list(context, kind, on_odd=note_odd)
        except REFUSALS as exc:
            raise_if_refused_everywhere(context.client, exc)
            return _record_refusal(context, kind, exc)
        except PASSING as exc:
            return _record_refusal(context, kind, exc)
        return ""

    if due:
        with ThreadPoolExecutor(len(due), thread_name_prefix="lists") as pool:
            context.counts.notes += filter(None, pool.map(read, due))


def _is_past(state: FeedState, now: datetime) -> bool:
    """Return whether what is known of the list was recorded before `now`, and not under a clock that was ahead."""
    return not any(moment and is_future(moment, now) for moment in (state.covered_at, state.refused_at))


def _record_refusal(context: LocationContext, kind: str, exc: HighLevelError) -> str:
    """Store that the list could not be read, and return a note about it."""
    with context.write() as tx:
        feeds.save(tx, context.location_id, kind, refused_at=context.now(), note=str(exc))
    return f"The list of {kind_plural(kind)} could not be read: {exc}"
