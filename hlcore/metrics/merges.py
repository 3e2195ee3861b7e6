"""A merge's loser: who won, and which records moved."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from hlcore.model.parts import decode
from hlcore.store import Vault, contacts, register
from hlcore.store.moved import moved

TITLES = ("title", "name", "subject", "body", "bodyText", "message")
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Moved:
    """A record that is the winner's now; `title` is what people know it by, '' for none."""

    kind: str
    record_id: str
    title: str


@dataclass(frozen=True, slots=True)
class Merge:
    """The winner (its name, or its id where nothing is known of it), what moved to it (the first `SHOWN`), and how many
    of each kind did. `still_there`: the winner is in HighLevel, as far as is known."""

    winner_id: str
    winner: str
    still_there: bool
    counts: dict[str, int] = field(default_factory=dict)
    records: tuple[Moved, ...] = ()


def merge_of(vault: Vault, location_id: str, contact_id: str) -> Merge | None:
    """The merge that this contact lost last; None where none is known."""
    with vault.read() as tx:
        rows = register.of_contact(tx, location_id, contact_id)
        newest = rows[-1] if rows else None
        if newest is None or newest.cause != "merge" or not newest.winner_id:
            return None
        held = contacts.get(tx, location_id, newest.winner_id)
        found = moved(tx, location_id, contact_id, newest.winner_id)
    name = (held.name or held.email or held.phone) if held is not None else ""
    listed = tuple(Moved(one.kind, one.record_id, _title(one.raw)) for one in found[:SHOWN])
    there = held is not None and held.status in ("present", "returned")
    counts = dict(Counter(one.kind for one in found))
    return Merge(newest.winner_id, name or newest.winner_id, there, counts, listed)


def _title(raw: bytes) -> str:
    entry = decode(raw)
    text = next((str(entry[name]) for name in TITLES if entry.get(name)), "")
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79] + "…"
