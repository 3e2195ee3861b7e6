"""Capturing the details and records of a location's contacts: what is not yet safe, in the order of its value, within
the budget.

Only the next piece of work is held in memory: what is left is a query, and every answer is stored at once. A session
that ends anywhere, by the budget, a stop or a killed process, is resumed by the next one, which repeats at most the
requests that were under way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from hlcore.errors import (
    BrokenAnswer,
    BudgetSpent,
    Cancelled,
    ContractError,
    Gone,
    HighLevelError,
    ScopeMissing,
    StoreError,
    Unauthorized,
    Unreachable,
    VaultError,
)
from hlcore.location_context import LocationContext
from hlcore.log_privacy import describe_exception
from hlcore.model.callbacks import never
from hlcore.model.capture_forecast import forecast
from hlcore.model.capture_planner import CaptureFacts, CapturePolicy, CaptureStep, Purpose, next_step, work_items
from hlcore.model.moments import is_recent
from hlcore.model.records import CALLS_PER_CONTACT
from hlcore.model.wording import joined, kind_plural
from hlcore.store import quarantine
from hlcore.store.capture import feeds
from hlcore.store.capture import state as capture_state
from hlcore.store.capture.facts import PER_CONTACT_PREFIX, load_facts, load_pace
from hlcore.sync.capture.budget import CaptureBudget
from hlcore.sync.capture.contact_records import ODD_RECORD, capture_email_texts, capture_records, record_reference
from hlcore.sync.capture.feeds import read_feed
from hlcore.sync.capture.reference_lists import capture_due_lists
from hlcore.sync.capture.session import (
    CLOSED,
    RETRY_AFTER,
    CaptureSession,
    describe_odd,
    exclusive_session,
    record_session,
)
from hlcore.sync.contact_lookup import FATAL_ERRORS, REFUSALS, raise_if_refused_everywhere

log = structlog.get_logger(__name__)
ROUND = "round"
MAX_ROUND_AGE = timedelta(days=30)
ASK_AGAIN_AFTER = timedelta(hours=6)
"""What is set aside, because it cannot be read, is asked for this long after the last attempt."""
MAX_SET_ASIDE = 10_000
MAX_FAILURES_IN_A_ROW = 12
CONTROL = ""
"""Stands among the kinds that HighLevel has answered for a control request."""
MAX_REFUSALS_IN_A_ROW = 12


@dataclass(frozen=True, slots=True)
class CaptureReport:
    """What one session did. `captured`: records new or changed, by kind. `coverage`: share of the living contacts whose
    records of a kind are safe, 0 … 1. `done_by`: when all will be safe at this pace (None: never, or unknown).
    `reason`: why it ended early, '' when everything is done; `notes`: anomalies; `unreachable`: it ended because
    HighLevel could not be reached."""

    location_id: str
    requests: int = 0
    captured: dict[str, int] = field(default_factory=dict)
    coverage: dict[str, float] = field(default_factory=dict)
    done_by: datetime | None = None
    complete: bool = False
    reason: str = ""
    notes: tuple[str, ...] = ()
    unreachable: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON of the command line."""
        return {
            "location_id": self.location_id,
            "requests": self.requests,
            "captured": self.captured,
            "coverage": self.coverage,
            "done_by": self.done_by.isoformat().replace("+00:00", "Z") if self.done_by else None,
            "complete": self.complete,
            "reason": self.reason,
            "notes": list(self.notes),
        }


def capture_location(
    context: LocationContext,
    budget: CaptureBudget,
    *,
    again: bool = False,
    policy: CapturePolicy | None = None,
    until: Callable[[], bool] = never,
    workers: int = 8,
) -> CaptureReport:
    """Capture what is not yet safe, the most valuable first, until nothing is left, the budget ends, or `until` returns
    True because more urgent work waits. With `again`, everything captured before is read once more; an interrupted
    round is resumed.

    Logs the session as a run. Never sends a request more than the budget allows. Raises TokenRefused, WrongLocation,
    LocationInactive and Unauthorized when HighLevel refuses everything, Cancelled, StoreError, and RunInProgress while
    another session captures this location."""
    with exclusive_session(context) as renew_lease:
        policy = policy or CapturePolicy()
        if again:
            policy = replace(policy, renew_before=_round_began(context))
        session = CaptureSession(
            context.vault,
            context.client.with_meter(budget.take),
            context.location_id,
            context.now,
            context.listener,
            context.cancelled,
            policy=policy.within(budget.allowance().usable),
            workers=workers,
            troubled=_troubled_records(context),
            failed=_set_aside_lately(context),
        )
        reason = _capture_and_record(session, budget, renew_lease, until)
        if again and not reason:
            with context.write() as tx:
                feeds.save(tx, context.location_id, ROUND, began_at=None)
        return _report(session, budget, reason)


