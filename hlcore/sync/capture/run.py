"""Capturing what belongs to the contacts of a location: what is not yet safe, in the order of its value, as far as the
budget goes.

Nothing is held in memory but the next piece of work: what is left is a question to the database, and every answer is
kept at once. A sitting that ends anywhere, by the budget, a stop or a killed process, is therefore taken up by the
next one, which repeats at most the requests that were under way.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hlcore.errors import BudgetSpent, Gone, HighLevelError, Unreachable, VaultError
from hlcore.highlevel import Client
from hlcore.model.capture_forecast import forecast
from hlcore.model.capture_planner import CaptureFacts, CaptureStep, Policy, Purpose, next_step, wishes
from hlcore.model.progress import Listener, silent
from hlcore.model.records import COST, plural
from hlcore.store import Vault
from hlcore.store.capture import feeds
from hlcore.store.capture import state as capture_state
from hlcore.store.capture.facts import LONELY, pace_of, survey
from hlcore.store.capture.state import Place
from hlcore.sync.capture import session
from hlcore.sync.capture.budget import CaptureBudget
from hlcore.sync.capture.contact_records import RecordReader
from hlcore.sync.capture.feeds import walk
from hlcore.sync.capture.reference_lists import capture_due
from hlcore.sync.capture.session import CLOSED, ENDS, CaptureSession
from hlcore.sync.run_context import never

ROUND = "round"
ROUND_LASTS = timedelta(days=30)
STRIKES = 12
"""So many contacts in a row that HighLevel could not answer for end the sitting."""


@dataclass(frozen=True, slots=True)
class CaptureReport:
    """What one sitting did. `captured`: records new or changed, by kind. `coverage`: share of the living contacts whose
    records of a kind are safe, 0 … 1. `done_by`: when all will be safe at this pace (None: never, or not known).
    `reason`: why it ended before everything was done, '' when it did not; `notes`: what was odd."""

    location_id: str
    requests: int = 0
    captured: dict[str, int] = field(default_factory=dict)
    coverage: dict[str, float] = field(default_factory=dict)
    done_by: datetime | None = None
    complete: bool = False
    reason: str = ""
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The keys of the command line's contract."""
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


def capture(
    vault: Vault,
    client: Client,
    location_id: str,
    *,
    now: Callable[[], datetime],
    budget: CaptureBudget,
    listener: Listener = silent,
    cancelled: Callable[[], bool] = never,
    again: bool = False,
    policy: Policy | None = None,
    until: Callable[[], bool] = never,
    workers: int = 8,
) -> CaptureReport:
    """What is not yet safe of this location is captured, the most valuable first, until nothing is left, the budget
    ends, or `until` says that other work waits. With `again` everything that was captured before is read once more; a
    round that was stopped goes on where it was.

    What the sitting did stands among the location's runs. Never spends a request more than the budget allows. Raises
    TokenRefused, WrongLocation, LocationInactive, Cancelled, StoreError, and RunInProgress while another sitting of
    this location runs."""
    with session.exclusive_session(vault, location_id, now) as beat:
        rules = _round(vault, location_id, now, policy or Policy()) if again else policy or Policy()
        rules = rules.within(budget.allowance().usable)
        g = CaptureSession(vault, client.metered(budget.take), location_id, now, rules, listener, cancelled, workers)
        reason = _sit(g, budget, beat, until)
        if again and not reason:
            with vault.write(of=location_id) as tx:
                feeds.save(tx, location_id, ROUND, began_at=None)
        return _report(g, budget, reason)


def _sit(g: CaptureSession, budget: CaptureBudget, beat: Callable[[], None], until: Callable[[], bool]) -> str:
    """As `_work`; the sitting is a run, however it ends."""
    began, why = g.now(), "Interrupted."
    try:
        why = _work(g, budget, beat, until)
        return why
    except VaultError as exc:
        why = str(exc)
        raise
    finally:
        session.record_session(g, began=began, requests=budget.spent, why=why)


def _work(g: CaptureSession, budget: CaptureBudget, beat: Callable[[], None], until: Callable[[], bool]) -> str:
    """Step after step; why it ended early."""
    try:
        while not until():
            beat()
            facts = _facts(g, budget)
            step = next_step(facts, budget.allowance(), g.now(), but=g.idle)
            if step is None:
                return budget.reason(g.now()) if _left(facts, g) else ""
            _tell(g, facts)
            _perform(g, step)
    except BudgetSpent as exc:
        return str(exc)
    except Unreachable as exc:
        return str(exc)
    return "Other work is more urgent."


def _left(facts: CaptureFacts, g: CaptureSession) -> bool:
    return any(wish not in g.idle for wish in wishes(facts))


def _facts(g: CaptureSession, budget: CaptureBudget) -> CaptureFacts:
    with g.vault.read() as tx:
        return survey(tx, g.location_id, now=g.now(), policy=g.policy, usable=budget.allowance().usable)


def _tell(g: CaptureSession, facts: CaptureFacts) -> None:
    done = sum(part.safe for part in facts.parts)
    g.tell("Capturing what belongs to contacts", done, sum(part.live for part in facts.parts))


def _perform(g: CaptureSession, step: CaptureStep) -> None:
    wish = (step.purpose, step.kind, step.way)
    if step.way == "catalogue":
        capture_due(g)
        g.idle.add(wish)
    elif step.way == "email":
        _texts(g, step)
    elif step.way in ("feed", "news"):
        walk(g, step.kind, step.calls, news=step.way == "news")
        _rest_if_ended(g, step)
    else:
        _contacts(g, step)


