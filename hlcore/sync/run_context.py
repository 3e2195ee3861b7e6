"""A sync run of one location: its rules, its state, how it begins and ends, and its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hlcore.errors import HighLevelError, LocationInactive, TokenRefused, VaultError, WrongLocation
from hlcore.location_context import LocationContext
from hlcore.log_privacy import describe_exception
from hlcore.model.listing_verdict import describe_odd_rows
from hlcore.model.wording import plural
from hlcore.settings import Settings
from hlcore.store import leases, runs
from hlcore.store.contacts import presence
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.runs import Run

REFUSALS = (TokenRefused, WrongLocation, LocationInactive)


@dataclass(frozen=True, slots=True)
class SyncRules:
    """How careful a sync is.

    `incident_floor`, `incident_share`: more contacts missing at once than both is an incident. `index_lag`: contacts
    created or changed more recently are never suspected. `sample`: ids checked to prove an incident. `confirm_limit`:
    suspects, and contacts missing in an incident, checked by id in one run. `resume_within`: age up to which an
    interrupted run is resumed. `empty_confirm_after`: how long after an empty listing a second one is believed."""

    incident_floor: int = 50
    incident_share: float = 0.02
    index_lag: timedelta = timedelta(minutes=5)
    page_size: int = 500
    sample: int = 25
    confirm_limit: int = 1_000
    resume_within: timedelta = timedelta(hours=12)
    empty_confirm_after: timedelta = timedelta(minutes=10)
    workers: int = 8

    @classmethod
    def of(cls, settings: Settings, floor: int | None = None, share: float | None = None) -> SyncRules:
        """Return the rules of these settings, with the location's own floor and share where they are set."""
        rules = cls(settings.incident_floor, settings.incident_share, settings.index_lag)
        return replace(
            rules,
            incident_floor=rules.incident_floor if floor is None else floor,
            incident_share=rules.incident_share if share is None else share,
        )

    def is_incident(self, missing: int, known: int) -> bool:
        """Return whether `missing` of `known` contacts must first be proven by a sample."""
        return missing > max(self.incident_floor, self.incident_share * known)


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one run did. `outcome` is complete, incomplete or refused; `reason` says why, and lists the anomalies of a
    complete run. `by_highlevel`: the run ended because HighLevel could not be reached, or refused."""

    location_id: str
    outcome: str
    reason: str = ""
    seen: int = 0
    added: int = 0
    changed: int = 0
    suspected: int = 0
    deleted: int = 0
    returned: int = 0
    requests: int = 0
    seconds: float = 0.0
    by_highlevel: bool = False

    @property
    def needs_attention(self) -> bool:
        """Return whether the run was not complete, or left contacts undecided."""
        return self.outcome != "complete" or self.suspected > 0

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON of the command line."""
        members = asdict(self)
        del members["by_highlevel"]
        return members


@dataclass(slots=True)
class RunCounts:
    """What a run has counted so far. `alive` and `unsure` are suspects that exist after all or could not be checked;
    `odd` counts rows that were set aside by what is odd about them; `notes` are sentences for the report's reason."""

    added: int = 0
    changed: int = 0
    suspected: int = 0
    deleted: int = 0
    returned: int = 0
    alive: int = 0
    unsure: int = 0
    unreadable_dates: int = 0
    odd: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def add_page(self, added: int, changed: int, unreadable_dates: int) -> None:
        """Add the counts of one imported page."""
        self.added += added
        self.changed += changed
        self.unreadable_dates += unreadable_dates

    def counts(self) -> dict[str, int]:
        """Return the counts that are columns of a run."""
        return {name: getattr(self, name) for name in ("added", "changed", "suspected", "deleted", "returned")}