def _troubled_records(context: LocationContext) -> frozenset[str]:
    """Return the references of this location's records in quarantine."""
    with context.vault.read() as tx:
        return quarantine.references(tx, context.location_id, quarantine.RECORD)


def _set_aside_lately(context: LocationContext) -> dict[str, set[str]]:
    """Return the subjects, by purpose and kind, that are set aside and failed again a few hours ago: each costs many
    requests, which others need."""
    failed: dict[str, set[str]] = {}
    states, kinds = (quarantine.WAITING, quarantine.IGNORED), (quarantine.RECORD,)
    with context.vault.read() as tx:
        items = quarantine.list_items(tx, [context.location_id], states=states, kinds=kinds, limit=MAX_SET_ASIDE)
    for item in items:
        kind, _, subject = item.reference.partition(":")
        if item.error != ODD_RECORD and is_recent(item.last_seen_at, context.now(), ASK_AGAIN_AFTER):
            for purpose in Purpose:
                failed.setdefault(f"{purpose}:{kind}", set()).add(subject)
    return failed


def _round_began(context: LocationContext) -> datetime:
    """Return when the round under way began (it reads everything captured before); begin one if there is none."""
    with context.write() as tx:
        began = feeds.get(tx, context.location_id, ROUND).began_at
        if began is None or not is_recent(began, context.now(), MAX_ROUND_AGE):
            began = context.now()
            feeds.save(tx, context.location_id, ROUND, began_at=began)
    return began


def _capture_and_record(
    session: CaptureSession, budget: CaptureBudget, renew_lease: Callable[[], None], until: Callable[[], bool]
) -> str:
    """Do the work and log it as a run, however it ends. Returns why it ended early, or ''."""
    began, reason, outcome = session.now(), "Interrupted.", "incomplete"
    try:
        reason = _capture(session, budget, renew_lease, until)
        outcome = "incomplete" if session.unreachable.is_set() else "complete"
        return reason
    except VaultError as exc:
        reason, outcome = str(exc), "refused" if isinstance(exc, (*REFUSALS, *CLOSED)) else "incomplete"
        raise
    finally:
        record_session(session, began=began, requests=budget.spent, reason=reason, outcome=outcome)


def _capture(
    session: CaptureSession, budget: CaptureBudget, renew_lease: Callable[[], None], until: Callable[[], bool]
) -> str:
    try:
        while not until():
            renew_lease()
            facts = _load_facts(session, budget)
            step = next_step(facts, budget.allowance(), session.now(), exclude=session.idle)
            if step is None:
                is_work_left = any(wish not in session.idle for wish in work_items(facts))
                return budget.reason(session.now()) if is_work_left else ""
            safe, total = sum(part.safe for part in facts.kinds), sum(part.contacts for part in facts.kinds)
            session.report_progress("Capturing what belongs to contacts", safe, total)
            _perform(session, step)
    except (BudgetSpent, Unreachable) as exc:
        if isinstance(exc, Unreachable):
            session.unreachable.set()
        return str(exc)
    return "Other work is more urgent."


def _load_facts(session: CaptureSession, budget: CaptureBudget) -> CaptureFacts:
    with session.vault.read() as tx:
        return load_facts(
            tx, session.location_id, now=session.now(), policy=session.policy, usable=budget.allowance().usable
        )


def _perform(session: CaptureSession, step: CaptureStep) -> None:
    if step.way == "catalogue":
        capture_due_lists(session)
        session.idle.add((step.purpose, step.kind, step.way))
    elif step.way == "email":
        with session.vault.read() as tx:
            due = capture_state.list_due_subjects(tx, session.location_id, "email", at=session.now(), limit=step.calls)
        _capture_each(session, step, due, partial(capture_email_texts, session), "email")
    elif step.way in ("feed", "news"):
        read_feed(session, step.kind, step.calls, news=step.way == "news")
        _rest_if_ended(session, step)
    else:
        contact_ids = _next_contacts(session, step, max(1, int(step.calls / CALLS_PER_CONTACT[step.kind])))
        capture = partial(capture_records, session, kind=step.kind, on_odd=session.count_odd)
        _capture_each(session, step, contact_ids, capture, step.kind)


