"""What a location has today: the users, pipelines, calendars and fields that a restore refers to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hlcore.model.custom_fields import FieldDefinition


@dataclass(frozen=True, slots=True)
class ReferenceData:
    """The lists of one location, None where a list could not be read.

    `users`: id → name of those who exist; `names`: id → name of all users ever seen. `pipelines`: id → (name, {stage
    id: stage name}); `calendars`: id → name; `past_pipelines`, `past_calendars`: the same of all that ever existed.
    `fields`, `businesses`: the ids that exist. `stage_choices`: where the user decided to put opportunities of a stage
    that no longer exists, "pipeline id/stage id" then → the same today, '' to leave them out."""

    users: Mapping[str, str] | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    pipelines: Mapping[str, tuple[str, Mapping[str, str]]] | None = None
    past_pipelines: Mapping[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)
    calendars: Mapping[str, str] | None = None
    past_calendars: Mapping[str, str] = field(default_factory=dict)
    fields: frozenset[str] | None = None
    businesses: frozenset[str] | None = None
    timezone: str = "UTC"
    stage_choices: Mapping[str, str] = field(default_factory=dict)

    def has_user(self, user_id: object) -> bool:
        """Whether a user with this id exists, or might because the list is not known."""
        return isinstance(user_id, str) and bool(user_id) and (self.users is None or user_id in self.users)


def same_name(one: str, other: str) -> bool:
    """Whether two names are equal apart from case and blanks around them; an empty name equals none."""
    return bool(one.strip()) and one.strip().casefold() == other.strip().casefold()


@dataclass(frozen=True, slots=True)
class FieldCatalogue:
    """The lists that a contact's own fields refer to. `fields`: custom fields by id, deleted ones marked; `users`: ids
    of those who can own a contact. None: not known, so that HighLevel itself must judge. `names`: of all users ever
    seen, by id. `timezone`: the location's."""

    fields: Mapping[str, FieldDefinition] | None = None
    users: frozenset[str] | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    timezone: str = "UTC"

    def label(self, field_id: str) -> str:
        """Return "custom field" and its name, or its id where no name is known."""
        known = (self.fields or {}).get(field_id)
        return f"custom field {known.name if known and known.name else field_id}"
