"""Loads what the location has today: custom fields, users, pipelines, calendars, businesses, and automations.

Each list is taken from HighLevel, else from the vault's last copy, else it is not known (None). What makes asking on
pointless (a refused token, a spent budget, …) is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hlcore.errors import ContractError, Gone, Rejected, ScopeMissing, Unreachable
from hlcore.location_context import LocationContext
from hlcore.model.custom_fields import FieldDefinition
from hlcore.model.json_codec import decode_object
from hlcore.model.reference_data import FieldCatalogue, ReferenceData
from hlcore.model.wording import plural
from hlcore.store import records

Row = Mapping[str, Any]
MAX_NAMES = 12
"""Automations that a warning names."""
_UNAVAILABLE = (ScopeMissing, ContractError, Gone, Rejected, Unreachable)
"""Answers after which the vault's own copy of a list is used."""


def load_field_catalogue(context: LocationContext) -> FieldCatalogue:
    """Return the location's custom fields and user ids. Fields that existed once are included, marked as such."""
    with context.vault.read() as tx:
        stored = records.list_of_kind(tx, context.location_id, "custom_field", with_vanished=True)
    rows = _fetch(context.client.custom_fields)
    if rows is None and not stored:
        fields = None
    else:
        current = [record.raw for record in stored if record.vanished_at is None] if rows is None else rows
        past = _rows(record.raw for record in stored)
        fields = {row["id"]: FieldDefinition(_text(row.get("name")), exists=False) for row in past}
        fields |= {
            row["id"]: FieldDefinition(_text(row.get("name")), _text(row.get("dataType"))) for row in _rows(current)
        }
    return FieldCatalogue(fields, load_user_ids(context))


def load_user_ids(context: LocationContext) -> frozenset[str] | None:
    """Return the ids of the location's users."""
    rows = _fetch(context.client.users)
    if rows is None:
        with context.vault.read() as tx:
            rows = [record.raw for record in records.list_of_kind(tx, context.location_id, "user")] or None
    if rows is None:
        return None
    return frozenset(row["id"] for row in _rows(rows) if row.get("deleted") is not True)


def load_reference_data(context: LocationContext, catalogue: FieldCatalogue, timezone: str) -> ReferenceData:
    """Return all other lists that a restore needs, with the names of what no longer exists."""
    users, past_users = _load_list(context, "user", context.client.users)
    pipelines, past_pipelines = _load_list(context, "pipeline", context.client.pipelines)
    calendars, past_calendars = _load_list(context, "calendar", context.client.calendars)
    businesses, _ = _load_list(context, "business", context.client.businesses)
    active_users = None if users is None else [user for user in users if user.get("deleted") is not True]
    fields = catalogue.fields
    return ReferenceData(
        users=None if active_users is None else _names(active_users),
        names=_names([*past_users, *(users or ())]),
        pipelines=None if pipelines is None else _pipelines(pipelines),
        past_pipelines=_pipelines(past_pipelines),
        calendars=None if calendars is None else _names(calendars),
        past_calendars=_names(past_calendars),
        fields=None if fields is None else frozenset(key for key, field in fields.items() if field.exists),
        businesses=None if businesses is None else frozenset(_names(businesses)),
        timezone=timezone or "UTC",
    )


def load_warnings(context: LocationContext) -> tuple[str, ...]:
    """Return what might start when contacts come back: the published workflows and campaigns, by name."""
    client = context.client
    warnings = []
    for kind, fetch in (("workflow", client.workflows), ("campaign", client.campaigns)):
        rows, _ = _load_list(context, kind, fetch)
        if rows is None:
            warnings.append(f"The list of {kind}s could not be read; check in HighLevel what starts by itself.")
            continue
        names = sorted(str(row.get("name") or row["id"]) for row in rows if row.get("status") == "published")
        if names:
            more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
            listed = ", ".join(f"“{name}”" for name in names[:MAX_NAMES])
            warnings.append(
                f"{plural(len(names), f'published {kind}')}: {listed}{more}. HighLevel does not "
                "say what starts them; one that starts when a contact is created or tagged will start, while every "
                "channel is closed."
            )
    return tuple(warnings)


def _fetch(fetch: Callable[[], list[bytes]]) -> list[bytes] | None:
    try:
        return fetch()
    except _UNAVAILABLE:
        return None


def _load_list(
    context: LocationContext, kind: str, fetch: Callable[[], list[bytes]]
) -> tuple[list[Row] | None, list[Row]]:
    """Return the rows of today (None: not known), and of all stored versions, oldest first."""
    with context.vault.read() as tx:
        stored = records.list_of_kind(tx, context.location_id, kind, with_vanished=True)
        versions = [
            version.raw
            for record in stored
            for version in records.versions(tx, context.location_id, kind, record.record_id)
        ]
    past = _rows([*versions, *(record.raw for record in stored)])
    fetched = _fetch(fetch)
    if fetched is not None:
        return _rows(fetched), past
    return _rows([record.raw for record in stored if record.vanished_at is None]) or None, past


def _rows(raws: Iterable[bytes]) -> list[Row]:
    """Return the entries that have an id; an odd one among them is left out and stops no plan."""
    rows = (decode_object(raw) for raw in raws)
    return [row for row in rows if isinstance(row.get("id"), str)]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _names(rows: Iterable[Row]) -> dict[str, str]:
    return {row["id"]: _text(row.get("name")) for row in rows}


def _pipelines(rows: Iterable[Row]) -> dict[str, tuple[str, Mapping[str, str]]]:
    """Return the stages of all versions of each pipeline together, under its newest name."""
    pipelines: dict[str, tuple[str, Mapping[str, str]]] = {}
    for row in rows:
        listed = row.get("stages")
        entries = [stage for stage in listed if isinstance(stage, dict)] if isinstance(listed, list) else []
        stages = {stage["id"]: _text(stage.get("name")) for stage in entries if isinstance(stage.get("id"), str)}
        earlier = pipelines.get(row["id"], ("", {}))[1]
        pipelines[row["id"]] = (_text(row.get("name")), {**earlier, **stages})
    return pipelines
