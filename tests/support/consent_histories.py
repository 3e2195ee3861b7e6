"""Invented histories of consent: what a vault may hold of a person, and a reading of it that shares no code with ours.

A history is a list of copies, oldest first. Each shows do-not-disturb in some spelling, or hides it: rows that never
tell channels, details that were lost, answers that were read because of a webhook.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

CHANNELS = ("Call", "Email", "SMS", "WhatsApp", "GMB", "FB")
TOLD_OPEN: Mapping[str, Any] = {"dnd": False, "dndSettings": {channel: {"status": "inactive"} for channel in CHANNELS}}
SILENT: tuple[dict[str, Any], ...] = ({}, {"dnd": False}, {"dnd": None}, {"dnd": False, "dndSettings": {}})
CLOSING: tuple[dict[str, Any], ...] = (
    {"dnd": True},
    {"dnd": "true"},
    {"dnd": " TRUE "},
    {"dnd": "yes"},
    {"dnd": 1},
    {"dnd": ["on"]},
    {"dnd": False, "dndSettings": {"Email": {"status": "Active"}, "SMS": {"status": "ACTIVE "}}},
    {"dnd": False, "dndSettings": {"SMS": {"status": "active", "message": "STOP"}}},
    {"dnd": False, "dndSettings": {" sms": {"status": "permanent"}}},
    {"dnd": False, "dndSettings": {"WhatsApp": "active"}},
    {"dnd": False, "dndSettings": {"Call": {"status": "do not call"}}},
    {"dnd": False, "dndSettings": {"FB": {"status": 7}}},
    {"dnd": False, "dndSettings": {"GMB": True}},
    {"dnd": False, "dndSettings": {"RCS": {"status": "active"}}},
    {"dnd": False, "dndSettings": "active"},
    {"dnd": False, "dndSettings": ["SMS"]},
    {"dnd": False, "dndSettings": 3},
    {"dnd": False, "unsubscribeEmail": True},
)


@dataclass(frozen=True, slots=True)
class HistoryCopy:
    """One copy. `kind`: "row", "detail", or "webhook" (an answer to GET by id, read because of a webhook); `updated`:
    `dateUpdated`, None where the copy lacks it; `read`: when the vault read it."""

    kind: str
    settings: Mapping[str, Any]
    updated: datetime | None
    read: datetime

    @property
    def by_id(self) -> bool:
        return self.kind != "row"


def history(draw: random.Random, now: datetime) -> list[HistoryCopy]:
    """Return one person's copies, oldest first; the first one is a row or came with a webhook."""
    tells, dated = draw.random() < 0.5, draw.random() < 0.8
    updated, read, copies = now - timedelta(days=200), now - timedelta(days=150), list[HistoryCopy]()
    for number in range(draw.randint(1, 5)):
        kind = draw.choice(("row", "row", "webhook") if number == 0 else ("row", "row", "detail", "detail", "webhook"))
        chosen = draw.choices((TOLD_OPEN, draw.choice(SILENT), draw.choice(CLOSING)), (4, 3, 4))[0]
        settings = dict(chosen)
        if kind == "row" and not tells:
            settings.pop("dndSettings", None)
        updated += timedelta(days=draw.choice((0, 1)))
        read += timedelta(days=1)
        copies.append(HistoryCopy(kind, settings, updated if dated or draw.random() < 0.5 else None, read))
    return copies


def closes(settings: Mapping[str, Any], channel: str) -> bool:
    """Whether a copy with these settings may mean that the channel is closed."""
    given = settings.get("dndSettings")
    if settings.get("dnd") is not None and settings.get("dnd") is not False:
        return True
    if channel == "Email" and settings.get("unsubscribeEmail"):
        return True
    if given is not None and not isinstance(given, dict):
        return True
    known = {name.lower() for name in CHANNELS}
    return any(
        not _says_open(value)
        for name, value in (given or {}).items()
        if value not in (None, {}) and (name.strip().lower() == channel.lower() or name.strip().lower() not in known)
    )


def wrongly_open(copies: Iterable[HistoryCopy], final: Mapping[str, Any]) -> list[str]:
    """Return the channels that the contact has open although a copy closes them, and no answer to GET by id that is at
    least as new tells anything else."""
    held = list(copies)
    return [
        channel
        for channel in CHANNELS
        if not closes(final, channel)
        and any(
            closes(copy.settings, channel) and not any(_overrules(other, copy, channel) for other in held)
            for copy in held
        )
    ]


def _overrules(other: HistoryCopy, closing: HistoryCopy, channel: str) -> bool:
    dated = other.updated is not None and closing.updated is not None
    as_new = other.read >= closing.read and (
        not dated or (other.updated or other.read) >= (closing.updated or other.read)
    )
    says = other.settings.get("dnd") is False or bool(other.settings.get("dndSettings"))
    return other.by_id and as_new and says and not closes(other.settings, channel)


def _says_open(value: object) -> bool:
    status = value.get("status") if isinstance(value, dict) else None
    return isinstance(status, str) and status.strip().lower() == "inactive"
