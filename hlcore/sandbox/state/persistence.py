"""Saving a sandbox to one file and loading it again."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from hlcore.sandbox.ids import iso, moment
from hlcore.sandbox.state.location import Attached, SandboxLocation, Trashed
from hlcore.sandbox.state.location_base import RelatedData, RowOptions
from hlcore.sandbox.state.record import ContactRecord
from hlcore.sandbox.state.sandbox import Sandbox, SandboxGrant, SandboxOAuth

KIND = "hlcore-sandbox-1"
SETTINGS = (
    "timezone", "allow_duplicates", "allow_duplicate_opportunities", "hipaa", "active", "country", "cascade_events",
)  # fmt: skip


class Kept(msgspec.Struct, array_like=True):
    """A record, as it lies in the file."""

    core: bytes
    extra: bytes
    added: int
    updated: int


class KeptTrash(msgspec.Struct, array_like=True):
    record: Kept
    attached: Attached
    at: str


class KeptLocation(msgspec.Struct):
    id: str
    name: str
    settings: dict[str, Any]
    rows: dict[str, bool]
    lag: float
    counter: int
    providers: list[str]
    shelves: dict[str, Any]
    records: dict[str, Kept]
    trash: dict[str, KeptTrash]


class KeptGrant(msgspec.Struct):
    location: str
    scopes: list[str] | None
    expires_at: str
    revoked: bool


class KeptSandbox(msgspec.Struct):
    kind: str
    seed: int
    counter: int
    tokens: dict[str, KeptGrant]
    oauth: dict[str, dict[str, str]]
    locations: list[KeptLocation]


def save(sandbox: Sandbox, path: Path) -> None:
    """The file is whole at every moment: the old one, or the new one."""
    with sandbox.lock:
        data = msgspec.msgpack.encode(_kept(sandbox))
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def load(sandbox: Sandbox, path: Path) -> None:
    try:
        kept = msgspec.msgpack.decode(path.read_bytes(), type=KeptSandbox)
    except msgspec.DecodeError as exc:
        raise ValueError(f"{path.name} is not a saved sandbox") from exc
    if kept.kind != KIND:
        raise ValueError(f"{path.name} is not a saved sandbox of this version")
    with sandbox.lock:
        sandbox.seed = kept.seed
        sandbox.ids.counter = kept.counter
        sandbox.oauth = SandboxOAuth(**kept.oauth)
        sandbox.tokens = {token: _grant(grant) for token, grant in kept.tokens.items()}
        sandbox.locations = {one.id: _location(sandbox, one) for one in kept.locations}


def _kept(sandbox: Sandbox) -> KeptSandbox:
    tokens = {
        token: KeptGrant(g.location, sorted(g.scopes) if g.scopes is not None else None, _text(g.expires_at), g.revoked)
        for token, g in sandbox.tokens.items()
    }
    places = [_kept_location(location) for location in sandbox.locations.values()]
    return KeptSandbox(KIND, sandbox.seed, sandbox.ids.counter, tokens, asdict(sandbox.oauth), places)


def _kept_location(location: SandboxLocation) -> KeptLocation:
    shelves = {name: getattr(location.shelves, name) for name in RelatedData.__dataclass_fields__}
    trash = {id_: KeptTrash(_kept_record(item.record), item.attached, item.at) for id_, item in location.trash.items()}
    return KeptLocation(
        location.id, location.name, {key: getattr(location, key) for key in SETTINGS}, asdict(location.rows),
        location.faults.lag, location.ids.counter, sorted(location.message_providers), shelves,
        {id_: _kept_record(record) for id_, record in location.records.items()}, trash,
    )  # fmt: skip


def _location(sandbox: Sandbox, kept: KeptLocation) -> SandboxLocation:
    location = SandboxLocation(sandbox, kept.id, kept.name, "")
    for key, value in kept.settings.items():
        setattr(location, key, value)
    location.rows = RowOptions(**kept.rows)
    location.faults.lag = kept.lag
    location.ids.counter = kept.counter
    location.message_providers = set(kept.providers)
    location.shelves = RelatedData(**kept.shelves)
    location.load_records((id_, _record(one)) for id_, one in kept.records.items())
    location.trash = {id_: Trashed(_record(one.record), one.attached, one.at) for id_, one in kept.trash.items()}
    return location


def _kept_record(record: ContactRecord) -> Kept:
    return Kept(record.core, record.extra, record.added, record.updated)


def _record(kept: Kept) -> ContactRecord:
    return ContactRecord(kept.core, kept.extra, kept.added, kept.updated)


def _grant(kept: KeptGrant) -> SandboxGrant:
    expires = moment(kept.expires_at) if kept.expires_at else None
    return SandboxGrant(kept.location, set(kept.scopes) if kept.scopes is not None else None, expires, kept.revoked)


def _text(at: datetime | None) -> str:
    return iso(at) if at else ""
