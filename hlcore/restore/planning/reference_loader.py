"""What the location has today: the custom fields that still exist and the users who can own a contact.

What the location has today, beside its custom fields: users, pipelines, calendars, businesses, and automations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from hlcore.errors import BrokenAnswer, ContractError, Gone, Rejected, ScopeMissing, Unreachable
from hlcore.highlevel import Client
from hlcore.model.custom_fields import FieldDefinition
from hlcore.model.records import decode
from hlcore.model.reference_data import FieldCatalogue, ReferenceData
from hlcore.store import Vault, records

T = TypeVar("T")
_UNTOLD = (ScopeMissing, ContractError, Gone, Rejected, Unreachable)
"""Answers after which the vault's own copy of a list must do."""


class _Field(msgspec.Struct):
    id: str
    name: str | None = None
    dataType: str | None = None
    vanished: bool = False


class _User(msgspec.Struct):
    id: str
    deleted: object = None


def catalogue_of(vault: Vault, client: Client, location_id: str) -> FieldCatalogue:
    """The custom fields and users as HighLevel shows them now, else as last copied, else not known. Fields that
    existed once are there with their names, marked. Raises what makes asking on pointless (a refused token, …)."""
    past_fields = _kept(vault, location_id, "custom_field")
    rows = _ask(client.custom_fields)
    if rows is None and not past_fields:
        fields = None
    else:
        fields = {one.id: FieldDefinition(one.name or "", exists=False) for one, _ in past_fields}
        now = [one for one, there in past_fields if there] if rows is None else _fields(rows)
        fields |= {one.id: FieldDefinition(one.name or "", one.dataType or "") for one in now}
    return FieldCatalogue(fields, users_of(vault, client, location_id))


def users_of(vault: Vault, client: Client, location_id: str) -> frozenset[str] | None:
    """The users as HighLevel shows them now, else as last copied, else not known (None). Raises what makes asking on
    pointless."""
    rows = _ask(client.users)
    if rows is None:
        with vault.read() as tx:
            rows = [record.raw for record in records.catalogue(tx, location_id, "user")] or None
    if rows is None:
        return None
    return frozenset(user.id for user in _decoded(rows, list[_User]) if user.deleted is not True)


def _fields(rows: list[bytes]) -> list[_Field]:
    return _decoded(rows, list[_Field])


def _decoded(rows: list[bytes], kind: type[T]) -> T:
    try:
        return msgspec.convert([decode(row) for row in rows], kind)
    except msgspec.MsgspecError as exc:
        raise BrokenAnswer("HighLevel's list of custom fields or users cannot be read.") from exc


def _kept(vault: Vault, location_id: str, kind: str) -> list[tuple[_Field, bool]]:
    with vault.read() as tx:
        kept = records.catalogue(tx, location_id, kind, with_vanished=True)
    there = [record.vanished_at is None for record in kept]
    return list(zip(_fields([record.raw for record in kept]), there, strict=True))


def _ask(fetch: Callable[[], list[bytes]]) -> list[bytes] | None:
    try:
        return fetch()
    except _UNTOLD:
        return None


NAMED = 12
"""So many automations are warned about by name."""


def account_of(
    vault: Vault,
    client: Client,
    location_id: str,
    catalogue: FieldCatalogue,
    timezone: str,
) -> ReferenceData:
    """The lists as HighLevel shows them now, else as last copied, else not known. Raises what makes asking on
    pointless (a refused token, …)."""
    users, past_users = _list(vault, location_id, "user", client.users)
    pipelines, past_pipelines = _list(vault, location_id, "pipeline", client.pipelines)
    calendars, past_calendars = _list(vault, location_id, "calendar", client.calendars)
    businesses, _ = _list(vault, location_id, "business", client.businesses)
    here = None if users is None else [one for one in users if one.get("deleted") is not True]
    fields = catalogue.fields
    return ReferenceData(
        users=None if here is None else _names(here),
        names=_names([*past_users, *(users or ())]),
        pipelines=None if pipelines is None else _pipelines(pipelines),
        past_pipelines=_pipelines(past_pipelines),
        calendars=None if calendars is None else _names(calendars),
        past_calendars=_names(past_calendars),
        fields=None if fields is None else frozenset(key for key, one in fields.items() if one.exists),
        businesses=None if businesses is None else frozenset(_names(businesses)),
        timezone=timezone or "UTC",
    )


def warnings_of(vault: Vault, client: Client, location_id: str) -> tuple[str, ...]:
    """The published workflows and campaigns of the location, by name: what might start when contacts come back."""
    told = []
    for kind, noun, ask in (("workflow", "workflow", client.workflows), ("campaign", "campaign", client.campaigns)):
        rows, _ = _list(vault, location_id, kind, ask)
        if rows is None:
            told.append(f"The list of {noun}s could not be read; check in HighLevel what starts by itself.")
            continue
        names = sorted(str(one.get("name") or one["id"]) for one in rows if one.get("status") == "published")
        if names:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            listed = ", ".join(f"“{name}”" for name in names[:NAMED])
            told.append(
                f"{len(names)} published {noun}{'s' if len(names) != 1 else ''}: {listed}{more}. HighLevel does not "
                "say what starts them; one that starts when a contact is created or tagged will start, while every "
                "channel is closed."
            )
    return tuple(told)


Row = Mapping[str, Any]


def _list(
    vault: Vault, location_id: str, kind: str, ask: Callable[[], list[bytes]]
) -> tuple[list[Row] | None, list[Row]]:
    """(as it is now, None: not known; as it ever was, older bytes first)."""
    with vault.read() as tx:
        kept = records.catalogue(tx, location_id, kind, with_vanished=True)
        past = [one.raw for record in kept for one in records.versions(tx, location_id, kind, record.record_id)]
    ever = _rows([*past, *(record.raw for record in kept)])
    try:
        return _rows(ask()), ever
    except _UNTOLD:
        now = _rows([record.raw for record in kept if record.vanished_at is None])
        return now or None, ever


def _rows(raws: Iterable[bytes]) -> list[Row]:
    found = (decode(raw) for raw in raws)
    return [one for one in found if isinstance(one.get("id"), str)]


def _names(rows: Iterable[Row]) -> dict[str, str]:
    return {one["id"]: str(one.get("name") or "") for one in rows}


def _pipelines(rows: Iterable[Row]) -> dict[str, tuple[str, Mapping[str, str]]]:
    """Stages of all versions of a pipeline together; its newest name."""
    found: dict[str, tuple[str, Mapping[str, str]]] = {}
    for row in rows:
        stages = {one["id"]: str(one.get("name") or "") for one in row.get("stages") or () if "id" in one}
        before = found.get(row["id"], ("", {}))[1]
        found[row["id"]] = (str(row.get("name") or ""), {**before, **stages})
    return found