@dataclass(frozen=True, slots=True)
class LookupResult:
    """The answer of GET by id: `raw` when the contact exists, `deleted` when it surely does not. `message` says what
    HighLevel answered, or why nothing is known; `error` is the class of the fault where there was one."""

    contact_id: str
    raw: bytes | None = None
    deleted: bool = False
    message: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext(LocationContext):
    """One run in progress. `deleted`: contacts that this run has found deleted, by id; `uncounted`: dates
    (milliseconds) of odd rows that HighLevel counts beside the vault's contacts."""

    run: Run
    rules: SyncRules
    counts: RunCounts
    requests_before: int = 0
    deleted: dict[str, LookupResult] = field(default_factory=dict)
    uncounted: list[int] = field(default_factory=list)

    @property
    def requests(self) -> int:
        """Return the requests of this run, those before an interruption included."""
        return self.run.requests + self.client.requests - self.requests_before


def begin_run(kind: str, context: LocationContext, rules: SyncRules) -> RunContext:
    """Claim the location's run of this kind, resuming an interrupted one. Raises RunInProgress."""
    with context.write() as tx:
        run = runs.claim(
            tx,
            context.location_id,
            kind,
            at=context.now(),
            holder=leases.this_process(),
            resume_within=rules.resume_within,
        )
    return RunContext(
        context.vault,
        context.client,
        context.location_id,
        context.now,
        context.listener,
        context.cancelled,
        run=run,
        rules=rules,
        counts=RunCounts(run.added, run.changed, run.suspected, run.deleted, run.returned),
        requests_before=context.client.requests,
    )


def perform_run(context: RunContext, steps: Callable[[RunContext], tuple[str, str]], began: datetime) -> SyncReport:
    """Run `steps` and finish the run with the outcome and reason it returns, or with HighLevel's refusal or fault.
    Any other exception is raised again: one of our own releases the run for the next process, an unexpected one ends it
    as incomplete."""
    by_highlevel = False
    try:
        outcome, reason = steps(context)
    except HighLevelError as exc:
        by_highlevel = True
        outcome, reason = "refused" if isinstance(exc, REFUSALS) else "incomplete", f"{exc} {exc.hint}".strip()
    except BaseException as exc:
        if isinstance(exc, VaultError) or not isinstance(exc, Exception):
            with context.write() as tx:
                runs.release(tx, context.run.run_id)
        else:  # its checkpoint may be to blame: the next run starts anew
            reason = f"Something unexpected ended this run: {describe_exception(exc)}."
            finish_run(context, "incomplete", reason, seconds=(context.now() - began).total_seconds())
        raise
    report = finish_run(context, outcome, reason, seconds=(context.now() - began).total_seconds())
    return replace(report, by_highlevel=by_highlevel)


def finish_run(context: RunContext, outcome: str, reason: str, *, seconds: float) -> SyncReport:
    """Record the run as finished, forget its sightings, and return its report."""
    run_id, counts = context.run.run_id, context.counts
    with context.write() as tx:
        seen = presence.count_sightings(tx, run_id)
        counts.suspected = deletion_queries.count_suspects(tx, context.location_id)
        columns: dict[str, Any] = {"seen": seen, "requests": context.requests, **counts.counts()}
        runs.finish(tx, run_id, context.now(), outcome=outcome, reason=reason, **columns)
        presence.delete_sightings(tx, run_id)
    return SyncReport(context.location_id, outcome, reason, **columns, seconds=round(seconds, 3))


def describe_anomalies(context: RunContext) -> list[str]:
    """Return sentences about what was unusual in a complete run, and count its suspects."""
    counts, anomalies = context.counts, []
    if counts.alive:
        alive = plural(counts.alive, "living contact")
        anomalies.append(f"HighLevel's list left out {alive}, found when asked for by id.")
    if counts.unreadable_dates:
        anomalies.append(
            f"A date of {plural(counts.unreadable_dates, 'new or changed contact')} cannot be read; it counts as none."
        )
    anomalies += filter(None, [describe_odd_rows(counts.odd)])
    with context.vault.read() as tx:
        counts.suspected = deletion_queries.count_suspects(tx, context.location_id)
    if counts.suspected:
        missing = plural(counts.suspected, "missing contact")
        anomalies.append(f"{missing} could not be checked yet; the next run tries again.")
    return anomalies
