"""What the location has today, beside its custom fields: users, pipelines, calendars, businesses, and automations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hlcore.errors import ContractError, Gone, Rejected, ScopeMissing, Unreachable
from hlcore.highlevel import Client
from hlcore.model.account import Account
from hlcore.model.parts import decode
from hlcore.model.writable import Catalogue
from hlcore.store import Vault, records

_UNTOLD = (ScopeMissing, ContractError, Gone, Rejected, Unreachable)
"""Answers after which the vault's own copy of a list must do."""
NAMED = 12
"""So many automations are warned about by name."""


def account_of(
    vault: Vault,
    client: Client,
    location_id: str,
    catalogue: Catalogue,
    timezone: str,
) -> Account:
    """The lists as HighLevel shows them now, else as last copied, else not known. Raises what makes asking on
    pointless (a refused token, …)."""
    users, past_users = _list(vault, location_id, "user", client.users)
    pipelines, past_pipelines = _list(vault, location_id, "pipeline", client.pipelines)
    calendars, past_calendars = _list(vault, location_id, "calendar", client.calendars)
    businesses, _ = _list(vault, location_id, "business", client.businesses)
    here = None if users is None else [one for one in users if one.get("deleted") is not True]
    fields = catalogue.fields
    return Account(
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
