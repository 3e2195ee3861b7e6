"""What the location has today: the custom fields that still exist and the users who can own a contact."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from hlcore.errors import BrokenAnswer, ContractError, Gone, Rejected, ScopeMissing, Unreachable
from hlcore.highlevel import Client
from hlcore.model.custom_values import FieldDefinition
from hlcore.model.parts import decode
from hlcore.model.writable import Catalogue
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


def catalogue_of(vault: Vault, client: Client, location_id: str) -> Catalogue:
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
    return Catalogue(fields, users_of(vault, client, location_id))


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
