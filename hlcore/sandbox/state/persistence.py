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


class SavedRecord(msgspec.Struct, array_like=True):
    """A contact as stored in the file."""

    core: bytes
    extra: bytes
    added: int
    updated: int


class SavedTrash(msgspec.Struct, array_like=True):
    record: SavedRecord
    attached: Attached
    at: str


class SavedLocation(msgspec.Struct):
    id: str
    name: str
    settings: dict[str, Any]
    rows: dict[str, bool]
    lag: float
    counter: int
    providers: list[str]
    shelves: dict[str, Any]
    records: dict[str, SavedRecord]
    trash: dict[str, SavedTrash]


class SavedGrant(msgspec.Struct):
    location: str
    scopes: list[str] | None
    expires_at: str
    revoked: bool


class SavedSandbox(msgspec.Struct):
    kind: str
    seed: int
    counter: int
    tokens: dict[str, SavedGrant]
    oauth: dict[str, dict[str, str]]
    locations: list[SavedLocation]


def save(sandbox: Sandbox, path: Path) -> None:
    """Write everything but the ledger, the events and the active faults to this file, replacing it atomically."""
    with sandbox.lock:
        data = msgspec.msgpack.encode(_to_saved(sandbox))
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def load(sandbox: Sandbox, path: Path) -> None:
    """Replace everything in the sandbox by what was saved. Raises ValueError for a file of another kind."""
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
        sandbox.locations = {one.id: _from_saved_location(sandbox, one) for one in saved.locations}


def _to_saved(sandbox: Sandbox) -> SavedSandbox:
    tokens = {
        token: SavedGrant(
            g.location, sorted(g.scopes) if g.scopes is not None else None, _text(g.expires_at), g.revoked
        )
        for token, g in sandbox.tokens.items()
    }
    places = [_to_saved_location(location) for location in sandbox.locations.values()]
    return SavedSandbox(KIND, sandbox.seed, sandbox.ids.counter, tokens, asdict(sandbox.oauth), places)


def _to_saved_location(location: SandboxLocation) -> SavedLocation:
    shelves = {name: getattr(location.related, name) for name in RelatedData.__dataclass_fields__}
    trash = {
        id_: SavedTrash(_to_saved_record(item.record), item.attached, item.at) for id_, item in location.trash.items()
    }
    return SavedLocation(
        location.id, location.name, {key: getattr(location, key) for key in SETTINGS}, asdict(location.rows),
        location.faults.lag, location.ids.counter, sorted(location.message_providers), shelves,
        {id_: _to_saved_record(record) for id_, record in location.records.items()}, trash,
    )  # fmt: skip


def _from_saved_location(sandbox: Sandbox, saved: SavedLocation) -> SandboxLocation:
    location = SandboxLocation(sandbox, saved.id, saved.name, "")
    for key, value in saved.settings.items():
        setattr(location, key, value)
    location.rows = RowOptions(**saved.rows)
    location.faults.lag = saved.lag
    location.ids.counter = saved.counter
    location.message_providers = set(saved.providers)
    location.related = RelatedData(**saved.shelves)
    location.load_records((id_, _from_saved_record(one)) for id_, one in saved.records.items())
    location.trash = {
        id_: Trashed(_from_saved_record(one.record), one.attached, one.at) for id_, one in saved.trash.items()
    }
    return location


def _to_saved_record(record: ContactRecord) -> SavedRecord:
    return SavedRecord(record.core, record.extra, record.added, record.updated)


def _from_saved_record(saved: SavedRecord) -> ContactRecord:
    return ContactRecord(saved.core, saved.extra, saved.added, saved.updated)


def _from_saved_grant(saved: SavedGrant) -> SandboxGrant:
    expires = moment(saved.expires_at) if saved.expires_at else None
    return SandboxGrant(saved.location, set(saved.scopes) if saved.scopes is not None else None, expires, saved.revoked)


def _text(at: datetime | None) -> str:
    return iso(at) if at else ""
