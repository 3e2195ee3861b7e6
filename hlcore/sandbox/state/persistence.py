"""Saves a sandbox to one file (MessagePack) and loads it again."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from hlcore.sandbox.ids import iso, parse_moment
from hlcore.sandbox.state.location import Attached, SandboxLocation, TrashedContact
from hlcore.sandbox.state.location_base import RelatedData, RowOptions
from hlcore.sandbox.state.record import ContactRecord
from hlcore.sandbox.state.sandbox import Sandbox, SandboxGrant, SandboxOAuth

KIND = "hlcore-sandbox-1"
SETTINGS = (
    "timezone", "allow_duplicates", "allow_duplicate_opportunities", "hipaa", "active", "country", "cascade_events",
)  # fmt: skip


class SavedRecord(msgspec.Struct, array_like=True):
    """A contact in the file."""

    core: bytes
    extra: bytes
    added: int
    updated: int


class SavedTrash(msgspec.Struct, array_like=True):
    """A deleted contact in the file, with its records."""

    record: SavedRecord
    attached: Attached
    at: str


class SavedLocation(msgspec.Struct):
    """A location in the file."""

    id: str
    name: str
    settings: dict[str, Any]
    rows: dict[str, bool]
    lag: float
    counter: int
    providers: list[str]
    related: dict[str, Any] = msgspec.field(name="shelves")
    records: dict[str, SavedRecord]
    trash: dict[str, SavedTrash]


class SavedGrant(msgspec.Struct):
    """What a token stands for, in the file."""

    location: str
    scopes: list[str] | None
    expires_at: str
    revoked: bool


class SavedSandbox(msgspec.Struct):
    """The whole file. ``kind`` is `KIND`."""

    kind: str
    seed: int
    counter: int
    tokens: dict[str, SavedGrant]
    oauth: dict[str, dict[str, str]]
    locations: list[SavedLocation]


def save(sandbox: Sandbox, path: Path) -> None:
    """Write everything but ledger, events and active faults to this file, replacing it atomically."""
    with sandbox.lock:
        data = msgspec.msgpack.encode(_to_saved(sandbox))
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load(sandbox: Sandbox, path: Path) -> None:
    """Replace everything in the sandbox by what the file holds. Raises ValueError for a file of another kind."""
    try:
        saved = msgspec.msgpack.decode(path.read_bytes(), type=SavedSandbox)
    except msgspec.DecodeError as exc:
        raise ValueError(f"{path.name} is not a saved sandbox") from exc
    if saved.kind != KIND:
        raise ValueError(f"{path.name} is not a saved sandbox of this version")
    with sandbox.lock:
        sandbox.seed = saved.seed
        sandbox.ids.counter = saved.counter
        sandbox.oauth = SandboxOAuth(**saved.oauth)
        sandbox.tokens = {token: _from_saved_grant(grant) for token, grant in saved.tokens.items()}
        sandbox.locations = {item.id: _from_saved_location(sandbox, item) for item in saved.locations}


def _to_saved(sandbox: Sandbox) -> SavedSandbox:
    tokens = {token: _to_saved_grant(grant) for token, grant in sandbox.tokens.items()}
    locations = [_to_saved_location(location) for location in sandbox.locations.values()]
    return SavedSandbox(KIND, sandbox.seed, sandbox.ids.counter, tokens, asdict(sandbox.oauth), locations)


def _to_saved_location(location: SandboxLocation) -> SavedLocation:
    related = {name: getattr(location.related, name) for name in RelatedData.__dataclass_fields__}
    trash = {
        id_: SavedTrash(_to_saved_record(item.record), item.attached, item.at) for id_, item in location.trash.items()
    }
    return SavedLocation(
        location.id, location.name, {key: getattr(location, key) for key in SETTINGS}, asdict(location.row_options),
        location.faults.lag, location.ids.counter, sorted(location.message_providers), related,
        {id_: _to_saved_record(record) for id_, record in location.records.items()}, trash,
    )  # fmt: skip


def _from_saved_location(sandbox: Sandbox, saved: SavedLocation) -> SandboxLocation:
    location = SandboxLocation(sandbox, saved.id, saved.name, "")
    for key, value in saved.settings.items():
        setattr(location, key, value)
    location.row_options = RowOptions(**saved.rows)
    location.faults.lag = saved.lag
    location.ids.counter = saved.counter
    location.message_providers = set(saved.providers)
    location.related = RelatedData(**saved.related)
    location.load_records((id_, _from_saved_record(record)) for id_, record in saved.records.items())
    location.trash = {
        id_: TrashedContact(_from_saved_record(item.record), item.attached, item.at)
        for id_, item in saved.trash.items()
    }
    return location


def _to_saved_record(record: ContactRecord) -> SavedRecord:
    return SavedRecord(record.core, record.extra, record.added, record.updated)


def _from_saved_record(saved: SavedRecord) -> ContactRecord:
    return ContactRecord(saved.core, saved.extra, saved.added, saved.updated)


def _to_saved_grant(grant: SandboxGrant) -> SavedGrant:
    scopes = sorted(grant.scopes) if grant.scopes is not None else None
    return SavedGrant(grant.location, scopes, iso(grant.expires_at) if grant.expires_at else "", grant.revoked)


def _from_saved_grant(saved: SavedGrant) -> SandboxGrant:
    expires = parse_moment(saved.expires_at) if saved.expires_at else None
    return SandboxGrant(saved.location, set(saved.scopes) if saved.scopes is not None else None, expires, saved.revoked)
