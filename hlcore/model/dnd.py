"""Do-not-disturb: a person's own settings, and how a contact is created so that nobody can be messaged meanwhile.

Creating a contact sets off the location's automations. A contact is therefore created with every channel closed, and
the person's own settings are written back afterwards, in one request, so that a channel the person closed is never
open in between. Channel names and states are those of `DndSettingsSchema` in HighLevel's OpenAPI file contacts.json;
version v3 of the API spells the same names with small letters.
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
class OwnSettings:
    """What a copy says about do-not-disturb. `everywhere`: HighLevel's `dnd`, which closes all channels. `channels`:
    those that are named, in the API's spelling. `others`: closed channels that the API does not let anybody write."""

    everywhere: bool
    channels: Channels
    others: tuple[str, ...] = ()

    def state(self, channel: str) -> str:
        """The channel's state; one that is not named is open, unless do-not-disturb holds everywhere."""
        named = self.channels.get(channel, {}).get("status", OPEN)
        return CLOSED if self.everywhere and named == OPEN and channel not in self.channels else named

    def is_open(self, channel: str) -> bool:
        """Whether a message could go out on this channel."""
        return not self.everywhere and self.state(channel) == OPEN


@dataclass(frozen=True, slots=True)
class QuietSettings:
    """How do-not-disturb travels: `create` belongs into the create call; `after`, if any, is the later update that
    brings the person's own settings back. `note` says in words what will differ from the copy, '' for nothing."""

    create: dict[str, Any]
    after: dict[str, Any] | None
    note: str = ""

    @property
    def final(self) -> dict[str, Any]:
        """What do-not-disturb shall be in the end."""
        return self.create if self.after is None else self.after


def own_settings(fields: Mapping[str, Any]) -> OwnSettings:
    """The settings in these fields of a contact, whichever generation of the API spelt them."""
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
    return OwnSettings(fields.get("dnd") is True, named, tuple(others))


def all_closed() -> dict[str, Any]:
    """Do-not-disturb everywhere and on each channel: nobody can be messaged."""
    return {"dnd": True, "dndSettings": {channel: {"status": CLOSED} for channel in CHANNELS}}


def quiet(own: OwnSettings, *, known: bool) -> QuietSettings:
    """How to create this person without a message going out. `known`: whether the copy tells the state of each
    channel; if not, or if a closed channel cannot be written, every channel stays closed."""
    closed = all_closed()
    if own.others and not own.everywhere:
        why = f"{', '.join(own.others)} was closed and cannot be written"
        return QuietSettings(closed, None, f"do-not-disturb stays on for all channels: {why}")
    if not known:
        note = "" if own.everywhere else "do-not-disturb stays on for all channels: the copy does not tell each channel"
        return QuietSettings(closed, None, note)
    after = {"dnd": own.everywhere, "dndSettings": {channel: _written(own, channel) for channel in CHANNELS}}
    return QuietSettings(closed, None if after == closed else after)


def plainer(after: dict[str, Any]) -> dict[str, Any]:
    """The same update with states alone, and `permanent` ones merely closed: for when HighLevel refuses the rest."""
    channels = {
        channel: {"status": CLOSED if value["status"] == FOREVER else value["status"]}
        for channel, value in after["dndSettings"].items()
    }
    return {**after, "dndSettings": channels}


def _written(own: OwnSettings, channel: str) -> dict[str, str]:
    return {**own.channels.get(channel, {}), "status": own.state(channel)}


def _stricter(first: dict[str, str] | None, second: dict[str, str]) -> dict[str, str]:
    """Of two spellings of one channel in one answer, the closed one."""
    return second if first is None or first["status"] == OPEN else first