def _rest_if_ended(session: CaptureSession, step: CaptureStep) -> None:
    """Make a feed that was read to its end, or is left alone for now, idle for the rest of the session."""
    with session.vault.read() as tx:
        state = feeds.get(tx, session.location_id, step.kind)
    ways: Sequence[str] = ()
    if state.refused_at is not None:
        ways = ("feed", "news")
    elif state.began_at is None and not state.fails:
        ways = (step.way,)
    session.idle.update((purpose, step.kind, way) for purpose in Purpose for way in ways)


def _next_contacts(session: CaptureSession, step: CaptureStep, limit: int) -> list[str]:
    at, kind, location_id = session.now(), step.kind, session.location_id
    failed = session.failed.setdefault(f"{step.purpose}:{kind}", set())
    with session.vault.read() as tx:
        if step.purpose is Purpose.CHANGED:
            return capture_state.list_due(tx, location_id, kind, at=at, limit=limit, skip=failed)
        if step.purpose is Purpose.RENEW:
            before = session.policy.stale_before(at)
            return capture_state.list_stale(tx, location_id, kind, before=before, limit=limit, skip=failed)
        covered_at = feeds.get(tx, location_id, kind).covered_at
        while new := capture_state.list_never_captured(
            tx, location_id, kind, at=at, limit=limit, covered_at=covered_at, after=session.cursors.get(kind)
        ):
            session.cursors[kind] = new[-1]
            if found := [contact_id for _, contact_id in new if contact_id not in failed]:
                return found
    return []


def _capture_each(
    session: CaptureSession, step: CaptureStep, subjects: Sequence[str], capture: Callable[[str], int], kind: str
) -> None:
    """Capture these subjects (contact or message ids), several at a time. After many failures in a row the kind is left
    alone for this session. Raises Unreachable where HighLevel does not answer a control request either."""
    if not subjects:
        session.idle.add((step.purpose, step.kind, step.way))
        return

    def capture_unless_cancelled(subject: str) -> int:
        session.stop_if_cancelled()
        return capture(subject)

    failures = 0
    with ThreadPoolExecutor(session.workers, thread_name_prefix="capture") as pool:
        pending = {pool.submit(capture_unless_cancelled, subject): subject for subject in subjects}
        try:
            for future in as_completed(pending):
                failures = 0 if _handle(session, step, kind, pending[future], future) else failures + 1
                if failures >= MAX_FAILURES_IN_A_ROW:
                    _leave_alone(session, step)
                    pool.shutdown(cancel_futures=True)
                    return
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _handle(session: CaptureSession, step: CaptureStep, kind: str, subject: str, future: Future[int]) -> bool:
    """Handle one result. Returns False when HighLevel could not answer. Raises what HighLevel refuses everywhere."""
    try:
        session.captured[kind] += future.result()
        session.refusals[kind] = 0
        session.answered.add(kind)
    except FATAL_ERRORS as exc:
        if not isinstance(exc, REFUSALS):
            raise
        _handle_refusal(session, step, kind, subject, exc)
    except Unauthorized as exc:
        _handle_refusal(session, step, kind, subject, exc)
    except Gone:
        session.note("Some contacts do not exist any more; the next round will say so.")
        _postpone(session, kind, subject)
    except HighLevelError as exc:
        session.note(f"Some {kind_plural(kind)} could not be read and are asked for later: {exc}")
        if isinstance(exc, BrokenAnswer) and (session.answered & {kind, CONTROL} or _answers_control(session)):
            _note_failure(session, kind, subject, exc)
        _postpone(session, kind, subject)
        return False
    except StoreError:
        raise
    except Exception as exc:
        log.error("record_failed", kind=kind, text=describe_exception(exc))
        _note_failure(session, kind, subject, exc)
        session.note(f"Some {kind_plural(kind)} could not be stored and are set aside; the Activity page lists them.")
        _postpone(session, kind, subject)
    else:
        _settle(session, kind, subject)
    return True


