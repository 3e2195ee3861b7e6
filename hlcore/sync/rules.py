"""What a sync may conclude and how careful it is, for one location."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from hlcore.settings import Settings


@dataclass(frozen=True, slots=True)
class Rules:
    """`incident_floor` and `incident_share`: more missing at once than both is an incident. `index_lag`: contacts
    created or changed so recently are never suspected. `confirm_limit`: GETs spent on suspects in one run."""

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
    def of(cls, settings: Settings, floor: int | None = None, share: float | None = None) -> Rules:
        """The rules of these settings, with the location's own floor and share where it has them."""
        rules = cls(settings.incident_floor, settings.incident_share, settings.index_lag)
        return replace(
            rules,
            incident_floor=rules.incident_floor if floor is None else floor,
            incident_share=rules.incident_share if share is None else share,
        )

    def is_incident(self, missing: int, known: int) -> bool:
        """Whether so many missing at once, of so many known, must first be proven by a sample."""
        return missing > max(self.incident_floor, self.incident_share * known)
