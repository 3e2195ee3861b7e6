"""Do-not-disturb: what a copy states, and how a contact is created without a message going out.

Creating a contact starts the location's automations. A contact is therefore created with every channel closed, and its
own settings are written afterwards, in one request, so that a channel which the contact closed is never open. Channel
names and states are those of `DndSettingsSchema` in HighLevel's OpenAPI file contacts.json; version v3 of the API
spells the names in lower case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CHANNELS = ("Call", "Email", "SMS", "WhatsApp", "GMB", "FB")
OPEN, CLOSED, FOREVER = "inactive", "active", "permanent"
STATES = frozenset({OPEN, CLOSED, FOREVER})
_SPELT = {channel.lower(): channel for channel in CHANNELS}
_PARTS = ("message", "code")

Channels = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class DndSettings:
    """What a copy states. `everywhere`: HighLevel's `dnd`, which closes all channels; `channels`: the channels that are
    named, in the API's spelling; `others`: closed channels that the API cannot write."""

    everywhere: bool
    channels: Channels
    others: tuple[str, ...] = ()

    def state(self, channel: str) -> str:
        """Return the channel's state. One that is not named is open, unless do-not-disturb is on everywhere."""
        named = self.channels.get(channel, {}).get("status", OPEN)
        return CLOSED if self.everywhere and named == OPEN and channel not in self.channels else named

    def is_open(self, channel: str) -> bool:
        """Whether a message can go out on this channel."""
        return not self.everywhere and self.state(channel) == OPEN


@dataclass(frozen=True, slots=True)
class QuietSettings:
    """How a contact gets its settings back: `create` is part of the create call, `update` (None: not needed) is sent
    afterwards. `note` says in words what will differ from the copy, '' for nothing."""

    create: dict[str, Any]
    update: dict[str, Any] | None
    note: str = ""


def dnd_settings(fields: Mapping[str, Any]) -> DndSettings:
    """Return the settings in these fields of a contact, in whichever version of the API they are spelled."""
    named: Channels = {}
    others: list[str] = []
    given = fields.get("dndSettings")
    for key, value in given.items() if isinstance(given, Mapping) else ():
        state = value.get("status") if isinstance(value, Mapping) else None
        if state not in STATES:
            continue
        channel = _SPELT.get(str(key).lower())
        if channel is not None:
            texts = {part: value[part] for part in _PARTS if isinstance(value.get(part), str) and value[part]}
            named[channel] = _stricter(named.get(channel), {"status": state, **texts})
        elif state != OPEN:
            others.append(str(key))
    return DndSettings(fields.get("dnd") is True, named, tuple(others))


def all_closed() -> dict[str, Any]:
    """Return the settings under which no message can go out: do-not-disturb everywhere and on each channel."""
    return {"dnd": True, "dndSettings": {channel: {"status": CLOSED} for channel in CHANNELS}}


def quiet_settings(own: DndSettings, *, known: bool) -> QuietSettings:
    """Decide how to create a contact with these settings without a message going out. Where the copy does not state
    each channel (`known` False), or a closed channel cannot be written, every channel stays closed."""
    closed = all_closed()
    if own.others and not own.everywhere:
        why = f"{', '.join(own.others)} was closed and cannot be written"
        return QuietSettings(closed, None, f"do-not-disturb stays on for all channels: {why}")
    if not known:
        note = "" if own.everywhere else "do-not-disturb stays on for all channels: the copy does not tell each channel"
        return QuietSettings(closed, None, note)
    update = {"dnd": own.everywhere, "dndSettings": {channel: _written(own, channel) for channel in CHANNELS}}
    return QuietSettings(closed, None if update == closed else update)


def simplified_update(update: dict[str, Any]) -> dict[str, Any]:
    """Return the update without texts and with `permanent` as `active`, for when HighLevel refuses it as it is."""
    channels = {
        channel: {"status": CLOSED if value["status"] == FOREVER else value["status"]}
        for channel, value in update["dndSettings"].items()
    }
    return {**update, "dndSettings": channels}


def _written(own: DndSettings, channel: str) -> dict[str, str]:
    return {**own.channels.get(channel, {}), "status": own.state(channel)}


def _stricter(first: dict[str, str] | None, second: dict[str, str]) -> dict[str, str]:
    """Return the closed one where an answer names a channel in two spellings."""
    return second if first is None or first["status"] == OPEN else first
