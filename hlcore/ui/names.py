"""Names for ids: who owns a contact, what a custom field is called. From the catalogues as last copied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hlcore.model.naming import name_in
from hlcore.store import Tx, names, records


@dataclass(frozen=True, slots=True)
class Names:
    """User id → name and custom field id → name, of the accounts on show; vanished ones are still known."""

    users: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)

    def user(self, user_id: str) -> str:
        """The user's name; the id where it is not known; '' for nobody."""
        return self.users.get(user_id) or user_id

    def custom(self, field_id: str) -> str:
        """The field's name; the id where it is not known."""
        return self.fields.get(field_id) or field_id


def names_of(tx: Tx, location_ids: Sequence[str]) -> Names:
    """The names that these locations' catalogues tell."""
    found: dict[str, str] = {}
    for location_id in location_ids:
        for record in records.catalogue(tx, location_id, "custom_field", with_vanished=True):
            found[record.record_id] = name_in(record.raw)
    return Names(names.user_names(tx, location_ids), found)
