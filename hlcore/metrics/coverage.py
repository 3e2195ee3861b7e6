"""How much of what belongs to the contacts is safe, when all of it will be, and what is not yet safe of one person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from hlcore.metrics.deletions import iso
from hlcore.model.capture_forecast import forecast
from hlcore.model.capture_planner import Allowance, Policy
from hlcore.model.records import KINDS
from hlcore.settings import Settings
from hlcore.store import Tx, Vault, locations
from hlcore.store.capture import feeds
from hlcore.store.capture import state as capture_state
from hlcore.store.capture.facts import pace_of, survey
from hlcore.store.contacts.reads import StoredContact

NAMES = {
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
    """One kind of a location: of `of` living contacts it is safe for `safe`; for all by `done_by` (None: never at this
    pace). `closed`: the token may not read it."""

    kind: str
    safe: int
    of: int
    done_by: datetime | None
    closed: bool = False

    @property
    def name(self) -> str:
        """What people call it."""
        return NAMES[self.kind]

    @property
    def share(self) -> float:
        """0 … 1; 1 only when it is safe for everybody."""
        return 1.0 if self.safe >= self.of else min(self.safe / self.of, 0.9999)


@dataclass(frozen=True, slots=True)
class Coverage:
    """All kinds of a location. `done_by`: when everything will be safe at this pace, None when that cannot be said."""

    location_id: str
    kinds: tuple[KindCoverage, ...]
    done_by: datetime | None

    @property
    def complete(self) -> bool:
        """Whether everything is safe."""
        return all(each.safe >= each.of for each in self.kinds)

    @property
    def shares(self) -> dict[str, float]:
        """The share of each kind that is safe."""
        return {each.kind: round(each.share, 4) for each in self.kinds}


def coverage(vault: Vault, location_id: str, now: datetime, settings: Settings) -> Coverage:
    """The coverage of a location at `now`, from one snapshot: a few counts, whatever its size."""
    with vault.read() as tx:
        return coverage_in(tx, location_id, now, settings)


def coverage_in(tx: Tx, location_id: str, now: datetime, settings: Settings) -> Coverage:
    """As `coverage`, within a transaction."""
    day = locations.today(tx, location_id, now.astimezone(UTC).date().isoformat())
    limit = min(settings.requests_per_day, day.daily_limit or settings.requests_per_day)
    began = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    allowance = Allowance(limit, max(0, limit - day.requests), settings.unused_share, began, paced=True)
    speed = settings.requests_per_10s * (1 - settings.interactive_share) / 10
    facts = survey(tx, location_id, now=now, policy=Policy(), usable=allowance.usable)
    pace = pace_of(tx, location_id, facts, now=now, policy=Policy(), usable=allowance.usable, per_second=speed)
    moments = forecast(facts, allowance, now, pace)
    kinds = tuple(
        KindCoverage(part.kind, part.safe, part.live, moments[part.kind], closed=not part.open) for part in facts.parts
    )
    known = [each.done_by for each in kinds if each.done_by is not None]
    return Coverage(location_id, kinds, max(known) if len(known) == len(kinds) else None)


def of_person(tx: Tx, contact: StoredContact) -> dict[str, datetime | None]:
    """For each kind since when it is safe for this contact (read then, at the latest); None: not yet, or something has
    changed since."""
    mine = capture_state.of_contact(tx, contact.location_id, contact.contact_id)
    known = feeds.all_of(tx, contact.location_id)
    came = contact.date_added or contact.first_seen_at
    found: dict[str, datetime | None] = {}
    for kind in KINDS:
        covered = known[kind].covered_at if kind in known else None
        moments = [covered] if covered is not None and came < covered else []
        one = mine.get(kind)
        if one is not None and one.captured_at is not None:
            moments.append(one.captured_at)
        found[kind] = None if one is not None and one.due_at is not None else max(moments, default=None)
    return found


def safety(tx: Tx, contact: StoredContact) -> dict[str, Any]:
    """What `show` says: `safe` (kind → since when) and `not_safe` (kinds)."""
    found = of_person(tx, contact)
    return {
        "safe": {kind: iso(at) for kind, at in found.items() if at is not None},
        "not_safe": [kind for kind, at in found.items() if at is None],
    }