def _rest_if_ended(g: CaptureSession, step: CaptureStep) -> None:
    """A feed that was walked to its end, or is left alone for now, is not wished for again in this sitting."""
    with g.vault.read() as tx:
        state = feeds.get(tx, g.location_id, step.kind)
    if state.refused_at is not None:
        g.idle |= {(purpose, step.kind, way) for purpose in Purpose for way in ("feed", "news")}
    elif state.began_at is None and not state.fails:
        g.idle |= {(purpose, step.kind, step.way) for purpose in Purpose}


def _texts(g: CaptureSession, step: CaptureStep) -> None:
    with g.vault.read() as tx:
        wanted = capture_state.subjects_due(tx, g.location_id, "email", at=g.now(), limit=step.calls)
    reader = RecordReader(g.vault, g.client, g.location_id, g.now, g.lock)
    _each(g, step, wanted, reader.capture_text, "email")


def _contacts(g: CaptureSession, step: CaptureStep) -> None:
    limit = max(1, int(step.calls / COST[step.kind]))
    reader = RecordReader(g.vault, g.client, g.location_id, g.now, g.lock)
    _each(g, step, _whom(g, step, limit), lambda contact_id: reader.capture(contact_id, step.kind), step.kind)


def _whom(g: CaptureSession, step: CaptureStep, limit: int) -> list[str]:
    """The next contacts of this step."""
    at, kind = g.now(), step.kind
    tried = g.tried.setdefault(f"{step.purpose}:{kind}", set())
    with g.vault.read() as tx:
        if step.purpose is Purpose.CHANGED:
            return capture_state.wanted(tx, g.location_id, kind, at=at, limit=limit, skip=tried)
        if step.purpose is Purpose.RENEW:
            before = g.policy.stale_before(at)
            return capture_state.stale(tx, g.location_id, kind, before=before, limit=limit, skip=tried)
        covered = feeds.get(tx, g.location_id, kind).covered_at
        after = g.places.get(kind)
        found: list[Place] = capture_state.never(
            tx, g.location_id, kind, at=at, limit=limit, covered_at=covered, after=after
        )
    if found:
        g.places[kind] = found[-1]
    return [contact_id for _, contact_id in found]


def _each(g: CaptureSession, step: CaptureStep, subjects: list[str], read: Callable[[str], int], kind: str) -> None:
    """Several at a time; each answer is kept as soon as it is there."""
    if not subjects:
        g.idle.add((step.purpose, step.kind, step.way))
        return
    strikes = 0
    with ThreadPoolExecutor(g.workers, thread_name_prefix="capture") as pool:
        waiting = {pool.submit(_unless_stopped, g, read, subject): subject for subject in subjects}
        try:
            for future in as_completed(waiting):
                strikes = 0 if _settle(g, step, kind, waiting[future], future) else strikes + 1
                if strikes >= STRIKES:
                    raise Unreachable("HighLevel could not answer for many contacts in a row.")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _unless_stopped(g: CaptureSession, read: Callable[[str], int], subject: str) -> int:
    g.stop_if_asked()
    return read(subject)


def _settle(g: CaptureSession, step: CaptureStep, kind: str, subject: str, future: Future[int]) -> bool:
    """What came of one; False when HighLevel could not answer."""
    try:
        g.taken[kind] += future.result()
        return True
    except ENDS:
        raise
    except CLOSED as exc:
        _close(g, step, str(exc))
        return True
    except Gone:
        g.note("Some contacts do not exist any more; the next round will say so.")
        _put_off(g, kind, subject)
        return True
    except HighLevelError as exc:
        g.note(f"Some {plural(kind)} could not be read and are asked for later: {exc}")
        _put_off(g, kind, subject)
        return False


def _put_off(g: CaptureSession, kind: str, subject: str) -> None:
    """Not in this sitting again, and not in the next hour."""
    with g.lock, g.vault.write(of=g.location_id) as tx:
        capture_state.want(tx, g.location_id, kind, [subject], at=g.now() + timedelta(hours=1))
    for purpose in Purpose:
        g.tried.setdefault(f"{purpose}:{kind}", set()).add(subject)


def _close(g: CaptureSession, step: CaptureStep, reason: str) -> None:
    g.note(f"The token may not read {plural(step.kind)}: {reason}")
    g.idle |= {(purpose, step.kind, step.way) for purpose in Purpose}
    with g.lock, g.vault.write(of=g.location_id) as tx:
        feeds.save(tx, g.location_id, LONELY + step.kind, refused_at=g.now(), note=reason)


def _report(g: CaptureSession, budget: CaptureBudget, reason: str) -> CaptureReport:
    now, allowance = g.now(), budget.allowance()
    with g.vault.read() as tx:
        facts = survey(tx, g.location_id, now=now, policy=g.policy, usable=allowance.usable)
        pace = pace_of(
            tx, g.location_id, facts, now=now, policy=g.policy, usable=allowance.usable, per_second=budget.per_second
        )
    moments = forecast(facts, allowance, now, pace).values()
    known = [each for each in moments if each is not None]
    return CaptureReport(
        g.location_id,
        budget.spent,
        dict(sorted(g.taken.items())),
        {part.kind: round(part.share, 4) for part in facts.parts},
        max(known) if len(known) == len(facts.parts) else None,
        complete=not reason,
        reason=reason,
        notes=tuple(g.notes),
    )


def _round(vault: Vault, location_id: str, now: Callable[[], datetime], policy: Policy) -> Policy:
    """The policy under which all that was captured before this round began is read again. A round that was stopped
    goes on."""
    with vault.write(of=location_id) as tx:
        began = feeds.get(tx, location_id, ROUND).began_at
        if began is None or now() - began > ROUND_LASTS:
            began = now()
            feeds.save(tx, location_id, ROUND, began_at=began)
    return replace(policy, renew_before=began)