def _leave_alone(session: CaptureSession, step: CaptureStep) -> None:
    """Leave this step alone for the rest of the session. Raises Unreachable."""
    if not _answers_control(session):
        raise Unreachable("HighLevel could not answer for many contacts in a row.")
    session.idle.add((step.purpose, step.kind, step.way))


def _answers_control(session: CaptureSession) -> bool:
    """Whether HighLevel answers a control request, so that its failures are those of what was asked for."""
    try:
        session.client.search_contacts(limit=1)
    except (BudgetSpent, Cancelled):
        raise
    except HighLevelError:
        return False
    session.answered.add(CONTROL)
    return True


def _note_failure(session: CaptureSession, kind: str, subject: str, exc: Exception) -> None:
    reference = record_reference(kind, subject)
    with session.write() as tx:
        quarantine.note_failure(tx, session.location_id, quarantine.RECORD, reference, exc, at=session.now())


def _settle(session: CaptureSession, kind: str, subject: str) -> None:
    """Take what was captured at last out of quarantine. `capture_records` does that for lists of records, which may
    have odd ones. Earlier versions wrote a blank for the colon."""
    reference = record_reference(kind, subject)
    known = {reference.replace(":", " ", 1), *([reference] if kind in ("detail", "email") else ())} & session.troubled
    if known:
        with session.write() as tx:
            quarantine.resolve(tx, session.location_id, quarantine.RECORD, known)


def _handle_refusal(
    session: CaptureSession, step: CaptureStep, kind: str, subject: str, refusal: HighLevelError
) -> None:
    """Postpone one contact that HighLevel refuses; leave the whole kind alone when the token lacks its scope, or when
    several were refused in a row. Raises the refusal when HighLevel refuses a control request too."""
    if (step.purpose, step.kind, step.way) in session.idle:  # left alone since this contact was asked for
        return
    raise_if_refused_everywhere(session.client, refusal)
    session.refusals[kind] += 1
    if isinstance(refusal, (ScopeMissing, ContractError)) or session.refusals[kind] >= MAX_REFUSALS_IN_A_ROW:
        _close(session, step, str(refusal))
        return
    session.note(f"HighLevel refuses some {kind_plural(kind)} alone; they are asked for later: {refusal}")
    _postpone(session, kind, subject)


def _postpone(session: CaptureSession, kind: str, subject: str) -> None:
    """Do not try the subject again in this session, nor within the next hour."""
    with session.write() as tx:
        capture_state.mark_due(tx, session.location_id, kind, [subject], at=session.now() + RETRY_AFTER)
    for purpose in Purpose:
        session.failed.setdefault(f"{purpose}:{kind}", set()).add(subject)


def _close(session: CaptureSession, step: CaptureStep, reason: str) -> None:
    """Leave this kind alone: the token may not read it."""
    session.note(f"The token may not read {kind_plural(step.kind)}: {reason}")
    session.idle.update((purpose, step.kind, step.way) for purpose in Purpose)
    with session.write() as tx:
        feeds.save(tx, session.location_id, PER_CONTACT_PREFIX + step.kind, refused_at=session.now(), note=reason)


def _report(session: CaptureSession, budget: CaptureBudget, reason: str) -> CaptureReport:
    now, allowance, policy = session.now(), budget.allowance(), session.policy
    with session.vault.read() as tx:
        facts = load_facts(tx, session.location_id, now=now, policy=policy, usable=allowance.usable)
        pace = load_pace(
            tx,
            session.location_id,
            facts,
            now=now,
            policy=policy,
            usable=allowance.usable,
            per_second=budget.per_second,
        )
    closed = [kind_plural(part.kind) for part in facts.kinds if not part.readable and part.contacts]
    if closed and not reason:
        reason = f"HighLevel refuses {joined(closed)}."
    if not reason and any(session.failed.values()):
        reason = "What could not be read is asked for later."
    session.notes.extend(filter(None, [describe_odd(session.odd)]))
    moments = forecast(facts, allowance, now, pace).values()
    known = [moment for moment in moments if moment is not None]
    return CaptureReport(
        session.location_id,
        budget.spent,
        dict(sorted(session.captured.items())),
        {part.kind: round(part.share, 4) for part in facts.kinds},
        max(known) if len(known) == len(facts.kinds) else None,
        complete=not reason,
        reason=reason,
        notes=tuple(session.notes),
        unreachable=session.unreachable.is_set(),
    )
