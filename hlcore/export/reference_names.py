"""The names behind the ids of users, pipelines, stages and calendars, of those that no longer exist too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hlcore.model.json_codec import decode_lossy_object
from hlcore.model.records import record_name
from hlcore.store import Tx, records

NamesById = Mapping[tuple[str, str], str]
"""(location id, id) → name."""


@dataclass(frozen=True, slots=True)
class ReferenceNames:
    """Names by location and id."""

    users: NamesById = field(default_factory=dict)
    pipelines: NamesById = field(default_factory=dict)
    stages: NamesById = field(default_factory=dict)
    calendars: NamesById = field(default_factory=dict)

    def find(self, kind: str, location_id: str, entry_id: object) -> str | None:
        """Return the name of this user, pipeline, …; None where it is not known."""
        names: NamesById = getattr(self, kind)
        return names.get((location_id, entry_id)) if isinstance(entry_id, str) else None


def load_reference_names(tx: Tx, location_ids: Sequence[str]) -> ReferenceNames:
    """Return the names in the reference data of these locations, as last copied."""
    return ReferenceNames(
        _names(tx, location_ids, "user"),
        _names(tx, location_ids, "pipeline"),
        _stage_names(tx, location_ids),
        _names(tx, location_ids, "calendar"),
    )


def _names(tx: Tx, location_ids: Sequence[str], kind: str) -> dict[tuple[str, str], str]:
    return {
        (location_id, record.record_id): name
        for location_id in location_ids
        for record in records.iterate(tx, location_id, kind)
        if (name := record_name(record.raw))
    }


def _stage_names(tx: Tx, location_ids: Sequence[str]) -> dict[tuple[str, str], str]:
    names: dict[tuple[str, str], str] = {}
    for location_id in location_ids:
        for record in records.iterate(tx, location_id, "pipeline"):
            stages = decode_lossy_object(record.raw).get("stages")
            for stage in stages if isinstance(stages, list) else ():
                if isinstance(stage, dict) and isinstance(stage.get("id"), str) and isinstance(stage.get("name"), str):
                    names[location_id, stage["id"]] = stage["name"]
    return names
