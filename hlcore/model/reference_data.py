"""What a location has today, as far as it matters for what hangs on its contacts, and how its people read the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hlcore.model.custom_fields import FieldDefinition


@dataclass(frozen=True, slots=True)
class ReferenceData:
    """What the location has today. `users`: id → name of those who exist (None: not known); `names`: of all users ever
    seen; `pipelines`, `calendars`: id → (name, {stage id: stage name}) now; `past_pipelines`, `past_calendars`: as they
    were; `fields`, `businesses`: ids that exist (None: not known). `placed`: what a person chose for a stage that is
    gone: "pipeline/stage" then → "pipeline/stage" today, '' to leave its opportunities out."""

    users: Mapping[str, str] | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    pipelines: Mapping[str, tuple[str, Mapping[str, str]]] | None = None
    past_pipelines: Mapping[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)
    calendars: Mapping[str, str] | None = None
    past_calendars: Mapping[str, str] = field(default_factory=dict)
    fields: frozenset[str] | None = None
    businesses: frozenset[str] | None = None
    timezone: str = "UTC"
    placed: Mapping[str, str] = field(default_factory=dict)

    def has_user(self, user_id: object) -> bool:
        """Whether somebody with this id exists, or might."""
        return isinstance(user_id, str) and bool(user_id) and (self.users is None or user_id in self.users)


def same_name(one: str, other: str) -> bool:
    """Whether people would call both by one name."""
    return bool(one.strip()) and one.strip().casefold() == other.strip().casefold()


def local_time(at: datetime, timezone: str) -> str:
    """The moment to the minute in this time zone, with its name; in UTC where the name is not known."""
    try:
        zone = ZoneInfo(timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone, timezone = ZoneInfo("UTC"), "UTC"
    return f"{at.astimezone(zone):%-d %B %Y, %H:%M} ({timezone or 'UTC'})"


def iso(at: datetime) -> str:
    """As HighLevel writes moments: UTC with milliseconds."""
    plain = at.astimezone(UTC)
    return plain.strftime("%Y-%m-%dT%H:%M:%S.") + f"{plain.microsecond // 1000:03d}Z"


@dataclass(frozen=True, slots=True)
class FieldCatalogue:
    """What the location has now. `fields`: custom fields by id, vanished ones marked; `users`: ids of those who can
    own a contact. None: not known, so that HighLevel itself must judge."""

    fields: Mapping[str, FieldDefinition] | None = None
    users: frozenset[str] | None = None

    def label(self, field_id: str) -> str:
        """How people call this custom field."""
        known = (self.fields or {}).get(field_id)
        return f"custom field {known.name if known and known.name else field_id}"
