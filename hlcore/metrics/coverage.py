"""How many contacts are safe kind by kind, when all will be, and since when one contact is.

A kind of record is safe for a contact when it was captured and nothing has changed since.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from hlcore.model.capture_forecast import forecast
from hlcore.model.capture_planner import Allowance, CapturePolicy
from hlcore.model.moments import iso
from hlcore.model.records import KINDS
from hlcore.settings import Settings
from hlcore.store import Tx, Vault, locations
from hlcore.store.capture import feeds
from hlcore.store.capture import state as capture_state
from hlcore.store.capture.facts import load_facts, load_pace
from hlcore.store.contacts.reads import StoredContact
from hlcore.store.deletions.queries import Disappearance

KIND_NAMES = {
    "detail": "full details",
    "note": "notes",
    "task": "tasks",
    "opportunity": "opportunities",
    "appointment": "appointments",
    "conversation": "conversations",
    "message": "messages",
}
"""What people call the kinds."""


@dataclass(frozen=True, slots=True)
class KindCoverage:
    """One kind of record: safe for `safe` of `total` live contacts, for all by `done_by` (None: never at this pace).
    `closed`: the token may not read it."""

    kind: str
    safe: int
    total: int
    done_by: datetime | None
    closed: bool = False

    @property
    def name(self) -> str:
        """What people call the kind."""
        return KIND_NAMES[self.kind]

    @property
    def share(self) -> float:
        """The safe share, 0 … 1; 1 only when the kind is safe for every contact."""
        return 1.0 if self.safe >= self.total else min(self.safe / self.total, 0.9999)


@dataclass(frozen=True, slots=True)
class Coverage:
    """All kinds of a location. `done_by`: when everything will be safe; None: never at this pace."""

    location_id: str
    kinds: tuple[KindCoverage, ...]
    done_by: datetime | None

    @property
    def complete(self) -> bool:
        """Whether everything is safe."""
        return all(kind.safe >= kind.total for kind in self.kinds)

    @property
    def shares(self) -> dict[str, float]:
        """Kind → the safe share."""
        return {kind.kind: round(kind.share, 4) for kind in self.kinds}


def coverage(vault: Vault, location_id: str, now: datetime, settings: Settings) -> Coverage:
    """Return the coverage of a location at `now`, read in one snapshot with a few counts, whatever its size."""
    policy = CapturePolicy()
    with vault.read() as tx:
        allowance = _allowance(tx, location_id, now, settings)
        usable = allowance.usable
        speed = settings.requests_per_10s * (1 - settings.interactive_share) / 10
        facts = load_facts(tx, location_id, now=now, policy=policy, usable=usable)
        pace = load_pace(tx, location_id, facts, now=now, policy=policy, usable=usable, per_second=speed)
    moments = forecast(facts, allowance, now, pace)
    kinds = tuple(
        KindCoverage(state.kind, state.safe, state.contacts, moments[state.kind], closed=not state.readable)
        for state in facts.kinds
    )
    known = [kind.done_by for kind in kinds if kind.done_by is not None]
    return Coverage(location_id, kinds, max(known) if len(known) == len(kinds) else None)


def _allowance(tx: Tx, location_id: str, now: datetime, settings: Settings) -> Allowance:
    today = now.astimezone(UTC).date()
    usage = locations.get_usage(tx, location_id, today.isoformat())
    limit = min(settings.requests_per_day, usage.daily_limit or settings.requests_per_day)
    began = datetime.combine(today, time(), UTC)
    return Allowance(limit, max(0, limit - usage.requests), settings.unused_share, began, paced=True)


def kind_names(kinds: Iterable[str]) -> str:
    """Return what people call these kinds of records, as a list in words."""
    return ", ".join(KIND_NAMES.get(kind, kind) for kind in kinds)


def safe_since(tx: Tx, contact: StoredContact, lost: Disappearance | None = None) -> dict[str, datetime | None]:
    """Return kind → since when, at the latest, it is safe for this contact; None for a kind that is not. `lost`: the
    disappearance of one that is gone; what had not been captured by then never will be."""
    states = capture_state.states_of_contact(tx, contact.location_id, contact.contact_id)
    read_feeds = feeds.get_all(tx, contact.location_id)
    added = contact.date_added or contact.first_seen_at
    since: dict[str, datetime | None] = {}
    for kind in KINDS:
        covered = read_feeds[kind].covered_at if kind in read_feeds else None
        moments = [covered] if covered is not None and added < covered else []
        state = states.get(kind)
        if state is not None and state.captured_at is not None:
            moments.append(state.captured_at)
        since[kind] = None if state is not None and state.due_at is not None else max(moments, default=None)
        if lost is not None and kind in lost.not_captured:
            since[kind] = None
    return since


def safety_json(tx: Tx, contact: StoredContact, lost: Disappearance | None = None) -> dict[str, Any]:
    """Return `safe` (kind → since when) and `not_safe` (kinds), as `show` prints them, and of a contact that is gone
    `never_captured`: the kinds of which nobody knows what it had."""
    since = safe_since(tx, contact, lost)
    return {
        "never_captured": list(lost.not_captured) if lost is not None else [],
        "safe": {kind: iso(at) for kind, at in since.items() if at is not None},
        "not_safe": [kind for kind, at in since.items() if at is None],
    }
